import { useState } from 'preact/hooks'

/** A field for a test image's number. What is typed counts once it is entered; what is no number of an image is taken back. */
export function ImageNumber({
  title,
  count,
  index,
  isDisabled = false,
  onIndex,
}: {
  title: string
  /** Of images. */
  count: number
  /** null where something else than a test image is shown. */
  index: number | null
  isDisabled?: boolean
  onIndex: (index: number) => void
}) {
  /** What is being typed: the page may be drawn anew meanwhile. */
  const [draft, setDraft] = useState<string | null>(null)
  return (
    <label>
      {title}
      <input
        type="number"
        min={0}
        max={count - 1}
        disabled={isDisabled}
        value={draft ?? index ?? ''}
        onInput={({ currentTarget }) => setDraft(currentTarget.value)}
        onBlur={() => setDraft(null)}
        onChange={({ currentTarget }) => {
          const number = currentTarget.valueAsNumber
          setDraft(null)
          if (Number.isInteger(number) && number >= 0 && number < count) onIndex(number)
        }}
      />
    </label>
  )
}
