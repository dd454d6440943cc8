import { ArgumentError, ShapeError } from '../engine/errors.ts'
import type { Image } from './image.ts'

/** The segment each pixel belongs to: [H, W], row-major. */
export interface LabelMap {
  readonly data: Int32Array
  readonly shape: readonly [number, number]
}

/**
 * Image -> label map. `randomSeed` is the explanation's, for segmenters that draw random numbers. Any integers will do as
 * labels. A Promise is welcome.
 */
export type SegmentationFn = (image: Image, context: { randomSeed: number }) => LabelMap | Promise<LabelMap>

/** A segmenter that answers at once, as all of Limelight's own do. */
export type Segmenter = (image: Image, context: { randomSeed: number }) => LabelMap

/**
 * Checks what a segmenter returned against the image.
 * @throws ShapeError when the map has another size than the image
 * @throws ArgumentError when it is no map of integers
 */
export function checkedLabelMap(map: LabelMap, image: Image): LabelMap {
  const { data, shape } = map ?? {}
  if (!data || typeof data.length !== 'number' || !Array.isArray(shape))
    throw new ArgumentError('segmentationFn must return a label map: { data: Int32Array, shape: [H, W] }')
  const { height, width } = image
  if (shape[0] !== height || shape[1] !== width || shape.length !== 2 || data.length !== height * width)
    throw new ShapeError(
      `segmentationFn returned a map of shape [${shape.join(', ')}] with ${data.length} labels; the image is [${height}, ${width}]`,
    )
  if (data instanceof Int32Array) return map
  const bad = Array.prototype.findIndex.call(data, (label: number) => (label | 0) !== label)
  if (bad >= 0) throw new ArgumentError(`segmentationFn returned the label ${data[bad]}: labels are 32-bit integers`)
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
