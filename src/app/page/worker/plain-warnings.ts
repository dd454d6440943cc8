import { caveatsOfAnswers, penaltyCaveat, penaltyInWords } from '../../../lime/explanation/caveats.ts'
import { type Attribution, Explanation } from '../../../lime/index.ts'
import { type AnswerWords, probabilityWords } from '../answer-words.ts'
import type { LabelExplanation } from '../contract/engine-api.ts'

/** What is said of, and where. */
interface Telling {
  readonly words?: AnswerWords
  /** Whether every mixture can be asked there. */
  readonly hasExact?: boolean
}

/**
 * What a reader should know about an explanation, as the library says it; but where that speaks of label numbers and of parameters
 * that the page does not have, with the classes' names and with what there is to be chosen on the page.
 */
export function plainWarnings(
  attribution: Attribution,
  explained: readonly LabelExplanation[],
  classNames: readonly string[],
  { words = probabilityWords, hasExact = true }: Telling = {},
): string[] {
  const { warnings, labels } = attribution
  const plain = new Map<string, string>()
  const flat = explained.filter(({ weights }) => weights.every(([, weight]) => weight === 0)).map(({ label }) => label)
  if (flat.length > 0 && flat.length < labels.length)
    for (const said of caveatsOfAnswers(labels, flat))
      plain.set(said, flatInWords(words.subject(flat.map((label) => classNames[label]).join(', '))))
  const alpha = attribution instanceof Explanation ? attribution.alpha : null
  const intervals = explained.flatMap(({ label, evidence }) =>
    evidence.method === 'lime' ? [[label, evidence.intervals] as const] : [],
  )
  const penalized = penaltyCaveat(new Map(intervals))
  if (penalized && alpha !== null) {
    const { label, interval } = penalized
    const [weight, low, high] = [interval.weight, interval.low, interval.high].map(words.weight)
    plain.set(
      penaltyInWords(penalized, alpha),
      `The weights are not final: with endless samples segment ${attribution.segmentIds[interval.segment]} would get ${low === high ? low : `${low} to ${high}`} for ${classNames[label]}, not ${weight}. For exact weights take more samples${hasExact ? ', or choose “Every mixture” as the sampling, under Settings' : ''}.`,
    )
  }
  return warnings.map((said) => plain.get(said) ?? said)
}

function flatInWords(subject: string): string {
  return `${subject[0].toUpperCase()}${subject.slice(1)} is the same whatever is hidden: nothing can be explained there.`
}
