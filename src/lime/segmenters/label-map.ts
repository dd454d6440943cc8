import { check, isNumberArray, shown, thatIs, wholeNumber } from '../../engine/arguments.ts'
import { ArgumentError, ShapeError } from '../../engine/errors.ts'
import type { AbortSignal } from '../../engine/platform/types.ts'
import { type Image, type ImageInput, toImage } from '../images/image.ts'

/** The segment each pixel belongs to: [H, W], row-major. */
export interface LabelMap {
  readonly data: Int32Array
  readonly shape: readonly [number, number]
  /**
   * What each segment, numbered from 0 on in `data`, was called in the map it comes from, ascending; left out where that is
   * the number it has.
   */
  readonly ids?: readonly number[]
}

/** What a request calls the segmenter where people give a label map of their own: given-segments.ts. @internal */
export const mapName = 'map'

/** A map as our segmenters make them. @internal */
export const labelMap = thatIs<LabelMap>(
  'a label map { data: Int32Array, shape: [H, W] }',
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    'data' in value &&
    value.data instanceof Int32Array &&
    'shape' in value &&
    Array.isArray(value.shape) &&
    value.shape.length === 2 &&
    value.shape.every((extent) => Number.isInteger(extent) && extent > 0) &&
    value.data.length === value.shape[0] * value.shape[1],
)

export interface SegmentationContext {
  /** The explanation's, for segmenters that draw random numbers. */
  readonly randomSeed: number
  /** Aborted when nobody wants the map any more. */
  readonly signal?: AbortSignal
}

/** Image -> label map, at once or as a promise. Any integers will do as labels. */
export type SegmentationFn = (image: Image, context: SegmentationContext) => LabelMap | Promise<LabelMap>

/**
 * What all of Limelight's own are: they let others run every 50 ms, and throw the signal's reason when it aborts. Called by
 * themselves they need no context, and check the picture as an explainer does.
 */
export type Segmenter = (image: Image | ImageInput, context?: Partial<SegmentationContext>) => Promise<LabelMap>

/** scikit-image's seed where none is given. */
const defaultSeed = 42

/** A segmenter whose work gets a picture that is one, and a whole context. @internal */
export function segmenter(work: (image: Image, context: SegmentationContext) => Promise<LabelMap>): Segmenter {
  return async (image, { randomSeed = defaultSeed, signal } = {}) => work(toImage(image), { randomSeed, signal })
}

/**
 * Checks what a segmenter returned against the image.
 * @throws ShapeError when the map has another size than the image
 * @throws ArgumentError when it is no map of integers
 */
export function checkedLabelMap(map: LabelMap, image: Image): LabelMap {
  const { data, shape } = map ?? {}
  if (!(Array.isArray(data) || isNumberArray(data)) || !Array.isArray(shape))
    throw new ArgumentError(
      `segmentationFn must return a label map { data: Int32Array, shape: [H, W] }, not ${shown(map)}`,
    )
  const { height, width } = image
  if (shape[0] !== height || shape[1] !== width || shape.length !== 2 || data.length !== height * width)
    throw new ShapeError(
      `segmentationFn returned a map of shape ${shown(shape)} with ${data.length} labels; the image is [${height}, ${width}]`,
    )
  if (data instanceof Int32Array) return map
  const bad = Array.from<unknown>(data).findIndex((label) => typeof label !== 'number' || (label | 0) !== label)
  if (bad >= 0)
    throw new ArgumentError(`segmentationFn returned the label ${shown(data[bad])}: labels are 32-bit integers`)
  return { data: Int32Array.from(data), shape }
}

/** The labels that occur, ascending. */
export function distinctLabels(labels: Int32Array): Int32Array {
  return Int32Array.from(new Set(labels)).sort()
}

/** What the segment of each pixel is called, [H*W]: a map that an explanation has numbers its segments anew, and keeps their ids. @internal */
export function idsOfPixels({ data, ids }: LabelMap): Int32Array {
  return ids ? data.map((segment) => ids[segment]) : data
}

/** The same segments, numbered 0..n-1 in the order of their ids (numpy.unique's return_inverse of what they are called). */
export function relabelled(map: LabelMap): LabelMap {
  const { shape } = map
  const data = idsOfPixels(map)
  const ids = Array.from(distinctLabels(data))
  // A copy: whoever draws the map goes on with it.
  if (ids.every((id, i) => id === i)) return { data: data.slice(), shape }
  const numbers = new Map(ids.map((id, i) => [id, i]))
  return { data: data.map((label) => numbers.get(label) ?? 0), shape, ids }
}

/**
 * A label map of another size: each pixel gets the label of the one that lies under its centre. The smallest segments may have no pixel
 * left in a smaller map.
 * @param height in pixels
 * @param width in pixels
 * @throws ArgumentError for what is no label map, or no size
 */
export function scaledLabelMap(map: LabelMap, height: number, width: number): LabelMap {
  check('scaledLabelMap', labelMap, map, 'map')
  check('scaledLabelMap', wholeNumber(1, mostSide), height, 'height')
  check('scaledLabelMap', wholeNumber(1, mostSide), width, 'width')
  const { data, shape } = map
  const [rows, columns] = shape
  const under = (at: number, extent: number, size: number) =>
    Math.min(extent - 1, Math.floor(((at + 0.5) * extent) / size))
  const scaled = new Int32Array(height * width)
  for (let y = 0; y < height; y++) {
    const row = under(y, rows, height) * columns
    for (let x = 0; x < width; x++) scaled[y * width + x] = data[row + under(x, columns, width)]
  }
  return { ...map, data: scaled, shape: [height, width] }
}

/** Pixels a side of a map that is scaled to. */
const mostSide = 2 ** 15
