import { useId, useMemo, useState } from 'preact/hooks'

/** Which class is asked about: any of the network's, found by a part of its name. */
export function ClassChoice({
  title,
  classNames,
  asked,
  onLabel,
}: {
  title: string
  classNames: readonly string[]
  asked: number
  onLabel: (label: number) => void
}) {
  const id = useId()
  const [draft, setDraft] = useState<string | null>(null)
  /** Two classes may have one name: those have their numbers, too. */
  const labels = useMemo(() => {
    const seen = new Map<string, number>()
    for (const name of classNames) seen.set(name, (seen.get(name) ?? 0) + 1)
    const choices = classNames.map((name, label) => ((seen.get(name) ?? 0) > 1 ? `${name} (class ${label})` : name))
    return new Map(choices.map((choice, label) => [choice, label]))
  }, [classNames])
  const choices = Array.from(labels.keys())
  const isUnknown = draft !== null && draft !== '' && !labels.has(draft)
  return (
    <label class="class-choice">
      {title}
      <input
        type="text"
        list={id}
        value={draft ?? choices[asked]}
        autocomplete="off"
        spellcheck={false}
        aria-invalid={isUnknown}
        // All names are offered again, not only those that contain the chosen one.
        onFocus={() => setDraft('')}
        placeholder={choices[asked]}
        onInput={({ currentTarget: { value } }) => {
          setDraft(value)
          const label = labels.get(value)
          if (label !== undefined) onLabel(label)
        }}
        onKeyDown={(event) => {
          if (event.key === 'Escape') event.currentTarget.blur()
          if (event.key !== 'Enter' || draft === null || draft === '') return
          event.preventDefault()
          const found = choices.find((choice) => choice.toLowerCase().includes(draft.toLowerCase()))
          const label = found === undefined ? undefined : labels.get(found)
          if (label === undefined) return
          onLabel(label)
          event.currentTarget.blur()
        }}
        onBlur={() => setDraft(null)}
      />
      <datalist id={id}>
        {choices.map((choice) => (
          <option key={choice} value={choice} />
        ))}
      </datalist>
    </label>
  )
}
