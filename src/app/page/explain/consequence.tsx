import type { ExplanationResult, LabelExplanation } from '../contract/engine-api.ts'
import { percent, points } from '../number-format.ts'
import type { Hiding } from './use-hiding.ts'

/** A part that moves the probability by less than this does not matter much. */
const minWeightThatMatters = 0.05

/** What follows from an explanation, in a sentence or two: whether a part decides, and how much is at stake. */
export function Consequence({
  explained,
  classNames,
  flip,
  hiding,
}: {
  explained: LabelExplanation
  classNames: readonly string[]
  flip: ExplanationResult['flip']
  hiding: Hiding
}) {
  const { label, probability, weights } = explained
  const [segment, weight] = weights.at(0) ?? [null, 0]
  const matters = Math.abs(weight) >= minWeightThatMatters
  const name = classNames[label]
  const worth = points(Math.abs(weight)).slice(1)
  const decisive = flip?.segment ?? segment
  return (
    <div class="consequence">
      <p class="follows">
        {flip ? (
          <>
            Without segment {flip.segment} the network says <strong>{classNames[flip.predicted]}</strong>.
          </>
        ) : matters ? (
          'None of the strongest parts changes the answer by itself.'
        ) : (
          <>
            <strong>No part matters much</strong> for {name}.
          </>
        )}
      </p>
      {segment !== null && (
        <p>
          {matters
            ? `Segment ${segment} counts most: ${worth} percentage points ${weight < 0 ? 'against' : 'for'} ${name}, whose probability is ${percent(probability)}.`
            : `Even segment ${segment}, which counts most, is worth no more than ${worth} percentage points ${weight < 0 ? 'against' : 'for'} ${name}, whose probability is ${percent(probability)}.`}
        </p>
      )}
      {decisive !== null && <HideButton segment={decisive} hiding={hiding} />}
    </div>
  )
}

/** Hides a segment that was spoken of, or shows it again. */
export function HideButton({ segment, hiding }: { segment: number; hiding: Hiding }) {
  return (
    <button
      type="button"
      onMouseEnter={() => hiding.highlight(segment)}
      onMouseLeave={() => hiding.highlight(null)}
      onFocus={() => hiding.highlight(segment)}
      onBlur={() => hiding.highlight(null)}
      onClick={() => hiding.toggle(segment)}
    >
      {hiding.hidden.has(segment) ? 'Show it again' : 'Hide it'}
    </button>
  )
}
