import { ShapeError } from '../errors.ts'
import { apply, formatShape, type Operation, type Shape, type Tensor } from '../tensor.ts'
import { withBias } from './channel-bias.ts'
import { inputGradientOperation } from './conv2d.ts'
import type { InputGradientAttributes } from './convolution-sums.ts'
import { depthwiseInputGradientOperation } from './depthwise-conv2d.ts'
import { reshape } from './reshape.ts'
import { attributesOf, type Padding, type Pair, pairOf, sidesOf } from './window.ts'

/**
 * Transposed convolution: what conv2d's gradient does for its images, as a layer of a network. It is run by the same kernels, under
 * their names; but a graph that has one is no gradient, so whoever rounds forward passes coarsely may do so, and the flag is left out.
 * What gradients of it are made of (conv2d, and the kernel's gradient) does carry the flag.
 */
function asForward<A extends Operation>({ isGradient: _isGradient, ...operation }: A): Omit<A, 'isGradient'> {
  return operation
}

const forward = asForward(inputGradientOperation)
const depthwiseForward = asForward(depthwiseInputGradientOperation)

export interface Conv2dTransposeOptions {
  readonly strides?: Pair
  readonly padding?: Padding
  /** Rows and columns that are added below and on the right, less than a stride (or a dilation); Keras's sizes unless given. */
  readonly outputPadding?: OutputPadding
  /** Pixels from one place of the window to the next: 1, side by side, unless given. */
  readonly dilation?: Pair
  /** Parts that the channels are cut into, each with filters of its own: 1 unless given. */
  readonly groups?: number
  /** [filters], added to every pixel. */
  readonly bias?: Tensor
}

/** Height and width, or one number for both. */
export type OutputPadding = number | readonly [number, number]

interface Axis {
  /** Of what comes in. */
  readonly extent: number
  readonly window: number
  readonly stride: number
  readonly dilation: number
  readonly padding: 'same' | 'valid' | readonly [number, number]
  readonly outputPadding: number | undefined
}

/**
 * What lies before the first pixel, and how many are made. Sizes are those of Keras for 'same' and 'valid' (deconv_output_length),
 * for numbers those of PyTorch's ConvTranspose2d and ONNX's ConvTranspose.
 */
function spread(name: string, axis: Axis): readonly [before: number, extent: number] {
  const { extent, window, stride, dilation, padding, outputPadding } = axis
  if (![stride, dilation].every((value) => Number.isSafeInteger(value) && value >= 1))
    throw new ShapeError(`${name}: dilation ${dilation} and stride ${stride} must be positive integers`)
  const most = Math.max(stride, dilation) - 1
  const added = outputPadding ?? 0
  if (!Number.isSafeInteger(added) || added < 0 || added > most)
    throw new ShapeError(
      `${name}: outputPadding ${added}; expected a whole number from 0 to ${most}, less than the stride or the dilation`,
    )
  const covered = (window - 1) * dilation + 1
  const last = (extent - 1) * stride + covered
  const isSame = padding === 'same'
  const made = (around: number) => {
    if (typeof padding === 'string' && outputPadding === undefined)
      return isSame ? extent * stride : Math.max(last, extent * stride)
    return last - around + added
  }
  if (!isSame) {
    const [before, after] = padding === 'valid' ? [0, 0] : padding
    const outputs = made(before + after)
    if (outputs < 1) throw new ShapeError(`${name}: ${extent} pixels and padding ${before} + ${after} leave nothing`)
    return [before, outputs]
  }
  const outputs = made(2 * Math.floor(covered / 2))
  // TensorFlow: the images are those of which a convolution with the same padding makes what comes in.
  if (Math.ceil(outputs / stride) !== extent)
    throw new ShapeError(
      `${name}: a window of ${covered}, outputPadding ${added} and padding 'same' make ${outputs} of ${extent} pixels, of which stride ${stride} makes other ${extent}; leave outputPadding out`,
    )
  return [Math.floor(Math.max(last - outputs, 0) / 2), outputs]
}

/**
 * Spreads images `x` [N,H,W,C] by `kernel` [KH,KW,filters/groups,C] to [N,OH,OW,filters]: each pixel adds a window of weights to the
 * result, `strides` apart. Strides, dilation and groups 1 and padding 'valid' unless given. With padding 'same' OH is H · stride, with
 * 'valid' H · stride + max(KH - stride, 0), KH dilated; with outputPadding, and with padding in numbers, it is
 * (H - 1) · stride + KH - padding on both sides + outputPadding, where 'same' pads KH/2, rounded down, on each.
 * @throws ShapeError when channels differ, groups do not divide them, or nothing is left
 */
export function conv2dTranspose(x: Tensor, kernel: Tensor, options: Conv2dTransposeOptions = {}): Tensor {
  const { groups = 1, bias } = options
  const name = 'conv2dTranspose'
  const channels = x.shape.at(3)
  if (!Number.isSafeInteger(groups) || groups < 1)
    throw new ShapeError(`${name}: groups is ${groups}; expected a positive integer`)
  if (x.shape.length !== 4 || kernel.shape.length !== 4 || kernel.shape[3] !== channels || channels % groups !== 0)
    throw new ShapeError(
      `${name}: images ${formatShape(x.shape)} and kernel ${formatShape(kernel.shape)}; expected [N,H,W,C] and [KH,KW,filters${
        groups === 1 ? '' : `/${groups}`
      },C]${groups === 1 ? '' : `, where ${groups} groups divide C`}`,
    )
  const [windowHeight, windowWidth, filters] = kernel.shape
  const window = transposedOver(name, x.shape, [windowHeight, windowWidth], options)
  const y =
    groups > 1 && filters === 1
      ? apply(depthwiseForward, [x, reshape(kernel, [windowHeight, windowWidth, groups, channels / groups])], window)
      : apply(forward, [x, kernel], groups === 1 ? window : { ...window, groups })
  return withBias(name, y, bias)
}

/**
 * The walk of the convolution that makes images of shape [N,H,W,C] of the ones that they are spread to, whose extents it tells.
 * @throws ShapeError for bad strides, padding or dilation, or where nothing is left
 */
export function transposedOver(
  name: string,
  image: Shape,
  [windowHeight, windowWidth]: readonly [number, number],
  options: Pick<Conv2dTransposeOptions, 'strides' | 'padding' | 'outputPadding' | 'dilation'>,
): InputGradientAttributes {
  const { strides = 1, padding = 'valid', outputPadding, dilation = 1 } = options
  const [strideY, strideX] = pairOf(name, strides)
  const [dilationY, dilationX] = pairOf(name, dilation)
  const [vertical, horizontal] = sidesOf(name, padding)
  const [below, right] = outputPadding === undefined ? [] : pairOf(name, outputPadding)
  const [outHeight, outWidth] = image.slice(1)
  const rows = { extent: outHeight, window: windowHeight, stride: strideY, dilation: dilationY }
  const columns = { extent: outWidth, window: windowWidth, stride: strideX, dilation: dilationX }
  const [padTop, height] = spread(name, { ...rows, padding: vertical, outputPadding: below })
  const [padLeft, width] = spread(name, { ...columns, padding: horizontal, outputPadding: right })
  return { ...attributesOf(rows, columns, { padTop, padLeft, outHeight, outWidth }), height, width }
}
