import { check, optionsOf, thatIs } from '../arguments.ts'
import { ArgumentError } from '../errors.ts'
import type { Shape } from '../tensor.ts'
import { descriptionOf, type LayeredModel, networkOf } from './callable.ts'
import { connectLayers, type GraphOf, isName, isSampleShape } from './connections.ts'
import { type Connections, type FirstWeights, type LayeredNetwork, LayerNames, layeredNetwork } from './layered.ts'
import type { DotConfig } from './layers/dot.ts'
import type { MergeLayer } from './layers/merge.ts'
import { type AnyLayerDescription, allLayers, type LayerDescription } from './layers/registry.ts'
import type { Network, Port } from './network.ts'

/**
 * Networks that are graphs of layers, and Keras's functional face to write them with: symbolic tensors go through layers, and what
 * connects the inputs to the outputs is a network.
 */

/** Where a symbolic tensor comes from. */
type Origin =
  | { readonly kind: 'input'; readonly name: string | undefined }
  | {
      readonly kind: 'call'
      readonly layer: AnyLayerDescription | LayeredModel
      readonly type: string
      readonly of: readonly SymbolicTensor[]
    }

/** A tensor of a network that is being written: one sample's shape, and where it comes from. It holds no numbers. */
export class SymbolicTensor {
  /** Made by input(), by layers, and by nothing else. @internal */
  constructor(
    /** Without the batch axis. */
    readonly shape: Shape,
    /** @internal */
    readonly origin: Origin,
  ) {}

  /**
   * What these layers make of it, one behind the other: `x.through(conv2d({ … }), batchNormalization(), activation('relu'))`. A
   * layer is the object that describes it: where the same object is used twice, both share its weights. A model of one input and one
   * output is a layer, too; its weights are then those of both models.
   * @throws ShapeError, ArgumentError where a layer does not fit what comes in
   */
  through(...layers: readonly (LayerDescription | LayeredModel)[]): SymbolicTensor {
    return layers.reduce<SymbolicTensor>((x, layer) => call(layer, [x]), this)
  }
}

function call(layer: AnyLayerDescription | LayeredModel, of: readonly SymbolicTensor[]): SymbolicTensor {
  const description = descriptionOf<AnyLayerDescription>(layer)
  const { type, outputShape } = allLayers.call(
    allLayers.nameOf(description) ?? 'through',
    description,
    of.map(({ shape }) => shape),
  )
  return new SymbolicTensor(outputShape, { kind: 'call', layer, type, of })
}

export interface InputOptions {
  /** One sample: [height, width, channels] for images. */
  readonly shape: Shape
  /** input_1, input_2, … unless given. */
  readonly name?: string
}

const aName = thatIs<string>('a text of 1 to 200 letters', isName)
const inputOptions = optionsOf<InputOptions>(
  { shape: thatIs<Shape>('a list of positive integers', isSampleShape), name: aName },
  'shape',
)

/** An input of a network that is to be written: Keras's Input. */
export function input(options: InputOptions): SymbolicTensor {
  check('input', inputOptions, options)
  return new SymbolicTensor([...options.shape], { kind: 'input', name: options.name })
}

/**
 * What a layer, or a model, makes of several tensors: `through([query, value], multiHeadAttention({ … }))`. As x.through(layer), where the same object
 * is used twice both share its weights.
 * @throws ShapeError, ArgumentError where the layer does not take these, or as many
 */
export function through(tensors: readonly SymbolicTensor[], layer: AnyLayerDescription | LayeredModel): SymbolicTensor {
  check('through', listOfTensors, tensors, 'tensors')
  return call(layer, tensors)
}

function merge(layer: AnyLayerDescription, tensors: readonly SymbolicTensor[]): SymbolicTensor {
  check(layer.layer, severalTensors, tensors, 'tensors')
  return call(layer, tensors)
}

const isSymbolic = (value: unknown) => value instanceof SymbolicTensor
const listOfTensors = thatIs<readonly SymbolicTensor[]>(
  'a list of symbolic tensors',
  (value) => Array.isArray(value) && value.length > 0 && value.every(isSymbolic),
)
const severalTensors = thatIs<readonly SymbolicTensor[]>(
  'a list of at least two symbolic tensors',
  (value) => Array.isArray(value) && value.length > 1 && value.every(isSymbolic),
)

function merging(layer: MergeLayer['layer']) {
  return (tensors: readonly SymbolicTensor[]): SymbolicTensor => merge({ layer }, tensors)
}

/** The sum of tensors of one shape: Keras's Add. @throws ShapeError, ArgumentError */
export const add = merging('add')
/** The product of tensors of one shape, number by number: Keras's Multiply. @throws ShapeError, ArgumentError */
export const multiply = merging('multiply')
/** The mean of tensors of one shape: Keras's Average. @throws ShapeError, ArgumentError */
export const average = merging('average')
/** The largest of tensors of one shape, number by number: Keras's Maximum. @throws ShapeError, ArgumentError */
export const maximum = merging('maximum')
/** The smallest of tensors of one shape, number by number: Keras's Minimum. @throws ShapeError, ArgumentError */
export const minimum = merging('minimum')
/** The first of two tensors of one shape, less the second: Keras's Subtract. @throws ShapeError, ArgumentError */
export const subtract = merging('subtract')

/**
 * Tensors side by side, along their last axis (images: by channels) or another, the batch axis counted: Keras's Concatenate.
 * @throws ShapeError, ArgumentError where they differ along other axes, too
 */
export function concatenate(
  tensors: readonly SymbolicTensor[],
  options: { readonly axis?: number } = {},
): SymbolicTensor {
  return merge({ layer: 'concatenate', ...options }, tensors)
}

/**
 * The sums of products along an axis of each of two tensors, sample by sample: Keras's Dot. Its shape is that of the first without that
 * axis, then that of the second without its own.
 * @throws ShapeError, ArgumentError where there is no such axis, or they are not as long
 */
export function dot(tensors: readonly SymbolicTensor[], options: DotConfig): SymbolicTensor {
  return merge({ layer: 'dot', ...options }, tensors)
}

/** What a graph is made of, from where to where. */
export interface GraphOptions {
  readonly inputs: SymbolicTensor | readonly SymbolicTensor[]
  readonly outputs: SymbolicTensor | readonly SymbolicTensor[]
  /** Decides the first weights, the order of training and what is random in it. 0 unless given. */
  readonly seed?: number
}

/** All that a graph is made from, but for what it has learned: plain data. Tensors are numbered, inputs first, then one a call. */
export interface GraphArchitecture extends GraphOf<AnyLayerDescription> {
  readonly seed?: number
}

/** A network and the graph that it was made from. */
export interface GraphNetwork extends LayeredNetwork {
  readonly architecture: Required<GraphArchitecture>
}

const oneOrMore = thatIs<SymbolicTensor | readonly SymbolicTensor[]>(
  'a symbolic tensor, or a list of them',
  (value) => isSymbolic(value) || (Array.isArray(value) && value.length > 0 && value.every(isSymbolic)),
)
const aSeed = thatIs<number>('a whole number', Number.isSafeInteger)
const graphOptions = optionsOf<GraphOptions>(
  { inputs: oneOrMore, outputs: oneOrMore, seed: aSeed },
  'inputs',
  'outputs',
)

/** A network of what connects symbolic tensors. @throws ArgumentError, ShapeError where that is none */
export function networkBetween(options: GraphOptions): GraphNetwork {
  const { architecture, learned } = writtenDown(options)
  return graphNetwork(architecture, learned)
}

/**
 * Writes down what connects outputs to inputs. Layers are numbered as Keras does, in the order in which their calls are needed.
 * @throws ArgumentError where an output needs an input that is not listed
 */
function writtenDown(options: GraphOptions) {
  check('model', graphOptions, options)
  const { seed = 0 } = options
  const [given, wanted] = [listed(options.inputs), listed(options.outputs)]
  const inputs = given.map(({ shape, origin }, i): Port => {
    if (origin.kind !== 'input')
      throw new ArgumentError(`model: inputs[${i}] is what a layer made; expected what input() gives`)
    return { name: origin.name ?? `input_${i + 1}`, shape }
  })
  const numbers = new Map(given.map((tensor, i) => [tensor, i]))
  const names = new LayerNames(inputs.map(({ name }) => name))
  // Models are known by their networks.
  const nameOf = new Map<object, string>()
  const layers: Record<string, AnyLayerDescription> = {}
  const learned = new Map<string, Network>()
  const calls: GraphArchitecture['calls'][number][] = []
  // Without recursion: a graph may be deeper than the stack.
  const pending = wanted.toReversed()
  for (let tensor = pending.at(-1); tensor; tensor = pending.at(-1)) {
    if (numbers.has(tensor)) {
      pending.pop()
      continue
    }
    const { origin } = tensor
    if (origin.kind === 'input')
      throw new ArgumentError(`model: an output needs the input ${origin.name ?? 'of no name'}, which is not listed`)
    const missing = origin.of.filter((one) => !numbers.has(one))
    if (missing.length > 0) {
      pending.push(...missing.reverse())
      continue
    }
    const network = networkOf(origin.layer)
    const name = nameOf.get(network ?? origin.layer) ?? names.next(origin.type)
    nameOf.set(network ?? origin.layer, name)
    layers[name] = descriptionOf<AnyLayerDescription>(origin.layer)
    if (network) learned.set(name, network)
    numbers.set(tensor, given.length + calls.length)
    calls.push({ layer: name, inputs: origin.of.map((one) => numbers.get(one) ?? 0) })
    pending.pop()
  }
  const outputs = wanted.map((tensor) => numbers.get(tensor) ?? 0)
  return { architecture: { seed, inputs, layers, calls, outputs }, learned }
}

function listed(tensors: SymbolicTensor | readonly SymbolicTensor[]): readonly SymbolicTensor[] {
  return tensors instanceof SymbolicTensor ? [tensors] : tensors
}

/**
 * A network of a graph.
 * @throws ShapeError, ArgumentError where layers do not fit together
 */
export function graphNetwork(architecture: GraphArchitecture, weights?: FirstWeights): GraphNetwork {
  const { seed = 0, inputs, layers, calls, outputs } = architecture
  return {
    ...layeredNetwork(graphConnections(architecture), seed, weights),
    architecture: { seed, inputs, layers, calls, outputs },
  }
}

/** Prepares the layers of a graph. @throws ShapeError, ArgumentError where layers do not fit together, whatever the architecture holds */
export function graphConnections(architecture: GraphArchitecture): Connections {
  return connectLayers(architecture, allLayers)
}
