import { shown, thatIs } from '../arguments.ts'
import { ShapeError } from '../errors.ts'
import type { Shape } from '../tensor.ts'

/** 'same': as many outputs as ceil(n / stride), zeros around; 'valid': only windows that lie inside. TensorFlow's rules. */
export type Padding = 'same' | 'valid'

/** How a window walks over an NHWC image: convolution and pooling share it. Extents in pixels. */
export interface WindowAttributes extends Readonly<Record<string, number>> {
  readonly windowHeight: number
  readonly windowWidth: number
  readonly strideY: number
  readonly strideX: number
  readonly padTop: number
  readonly padLeft: number
  readonly outHeight: number
  readonly outWidth: number
}

export type Pair = number | readonly [number, number]

const isExtent = (value: unknown) => Number.isSafeInteger(value) && Number(value) >= 1

/** What a window, or its strides, may be. @internal */
export const pair = thatIs<Pair>(
  'a positive integer or two, [height, width]',
  (value) => isExtent(value) || (Array.isArray(value) && value.length === 2 && value.every(isExtent)),
)

/** Both extents. What comes from a file may be anything: only a number or two numbers are a pair. */
export function pairOf(name: string, value: Pair): readonly [number, number] {
  if (typeof value === 'number') return [value, value]
  if (!Array.isArray(value) || value.length !== 2 || !value.every((extent) => typeof extent === 'number'))
    throw new ShapeError(`${name}: ${shown(value)} given; expected a number or two`)
  return [value[0], value[1]]
}

function walk(
  name: string,
  extent: number,
  window: number,
  stride: number,
  padding: Padding,
  what: string,
): [before: number, outputs: number] {
  if (!Number.isInteger(stride) || stride < 1 || !Number.isInteger(window) || window < 1)
    throw new ShapeError(`${name}: window ${window} and stride ${stride} must be positive integers`)
  if (padding === 'same') {
    const outputs = Math.ceil(extent / stride)
    // The smaller half of the padding goes before.
    return [Math.floor(Math.max((outputs - 1) * stride + window - extent, 0) / 2), outputs]
  }
  if (extent < window)
    throw new ShapeError(`${name}: ${what} ${window} does not fit into ${extent} pixels with padding 'valid'`)
  return [0, Math.floor((extent - window) / stride) + 1]
}

/**
 * The walk of a window over an image of shape [N,H,W,C].
 * @param what the window is called in messages
 * @throws ShapeError for a bad image, window or stride
 */
export function windowOver(
  name: string,
  image: Shape,
  window: Pair,
  strides: Pair,
  padding: Padding,
  what = 'a window of',
): WindowAttributes {
  if (image.length !== 4) throw new ShapeError(`${name}: expected images [N,H,W,C], got shape [${image.join(',')}]`)
  if (padding !== 'same' && padding !== 'valid')
    throw new ShapeError(`${name}: padding is ${shown(padding)}; expected 'same' or 'valid'`)
  const [windowHeight, windowWidth] = pairOf(name, window)
  const [strideY, strideX] = pairOf(name, strides)
  const [padTop, outHeight] = walk(name, image[1], windowHeight, strideY, padding, what)
  const [padLeft, outWidth] = walk(name, image[2], windowWidth, strideX, padding, what)
  return { windowHeight, windowWidth, strideY, strideX, padTop, padLeft, outHeight, outWidth }
}
