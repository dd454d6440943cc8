import type { ComponentChildren } from 'preact'
import type { AnswerWords } from '../answer-words.ts'

/** A table's cell with what a network says of a class; probabilities have a bar, which is decoration. */
export function AnswerCell({
  said,
  words: { isProbability, number },
  children,
}: {
  /** null: not known. */
  said: number | null
  words: AnswerWords
  children?: ComponentChildren
}) {
  const data = { [isProbability ? 'data-probability' : 'data-value']: said ?? undefined }
  return (
    <td {...data}>
      {isProbability && (
        <span class="bar" aria-hidden="true">
          <span style={{ width: `${(said ?? 0) * 100}%` }} />
        </span>
      )}
      <span class="number">{said === null ? '–' : number(said)}</span>
      {children}
    </td>
  )
}
