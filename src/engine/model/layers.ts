import { check, type Expected, flag, oneOf, optionsOf, shown, text, thatIs, wholeNumber } from '../arguments.ts'
import { ArgumentError, ShapeError } from '../errors.ts'
import { conv2d as convolve } from '../ops/conv2d.ts'
import { greaterEqual, mul, relu, sigmoid, tanh } from '../ops/elementwise.ts'
import { dense as denseProduct } from '../ops/matmul.ts'
import { avgPool, maxPool } from '../ops/pool.ts'
import { random } from '../ops/random.ts'
import { flatten as flattenTensor } from '../ops/reshape.ts'
import { softmax } from '../ops/softmax.ts'
import { type Padding, type Pair, pair, pairOf, windowOver } from '../ops/window.ts'
import { formatShape, isShape, type Shape, sizeOf, type Tensor } from '../tensor.ts'
import type { Initializer } from './initializers.ts'

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

const activationName = oneOf(...Object.keys(activations))
const padding = oneOf<Padding>('same', 'valid')

const layerOptions = {
  conv2d: optionsOf<LayerOptions<'conv2d'>>(
    {
      layer: text,
      filters: wholeNumber(1),
      kernelSize: pair,
      strides: pair,
      padding,
      activation: activationName,
      useBias: flag,
    },
    'filters',
    'kernelSize',
  ),
  dense: optionsOf<LayerOptions<'dense'>>(
    { layer: text, units: wholeNumber(1), activation: activationName, useBias: flag },
    'units',
  ),
  maxPooling2d: optionsOf<LayerOptions<'maxPooling2d'>>({ layer: text, poolSize: pair, strides: pair, padding }),
  averagePooling2d: optionsOf<LayerOptions<'averagePooling2d'>>({
    layer: text,
    poolSize: pair,
    strides: pair,
    padding,
  }),
  flatten: optionsOf<LayerOptions<'flatten'>>({ layer: text }),
  dropout: optionsOf<LayerOptions<'dropout'>>(
    {
      layer: text,
      rate: thatIs<number>('a number from 0 to below 1', (rate) => typeof rate === 'number' && rate >= 0 && rate < 1),
    },
    'rate',
  ),
  activation: optionsOf<LayerOptions<'activation'>>({ layer: text, activation: activationName }, 'activation'),
} satisfies Record<LayerDescription['layer'], Expected>

type LayerOptions<Name> = Extract<LayerDescription, { layer: Name }>

/** As people wrote it, where it is one. */
function nameOf(description: LayerDescription): string {
  const name: unknown = description?.layer
  return typeof name === 'string' && Object.hasOwn(layerOptions, name) ? name : 'sequential'
}

/** @throws ArgumentError for what is no layer, or one with a wrong option */
function checkDescription(caller: string, description: LayerDescription): void {
  const name: unknown = description?.layer
  if (typeof name !== 'string' || !Object.hasOwn(layerOptions, name))
    throw new ArgumentError(
      `${caller}: ${name === undefined ? shown(description) : shown(name)} is no layer; there are ${Object.keys(layerOptions).join(', ')}`,
    )
  check(caller, layerOptions[description.layer], description)
}

/** Where a window goes over images of this shape. @throws ShapeError in the layer's words where it does not fit */
function walkOver(
  name: string,
  input: Shape,
  option: string,
  window: Pair,
  strides: Pair,
  padding: Padding = 'valid',
): readonly [height: number, width: number] {
  if (input.length !== 3) throw new ShapeError(`${name}: expected images [H,W,C], got ${formatShape(input)}`)
  const { outHeight, outWidth } = windowOver(name, [1, ...input], window, strides, padding, option)
  return [outHeight, outWidth]
}

function withBias(useBias: boolean | undefined, size: number): WeightDescription[] {
  return useBias === false ? [] : [{ name: 'bias', shape: [size], initializer: 'zeros' }]
}

function buildConv2d(name: string, config: Conv2dConfig, input: Shape): BuiltLayer {
  const { kernelSize, strides, padding } = config
  const [height, width] = pairOf(name, kernelSize)
  const activate = activations[config.activation ?? 'linear']
  const outputs = walkOver(name, input, 'kernelSize', kernelSize, strides ?? 1, padding)
  const kernel = [height, width, input[2], config.filters]
  return {
    type: 'Conv2D',
    outputShape: [...outputs, config.filters],
    weights: [
      { name: 'kernel', shape: kernel, initializer: 'glorotUniform' },
      ...withBias(config.useBias, config.filters),
    ],
    apply: (x, [weights, bias]) => activate(convolve(x, weights, { strides, padding, bias })),
  }
}

function buildDense(name: string, config: DenseConfig, input: Shape): BuiltLayer {
  if (input.length !== 1)
    throw new ShapeError(`${name}: expected vectors, got ${formatShape(input)}; put flatten() before it`)
  const activate = activations[config.activation ?? 'linear']
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

/**
 * Prepares a layer for inputs of this shape (without the batch axis).
 * @param name begins the messages
 * @throws ShapeError, ArgumentError
 */
export function buildLayer(name: string, description: LayerDescription, input: Shape): BuiltLayer {
  checkDescription(name, description)
  switch (description.layer) {
    case 'conv2d':
      return buildConv2d(name, description, input)
    case 'dense':
      return buildDense(name, description, input)
    case 'maxPooling2d':
    case 'averagePooling2d': {
      const { layer, poolSize = 2, strides = poolSize, padding } = description
      const outputs = walkOver(name, input, 'poolSize', poolSize, strides, padding)
      const pool = (x: Tensor) => (layer === 'maxPooling2d' ? maxPool : avgPool)(x, { poolSize, strides, padding })
      return withoutWeights(
        layer === 'maxPooling2d' ? 'MaxPooling2D' : 'AveragePooling2D',
        [...outputs, input[2]],
        pool,
      )
    }
    case 'flatten':
      return withoutWeights('Flatten', [sizeOf(input)], flattenTensor)
    case 'dropout': {
      const { rate } = description
      return withoutWeights('Dropout', input, (x, _weights, { training, position, seed }) =>
        training && rate > 0 ? mul(x, mul(greaterEqual(random(position, x.shape, seed), rate), 1 / (1 - rate))) : x,
      )
    }
    case 'activation':
      return withoutWeights('Activation', input, activations[description.activation])
  }
}

/** Numbers of one sample between two layers, and weights of all of them: 1 GB of each is more than any machine here trains. */
const mostNumbers = 2 ** 28
const mostLayers = 1000

export interface NamedLayer extends BuiltLayer {
  /** Keras's: conv2d, conv2d_1, … */
  readonly name: string
}

/**
 * Puts layers one behind the other and names them as Keras does. Nothing is reserved for their weights yet.
 * @throws ShapeError, ArgumentError when a layer does not fit what comes in
 */
export function stackLayers(inputShape: Shape, descriptions: readonly LayerDescription[]): NamedLayer[] {
  if (!isShape(inputShape) || inputShape.length === 0 || inputShape.includes(0))
    throw new ShapeError(`sequential: inputShape is ${shown(inputShape)}; expected a list of positive integers`)
  if (!Array.isArray(descriptions) || descriptions.length > mostLayers)
    throw new ArgumentError(
      `sequential: layers must be a list of at most ${mostLayers} layers, not ${shown(descriptions)}`,
    )
  checkRoom('sequential: a sample', sizeOf(inputShape))
  let weightCount = 0
  let shape = inputShape
  const counts = new Map<string, number>()
  return descriptions.map((description, index) => {
    const caller = `${nameOf(description)} (layer ${index + 1})`
    const layer = buildLayer(caller, description, shape)
    checkRoom(`${caller}: its output`, sizeOf(layer.outputShape))
    weightCount += layer.weights.reduce((sum, weight) => sum + sizeOf(weight.shape), 0)
    checkRoom(`${caller}: the weights so far`, weightCount)
    shape = layer.outputShape
    const base = layer.type.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toLowerCase()
    const count = counts.get(base) ?? 0
    counts.set(base, count + 1)
    return { ...layer, name: count === 0 ? base : `${base}_${count}` }
  })
}

function checkRoom(what: string, numbers: number): void {
  if (numbers > mostNumbers)
    throw new ShapeError(`${what} would be ${numbers} numbers; at most ${mostNumbers} can be held`)
}

/** The weights of a stack under their full names, layer/kernel and layer/bias. */
export function weightsOf(layers: readonly NamedLayer[]) {
  return layers.flatMap(({ name, weights }) => weights.map((weight) => ({ ...weight, name: `${name}/${weight.name}` })))
}
