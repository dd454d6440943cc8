import { ArgumentError, ShapeError } from './errors.ts'
import type { Initializer } from './initializers.ts'
import { conv2d as convolve } from './ops/conv2d.ts'
import { greaterEqual, mul, relu, sigmoid, tanh } from './ops/elementwise.ts'
import { dense as denseProduct } from './ops/matmul.ts'
import { avgPool, maxPool } from './ops/pool.ts'
import { random } from './ops/random.ts'
import { flatten as flattenTensor } from './ops/reshape.ts'
import { softmax } from './ops/softmax.ts'
import { type Padding, type Pair, pairOf } from './ops/window.ts'
import { formatShape, Input, type Shape, sizeOf, type Tensor } from './tensor.ts'

/**
 * Keras's layers, in camelCase. A layer is a plain description (it is saved as it is); build() looks at the shape that
 * comes in and says which weights it needs and how to apply it.
 */

export type ActivationName = 'linear' | 'relu' | 'softmax' | 'sigmoid' | 'tanh'

const activations: Readonly<Record<ActivationName, (x: Tensor) => Tensor>> = {
  linear: (x) => x,
  relu,
  softmax,
  sigmoid,
  tanh,
}

export interface Conv2dConfig {
  readonly filters: number
  /** Height and width of the window, or one number for both. */
  readonly kernelSize: Pair
  readonly strides?: Pair
  readonly padding?: Padding
  readonly activation?: ActivationName
  readonly useBias?: boolean
}

export interface DenseConfig {
  readonly units: number
  readonly activation?: ActivationName
  readonly useBias?: boolean
}

export interface Pooling2dConfig {
  readonly poolSize?: Pair
  readonly strides?: Pair
  readonly padding?: Padding
}

export type LayerDescription =
  | ({ readonly layer: 'conv2d' } & Conv2dConfig)
  | ({ readonly layer: 'dense' } & DenseConfig)
  | ({ readonly layer: 'maxPooling2d' } & Pooling2dConfig)
  | ({ readonly layer: 'averagePooling2d' } & Pooling2dConfig)
  | { readonly layer: 'flatten' }
  | { readonly layer: 'dropout'; readonly rate: number }
  | { readonly layer: 'activation'; readonly activation: ActivationName }

export interface WeightDescription {
  readonly name: 'kernel' | 'bias'
  readonly shape: Shape
  readonly initializer: Initializer
}

/** What differs between training and use. */
export interface LayerContext {
  readonly training: boolean
  /** The step's number, i32 [1]: draws another dropout mask each time. */
  readonly position: Tensor
  readonly seed: number
}

export interface BuiltLayer {
  /** As Keras shows it. */
  readonly type: string
  /** Without the batch axis. */
  readonly outputShape: Shape
  readonly weights: readonly WeightDescription[]
  apply(x: Tensor, weights: readonly Tensor[], context: LayerContext): Tensor
}

/** Keras's Conv2D: filters over a window, strides 1, padding 'valid', a bias and no activation unless given. */
export function conv2d(config: Conv2dConfig): LayerDescription {
  return { layer: 'conv2d', ...config }
}

/** Keras's Dense: units, a bias and no activation unless given. */
export function dense(config: DenseConfig): LayerDescription {
  return { layer: 'dense', ...config }
}

/** Keras's MaxPooling2D: windows of 2 x 2, moved by their own size unless given. */
export function maxPooling2d(config: Pooling2dConfig = {}): LayerDescription {
  return { layer: 'maxPooling2d', ...config }
}

/** Keras's AveragePooling2D: windows of 2 x 2, moved by their own size unless given. */
export function averagePooling2d(config: Pooling2dConfig = {}): LayerDescription {
  return { layer: 'averagePooling2d', ...config }
}

/** [H, W, C] becomes [H · W · C]. */
export function flatten(): LayerDescription {
  return { layer: 'flatten' }
}

/** Sets this share of the inputs to 0 while training, and scales the others so that their sum is expected to stay. */
export function dropout(config: { readonly rate: number }): LayerDescription {
  return { layer: 'dropout', ...config }
}

export function activation(name: ActivationName): LayerDescription {
  return { layer: 'activation', activation: name }
}

function activationNamed(name: ActivationName = 'linear'): (x: Tensor) => Tensor {
  if (!Object.hasOwn(activations, name))
    throw new ArgumentError(`no activation "${name}"; there are ${Object.keys(activations).join(', ')}`)
  return activations[name]
}

function positive(layer: string, name: string, value: number): void {
  if (!Number.isInteger(value) || value < 1)
    throw new ArgumentError(`${layer}: ${name} is ${value}; expected a positive integer`)
}

/** The shape a function makes of one input of this shape. */
function shapeOf(input: Shape, apply: (x: Tensor) => Tensor): Shape {
  return apply(placeholder([1, ...input])).shape.slice(1)
}

function placeholder(shape: Shape): Tensor {
  return new Input('placeholder', shape)
}

function withBias(useBias: boolean | undefined, size: number): WeightDescription[] {
  return useBias === false ? [] : [{ name: 'bias', shape: [size], initializer: 'zeros' }]
}

function buildConv2d(config: Conv2dConfig, input: Shape): BuiltLayer {
  positive('conv2d', 'filters', config.filters)
  if (input.length !== 3) throw new ShapeError(`conv2d: expected images [H,W,C], got ${formatShape(input)}`)
  const { kernelSize, strides, padding } = config
  const [height, width] = pairOf('conv2d', kernelSize)
  const activate = activationNamed(config.activation)
  const kernel = [height, width, input[2], config.filters]
  return {
    type: 'Conv2D',
    outputShape: shapeOf(input, (x) => convolve(x, placeholder(kernel), { strides, padding })),
    weights: [
      { name: 'kernel', shape: kernel, initializer: 'glorotUniform' },
      ...withBias(config.useBias, config.filters),
    ],
    apply: (x, [weights, bias]) => activate(convolve(x, weights, { strides, padding, bias })),
  }
}

function buildDense(config: DenseConfig, input: Shape): BuiltLayer {
  positive('dense', 'units', config.units)
  if (input.length !== 1)
    throw new ShapeError(`dense: expected vectors, got ${formatShape(input)}; put flatten() before it`)
  const activate = activationNamed(config.activation)
  return {
    type: 'Dense',
    outputShape: [config.units],
    weights: [
      { name: 'kernel', shape: [input[0], config.units], initializer: 'glorotUniform' },
      ...withBias(config.useBias, config.units),
    ],
    apply: (x, [weights, bias]) => activate(denseProduct(x, weights, bias)),
  }
}

function withoutWeights(type: string, outputShape: Shape, apply: BuiltLayer['apply']): BuiltLayer {
  return { type, outputShape, weights: [], apply }
}

/** Prepares a layer for inputs of this shape (without the batch axis). @throws ShapeError, ArgumentError */
export function buildLayer(description: LayerDescription, input: Shape): BuiltLayer {
  switch (description.layer) {
    case 'conv2d':
      return buildConv2d(description, input)
    case 'dense':
      return buildDense(description, input)
    case 'maxPooling2d':
    case 'averagePooling2d': {
      const { layer, poolSize, strides, padding } = description
      const pool = (x: Tensor) => (layer === 'maxPooling2d' ? maxPool : avgPool)(x, { poolSize, strides, padding })
      return withoutWeights(layer === 'maxPooling2d' ? 'MaxPooling2D' : 'AveragePooling2D', shapeOf(input, pool), pool)
    }
    case 'flatten':
      return withoutWeights('Flatten', [sizeOf(input)], flattenTensor)
    case 'dropout': {
      const { rate } = description
      if (typeof rate !== 'number' || !(rate >= 0 && rate < 1))
        throw new ArgumentError(`dropout: rate is ${rate}; expected at least 0 and below 1`)
      return withoutWeights('Dropout', input, (x, _weights, { training, position, seed }) =>
        training && rate > 0 ? mul(x, mul(greaterEqual(random(position, x.shape, seed), rate), 1 / (1 - rate))) : x,
      )
    }
    case 'activation':
      return withoutWeights('Activation', input, activationNamed(description.activation))
    default:
      throw new ArgumentError(`no layer "${String((description as { layer: unknown }).layer)}"`)
  }
}

export interface NamedLayer extends BuiltLayer {
  /** Keras's: conv2d, conv2d_1, … */
  readonly name: string
}

/**
 * Puts layers one behind the other and names them as Keras does. Nothing is reserved for their weights yet.
 * @throws ShapeError, ArgumentError when a layer does not fit what comes in
 */
export function stackLayers(inputShape: Shape, descriptions: readonly LayerDescription[]): NamedLayer[] {
  if (inputShape.length === 0 || !inputShape.every((extent) => Number.isInteger(extent) && extent > 0))
    throw new ShapeError(`sequential: inputShape ${formatShape(inputShape)}; expected positive integers`)
  let shape = inputShape
  const counts = new Map<string, number>()
  return descriptions.map((description) => {
    const layer = buildLayer(description, shape)
    shape = layer.outputShape
    const base = layer.type.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toLowerCase()
    const count = counts.get(base) ?? 0
    counts.set(base, count + 1)
    return { ...layer, name: count === 0 ? base : `${base}_${count}` }
  })
}

/** The weights of a stack under their full names, layer/kernel and layer/bias. */
export function weightsOf(layers: readonly NamedLayer[]) {
  return layers.flatMap(({ name, weights }) => weights.map((weight) => ({ ...weight, name: `${name}/${weight.name}` })))
}
