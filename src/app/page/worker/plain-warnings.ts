import { caveatsOfAnswers, penaltyCaveat, penaltyInWords } from '../../../lime/explanation/caveats.ts'
import { type Attribution, Explanation } from '../../../lime/index.ts'
import type { LabelExplanation } from '../contract/engine-api.ts'
import { signed } from '../number-format.ts'

/**
 * What a reader should know about an explanation, as the library says it; but where that speaks of label numbers and of parameters
 * that the page does not have, with the classes' names and with what there is to be chosen on the page.
 */
export function plainWarnings(
  attribution: Attribution,
  explained: readonly LabelExplanation[],
  classNames: readonly string[],
): string[] {
  const { warnings, labels } = attribution
  const plain = new Map<string, string>()
  const flat = explained.filter(({ weights }) => weights.every(([, weight]) => weight === 0)).map(({ label }) => label)
  if (flat.length > 0 && flat.length < labels.length)
    for (const said of caveatsOfAnswers(labels, flat))
      plain.set(said, flatInWords(flat.map((label) => classNames[label])))
  const alpha = attribution instanceof Explanation ? attribution.alpha : null
  const intervals = explained.flatMap(({ label, evidence }) =>
    evidence.method === 'lime' ? [[label, evidence.intervals] as const] : [],
  )
  const penalized = penaltyCaveat(new Map(intervals))
  if (penalized && alpha !== null) {
    const { label, interval } = penalized
    const [weight, low, high] = [interval.weight, interval.low, interval.high].map(signed)
    plain.set(
      penaltyInWords(penalized, alpha),
      `The weights are not final: with endless samples segment ${interval.segment} would get ${low === high ? low : `${low} to ${high}`} for ${classNames[label]}, not ${weight}. For exact weights take more samples, or choose “Every mixture” as the sampling, under Settings.`,
    )
  }
  return warnings.map((said) => plain.get(said) ?? said)
}

function flatInWords(names: readonly string[]): string {
  return `The probability of ${names.join(', ')} is the same whatever is hidden: nothing can be explained there.`
}
