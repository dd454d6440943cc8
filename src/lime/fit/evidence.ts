import { ArgumentError } from '../../engine/errors.ts'
import { fairTurns } from '../abort.ts'
import { type DistanceMetric, distancesByCount, distancesToFirst } from '../samples/distances.ts'
import { type Kernel, kernelWeights } from '../samples/kernel.ts'
import { extremeLogits, softmaxOf, visitEveryMask } from '../samples/logit-tables.ts'
import {
  type PerturbedImages,
  type PredictionOptions,
  type Predictor,
  predictPerturbed,
  tabulatePerturbed,
} from '../samples/predictors.ts'
import type { Masks } from '../samples/sampling.ts'
import { EveryMaskTargets, masksFrom, momentsOfEveryMask, mostSegmentsForExact } from './every-mask.ts'
import { type Moments, SampleMoments, type TargetMoments, targetMomentsOf } from './moments.ts'

/** What surrogates are fitted to: a classifier's answers about perturbed images, weighed by how near they are. */
export interface Evidence {
  readonly moments: Moments
  /** The classifier's answer about the image itself, [classes]. */
  readonly original: Float64Array
  /** The labels to explain. */
  readonly labels: readonly number[]
  /** How many perturbed images, the image itself among them. */
  readonly samples: number
  targetOf(label: number): TargetMoments
  /** null where every mask was taken: they are not kept. */
  readonly sampled: SampledAnswers | null
}

/** Samples that are kept. */
export interface SampledAnswers {
  readonly masks: Masks
  readonly probabilities: { readonly data: Float64Array; readonly shape: readonly [number, number] }
  readonly distances: Float64Array
  readonly weights: Float64Array
  readonly moments: SampleMoments
  targetsOf(label: number): Float64Array
}

/** The classifier, two images to mix, and how near mixtures are. */
export interface Question extends Omit<PerturbedImages, 'masks'> {
  readonly predictor: Predictor
  readonly segmentCount: number
  readonly distanceMetric: DistanceMetric
  readonly kernel: Kernel
  readonly kernelWidth: number
  /** The labels to explain, once the answer about the image is known. @throws ArgumentError for labels it has not */
  chooseLabels(original: Float64Array): readonly number[]
}

/** Asks about these masks, of which the first shows all. */
export async function sampledEvidence(
  question: Question,
  masks: Masks,
  options: PredictionOptions,
): Promise<Evidence & { readonly sampled: SampledAnswers }> {
  const probabilities = await predictPerturbed(question.predictor, { ...question, masks }, options)
  return evidenceOf(question, masks, probabilities)
}

/** The evidence of answers that are known. */
export function evidenceOf(
  question: Question,
  masks: Masks,
  probabilities: SampledAnswers['probabilities'],
): Evidence & { readonly sampled: SampledAnswers } {
  const distances = distancesToFirst(masks, question.distanceMetric)
  const weights = kernelWeights(distances, question.kernel, question.kernelWidth)
  const [rows, classes] = probabilities.shape
  const original = probabilities.data.slice(0, classes)
  const labels = question.chooseLabels(original)
  const data = { data: masks.data, rows, columns: masks.shape[1], weights }
  let moments: SampleMoments | null = null
  const momentsOnce = () => {
    moments ??= new SampleMoments(data)
    return moments
  }
  const targetsOf = onceEach((label) => {
    const targets = new Float64Array(rows)
    for (let row = 0; row < rows; row++) targets[row] = probabilities.data[row * classes + label]
    return targets
  })
  return {
    // When it is asked for: it is part of the fit.
    get moments() {
      return momentsOnce()
    },
    original,
    labels,
    samples: rows,
    targetOf: onceEach((label) => targetMomentsOf(momentsOnce(), targetsOf(label))),
    sampled: {
      masks,
      probabilities,
      distances,
      weights,
      get moments() {
        return momentsOnce()
      },
      targetsOf,
    },
  }
}

/** What is computed of a label the first time it is asked for: fit, intervals and warnings all ask. */
function onceEach<T>(compute: (label: number) => T): (label: number) => T {
  const made = new Map<number, T>()
  return (label) => {
    const value = made.get(label) ?? compute(label)
    made.set(label, value)
    return value
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
    const letOthersRun = fairTurns()
    await visitEveryMask(
      tables,
      segmentCount,
      (probabilities) => sums.add(probabilities, 0),
      async (done) => {
        options.onProgress(done, samples)
        await letOthersRun()
        options.signal?.throwIfAborted()
      },
    )
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
    moments,
    original,
    labels,
    samples,
    targetOf: (label) => sums.target(labels.indexOf(label), moments),
    sampled: null,
  }
}
