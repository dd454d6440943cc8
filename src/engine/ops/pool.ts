import { ShapeError } from '../errors.ts'
import {
  apply,
  formatShape,
  type Operation,
  requireFloat,
  type Shape,
  sizeOf,
  type Tensor,
  type TensorType,
} from '../tensor.ts'
import { max, mean } from './reduce.ts'
import { dilationOf, type Padding, type Pair, paddedEnds, type WindowAttributes, windowOver } from './window.ts'

/**
 * Pooling over windows of NHWC images, channel by channel. Padding never wins a maximum. It is left out of averages unless
 * it is to be counted: then `countedBottom` and `countedRight` say where it ends, and what a last window has beyond that is
 * not counted (ONNX's rule).
 * A maximum's gradient goes to the first of equal values in row-major order.
 */

interface GradientAttributes extends WindowAttributes {
  readonly height: number
  readonly width: number
}

/** Pixels from the image's first row and column between which places of a window count in an average: all of the padding, or none. */
export function countedExtent(w: WindowAttributes, height: number, width: number) {
  return w.countedBottom === undefined
    ? { top: 0, left: 0, bottom: height, right: width }
    : { top: -w.padTop, left: -w.padLeft, bottom: w.countedBottom, right: w.countedRight }
}

/** The rows, or columns, of a window's places that lie inside the image. */
function placesInside(start: number, window: number, dilation: number, extent: number): number[] {
  return Array.from({ length: window }, (_, place) => start + place * dilation).filter((at) => at >= 0 && at < extent)
}

type Visit = (outputOffset: number, pixels: readonly number[], counted: number) => void

/** Visits every output with the flat offsets of the pixels in its window, in row-major order, and how many places an average counts. */
function forEachWindow(shape: readonly number[], w: WindowAttributes, visit: Visit): void {
  const [count, height, width, channels] = shape
  const [dilationY, dilationX] = dilationOf(w)
  const counts = countedExtent(w, height, width)
  for (let n = 0; n < count; n++)
    for (let oy = 0; oy < w.outHeight; oy++)
      for (let ox = 0; ox < w.outWidth; ox++) {
        const [top, left] = [oy * w.strideY - w.padTop, ox * w.strideX - w.padLeft]
        const rows = placesInside(top, w.windowHeight, dilationY, height)
        const columns = placesInside(left, w.windowWidth, dilationX, width)
        const counted =
          (Math.min(top + w.windowHeight, counts.bottom) - Math.max(top, counts.top)) *
          (Math.min(left + w.windowWidth, counts.right) - Math.max(left, counts.left))
        for (let c = 0; c < channels; c++) {
          const pixels = rows.flatMap((y) => columns.map((x) => ((n * height + y) * width + x) * channels + c))
          visit(((n * w.outHeight + oy) * w.outWidth + ox) * channels + c, pixels, counted)
        }
      }
}

function firstMaximum(data: Float64Array, pixels: readonly number[]): number {
  return pixels.reduce((best, pixel) => (data[pixel] > data[best] ? pixel : best))
}

function pooledType(x: TensorType, w: WindowAttributes): TensorType {
  requireFloat('pool', [x])
  return { shape: [x.shape[0], w.outHeight, w.outWidth, x.shape[3]], dtype: 'f32' }
}

const windowArea = (w: WindowAttributes) => w.windowHeight * w.windowWidth

export const maxPoolOperation: Operation<WindowAttributes> = {
  name: 'maxPool',
  inputNames: ['x'],
  infer: ([x], w) => pooledType(x, w),
  gradient: (node, dy, w) => [() => apply(maxPoolGradientOperation, [node.inputs[0], dy], w)],
  reference([x], y, w) {
    forEachWindow(x.shape, w, (output, pixels) => {
      y.data[output] = x.data[firstMaximum(x.data, pixels)]
    })
  },
  flops: (_x, y, w) => sizeOf(y.shape) * windowArea(w),
}

/** x [N,H,W,C], dy [N,OH,OW,C] -> dx [N,H,W,C]. */
export const maxPoolGradientOperation: Operation<WindowAttributes> = {
  name: 'maxPoolGradient',
  inputNames: ['x', 'dy'],
  isGradient: true,
  infer: ([x]) => ({ shape: x.shape, dtype: 'f32' }),
  reference([x, dy], dx, w) {
    dx.data.fill(0)
    forEachWindow(x.shape, w, (output, pixels) => {
      dx.data[firstMaximum(x.data, pixels)] += dy.data[output]
    })
  },
  flops: (_inputs, dx, w) => sizeOf(dx.shape) * windowArea(w),
}

export const avgPoolOperation: Operation<WindowAttributes> = {
  name: 'avgPool',
  inputNames: ['x'],
  infer: ([x], w) => pooledType(x, w),
  gradient(node, dy, w) {
    const [, height, width] = node.inputs[0].shape
    return [() => apply<GradientAttributes>(avgPoolGradientOperation, [dy], { ...w, height, width })]
  },
  reference([x], y, w) {
    forEachWindow(x.shape, w, (output, pixels, counted) => {
      y.data[output] = pixels.reduce((total, pixel) => total + x.data[pixel], 0) / counted
    })
  },
  flops: (_x, y, w) => sizeOf(y.shape) * windowArea(w),
}

/** dy [N,OH,OW,C] -> dx [N,H,W,C]. */
export const avgPoolGradientOperation: Operation<GradientAttributes> = {
  name: 'avgPoolGradient',
  inputNames: ['dy'],
  isGradient: true,
  infer: ([dy], { height, width }) => ({ shape: [dy.shape[0], height, width, dy.shape[3]], dtype: 'f32' }),
  gradient: (_node, dz, { height: _height, width: _width, ...w }) => [() => apply(avgPoolOperation, [dz], w)],
  reference([dy], dx, w) {
    dx.data.fill(0)
    forEachWindow(dx.shape, w, (output, pixels, counted) => {
      for (const pixel of pixels) dx.data[pixel] += dy.data[output] / counted
    })
  },
  flops: (_inputs, dx, w) => sizeOf(dx.shape) * windowArea(w),
}

export interface PoolOptions {
  /** Window, in pixels; 2 unless given. */
  readonly poolSize?: Pair
  /** As the window unless given. */
  readonly strides?: Pair
  /** 'valid' unless given. */
  readonly padding?: Padding
  /** Whether a last window may reach beyond the image and its padding, as long as it begins before the padding that follows the image. */
  readonly ceilMode?: boolean
}

export interface MaxPoolOptions extends PoolOptions {
  /** Pixels from one place of a window to the next; 1 unless given. */
  readonly dilation?: Pair
}

export interface AvgPoolOptions extends PoolOptions {
  /** Whether the zeros of the padding are part of the mean. What a last window has beyond them (see ceilMode) never is. */
  readonly countIncludePad?: boolean
}

function walk(name: string, x: Tensor, options: PoolOptions, dilation?: Pair): WindowAttributes {
  const { poolSize = 2, strides = poolSize, padding = 'valid', ceilMode } = options
  return windowOver(name, x.shape, poolSize, strides, padding, 'a window of', { dilation, ceilMode })
}

/** @throws ShapeError where a window has no pixel of the image: it has no maximum and no mean */
function requirePixels(name: string, [, height, width]: Shape, w: WindowAttributes): void {
  const [dilationY, dilationX] = dilationOf(w)
  const axes = [
    {
      what: 'row',
      outputs: w.outHeight,
      stride: w.strideY,
      pad: w.padTop,
      window: w.windowHeight,
      dilation: dilationY,
      extent: height,
    },
    {
      what: 'column',
      outputs: w.outWidth,
      stride: w.strideX,
      pad: w.padLeft,
      window: w.windowWidth,
      dilation: dilationX,
      extent: width,
    },
  ]
  for (const { what, outputs, stride, pad, window, dilation, extent } of axes)
    for (let output = 0; output < outputs; output++)
      if (placesInside(output * stride - pad, window, dilation, extent).length === 0)
        throw new ShapeError(
          `${name}: the windows of ${what} ${output} lie wholly in the padding of images of ${formatShape([height, width])} pixels; use less padding`,
        )
}

/**
 * The maximum of each window of images [N,H,W,C].
 * @throws ShapeError when the window does not fit, or one lies wholly in the padding
 */
export function maxPool(x: Tensor, options: MaxPoolOptions = {}): Tensor {
  const w = walk('maxPool', x, options, options.dilation)
  requirePixels('maxPool', x.shape, w)
  return apply(maxPoolOperation, [x], w)
}

/**
 * The mean of each window of images [N,H,W,C].
 * @throws ShapeError when the window does not fit, or one lies wholly in padding that is not counted
 */
export function avgPool(x: Tensor, options: AvgPoolOptions = {}): Tensor {
  const w = walk('avgPool', x, options)
  if (!options.countIncludePad) {
    requirePixels('avgPool', x.shape, w)
    return apply(avgPoolOperation, [x], w)
  }
  const [countedBottom, countedRight] = paddedEnds('avgPool', x.shape, options.padding ?? 'valid', w)
  return apply<WindowAttributes>(avgPoolOperation, [x], { ...w, countedBottom, countedRight })
}

export interface GlobalPoolOptions {
  /** Keep height and width with extent 1. */
  readonly keepDims?: boolean
}

function requireImages(name: string, x: Tensor): void {
  if (x.shape.length !== 4)
    throw new ShapeError(`${name}: expected images [N,H,W,C], got shape ${formatShape(x.shape)}`)
}

/** The mean of each channel of images [N,H,W,C]: [N,C]. @throws ShapeError for what are no images */
export function globalAveragePool(x: Tensor, options: GlobalPoolOptions = {}): Tensor {
  requireImages('globalAveragePool', x)
  return mean(x, { axes: [1, 2], keepDims: options.keepDims })
}

/** The maximum of each channel of images [N,H,W,C]: [N,C]. Equal ones share the gradient. @throws ShapeError for what are no images */
export function globalMaxPool(x: Tensor, options: GlobalPoolOptions = {}): Tensor {
  requireImages('globalMaxPool', x)
  return max(x, { axes: [1, 2], keepDims: options.keepDims })
}
