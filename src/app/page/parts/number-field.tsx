import { useId, useState } from 'preact/hooks'
import { count } from '../number-format.ts'

/**
 * A field for a whole number. Whatever is typed, `onValue` is only told of numbers within the range; of any other the field says
 * what it takes, and leaving it brings the last good number back.
 */
export function NumberField({
  title,
  min,
  max,
  value,
  placeholder,
  isDisabled = false,
  isTakenAtOnce = false,
  onValue,
}: {
  title: string
  min: number
  max: number
  /** null where there is none now. */
  value: number | null
  placeholder?: string
  isDisabled?: boolean
  /** With every key, not only when it is entered. */
  isTakenAtOnce?: boolean
  onValue: (value: number) => void
}) {
  /** What is being typed: the page may be drawn anew meanwhile. */
  const [draft, setDraft] = useState<string | null>(null)
  const [problem, setProblem] = useState<string | null>(null)
  const id = useId()
  const read = ({ value: text, valueAsNumber: number }: HTMLInputElement): number | null => {
    const isGood = Number.isInteger(number) && number >= min && number <= max
    const range = `a whole number from ${count(min)} to ${count(max)}`
    setProblem(isGood ? null : `${text === '' ? 'Expected' : `${text} can’t be taken: expected`} ${range}.`)
    return isGood ? number : null
  }
  return (
    <div class="number-field">
      <label>
        {title}
        <input
          type="number"
          min={min}
          max={max}
          disabled={isDisabled}
          value={draft ?? value ?? ''}
          placeholder={placeholder}
          aria-invalid={problem !== null && draft !== null}
          aria-describedby={problem === null ? undefined : id}
          onInput={({ currentTarget }) => {
            setDraft(currentTarget.value)
            const number = isTakenAtOnce ? read(currentTarget) : null
            if (number !== null) onValue(number)
          }}
          onChange={({ currentTarget }) => {
            const number = read(currentTarget)
            if (number === null) return
            setDraft(null)
            if (!isTakenAtOnce) onValue(number)
          }}
          onBlur={() => setDraft(null)}
        />
      </label>
      {problem !== null && (
        <span id={id} class="field-problem" role="alert">
          {problem} {draft === null && value !== null && `It stays at ${count(value)}.`}
        </span>
      )}
    </div>
  )
}
