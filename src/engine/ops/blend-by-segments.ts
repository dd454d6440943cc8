import { shown } from '../arguments.ts'
import { ArgumentError, ShapeError } from '../errors.ts'
import { apply, constant, formatShape, type Operation, sameShape, type Tensor } from '../tensor.ts'
import { mul, sub } from './elementwise.ts'
import { sum } from './sum-and-broadcast.ts'

/**
 * Many mixtures of two images, chosen segment by segment: what an explanation asks a network about. Sample n shows
 * `image` where the mask bit of the pixel's segment is 1 and `fudged` where it is 0.
 */
export const blendOperation: Operation = {
  name: 'blendBySegments',
  inputNames: ['image', 'fudged', 'segments', 'masks'],
  infer([image, fudged, segments, masks]) {
    const fits =
      image.shape.length === 3 &&
      sameShape(image.shape, fudged.shape) &&
      sameShape(segments.shape, image.shape.slice(0, 2)) &&
      masks.shape.length === 2
    if (!fits)
      throw new ShapeError(
        `blendBySegments: image ${formatShape(image.shape)}, fudged ${formatShape(fudged.shape)}, segments ${formatShape(segments.shape)}, masks ${formatShape(masks.shape)}; expected [H,W,C] twice, [H,W] and [N,words]`,
      )
    if (segments.dtype !== 'i32' || masks.dtype !== 'i32')
      throw new ShapeError(`blendBySegments: segments are ${segments.dtype}, masks ${masks.dtype}; expected i32 both`)
    return { shape: [masks.shape[0], ...image.shape], dtype: 'f32' }
  },
  gradient(node, dy) {
    const [image, , segments, masks] = node.inputs
    const shown = () => blendBySegments(constant(1, image.shape), constant(0, image.shape), segments, masks)
    return [() => sum(mul(dy, shown()), { axes: 0 }), () => sum(mul(dy, sub(1, shown())), { axes: 0 }), null, null]
  },
  reference([image, fudged, segments, masks], y) {
    const [height, width, channels] = image.shape
    const [count, words] = masks.shape
    for (let n = 0; n < count; n++)
      for (let pixel = 0; pixel < height * width; pixel++) {
        const segment = segments.data[pixel]
        const source = (masks.data[n * words + (segment >> 5)] >> (segment & 31)) & 1 ? image : fudged
        for (let c = 0; c < channels; c++)
          y.data[(n * height * width + pixel) * channels + c] = source.data[pixel * channels + c]
      }
  },
  flops: () => 0,
}

/**
 * image, fudged [H,W,C]; segments i32 [H,W] of labels from 0; masks i32 [N, words]: bit s % 32 of word s / 32 is 1 where
 * segment s shows the image (see packMasks) -> N images [N,H,W,C].
 * @throws ShapeError when the shapes do not fit
 */
export function blendBySegments(image: Tensor, fudged: Tensor, segments: Tensor, masks: Tensor): Tensor {
  return apply(blendOperation, [image, fudged, segments, masks], {})
}

const isCount = (value: number) => Number.isSafeInteger(value) && value >= 0

/** Packs masks of 0/1 bytes [count, segments], row-major, into bits: i32 [count, ceil(segments / 32)]. */
export function packMasks(masks: Uint8Array, count: number, segments: number): Int32Array {
  if (!(masks instanceof Uint8Array) || !isCount(count) || !isCount(segments) || masks.length !== count * segments)
    throw new ArgumentError(
      `packMasks: ${shown(masks)} given for ${shown(count)} masks of ${shown(segments)} segments; expected a Uint8Array of as many`,
    )
  const words = Math.ceil(segments / 32)
  const packed = new Int32Array(count * words)
  for (let n = 0; n < count; n++)
    for (let s = 0; s < segments; s++) if (masks[n * segments + s]) packed[n * words + (s >> 5)] |= 1 << (s & 31)
  return packed
}
