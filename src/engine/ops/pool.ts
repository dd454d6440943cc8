import { apply, type Operation, requireFloat, sizeOf, type Tensor, type TensorType } from '../tensor.ts'
import { type Padding, type Pair, type WindowAttributes, windowOver } from './window.ts'

/**
 * Pooling over windows of NHWC images, channel by channel. Padding never wins a maximum and is left out of averages.
 * A maximum's gradient goes to the first of equal values in row-major order.
 */

interface GradientAttributes extends WindowAttributes {
  readonly height: number
  readonly width: number
}

/** The part of a window that lies inside the image: first and end row or column. */
function clip(output: number, stride: number, pad: number, window: number, extent: number): [number, number] {
  const start = output * stride - pad
  return [Math.max(start, 0), Math.min(start + window, extent)]
}

type Visit = (outputOffset: number, pixels: readonly number[]) => void

/** Visits every output with the flat offsets of the pixels in its window, in row-major order. */
function forEachWindow(shape: readonly number[], w: WindowAttributes, visit: Visit): void {
  const [count, height, width, channels] = shape
  for (let n = 0; n < count; n++)
    for (let oy = 0; oy < w.outHeight; oy++)
      for (let ox = 0; ox < w.outWidth; ox++) {
        const [top, bottom] = clip(oy, w.strideY, w.padTop, w.windowHeight, height)
        const [left, right] = clip(ox, w.strideX, w.padLeft, w.windowWidth, width)
        for (let c = 0; c < channels; c++) {
          const pixels: number[] = []
          for (let y = top; y < bottom; y++)
            for (let x = left; x < right; x++) pixels.push(((n * height + y) * width + x) * channels + c)
          visit(((n * w.outHeight + oy) * w.outWidth + ox) * channels + c, pixels)
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
    forEachWindow(x.shape, w, (output, pixels) => {
      y.data[output] = pixels.reduce((total, pixel) => total + x.data[pixel], 0) / pixels.length
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
    forEachWindow(dx.shape, w, (output, pixels) => {
      for (const pixel of pixels) dx.data[pixel] += dy.data[output] / pixels.length
    })
  },
  flops: (_inputs, dx, w) => sizeOf(dx.shape) * windowArea(w),
}

export interface PoolOptions {
  /** Window, in pixels; 2 unless given. */
  readonly poolSize?: Pair
  /** As the window unless given. */
  readonly strides?: Pair
  readonly padding?: Padding
}

function pool(operation: Operation<WindowAttributes>, x: Tensor, options: PoolOptions): Tensor {
  const size = options.poolSize ?? 2
  const window = windowOver(operation.name, x.shape, size, options.strides ?? size, options.padding ?? 'valid')
  return apply(operation, [x], window)
}

/** The maximum of each window of images [N,H,W,C]. @throws ShapeError when the window does not fit */
export function maxPool(x: Tensor, options: PoolOptions = {}): Tensor {
  return pool(maxPoolOperation, x, options)
}

/** The mean of each window of images [N,H,W,C]. @throws ShapeError when the window does not fit */
export function avgPool(x: Tensor, options: PoolOptions = {}): Tensor {
  return pool(avgPoolOperation, x, options)
}
