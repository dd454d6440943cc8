import { isNumberArray, shown, thatIs } from '../../engine/arguments.ts'
import { ArgumentError, ShapeError } from '../../engine/errors.ts'
import type { AbortSignal } from '../../engine/platform/types.ts'
import { type Image, type ImageInput, toImage } from '../images/image.ts'

/** The segment each pixel belongs to: [H, W], row-major. */
export interface LabelMap {
  readonly data: Int32Array
  readonly shape: readonly [number, number]
}

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

/** The same segments, numbered 0..n-1 in the order of their labels (numpy.unique's return_inverse). */
export function relabelled(map: LabelMap): LabelMap {
  const numbers = new Map(Array.from(distinctLabels(map.data), (label, i) => [label, i]))
  return { data: map.data.map((label) => numbers.get(label) ?? 0), shape: map.shape }
}
