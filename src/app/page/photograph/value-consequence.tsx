import { valueWords } from '../answer-words.ts'
import type { LabelExplanation } from '../contract/engine-api.ts'
import { HideButton } from '../explain/consequence.tsx'
import type { Hiding } from '../explain/use-hiding.ts'

/** What follows from an explanation of a value. How much is much, only those know who know what it measures. */
export function ValueConsequence({
  explained: { probability: value, weights },
  name,
  hiding,
}: {
  explained: LabelExplanation
  name: string
  hiding: Hiding
}) {
  const [segment, weight] = weights.at(0) ?? [null, 0]
  const worth = valueWords.weight(Math.abs(weight)).slice(1)
  return (
    <div class="consequence">
      <p class="follows">
        {segment === null || weight === 0
          ? `No part of the picture changes ${name}.`
          : `Segment ${segment} counts most: it ${weight < 0 ? 'lowers' : 'raises'} ${name} by ${worth}.`}
      </p>
      <p>
        Of the whole picture {name} is {valueWords.number(value)}.
      </p>
      {segment !== null && <HideButton segment={segment} hiding={hiding} />}
    </div>
  )
}
