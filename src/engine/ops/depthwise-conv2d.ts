import { ShapeError } from '../errors.ts'
import { apply, formatShape, type Operation, requireFloat, type Shape, type Tensor } from '../tensor.ts'
import { withBias } from './channel-bias.ts'
import {
  convolutionFlops,
  convolve,
  convolveBack,
  correlateWith,
  type InputGradientAttributes,
} from './convolution-sums.ts'
import { type Padding, type Pair, type WindowAttributes, windowOver } from './window.ts'

/**
 * Convolution of each channel by itself: channel c becomes `multiplier` channels c·multiplier + m, each with a window of
 * weights of its own (Keras's and TensorFlow's order). Kernels are [KH,KW,C,multiplier]. Linear in the image and in the kernel, as
 * conv2d is: its two gradients, and theirs, are again one of these three operations.
 */

function checkKernel(name: string, image: Shape, kernel: Shape): void {
  if (kernel.length !== 4 || image.length !== 4 || kernel[2] !== image[3])
    throw new ShapeError(
      `${name}: images ${formatShape(image)} and kernel ${formatShape(kernel)}; expected [N,H,W,C] and [KH,KW,C,multiplier]`,
    )
}

/** x [N,H,W,C], kernel [KH,KW,C,M] -> [N,OH,OW,C·M]. */
export const depthwiseConv2dOperation: Operation<WindowAttributes> = {
  name: 'depthwiseConv2d',
  inputNames: ['x', 'kernel'],
  infer([x, kernel], w) {
    requireFloat('depthwiseConv2d', [x, kernel])
    checkKernel('depthwiseConv2d', x.shape, kernel.shape)
    const [channels, multiplier] = kernel.shape.slice(2)
    return { shape: [x.shape[0], w.outHeight, w.outWidth, channels * multiplier], dtype: 'f32' }
  },
  gradient(node, dy, w) {
    const [x, kernel] = node.inputs
    return [() => inputGradient(dy, kernel, x.shape, w), () => apply(depthwiseKernelGradientOperation, [x, dy], w)]
  },
  reference: ([x, kernel], y, w) => convolve([x, kernel], y, w, x.shape[3]),
  flops: ([x], y, w) => convolutionFlops(x.shape[0], w, 1, y.shape[3]),
}

/** dy [N,OH,OW,C·M], kernel [KH,KW,C,M] -> the gradient of depthwiseConv2d's images, [N,H,W,C]. */
export const depthwiseInputGradientOperation: Operation<InputGradientAttributes> = {
  name: 'depthwiseConv2dInputGradient',
  inputNames: ['dy', 'kernel'],
  isGradient: true,
  infer([dy, kernel], { height, width }) {
    return { shape: [dy.shape[0], height, width, kernel.shape[2]], dtype: 'f32' }
  },
  gradient(node, dz, { height: _height, width: _width, ...w }) {
    const [dy, kernel] = node.inputs
    return [
      () => apply<WindowAttributes>(gradientDepthwiseOperation, [dz, kernel], w),
      () => apply<WindowAttributes>(depthwiseKernelGradientOperation, [dz, dy], w),
    ]
  },
  reference: ([dy, kernel], dx, w) => convolveBack([dy, kernel], dx, w, dx.shape[3]),
  flops: ([dy], _dx, w) => convolutionFlops(dy.shape[0], w, 1, dy.shape[3]),
}

/** x [N,H,W,C], dy [N,OH,OW,C·M] -> the gradient of depthwiseConv2d's kernel, [KH,KW,C,M]. */
export const depthwiseKernelGradientOperation: Operation<WindowAttributes> = {
  name: 'depthwiseConv2dKernelGradient',
  inputNames: ['x', 'dy'],
  isGradient: true,
  infer([x, dy], { windowHeight, windowWidth }) {
    const channels = x.shape[3]
    return { shape: [windowHeight, windowWidth, channels, dy.shape[3] / channels], dtype: 'f32' }
  },
  gradient(node, dk, w) {
    const [x, dy] = node.inputs
    return [() => inputGradient(dy, dk, x.shape, w), () => apply(gradientDepthwiseOperation, [x, dk], w)]
  },
  reference: ([x, dy], dk, w) => correlateWith([x, dy], dk, w, x.shape[3]),
  flops: ([x, dy], _dk, w) => convolutionFlops(x.shape[0], w, 1, dy.shape[3]),
}

/** depthwiseConv2d where it is part of a gradient: no digit may be dropped (see gradientConv2dOperation). */
const gradientDepthwiseOperation: Operation<WindowAttributes> = { ...depthwiseConv2dOperation, isGradient: true }

function inputGradient(dy: Tensor, kernel: Tensor, image: Shape, w: WindowAttributes): Tensor {
  const extents = { height: image[1], width: image[2] }
  return apply<InputGradientAttributes>(depthwiseInputGradientOperation, [dy, kernel], { ...w, ...extents })
}

export interface DepthwiseConv2dOptions {
  readonly strides?: Pair
  readonly padding?: Padding
  /** Pixels from one place of the window to the next: 1, side by side, unless given. */
  readonly dilation?: Pair
  /** [C · multiplier], added to every pixel. */
  readonly bias?: Tensor
}

/**
 * Convolves each channel of images `x` [N,H,W,C] with windows of its own, `kernel` [KH,KW,C,multiplier], to images
 * [N,OH,OW,C·multiplier], whose channel c·multiplier + m is made of channel c. Strides and dilation 1 and padding 'valid' unless
 * given.
 * @throws ShapeError when channels differ or the window does not fit
 */
export function depthwiseConv2d(x: Tensor, kernel: Tensor, options: DepthwiseConv2dOptions = {}): Tensor {
  const { strides = 1, padding = 'valid', dilation = 1, bias } = options
  checkKernel('depthwiseConv2d', x.shape, kernel.shape)
  const [height, width] = kernel.shape
  const window = windowOver('depthwiseConv2d', x.shape, [height, width], strides, padding, undefined, { dilation })
  return withBias('depthwiseConv2d', apply(depthwiseConv2dOperation, [x, kernel], window), bias)
}
