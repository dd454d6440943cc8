import { ArgumentError } from '../../engine/errors.ts'
import { type DistanceMetric, distancesByCount, distancesToFirst } from '../samples/distances.ts'
import { type Kernel, kernelWeights } from '../samples/kernel.ts'
import { extremeLogits, softmaxOf, visitEveryMask } from '../samples/logit-tables.ts'
import {
  lookingAtTenth,
  type PerturbedImages,
  type PredictionOptions,
  type Predictor,
  predictPerturbed,
  tabulatePerturbed,
} from '../samples/predictors.ts'
import type { Masks, SamplingDesign } from '../samples/sampling.ts'
import { inTurns, known, type Steps } from '../steps.ts'
import { EveryMaskTargets, masksFrom, momentsOfEveryMask, mostSegmentsForExact } from './every-mask.ts'
import { type Moments, SampleMoments, type TargetMoments, targetMomentsOf } from './moments.ts'

/** What surrogates are fitted to: a classifier's answers about perturbed images, weighed by how near they are. */
export interface Evidence {
  /** Summed up when they are asked for, once: that is part of the fit. */
  moments(): Steps<Moments>
  /** The classifier's answer about the image itself, [classes]. */
  readonly original: Float64Array
  /** The labels to explain. */
  readonly labels: readonly number[]
  /** How many perturbed images, the image itself among them. */
  readonly samples: number
  targetOf(label: number): Steps<TargetMoments>
  /** null where every mask was taken: they are not kept. */
  readonly sampled: SampledAnswers | null
}

/** Samples that are kept. */
export interface SampledAnswers {
  readonly design: SamplingDesign
  readonly masks: Masks
  readonly probabilities: { readonly data: Float64Array; readonly shape: readonly [number, number] }
  readonly distances: Float64Array
  readonly weights: Float64Array
  moments(): Steps<SampleMoments>
  targetsOf(label: number): Float64Array
}

/** The classifier, two images to mix, and how near mixtures are. */
export interface Question extends Omit<PerturbedImages, 'masks'> {
  readonly predictor: Predictor
  readonly segmentCount: number
  /** How masks are drawn, where not all are taken. */
  readonly design: SamplingDesign
  readonly distanceMetric: DistanceMetric
  readonly kernel: Kernel
  readonly kernelWidth: number
  /** The labels to explain, once the answer about the image is known. @throws ArgumentError for labels it has not */
  chooseLabels(original: Float64Array): readonly number[]
}

/**
 * Asks about these masks, of which the first shows all.
 * @param onRough looks at the evidence of a tenth of them, or somewhat more, while the others wait
 */
export async function sampledEvidence(
  question: Question,
  masks: Masks,
  options: PredictionOptions,
  onRough?: (rough: Evidence) => Promise<void>,
): Promise<Evidence & { readonly sampled: SampledAnswers }> {
  const first =
    onRough &&
    lookingAtTenth(masks, async (some, answers) =>
      onRough(await inTurns(evidenceOf(question, some, answers), options.signal)),
    )
  const probabilities = await predictPerturbed(question.predictor, { ...question, masks }, { ...options, first })
  return inTurns(evidenceOf(question, masks, probabilities), options.signal)
}

/** The evidence of answers that are known. */
export function* evidenceOf(
  question: Question,
  masks: Masks,
  probabilities: SampledAnswers['probabilities'],
): Steps<Evidence & { readonly sampled: SampledAnswers }> {
  const distances = yield* distancesToFirst(masks, question.distanceMetric)
  const weights = kernelWeights(distances, question.kernel, question.kernelWidth)
  const [rows, classes] = probabilities.shape
  const original = probabilities.data.slice(0, classes)
  const labels = question.chooseLabels(original)
  const data = { data: masks.data, rows, columns: masks.shape[1], weights }
  let summed: SampleMoments | null = null
  function* moments(): Steps<SampleMoments> {
    summed ??= yield* SampleMoments.of(data)
    return summed
  }
  // Fit, intervals and warnings ask for the same.
  const targetsMade = new Map<number, Float64Array>()
  const targetsOf = (label: number) => {
    const made = targetsMade.get(label)
    if (made) return made
    const targets = new Float64Array(rows)
    for (let row = 0; row < rows; row++) targets[row] = probabilities.data[row * classes + label]
    targetsMade.set(label, targets)
    return targets
  }
  return {
    moments,
    original,
    labels,
    samples: rows,
    *targetOf(label) {
      return yield* targetMomentsOf(yield* moments(), targetsOf(label))
    },
    sampled: { design: question.design, masks, probabilities, distances, weights, moments, targetsOf },
  }
}

/** Masks that are predicted before their answers are summed up. */
const masksAtOnce = 4096

/**
 * Asks about all 2^n masks, each once, in the order of their numbers (see every-mask.ts): by the classifier's tables where it has
 * such, else mask by mask. What is held at a time does not grow with their number.
 * @param begin makes what sums them up, once the probabilities of the image itself are known: it gets those of each mask in
 *   turn, the image's first, in an array where they start at `at`
 * @returns how many masks, the image's probabilities and the sums
 * @throws ArgumentError for more segments than that can be done for
 */
export async function sumEveryAnswer<S extends { add(probabilities: Float64Array, at: number): void }>(
  question: Omit<PerturbedImages, 'masks'> & Pick<Question, 'predictor' | 'segmentCount'>,
  options: PredictionOptions,
  begin: (original: Float64Array) => S,
): Promise<{ readonly samples: number; readonly original: Float64Array; readonly sums: S }> {
  const { predictor, segmentCount } = question
  const { byTables, byPrediction } = mostSegmentsForExact
  const tables =
    segmentCount <= byTables && options.factored !== false
      ? await tabulatePerturbed(predictor, question, segmentCount, options.signal)
      : null
  if (segmentCount > (tables ? byTables : byPrediction))
    throw new ArgumentError(
      `'exact' asks about all 2^n mixtures: at most ${byPrediction} segments, ${byTables} for a classifier with tables of its logits; this image has ${segmentCount}. Take fewer segments, or a number of samples`,
    )
  const samples = 2 ** segmentCount
  if (tables) {
    const original = softmaxOf(extremeLogits(tables, true))
    const sums = begin(original)
    const visiting = visitEveryMask(tables, segmentCount, (probabilities) => sums.add(probabilities, 0))
    function* summing(): Steps<void> {
      for (const share of visiting) {
        options.onProgress(share * samples, samples)
        yield share
      }
    }
    await inTurns(summing(), options.signal)
    return { samples, original, sums }
  }
  const ask = async (first: number) => {
    const count = Math.min(masksAtOnce, samples - first)
    const masks: Masks = { data: masksFrom(first, count, segmentCount), shape: [count, segmentCount] }
    const onProgress = (done: number) => options.onProgress(first + done, samples)
    return predictPerturbed(predictor, { ...question, masks }, { ...options, onProgress })
  }
  let answers = await ask(0)
  const [, classes] = answers.shape
  const original = answers.data.slice(0, classes)
  const sums = begin(original)
  for (let first = 0; ; answers = await ask(first)) {
    const [count] = answers.shape
    for (let row = 0; row < count; row++) sums.add(answers.data, row * classes)
    first += count
    if (first === samples) return { samples, original, sums }
  }
}

/** The evidence of all 2^n masks. @throws ArgumentError for more segments than that can be done for */
export async function exactEvidence(question: Question, options: PredictionOptions): Promise<Evidence> {
  const { segmentCount, distanceMetric, kernel, kernelWidth } = question
  const weights = kernelWeights(distancesByCount(segmentCount, distanceMetric), kernel, kernelWidth)
  const { samples, original, sums } = await sumEveryAnswer(
    question,
    options,
    (image) => new EveryMaskTargets(segmentCount, weights, question.chooseLabels(image)),
  )
  const { labels } = sums
  const moments = momentsOfEveryMask(segmentCount, weights)
  return {
    moments: () => known(moments),
    original,
    labels,
    samples,
    targetOf: (label) => known(sums.target(labels.indexOf(label), moments)),
    sampled: null,
  }
}
