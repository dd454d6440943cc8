import { ShapeError } from '../errors.ts'
import { apply, formatShape, type Operation, requireFloat, type Shape, type Tensor } from '../tensor.ts'
import { add } from './elementwise.ts'
import { type Padding, type Pair, type WindowAttributes, windowOver } from './window.ts'

/**
 * Two-dimensional convolution (cross-correlation, as in every neural network library): images NHWC, kernels HWIO.
 * It is linear in the image and in the kernel, so its two gradients, and theirs, are again one of these three operations.
 */

interface InputGradientAttributes extends WindowAttributes {
  readonly height: number
  readonly width: number
}

function checkKernel(name: string, image: Shape, kernel: Shape): void {
  if (kernel.length !== 4 || image.length !== 4 || kernel[2] !== image[3])
    throw new ShapeError(
      `${name}: images ${formatShape(image)} and kernel ${formatShape(kernel)}; expected [N,H,W,C] and [KH,KW,C,filters]`,
    )
}

/** Visits every (output, window tap) pair that meets a pixel inside the image; all offsets in elements of their arrays. */
function forEachTap(
  [count, height, width, channels]: Shape,
  filters: number,
  w: WindowAttributes,
  visit: (imageOffset: number, kernelOffset: number, outputOffset: number) => void,
): void {
  for (let n = 0; n < count; n++)
    for (let oy = 0; oy < w.outHeight; oy++)
      for (let ox = 0; ox < w.outWidth; ox++)
        for (let ky = 0; ky < w.windowHeight; ky++) {
          const y = oy * w.strideY + ky - w.padTop
          if (y < 0 || y >= height) continue
          for (let kx = 0; kx < w.windowWidth; kx++) {
            const x = ox * w.strideX + kx - w.padLeft
            if (x < 0 || x >= width) continue
            visit(
              ((n * height + y) * width + x) * channels,
              (ky * w.windowWidth + kx) * channels * filters,
              ((n * w.outHeight + oy) * w.outWidth + ox) * filters,
            )
          }
        }
}

function tapFlops(count: number, w: WindowAttributes, channels: number, filters: number): number {
  return 2 * count * w.outHeight * w.outWidth * w.windowHeight * w.windowWidth * channels * filters
}

/** x [N,H,W,C], kernel [KH,KW,C,F] -> [N,OH,OW,F]. */
export const conv2dOperation: Operation<WindowAttributes> = {
  name: 'conv2d',
  inputNames: ['x', 'kernel'],
  infer([x, kernel], w) {
    requireFloat('conv2d', [x, kernel])
    checkKernel('conv2d', x.shape, kernel.shape)
    return { shape: [x.shape[0], w.outHeight, w.outWidth, kernel.shape[3]], dtype: 'f32' }
  },
  gradient(node, dy, w) {
    const [x, kernel] = node.inputs
    return [() => inputGradient(dy, kernel, x.shape, w), () => kernelGradient(x, dy, w)]
  },
  reference([x, kernel], y, w) {
    const [channels, filters] = kernel.shape.slice(2)
    const [images, weights, sums] = [x.data, kernel.data, y.data.fill(0)]
    forEachTap(x.shape, filters, w, (image, tap, output) => {
      for (let c = 0; c < channels; c++) {
        const value = images[image + c]
        const row = tap + c * filters
        for (let f = 0; f < filters; f++) sums[output + f] += value * weights[row + f]
      }
    })
  },
  flops: ([x, kernel], _y, w) => tapFlops(x.shape[0], w, x.shape[3], kernel.shape[3]),
}

/** dy [N,OH,OW,F], kernel [KH,KW,C,F] -> the gradient of conv2d's images, [N,H,W,C]. */
export const inputGradientOperation: Operation<InputGradientAttributes> = {
  name: 'conv2dInputGradient',
  inputNames: ['dy', 'kernel'],
  isGradient: true,
  infer([dy, kernel], { height, width }) {
    return { shape: [dy.shape[0], height, width, kernel.shape[2]], dtype: 'f32' }
  },
  gradient(node, dz, w) {
    const [dy, kernel] = node.inputs
    return [() => apply(conv2dOperation, [dz, kernel], windowOf(w)), () => kernelGradient(dz, dy, windowOf(w))]
  },
  reference([dy, kernel], dx, w) {
    const [channels, filters] = kernel.shape.slice(2)
    const [slopes, weights, sums] = [dy.data, kernel.data, dx.data.fill(0)]
    forEachTap(dx.shape, filters, w, (image, tap, output) => {
      for (let c = 0; c < channels; c++) {
        const row = tap + c * filters
        let sum = sums[image + c]
        for (let f = 0; f < filters; f++) sum += slopes[output + f] * weights[row + f]
        sums[image + c] = sum
      }
    })
  },
  flops: ([dy, kernel], _dx, w) => tapFlops(dy.shape[0], w, kernel.shape[2], kernel.shape[3]),
}

/** x [N,H,W,C], dy [N,OH,OW,F] -> the gradient of conv2d's kernel, [KH,KW,C,F]. */
export const kernelGradientOperation: Operation<WindowAttributes> = {
  name: 'conv2dKernelGradient',
  inputNames: ['x', 'dy'],
  isGradient: true,
  infer([x, dy], { windowHeight, windowWidth }) {
    return { shape: [windowHeight, windowWidth, x.shape[3], dy.shape[3]], dtype: 'f32' }
  },
  gradient(node, dk, w) {
    const [x, dy] = node.inputs
    return [() => inputGradient(dy, dk, x.shape, w), () => apply(conv2dOperation, [x, dk], w)]
  },
  reference([x, dy], dk, w) {
    const [channels, filters] = dk.shape.slice(2)
    const [images, slopes, sums] = [x.data, dy.data, dk.data.fill(0)]
    forEachTap(x.shape, filters, w, (image, tap, output) => {
      for (let c = 0; c < channels; c++) {
        const value = images[image + c]
        const row = tap + c * filters
        for (let f = 0; f < filters; f++) sums[row + f] += value * slopes[output + f]
      }
    })
  },
  flops: ([x, dy], _dk, w) => tapFlops(x.shape[0], w, x.shape[3], dy.shape[3]),
}

function windowOf({ height: _height, width: _width, ...window }: InputGradientAttributes): WindowAttributes {
  return window
}

function inputGradient(dy: Tensor, kernel: Tensor, image: Shape, w: WindowAttributes): Tensor {
  return apply<InputGradientAttributes>(inputGradientOperation, [dy, kernel], {
    ...w,
    height: image[1],
    width: image[2],
  })
}

function kernelGradient(x: Tensor, dy: Tensor, w: WindowAttributes): Tensor {
  return apply(kernelGradientOperation, [x, dy], w)
}

export interface Conv2dOptions {
  readonly strides?: Pair
  readonly padding?: Padding
  /** [filters], added to every pixel. */
  readonly bias?: Tensor
}

/**
 * Convolves images `x` [N,H,W,C] with `kernel` [KH,KW,C,filters] to [N,OH,OW,filters]. Strides 1 and padding 'valid'
 * unless given; 'same' is TensorFlow's.
 * @throws ShapeError when channels differ or the window does not fit
 */
export function conv2d(x: Tensor, kernel: Tensor, options: Conv2dOptions = {}): Tensor {
  checkKernel('conv2d', x.shape, kernel.shape)
  const window = windowOver(
    'conv2d',
    x.shape,
    [kernel.shape[0], kernel.shape[1]],
    options.strides ?? 1,
    options.padding ?? 'valid',
  )
  const { bias } = options
  if (bias && (bias.shape.length !== 1 || bias.shape[0] !== kernel.shape[3]))
    throw new ShapeError(`conv2d: bias ${formatShape(bias.shape)}; expected [${kernel.shape[3]}], one a filter`)
  const product = apply(conv2dOperation, [x, kernel], window)
  return bias ? add(product, bias) : product
}
