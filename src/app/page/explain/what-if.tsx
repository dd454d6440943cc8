import type { LabelExplanation } from '../contract/engine-api.ts'
import { percent, signed } from '../number-format.ts'
import { predictedOf } from '../pictures/use-prediction.ts'
import type { Hiding } from './use-hiding.ts'

/** What the network says when parts of the picture are hidden: the one pointed at, and those that were pressed. */
export function WhatIf({
  explained,
  classNames,
  hiding: { highlighted, hidden, withoutHighlighted, withoutHidden, showAll },
}: {
  explained: LabelExplanation
  classNames: readonly string[]
  hiding: Hiding
}) {
  const { label, probability, weights, evidence } = explained
  const name = classNames[label]
  const becomes = (probabilities: Float32Array | null) => {
    const predicted = probabilities && predictedOf(probabilities)
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
        <caption>What if parts are hidden? Probability of {name}</caption>
        <tbody>
          <Row term="Whole picture" probability={probability} becomes={null} />
          <Row
            term={pointedAt === null ? 'Without one segment' : `Without segment ${pointedAt}`}
            probability={pointedAt === null ? null : (withoutHighlighted?.[label] ?? null)}
            becomes={pointedAt === null ? null : becomes(withoutHighlighted)}
          />
          <Row
            term={pressed.length === 0 ? 'Without those hidden' : withoutPressed}
            probability={withoutHidden?.[label] ?? null}
            becomes={becomes(withoutHidden)}
          />
        </tbody>
      </table>
      <div class="what-if-note">
        <p class="hint">
          {rank < 0
            ? 'Press a segment, in the picture or the table, to hide it. What is hidden shows its mean colour.'
            : `Segment ${highlighted} is number ${rank + 1} of ${weights.length}: ${signed(weights[rank][1])}${confidenceOf(evidence, rank)}.`}
        </p>
        <button type="button" disabled={pressed.length === 0} onClick={showAll}>
          Show all
        </button>
      </div>
      <p class="visually-hidden" role="status">
        {withoutHidden &&
          `${withoutPressed}: ${classNames[predictedOf(withoutHidden)]}; ${name} ${percent(withoutHidden[label])} instead of ${percent(probability)}.`}
      </p>
    </div>
  )
}

function confidenceOf(evidence: LabelExplanation['evidence'], rank: number): string {
  if (evidence.method !== 'lime') return ''
  const { low, high } = evidence.intervals[rank]
  return `, with 95 % confidence ${signed(low)} to ${signed(high)}`
}

function Row({
  term,
  probability,
  becomes,
}: {
  term: string
  /** null: not known, or nothing is hidden. */
  probability: number | null
  /** The class that is predicted then, where it is another. */
  becomes: string | null
}) {
  return (
    <tr class={probability === null ? 'is-empty' : undefined}>
      <th scope="row">{term}</th>
      <td data-probability={probability ?? undefined}>
        <span class="bar" aria-hidden="true">
          <span style={{ width: `${(probability ?? 0) * 100}%` }} />
        </span>
        <span class="number">{probability === null ? '–' : percent(probability)}</span>
        <span class="becomes">{becomes && `→ ${becomes}`}</span>
      </td>
    </tr>
  )
}
