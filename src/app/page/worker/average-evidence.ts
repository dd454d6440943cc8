import { ArgumentError, ShapeError } from '../../../engine/errors.ts'
import type { Model } from '../../../engine/index.ts'
import { yieldToEvents } from '../../../engine/platform/yield.ts'
import { formatShape } from '../../../engine/tensor.ts'
import { grid, ShapleyImageExplainer } from '../../../lime/index.ts'
import { type ImageSet, pixelsOf } from '../../data/image-set.ts'
import { task } from '../../tasks/chosen-task.ts'
import { pictureOf, samplesOf } from '../../tasks/task.ts'
import { type AverageEvidence, type ClassEvidence, cellOf } from '../contract/evidence-cells.ts'

/**
 * What counts as evidence for a class on average. Many images of it are cut into the same cells of a grid, so that a cell means
 * the same place in all of them, and each is explained by Shapley values: what a cell adds to the class's logit, on average over
 * all orders in which the cells could appear on a black picture. Where the network's logits come as tables (see LogitTables)
 * these are exact, without samples and their noise, whatever the number of cells; of other networks 1,000 mixtures a picture
 * say what a cell adds to the probability.
 *
 * Logits may all rise together without changing any probability. So of what a cell adds to a class's logit, what it adds to all
 * classes on average is taken off; probabilities always add up to 1, and have nothing to take off.
 */

/**
 * 4 x 4 pixels a cell: the finest equal cells that the tutorial's network has tables for, as a pixel of its last convolution,
 * which sees 7 x 7 pixels, then depends on at most 9 of them.
 */
export const gridRows = 7
export const gridColumns = 7

/**
 * Of the tutorial's network they take 13 to 15 s on two processor cores (30: 20 to 22 s), and their means point where those of
 * 100 do: the cosine between the two is 0.97 or more for every class.
 */
const defaultPerClass = 20

const [height, width] = task.inputShape
const pixelCount = height * width
const cellCount = gridRows * gridColumns
const labels = task.classNames.map((_, label) => label)
const cells = grid({ rows: gridRows, columns: gridColumns })
/** Images predicted at once while looking for those that the network gets right. */
const imagesAtOnce = 500

export interface AverageEvidenceOptions {
  /** How many images of each class; 20 unless given. */
  readonly perClass?: number
  readonly signal?: AbortSignal
  /** Images explained so far, of how many. */
  readonly onProgress?: (done: number, total: number) => void
}

/**
 * Averages the evidence for each class over its images with the lowest numbers that the model gets right. Nothing is left to
 * chance: the same model and images give the same numbers.
 * @throws ShapeError for a model of other images or classes; ArgumentError for perClass that is no positive integer;
 *   signal.reason after an abort
 */
export async function averageEvidence(
  model: Model,
  set: ImageSet,
  { perClass = defaultPerClass, signal, onProgress }: AverageEvidenceOptions = {},
): Promise<AverageEvidence> {
  if (!Number.isInteger(perClass) || perClass < 1)
    throw new ArgumentError(`perClass must be a positive integer, not ${perClass}`)
  if (model.outputShape.length !== 1 || model.outputShape[0] !== labels.length)
    throw new ShapeError(
      `the evidence is for the ${labels.length} classes of ${task.name}; the model's output is ${formatShape(model.outputShape)}`,
    )
  const of = await whatIsShared(model, signal)
  const chosen = await imagesItGetsRight(model, set, perClass, signal)
  const total = chosen.reduce((sum, indices) => sum + indices.length, 0)
  let done = 0
  onProgress?.(done, total)
  const classes: ClassEvidence[] = []
  for (const label of labels) {
    const mean = new Float32Array(pixelCount)
    const all: Float64Array[] = []
    for (const index of chosen[label]) {
      const pixels = pixelsOf(set, index)
      for (let pixel = 0; pixel < pixelCount; pixel++) mean[pixel] += pixels[pixel] / 255 / chosen[label].length
      all.push(await weightsOf(model, pixels, label, of, signal))
      onProgress?.(++done, total)
      // A stop that was asked for meanwhile is heard here.
      await yieldToEvents()
      signal?.throwIfAborted()
    }
    classes.push({ label, count: all.length, mean, ...averaged(all) })
  }
  return { rows: gridRows, columns: gridColumns, of, classes }
}

/** Logits, where the model has tables of them for any image: one without a black pixel needs the largest. */
async function whatIsShared(model: Model, signal: AbortSignal | undefined): Promise<AverageEvidence['of']> {
  const image = new Float32Array(pixelCount).fill(1)
  const segments = Int32Array.from(image, (_, pixel) => cellOf(pixel, gridRows, gridColumns))
  const request = { image, fudged: new Float32Array(pixelCount), segments, segmentCount: cellCount }
  return (await model.tabulateBlended(request, { signal })) ? 'logit' : 'probability'
}

/** [class] -> the numbers of its first images that the model gets right. */
async function imagesItGetsRight(
  model: Model,
  set: ImageSet,
  perClass: number,
  signal: AbortSignal | undefined,
): Promise<number[][]> {
  const found = labels.map((): number[] => [])
  for (let first = 0; first < set.count && found.some(({ length }) => length < perClass); first += imagesAtOnce) {
    const count = Math.min(imagesAtOnce, set.count - first)
    const data = set.images.subarray(first * pixelCount, (first + count) * pixelCount)
    const { data: probabilities } = await model.predict(samplesOf(task, data), { signal })
    for (let i = 0; i < count; i++) {
      const label = set.labels[first + i]
      const row = probabilities.subarray(i * labels.length, (i + 1) * labels.length)
      if (row[label] === Math.max(...row) && found[label].length < perClass) found[label].push(first + i)
    }
  }
  return found
}

/** What each cell of one image adds to a class, [cells]. */
async function weightsOf(
  model: Model,
  pixels: Uint8Array,
  label: number,
  of: AverageEvidence['of'],
  signal: AbortSignal | undefined,
): Promise<Float64Array> {
  const image = pictureOf(task, pixels)
  const explanation = await new ShapleyImageExplainer({ randomState: 0 }).explainInstance(image, model, {
    segmentationFn: cells,
    of,
    // Black, as behind all garments: a hidden cell is an empty one.
    hideColor: 0,
    labels,
    randomSeed: 0,
    signal,
  })
  const weights = new Float64Array(cellCount)
  for (const each of labels) {
    const share = (each === label ? 1 : 0) - 1 / labels.length
    for (const [cell, weight] of explanation.weightsOf(each)) weights[cell] += share * weight
  }
  return weights
}

function averaged(all: readonly Float64Array[]): Pick<ClassEvidence, 'weights' | 'agreement'> {
  const weights = new Float64Array(cellCount)
  for (const each of all) for (let cell = 0; cell < cellCount; cell++) weights[cell] += each[cell] / all.length
  const agreement = weights.map((mean, cell) => {
    const agreeing = all.filter((each) => Math.sign(each[cell]) === Math.sign(mean))
    return all.length > 0 ? agreeing.length / all.length : 0
  })
  return { weights, agreement }
}
