import { optionsOf, wholeNumber } from '../../engine/arguments.ts'
import { chanceOfAnotherOrder, estimatesOf } from '../fit/confidence.ts'
import { mostSegmentsForExact } from '../fit/every-mask.ts'
import { type Evidence, evidenceOf, exactEvidence, type Question, type SampledAnswers } from '../fit/evidence.ts'
import type { Surrogate } from '../fit/surrogate.ts'
import { pairsABlock } from '../samples/balanced-masks.ts'
import { type Answers, lookingAtTenth, type PredictionOptions, predictPerturbed } from '../samples/predictors.ts'
import { type Masks, mostMasks, mostSamples, type SamplingDesign } from '../samples/sampling.ts'
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
 * As many samples as 512, or about as many, and then twofold `round` times: of balanced ones the image and whole blocks, as many as
 * the round before and as many again.
 */
function samplesAfter(round: number, segments: number, design: SamplingDesign): number {
  if (design === 'plain') return firstSamples * 2 ** round
  const block = 2 * pairsABlock(segments)
  return 1 + block * Math.max(1, Math.round(firstSamples / block)) * 2 ** round
}

/**
 * Grows the sample, twofold at a time, until the order of the top features of the first label is settled: until the chance that
 * any two neighbours stand the wrong way round is at most 5 % by their covariance. If there are no more masks than samples, all
 * masks are taken.
 * @param draw the image's mask and those of the first samples, or the next rows: [rows, segments]
 * @param onRough looks at the evidence of a tenth of the first samples, and at what each round came to that was not the last one
 */
export async function settledEvidence(
  question: Question,
  draw: (rows: number, isFirst: boolean) => Promise<Uint8Array>,
  fit: (evidence: Evidence, label: number) => Steps<Surrogate>,
  { topFeatures = autoSamplesDefaults.topFeatures, most = autoSamplesDefaults.most }: AutoSamples,
  options: PredictionOptions,
  onRough?: (rough: Evidence, settled: boolean) => Promise<void>,
): Promise<{ evidence: Evidence; settled: boolean }> {
  const { segmentCount, design } = question
  const last = Math.min(most, mostMasks(segmentCount))
  const everyMask = segmentCount <= mostSegmentsForExact.byPrediction ? 2 ** segmentCount : Number.POSITIVE_INFINITY
  let masks: Masks = { data: new Uint8Array(0), shape: [0, segmentCount] }
  let known: SampledAnswers['probabilities'] = { data: new Float64Array(0), shape: [0, 0] }
  for (let round = 0; ; round++) {
    const samples = Math.min(samplesAfter(round, segmentCount, design), last)
    if (samples >= everyMask) return { evidence: await exactEvidence(question, options), settled: true }
    const start = masks.shape[0]
    const drawn = await draw(samples - start, start === 0)
    const added: Masks = { data: drawn, shape: [samples - start, segmentCount] }
    const look = async (some: Masks, answers: Answers) =>
      onRough?.(await inTurns(evidenceOf(question, some, answers), options.signal), false)
    const answers = await predictPerturbed(
      question.predictor,
      { ...question, masks: added },
      {
        ...options,
        onProgress: (done) => options.onProgress(start + done, samples),
        first: onRough && start === 0 ? lookingAtTenth(added, look) : undefined,
      },
    )
    masks = { data: joined(Uint8Array, masks.data, drawn), shape: [samples, segmentCount] }
    known = { data: joined(Float64Array, known.data, answers.data), shape: [samples, answers.shape[1]] }
    const evidence = await inTurns(evidenceOf(question, masks, known), options.signal)
    const settled = (await inTurns(chanceOfAnotherTop(evidence, fit, topFeatures), options.signal)) <= likelyEnough
    if (settled || samples === last) return { evidence, settled }
    await onRough?.(evidence, settled)
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
  const { moments, targetsOf, design } = evidence.sampled
  const features = weights.map(([segment]) => segment)
  const [estimate] = yield* estimatesOf(yield* moments(), [targetsOf(label)], features, 0, design, true)
  return chanceOfAnotherOrder(estimate, topFeatures)
}

function joined<T extends Uint8Array | Float64Array>(type: new (length: number) => T, first: T, second: T): T {
  const whole = new type(first.length + second.length)
  whole.set(first)
  whole.set(second, first.length)
  return whole
}
