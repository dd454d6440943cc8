import { optionsOf, wholeNumber } from '../../engine/arguments.ts'
import { chanceOfAnotherOrder, estimatesOf } from '../fit/confidence.ts'
import { mostSegmentsForExact } from '../fit/every-mask.ts'
import { type Evidence, evidenceOf, exactEvidence, type Question, type SampledAnswers } from '../fit/evidence.ts'
import type { Surrogate } from '../fit/surrogate.ts'
import { type PredictionOptions, predictPerturbed } from '../samples/predictors.ts'
import { type Masks, mostSamples } from '../samples/sampling.ts'
import { inTurns, type Steps } from '../steps.ts'

export interface AutoSamples {
  /** The order of so many of the largest weights shall be settled; 5 unless given. */
  readonly topFeatures?: number
  /** Samples at most, settled or not; 32,768 unless given. */
  readonly most?: number
}

/** @internal */
export const autoSamplesOptions = optionsOf<AutoSamples>({
  topFeatures: wholeNumber(1),
  most: wholeNumber(1, mostSamples),
})

/** Of what is left out. @internal */
export const autoSamplesDefaults = { topFeatures: 5, most: 2 ** 15 } as const satisfies AutoSamples

const firstSamples = 512
const likelyEnough = 0.05

/**
 * Grows the sample, twofold at a time, until the order of the top features of the first label is settled: until the chance that
 * any two neighbours stand the wrong way round is at most 5 % by their covariance. If there are no more masks than samples, all
 * masks are taken.
 * @param draw the next rows of masks, [rows, segments]
 */
export async function settledEvidence(
  question: Question,
  draw: (rows: number) => Promise<Uint8Array>,
  fit: (evidence: Evidence, label: number) => Steps<Surrogate>,
  { topFeatures = autoSamplesDefaults.topFeatures, most = autoSamplesDefaults.most }: AutoSamples,
  options: PredictionOptions,
): Promise<{ evidence: Evidence; settled: boolean }> {
  const { segmentCount } = question
  const everyMask = segmentCount <= mostSegmentsForExact.byPrediction ? 2 ** segmentCount : Number.POSITIVE_INFINITY
  let masks: Masks = { data: new Uint8Array(0), shape: [0, segmentCount] }
  let known: SampledAnswers['probabilities'] = { data: new Float64Array(0), shape: [0, 0] }
  for (let samples = Math.min(firstSamples, most); ; samples = Math.min(2 * samples, most)) {
    if (samples >= everyMask) return { evidence: await exactEvidence(question, options), settled: true }
    const drawn = await draw(samples - masks.shape[0])
    if (masks.shape[0] === 0) drawn.fill(1, 0, segmentCount)
    const added: Masks = { data: drawn, shape: [samples - masks.shape[0], segmentCount] }
    const start = masks.shape[0]
    const answers = await predictPerturbed(
      question.predictor,
      { ...question, masks: added },
      { ...options, onProgress: (done) => options.onProgress(start + done, samples) },
    )
    masks = { data: joined(Uint8Array, masks.data, drawn), shape: [samples, segmentCount] }
    known = { data: joined(Float64Array, known.data, answers.data), shape: [samples, answers.shape[1]] }
    const evidence = await inTurns(evidenceOf(question, masks, known), options.signal)
    const settled = (await inTurns(chanceOfAnotherTop(evidence, fit, topFeatures), options.signal)) <= likelyEnough
    if (settled || samples === most) return { evidence, settled }
  }
}

/** How likely another order of the first label's top features is. */
function* chanceOfAnotherTop(
  evidence: Evidence & { readonly sampled: SampledAnswers },
  fit: (evidence: Evidence, label: number) => Steps<Surrogate>,
  topFeatures: number,
): Steps<number> {
  const [label] = evidence.labels
  const { weights } = yield* fit(evidence, label)
  const { moments, targetsOf } = evidence.sampled
  const features = weights.map(([segment]) => segment)
  const [estimate] = yield* estimatesOf(yield* moments(), [targetsOf(label)], features, 0, true)
  return chanceOfAnotherOrder(estimate, topFeatures)
}

function joined<T extends Uint8Array | Float64Array>(type: new (length: number) => T, first: T, second: T): T {
  const whole = new type(first.length + second.length)
  whole.set(first)
  whole.set(second, first.length)
  return whole
}
