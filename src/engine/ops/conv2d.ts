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
import { depthwiseConv2d } from './depthwise-conv2d.ts'
import { reshape } from './reshape.ts'
import { type Padding, type Pair, type WindowAttributes, windowOver } from './window.ts'

/**
 * Two-dimensional convolution (cross-correlation, as in every neural network library): images NHWC, kernels HWIO.
 * It is linear in the image and in the kernel, so its two gradients, and theirs, are again one of these three operations.
 * With `groups`, an attribute that is left out where it is 1, each group of channels has filters of its own.
 */

export function groupsOf(w: WindowAttributes): number {
  return w.groups ?? 1
}

/** @throws ShapeError for groups that do not divide both channels and filters, or a kernel of other channels */
function checkKernel(name: string, image: Shape, kernel: Shape, groups: number): void {
  if (!Number.isSafeInteger(groups) || groups < 1)
    throw new ShapeError(`${name}: groups is ${groups}; expected a positive integer`)
  const isRight =
    kernel.length === 4 && image.length === 4 && kernel[2] * groups === image[3] && kernel[3] % groups === 0
  if (isRight) return
  const expected =
    groups === 1
      ? '[KH,KW,C,filters]'
      : `[KH,KW,C/${groups},filters] for ${groups} groups, with filters that can be divided by ${groups}`
  throw new ShapeError(
    `${name}: images ${formatShape(image)} and kernel ${formatShape(kernel)}; expected [N,H,W,C] and ${expected}`,
  )
}

/** x [N,H,W,C], kernel [KH,KW,C/groups,F] -> [N,OH,OW,F]. */
export const conv2dOperation: Operation<WindowAttributes> = {
  name: 'conv2d',
  inputNames: ['x', 'kernel'],
  infer([x, kernel], w) {
    requireFloat('conv2d', [x, kernel])
    checkKernel('conv2d', x.shape, kernel.shape, groupsOf(w))
    return { shape: [x.shape[0], w.outHeight, w.outWidth, kernel.shape[3]], dtype: 'f32' }
  },
  gradient(node, dy, w) {
    const [x, kernel] = node.inputs
    return [() => inputGradient(dy, kernel, x.shape, w), () => apply(kernelGradientOperation, [x, dy], w)]
  },
  reference: (inputs, y, w) => convolve(inputs, y, w, groupsOf(w)),
  flops: ([x, kernel], _y, w) => convolutionFlops(x.shape[0], w, kernel.shape[2], kernel.shape[3]),
}

/** dy [N,OH,OW,F], kernel [KH,KW,C/groups,F] -> the gradient of conv2d's images, [N,H,W,C]. */
export const inputGradientOperation: Operation<InputGradientAttributes> = {
  name: 'conv2dInputGradient',
  inputNames: ['dy', 'kernel'],
  isGradient: true,
  infer([dy, kernel], w) {
    requireFloat('conv2dInputGradient', [dy, kernel])
    return { shape: [dy.shape[0], w.height, w.width, kernel.shape[2] * groupsOf(w)], dtype: 'f32' }
  },
  gradient(node, dz, w) {
    const [dy, kernel] = node.inputs
    const window = windowOf(w)
    return [
      () => apply(gradientConv2dOperation, [dz, kernel], window),
      () => apply(kernelGradientOperation, [dz, dy], window),
    ]
  },
  reference: (inputs, dx, w) => convolveBack(inputs, dx, w, groupsOf(w)),
  flops: ([dy, kernel], _dx, w) => convolutionFlops(dy.shape[0], w, kernel.shape[2], kernel.shape[3]),
}

/** x [N,H,W,C], dy [N,OH,OW,F] -> the gradient of conv2d's kernel, [KH,KW,C/groups,F]. */
export const kernelGradientOperation: Operation<WindowAttributes> = {
  name: 'conv2dKernelGradient',
  inputNames: ['x', 'dy'],
  isGradient: true,
  infer([x, dy], w) {
    const { windowHeight, windowWidth } = w
    return { shape: [windowHeight, windowWidth, x.shape[3] / groupsOf(w), dy.shape[3]], dtype: 'f32' }
  },
  gradient(node, dk, w) {
    const [x, dy] = node.inputs
    return [() => inputGradient(dy, dk, x.shape, w), () => apply(gradientConv2dOperation, [x, dk], w)]
  },
  reference: (inputs, dk, w) => correlateWith(inputs, dk, w, groupsOf(w)),
  flops: ([x, dy], _dk, w) => convolutionFlops(x.shape[0], w, x.shape[3] / groupsOf(w), dy.shape[3]),
}

/** conv2d where it is part of a gradient, and of a gradient's gradient: the same kernels, but no digit may be dropped. */
const gradientConv2dOperation: Operation<WindowAttributes> = { ...conv2dOperation, isGradient: true }

/** conv2d's window without the extents of its images. */
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

export interface Conv2dOptions {
  readonly strides?: Pair
  readonly padding?: Padding
  /** Pixels from one place of the window to the next: 1, side by side, unless given. */
  readonly dilation?: Pair
  /** Parts that the channels are cut into, each with filters of its own: 1 unless given. */
  readonly groups?: number
  /** [filters], added to every pixel. */
  readonly bias?: Tensor
}

/**
 * Convolves images `x` [N,H,W,C] with `kernel` [KH,KW,C/groups,filters] to [N,OH,OW,filters]. Strides, dilation and groups 1 and
 * padding 'valid' unless given; 'same' is TensorFlow's, numbers are PyTorch's.
 * @throws ShapeError when channels differ, groups do not divide them, or the window does not fit
 */
export function conv2d(x: Tensor, kernel: Tensor, options: Conv2dOptions = {}): Tensor {
  const { strides = 1, padding = 'valid', dilation = 1, groups = 1, bias } = options
  checkKernel('conv2d', x.shape, kernel.shape, groups)
  const [height, width, , filters] = kernel.shape
  if (groups > 1 && groups === x.shape[3]) {
    // The same numbers in the same order, and kernels that are made for it.
    const perChannel = reshape(kernel, [height, width, groups, filters / groups])
    return depthwiseConv2d(x, perChannel, { strides, padding, dilation, bias })
  }
  const window = windowOver('conv2d', x.shape, [height, width], strides, padding, undefined, { dilation })
  const product = apply<WindowAttributes>(conv2dOperation, [x, kernel], groups === 1 ? window : { ...window, groups })
  return withBias('conv2d', product, bias)
}
