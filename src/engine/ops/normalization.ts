import { ArgumentError, ShapeError } from '../errors.ts'
import { constant, formatShape, type Shape, sameShape, type Tensor } from '../tensor.ts'
import { conv2d } from './conv2d.ts'
import { add, mul, pow, rsqrt, square, sub } from './elementwise.ts'
import { mean } from './reduce.ts'
import { reshape } from './reshape.ts'

/**
 * Normalisations, all made of other operations, so that their gradients are, too. They differ in the axes that they take mean
 * and variance over. A variance is the mean of squared differences, the biased one: E[x²] - E[x]² would lose all digits where
 * the mean is large.
 */

export interface NormOptions {
  /** What the normalised numbers are multiplied by: Keras's and ONNX's scale, PyTorch's weight. */
  readonly gamma?: Tensor
  /** What is added then: PyTorch's bias. */
  readonly beta?: Tensor
  /** Added to the variance, which may be 0. Keras's 0.001 unless given. */
  readonly epsilon?: number
}

/** Keras's. */
export const defaultEpsilon = 0.001

/** A tensor in the form that has mean 0, and how it came there. */
interface Moments {
  readonly mean: Tensor
  readonly variance: Tensor
  /** x - mean */
  readonly centred: Tensor
}

/** Mean and variance over axes, which are kept with extent 1. */
function momentsOver(x: Tensor, axes: readonly number[]): Moments {
  const average = mean(x, { axes, keepDims: true })
  const centred = sub(x, average)
  return { mean: average, variance: mean(square(centred), { axes, keepDims: true }), centred }
}

/** 1 / √(variance + epsilon) */
function inverseDeviation(variance: Tensor, epsilon: number): Tensor {
  return rsqrt(add(variance, epsilon))
}

/** @throws ShapeError where gamma or beta is not of this shape */
function checkScale(name: string, { gamma, beta }: NormOptions, shape: Shape): void {
  for (const [what, given] of Object.entries({ gamma, beta }))
    if (given && !sameShape(given.shape, shape))
      throw new ShapeError(`${name}: ${what} is ${formatShape(given.shape)}; expected ${formatShape(shape)}`)
}

function scaled(normalised: Tensor, { gamma, beta }: NormOptions): Tensor {
  const stretched = gamma ? mul(normalised, gamma) : normalised
  return beta ? add(stretched, beta) : stretched
}

/** (x - mean) / √(variance + epsilon) · gamma + beta: what belongs to the channels alone is put together first. */
function normalised({ centred, variance }: Moments, { gamma, beta, epsilon = defaultEpsilon }: NormOptions): Tensor {
  const inverse = inverseDeviation(variance, epsilon)
  const y = mul(centred, gamma ? mul(inverse, gamma) : inverse)
  return beta ? add(y, beta) : y
}

/** @throws ShapeError for a tensor without a batch axis and another one */
function channelsOf(name: string, { shape }: Tensor): number {
  if (shape.length < 2) throw new ShapeError(`${name}: x is ${formatShape(shape)}; expected [N,…,C]`)
  return shape[shape.length - 1]
}

export interface BatchNormOptions extends NormOptions {
  /** [C], those of the training: moving averages. Of this batch itself unless both are given. */
  readonly mean?: Tensor
  readonly variance?: Tensor
}

/**
 * Batch normalisation (Ioffe & Szegedy, 2015) of x [N,…,C], each channel by itself: (x - mean) / √(variance + epsilon) · gamma + beta.
 * @throws ShapeError where gamma, beta, mean or variance is not [C]
 */
export function batchNorm(x: Tensor, options: BatchNormOptions = {}): Tensor {
  const shape = [channelsOf('batchNorm', x)]
  checkScale('batchNorm', options, shape)
  const { mean, variance, gamma, beta, epsilon = defaultEpsilon } = options
  if (!mean && !variance) return normalised(batchMoments(x), options)
  if (!mean || !variance)
    throw new ArgumentError('batchNorm: mean and variance belong together; one of them is missing')
  if (!sameShape(mean.shape, shape) || !sameShape(variance.shape, shape))
    throw new ShapeError(
      `batchNorm: mean is ${formatShape(mean.shape)}, variance ${formatShape(variance.shape)}; expected ${formatShape(shape)} both`,
    )
  // One product and one sum a number: what is known before x is known is put together.
  const inverse = inverseDeviation(variance, epsilon)
  const slope = gamma ? mul(inverse, gamma) : inverse
  const shift = mul(mean, slope)
  return beta ? add(mul(x, slope), sub(beta, shift)) : sub(mul(x, slope), shift)
}

/** As batchNorm() by the batch itself, with the batch's mean and biased variance, [C] each, for moving averages of them. */
export function batchNormWithMoments(
  x: Tensor,
  options: NormOptions,
): { readonly y: Tensor; readonly mean: Tensor; readonly variance: Tensor } {
  const moments = batchMoments(x)
  const shape = [channelsOf('batchNorm', x)]
  const { mean, variance } = moments
  return { y: normalised(moments, options), mean: reshape(mean, shape), variance: reshape(variance, shape) }
}

function batchMoments(x: Tensor): Moments {
  return momentsOver(
    x,
    x.shape.slice(0, -1).map((_, axis) => axis),
  )
}

/**
 * Layer normalisation (Ba, Kiros & Hinton, 2016) of x [N,…,C] over its last axis, each place by itself.
 * @throws ShapeError where gamma or beta is not [C]
 */
export function layerNorm(x: Tensor, options: NormOptions = {}): Tensor {
  checkScale('layerNorm', options, [channelsOf('layerNorm', x)])
  const { centred, variance } = momentsOver(x, [x.shape.length - 1])
  return scaled(mul(centred, inverseDeviation(variance, options.epsilon ?? defaultEpsilon)), options)
}

/**
 * Group normalisation (Wu & He, 2018) of x [N,…,C]: neighbouring channels make `groups` groups of as many; each sample's group is
 * normalised by itself.
 * @throws ShapeError where the channels do not make so many groups, or gamma or beta is not [C]
 */
export function groupNorm(x: Tensor, groups: number, options: NormOptions = {}): Tensor {
  const channels = channelsOf('groupNorm', x)
  if (!Number.isSafeInteger(groups) || groups < 1 || channels % groups !== 0)
    throw new ShapeError(`groupNorm: ${channels} channels do not make ${groups} groups of as many`)
  checkScale('groupNorm', options, [channels])
  const places = x.shape.slice(1, -1).reduce((product, extent) => product * extent, 1)
  const grouped = reshape(x, [x.shape[0], places, groups, channels / groups])
  const { centred, variance } = momentsOver(grouped, [1, 3])
  const y = mul(centred, inverseDeviation(variance, options.epsilon ?? defaultEpsilon))
  return scaled(reshape(y, x.shape), options)
}

/**
 * Instance normalisation (Ulyanov, Vedaldi & Lempitsky, 2016) of x [N,…,C]: each sample's channel is normalised by itself.
 * @throws ShapeError where gamma or beta is not [C]
 */
export function instanceNorm(x: Tensor, options: NormOptions = {}): Tensor {
  checkScale('instanceNorm', options, [channelsOf('instanceNorm', x)])
  const axes = x.shape.slice(1, -1).map((_, axis) => axis + 1)
  return normalised(momentsOver(x, axes), options)
}

export interface LocalResponseNormOptions {
  /** Channels that one is compared with, itself included: as many on both sides, of an even number one more behind it. */
  readonly size?: number
  readonly alpha?: number
  readonly beta?: number
  /** Greater than 0: of silent channels the power below is taken, too. */
  readonly bias?: number
}

/**
 * Local response normalisation (Krizhevsky, Sutskever & Hinton, 2012) of images x [N,H,W,C] over neighbouring channels, in ONNX's form
 * (LRN): x / (bias + alpha / size · Σ x²) ^ beta, with ONNX's defaults: size 5, alpha 0.0001, beta 0.75, bias 1.
 * @throws ShapeError for what is no image
 */
export function localResponseNorm(x: Tensor, options: LocalResponseNormOptions = {}): Tensor {
  const { size = 5, alpha = 0.0001, beta = 0.75, bias = 1 } = options
  if (x.shape.length !== 4) throw new ShapeError(`localResponseNorm: x is ${formatShape(x.shape)}; expected [N,H,W,C]`)
  const channels = x.shape[3]
  const [before, after] = [Math.floor((size - 1) / 2), Math.ceil((size - 1) / 2)]
  // Sums of neighbours are a convolution of one pixel: 1 where channel `from` is near channel `to`.
  const near = new Float32Array(channels * channels)
  for (let to = 0; to < channels; to++)
    for (let from = Math.max(0, to - before); from <= Math.min(channels - 1, to + after); from++)
      near[from * channels + to] = 1
  const sums = conv2d(square(x), constant(near, [1, 1, channels, channels]))
  return mul(x, pow(add(mul(sums, alpha / size), bias), -beta))
}
