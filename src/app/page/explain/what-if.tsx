import { type AnswerWords, probabilityWords } from '../answer-words.ts'
import type { LabelExplanation } from '../contract/engine-api.ts'
import { AnswerCell } from '../parts/answer-cell.tsx'
import { predictedOf } from '../pictures/use-prediction.ts'
import type { Hiding } from './use-hiding.ts'

/** What the network says when parts of the picture are hidden: the one pointed at, and those that were pressed. */
export function WhatIf({
  explained,
  classNames,
  words = probabilityWords,
  hiding: { highlighted, hidden, withoutHighlighted, withoutHidden, showAll },
}: {
  explained: LabelExplanation
  classNames: readonly string[]
  words?: AnswerWords
  hiding: Hiding
}) {
  const { label, probability, weights, evidence } = explained
  const { isProbability, number } = words
  const name = classNames[label]
  const becomes = (probabilities: Float32Array | null) => {
    const predicted = probabilities && isProbability ? predictedOf(probabilities) : null
    return predicted === null || predicted === label ? null : classNames[predicted]
  }
  const rank = weights.findIndex(([segment]) => segment === highlighted)
  const pressed = Array.from(hidden).sort((a, b) => a - b)
  /** Hidden alone, the one pointed at has its row below already. */
  const isSaidBelow = highlighted !== null && pressed.length === 1 && hidden.has(highlighted)
  const pointedAt = isSaidBelow ? null : highlighted
  const withoutPressed = `Without segment${pressed.length === 1 ? '' : 's'} ${pressed.join(', ')}`
  return (
    <div class="what-if">
      <table>
        <caption>What if parts are hidden? {words.title(name)}</caption>
        <tbody>
          <Row words={words} term="Whole picture" said={probability} becomes={null} />
          <Row
            words={words}
            term={pointedAt === null ? 'Without one segment' : `Without segment ${pointedAt}`}
            said={pointedAt === null ? null : (withoutHighlighted?.[label] ?? null)}
            becomes={pointedAt === null ? null : becomes(withoutHighlighted)}
          />
          <Row
            words={words}
            term={pressed.length === 0 ? 'Without those hidden' : withoutPressed}
            said={withoutHidden?.[label] ?? null}
            becomes={becomes(withoutHidden)}
          />
        </tbody>
      </table>
      <div class="what-if-note">
        <p class="hint">
          {rank < 0
            ? 'Press a segment, in the picture or the table, to hide it. Press it again to show it.'
            : `Segment ${highlighted} is number ${rank + 1} of ${weights.length}: ${words.weight(weights[rank][1])}${confidenceOf(evidence, rank, words)}.`}
        </p>
        <button type="button" disabled={pressed.length === 0} onClick={showAll}>
          Show all
        </button>
      </div>
      <p class="visually-hidden" role="status">
        {withoutHidden &&
          `${withoutPressed}: ${isProbability ? `${classNames[predictedOf(withoutHidden)]}; ` : ''}${name} ${number(withoutHidden[label])} instead of ${number(probability)}.`}
      </p>
    </div>
  )
}

function confidenceOf(evidence: LabelExplanation['evidence'], rank: number, { weight }: AnswerWords): string {
  if (evidence.method !== 'lime') return ''
  const { low, high } = evidence.intervals[rank]
  return `, with 95 % confidence ${weight(low)} to ${weight(high)}`
}

function Row({
  words,
  term,
  said,
  becomes,
}: {
  words: AnswerWords
  term: string
  /** null: not known, or nothing is hidden. */
  said: number | null
  /** The class that is predicted then, where it is another. */
  becomes: string | null
}) {
  return (
    <tr class={said === null ? 'is-empty' : undefined}>
      <th scope="row">{term}</th>
      <AnswerCell said={said} words={words}>
        <span class="becomes">{becomes && `→ ${becomes}`}</span>
      </AnswerCell>
    </tr>
  )
}
