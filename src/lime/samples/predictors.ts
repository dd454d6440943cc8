import { isNumberArray, shown } from '../../engine/arguments.ts'
import { ArgumentError, ShapeError } from '../../engine/errors.ts'
import type { AbortSignal } from '../../engine/platform/types.ts'
import { unlessAborted } from '../abort.ts'
import { rgbToGray } from '../images/color.ts'
import type { Image } from '../images/image.ts'
import { fairTurns } from '../steps.ts'
import type { LogitTables } from './logit-tables.ts'
import type { Masks } from './sampling.ts'

/** A batch of pictures, [N, H, W, C] row-major: the arrays are the predictor's to keep. */
export interface ImageBatch {
  readonly data: Float32Array | Float64Array
  readonly shape: readonly [number, number, number, number]
}

/**
 * One row of class probabilities an image: rows, or a matrix [N, classes] row-major. A single column, as of one sigmoid, is the
 * probability of class 1; class 0 has the rest.
 */
export type Probabilities =
  | readonly ArrayLike<number>[]
  | { readonly data: ArrayLike<number>; readonly shape: readonly number[] }

/** Any classifier: pictures -> probabilities. */
export type PredictFn = (
  batch: ImageBatch,
  options: { readonly signal?: AbortSignal },
) => Probabilities | Promise<Probabilities>

/** A classifier that blends the image and the fudged one itself, so that perturbed images need never exist in memory. */
export interface SegmentPredictor {
  /** [H, W, C] of one image. */
  readonly inputShape: readonly number[]
  /**
   * 'pair': two columns are [1 - p, p], and p alone is believed, so that both classes get the same weights with opposite signs.
   * 'values': what it gives are no probabilities, and may be any numbers; a single column is one value then.
   */
  readonly answers?: 'probabilities' | 'pair' | 'values'
  /**
   * masks [count, segmentCount] of 0/1 (0 takes a segment's pixels from fudged); image, fudged [H*W*C]; segments [H*W].
   * Returns the probabilities [count, classes], row-major; one column is taken for the probability of class 1. Where they come in
   * parts, onRows may be told of the rows that there are so far, and is awaited.
   */
  predictBlended(
    request: {
      image: Float32Array
      fudged: Float32Array
      segments: Int32Array
      masks: Uint8Array
      count: number
      segmentCount: number
    },
    options: {
      signal?: AbortSignal
      onProgress?: (done: number, total: number) => void
      factored?: boolean
      onRows?: (done: { data: Float32Array; shape: readonly [number, number] }) => void | Promise<void>
    },
  ): Promise<{ data: Float32Array; shape: readonly [number, number] }>
  /** The logits of every mixture of the two images at once, where the classifier can say them as tables; else null. */
  tabulateBlended?(
    request: { image: Float32Array; fudged: Float32Array; segments: Int32Array; segmentCount: number },
    options: { signal?: AbortSignal },
  ): Promise<LogitTables | null>
}

export type Predictor = PredictFn | SegmentPredictor

/** What is to be predicted: the image with every row of masks' switched-off segments taken from the fudged image. */
export interface PerturbedImages {
  readonly image: Image
  readonly fudged: Image
  /** [H*W] the mask's column of each pixel; a pixel whose column is not there is never switched off. */
  readonly columns: Int32Array
  readonly masks: Masks
}

export interface PredictionOptions {
  readonly batchSize: number
  /** false: a model that can compute what samples have in common once is not to. */
  readonly factored?: boolean
  readonly signal?: AbortSignal
  readonly onProgress: (done: number, total: number) => void
  /** Hears about how many images the predictor was asked, each time it has answered. */
  readonly onAnswers?: (images: number) => void
  /** Who wants to look at the first answers, so many or somewhat more, while others are still to come. Those wait. */
  readonly first?: { readonly count: number; look(answers: Answers): Promise<void> }
}

/** The share of the samples that a rough result is made of. */
const roughShare = 0.1

/** @param look gets the first tenth of the masks, or somewhat more, and their answers @internal */
export function lookingAtTenth(
  { data, shape: [rows, segments] }: Masks,
  look: (masks: Masks, answers: Answers) => Promise<void>,
): NonNullable<PredictionOptions['first']> {
  return {
    // One says nothing yet.
    count: Math.max(2, Math.ceil(roughShare * rows)),
    look: (answers) => {
      const [answered] = answers.shape
      return look({ data: data.slice(0, answered * segments), shape: [answered, segments] }, answers)
    },
  }
}

/** [images, classes] */
export interface Answers {
  readonly data: Float64Array
  readonly shape: readonly [number, number]
}

function isSegmentPredictor(predictor: Predictor): predictor is SegmentPredictor {
  return typeof predictor === 'object' && predictor !== null && typeof predictor.predictBlended === 'function'
}

/** @throws ArgumentError for anything that is neither kind of predictor */
export function checkPredictor(predictor: Predictor): void {
  if (typeof predictor !== 'function' && !isSegmentPredictor(predictor))
    throw new ArgumentError('the predictor must be a function (batch) => probabilities, or a model with predictBlended')
}

/** Checks what a predictor returned for `count` images. @param what these are, by the predictor */
function checkedAnswers(
  answers: Probabilities,
  count: number,
  what: SegmentPredictor['answers'] = 'probabilities',
): Answers {
  if (!answers || typeof answers !== 'object')
    throw new ArgumentError(`the predictor must return probabilities, rows or { data, shape }, not ${shown(answers)}`)
  const matrix = 'data' in answers ? answers : rowsToMatrix(answers)
  const { data, shape } = matrix
  if (!isRow(data) || !Array.isArray(shape) || shape.length !== 2 || data.length !== shape[0] * shape[1])
    throw new ShapeError(
      `the predictor must return a matrix [${count}, classes]; its shape is ${shown(shape)}, its data ${shown(data)}`,
    )
  if (shape[0] !== count || shape[1] < 1)
    throw new ShapeError(`the predictor returned probabilities of shape [${shape.join(', ')}] for ${count} images`)
  const values = new Float64Array(data.length)
  for (let i = 0; i < data.length; i++) {
    const value: unknown = data[i]
    if (typeof value !== 'number' || !Number.isFinite(value))
      throw new ArgumentError(
        `the predictor returned ${shown(value)} as ${what === 'values' ? 'value' : 'the probability of class'} ${i % shape[1]}`,
      )
    values[i] = value
  }
  if (what === 'pair' && shape[1] === 2) return ofBothClasses(values.filter((_, i) => i % 2 === 1))
  return shape[1] === 1 && what === 'probabilities' ? ofBothClasses(values) : { data: values, shape: [count, shape[1]] }
}

/**
 * [1 - p, p] for each p, rounded so that their sum is 1 to the last bit: what speaks for one class then speaks against the other
 * by exactly as much.
 */
function ofBothClasses(probabilities: Float64Array): Answers {
  const data = new Float64Array(2 * probabilities.length)
  probabilities.forEach((probability, i) => {
    if (probability < 0 || probability > 1)
      throw new ArgumentError(
        `the predictor returned one column, which is taken for the probability of class 1, but ${probability} is none; expected 0 to 1 (the sigmoid of a logit), or a column for each class`,
      )
    const rest = 1 - probability
    data[2 * i] = rest
    data[2 * i + 1] = 1 - rest
  })
  return { data, shape: [probabilities.length, 2] }
}

/** Rows end to end; what stands in them is looked at later. */
function rowsToMatrix(rows: readonly ArrayLike<number>[]): { data: ArrayLike<number>; shape: number[] } {
  if (!Array.isArray(rows) || !isRow(rows[0]))
    throw new ShapeError(`the predictor must return a row of probabilities an image, not ${shown(rows)}`)
  const classes = rows[0].length
  const data: number[] = []
  for (const [i, row] of rows.entries()) {
    if (!isRow(row) || row.length !== classes)
      throw new ShapeError(`the predictor's row ${i} is ${shown(row)}; row 0 has ${classes} probabilities`)
    for (let c = 0; c < classes; c++) data.push(row[c])
  }
  return { data, shape: [rows.length, classes] }
}

function isRow(value: unknown): value is ArrayLike<number> {
  return Array.isArray(value) || isNumberArray(value)
}

/** Numbers that a batch of pictures may have: 4 GB of them as float64. */
const mostBatchValues = 2 ** 29

/** Builds the samples from `first` on as pictures: float64 pixels stay float64, everything else is float32. */
function blendBatch({ image, fudged, columns, masks }: PerturbedImages, first: number, count: number): ImageBatch {
  const { height, width, channels } = image
  const size = height * width * channels
  if (count * size > mostBatchValues)
    throw new ArgumentError(
      `a batch of ${count} images of ${size} values is more than can be held; take a batchSize of at most ${Math.floor(mostBatchValues / size)}`,
    )
  const data = image.data instanceof Float64Array ? new Float64Array(count * size) : new Float32Array(count * size)
  const segments = masks.shape[1]
  for (let sample = 0; sample < count; sample++) {
    const row = (first + sample) * segments
    const at = sample * size
    data.set(image.data, at)
    for (let pixel = 0; pixel < columns.length; pixel++) {
      const column = columns[pixel]
      if (column < 0 || column >= segments || masks.data[row + column] === 1) continue
      for (let c = pixel * channels; c < (pixel + 1) * channels; c++) data[at + c] = fudged.data[c]
    }
  }
  return { data, shape: [count, height, width, channels] }
}

/** Shows the first answers, once there are enough. Answers are asked for as they would be if nobody looked. */
function showingFirst({
  first,
}: PredictionOptions): (rows: number, answers: () => Answers) => Promise<void> | undefined {
  let isShown = false
  return (rows, answers) => {
    if (!first || isShown || rows < first.count) return undefined
    isShown = true
    return first.look(answers())
  }
}

async function predictInBatches(
  predict: PredictFn,
  work: PerturbedImages,
  options: PredictionOptions,
): Promise<Answers> {
  const { batchSize, signal, onProgress } = options
  const total = work.masks.shape[0]
  const letOthersRun = fairTurns()
  const show = showingFirst(options)
  let all = new Float64Array(0)
  let classes = 0
  for (let first = 0; first < total; first += batchSize) {
    await letOthersRun()
    signal?.throwIfAborted()
    const count = Math.min(batchSize, total - first)
    const answers = await unlessAborted(predict(blendBatch(work, first, count), { signal }), signal)
    const { data, shape } = checkedAnswers(answers, count)
    if (first === 0) {
      classes = shape[1]
      all = new Float64Array(total * classes)
    }
    if (shape[1] !== classes)
      throw new ShapeError(`the predictor returned ${shape[1]} classes for one batch and ${classes} for the first`)
    all.set(data, first * classes)
    onProgress(first + count, total)
    const rows = first + count
    if (rows < total) await show(rows, () => ({ data: all.slice(0, rows * classes), shape: [rows, classes] }))
  }
  return { data: all, shape: [total, classes] }
}

/** The picture in the model's number of channels, in float32. */
function inChannels(image: Image, channels: number): Float32Array {
  if (image.channels === channels) return Float32Array.from(image.data)
  if (channels === 1) return Float32Array.from(rgbToGray(image.data))
  return Float32Array.from({ length: image.data.length * 3 }, (_, i) => image.data[Math.floor(i / 3)])
}

/** @throws ShapeError when the model takes other images */
function checkFits(model: SegmentPredictor, image: Image): void {
  if (!Array.isArray(model.inputShape))
    throw new ArgumentError(`the model must have an inputShape [H, W, C], not ${shown(model.inputShape)}`)
  const [height, width, channels = 1] = model.inputShape
  const colourFits = channels === 1 || channels === 3
  if (model.inputShape.length > 3 || height !== image.height || width !== image.width || !colourFits)
    throw new ShapeError(
      `the model takes images of shape [${model.inputShape.join(', ')}], the image is [${image.shape.join(', ')}]`,
    )
}

async function predictBySegments(
  model: SegmentPredictor,
  work: PerturbedImages,
  options: PredictionOptions,
): Promise<Answers> {
  const { factored, signal, onProgress } = options
  const { image, fudged, columns, masks } = work
  checkFits(model, image)
  const channels = model.inputShape[2] ?? 1
  const [count, segments] = masks.shape
  // Pixels outside all columns form one more segment, which is always on.
  const outside = (column: number) => column < 0 || column >= segments
  const segmentCount = columns.some(outside) ? segments + 1 : segments
  const widened = segmentCount === segments ? masks.data : new Uint8Array(count * segmentCount).fill(1)
  if (segmentCount > segments)
    for (let row = 0; row < count; row++)
      widened.set(masks.data.subarray(row * segments, (row + 1) * segments), row * segmentCount)
  const show = showingFirst(options)
  const answers = await model.predictBlended(
    {
      image: inChannels(image, channels),
      fudged: inChannels(fudged, channels),
      segments: columns.map((column) => (outside(column) ? segments : column)),
      masks: widened,
      count,
      segmentCount,
    },
    {
      factored,
      signal,
      onProgress,
      ...(options.first && {
        onRows: (done) => show(done.shape[0], () => checkedAnswers(done, done.shape[0], model.answers)),
      }),
    },
  )
  return checkedAnswers(answers, count, model.answers)
}

/**
 * The predictor's logits of all mixtures of the image and the fudged one.
 * @param columns [H*W] the segment of each pixel, 0..segmentCount-1
 * @returns null where it has no tables, what it gives are no probabilities, or a pixel is of no segment
 */
export async function tabulatePerturbed(
  predictor: Predictor,
  { image, fudged, columns }: Omit<PerturbedImages, 'masks'>,
  segmentCount: number,
  signal: AbortSignal | undefined,
): Promise<LogitTables | null> {
  if (!isSegmentPredictor(predictor) || !predictor.tabulateBlended || predictor.answers === 'values') return null
  checkFits(predictor, image)
  if (columns.some((column) => column < 0 || column >= segmentCount)) return null
  const channels = predictor.inputShape[2] ?? 1
  const request = {
    image: inChannels(image, channels),
    fudged: inChannels(fudged, channels),
    segments: columns,
    segmentCount,
  }
  return predictor.tabulateBlended(request, { signal })
}

/**
 * Asks the predictor about every perturbed image. Plain functions get batches of pictures; a model that blends gets the image,
 * the fudged image, the map and the masks, converted to its own number of channels (grey by rgb2gray, which is linear, so that
 * blending before or after makes no difference).
 * @returns [samples, classes], float32 answers widened to float64
 * @throws ShapeError, ArgumentError when the answers have the wrong shape or are not finite; signal.reason after an abort
 */
export async function predictPerturbed(
  predictor: Predictor,
  work: PerturbedImages,
  options: PredictionOptions,
): Promise<Answers> {
  try {
    const answers = isSegmentPredictor(predictor)
      ? await predictBySegments(predictor, work, options)
      : await predictInBatches(predictor, work, options)
    options.signal?.throwIfAborted()
    options.onAnswers?.(work.masks.shape[0])
    return answers
  } catch (error) {
    // Whatever a model throws because of the abort, callers get the reason they gave.
    options.signal?.throwIfAborted()
    throw error
  }
}
