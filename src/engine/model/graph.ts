import { check, optionsOf, shown, thatIs } from '../arguments.ts'
import { ArgumentError, ShapeError } from '../errors.ts'
import { isShape, type Shape } from '../tensor.ts'
import { type Connections, type LayeredNetwork, LayerNames, layeredNetwork, mostLayers, Room } from './layered.ts'
import type { MergeLayer } from './layers/merge.ts'
import { type AnyLayerDescription, callLayer, type LayerDescription, layerNameOf } from './layers/registry.ts'
import type { Port } from './network.ts'

/**
 * Networks that are graphs of layers, and Keras's functional face to write them with: symbolic tensors go through layers, and what
 * connects the inputs to the outputs is a network.
 */

/** Where a symbolic tensor comes from. */
type Origin =
  | { readonly kind: 'input'; readonly name: string | undefined }
  | {
      readonly kind: 'call'
      readonly layer: AnyLayerDescription
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
   * layer is the object that describes it: where the same object is used twice, both share its weights.
   * @throws ShapeError, ArgumentError where a layer does not fit what comes in
   */
  through(...layers: readonly LayerDescription[]): SymbolicTensor {
    return layers.reduce<SymbolicTensor>((x, layer) => call(layer, [x]), this)
  }
}

function call(layer: AnyLayerDescription, of: readonly SymbolicTensor[]): SymbolicTensor {
  const { type, outputShape } = callLayer(
    layerNameOf(layer) ?? 'through',
    layer,
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
 * What a layer makes of several tensors: `through([query, value], multiHeadAttention({ … }))`. As x.through(layer), where the same object
 * is used twice both share its weights.
 * @throws ShapeError, ArgumentError where the layer does not take these, or as many
 */
export function through(tensors: readonly SymbolicTensor[], layer: AnyLayerDescription): SymbolicTensor {
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

/** What a graph is made of, from where to where. */
export interface GraphOptions {
  readonly inputs: SymbolicTensor | readonly SymbolicTensor[]
  readonly outputs: SymbolicTensor | readonly SymbolicTensor[]
  /** Decides the first weights, the order of training and what is random in it. 0 unless given. */
  readonly seed?: number
}

/** All that a graph is made from, but for what it has learned: plain data. Tensors are numbered, inputs first, then one a call. */
export interface GraphArchitecture {
  readonly seed?: number
  readonly inputs: readonly Port[]
  /** By their names. */
  readonly layers: Readonly<Record<string, AnyLayerDescription>>
  /** Which layer is called with which tensors. */
  readonly calls: readonly { readonly layer: string; readonly inputs: readonly number[] }[]
  /** Which tensors. */
  readonly outputs: readonly number[]
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

/**
 * Writes down what connects outputs to inputs. Layers are numbered as Keras does, in the order in which their calls are needed.
 * @throws ArgumentError where an output needs an input that is not listed
 */
export function graphArchitecture(options: GraphOptions): Required<GraphArchitecture> {
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
  const nameOf = new Map<AnyLayerDescription, string>()
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
    const name = nameOf.get(origin.layer) ?? names.next(origin.type)
    nameOf.set(origin.layer, name)
    numbers.set(tensor, given.length + calls.length)
    calls.push({ layer: name, inputs: origin.of.map((one) => numbers.get(one) ?? 0) })
    pending.pop()
  }
  const layers = Object.fromEntries([...nameOf].map(([layer, name]) => [name, layer]))
  return { seed, inputs, layers, calls, outputs: wanted.map((tensor) => numbers.get(tensor) ?? 0) }
}

function listed(tensors: SymbolicTensor | readonly SymbolicTensor[]): readonly SymbolicTensor[] {
  return tensors instanceof SymbolicTensor ? [tensors] : tensors
}

/** A network of a graph, its weights new. @throws ShapeError, ArgumentError where layers do not fit together */
export function graphNetwork(architecture: GraphArchitecture): GraphNetwork {
  const { seed = 0, inputs, layers, calls, outputs } = architecture
  return {
    ...layeredNetwork(connectLayers(architecture), seed),
    architecture: { seed, inputs, layers, calls, outputs },
  }
}

/**
 * Prepares the layers of a graph. Nothing is reserved for their weights yet.
 * @throws ShapeError, ArgumentError where layers do not fit together, whatever the architecture holds
 */
export function connectLayers(architecture: GraphArchitecture): Connections {
  const { inputs, layers, calls, outputs } = architecture
  if (calls.length > mostLayers) throw new ArgumentError(`model: ${calls.length} layers; at most ${mostLayers} can be`)
  const room = new Room()
  const taken = new Set<string>()
  for (const { name, shape } of inputs) {
    if (!isName(name) || taken.has(name) || !isSampleShape(shape))
      throw new ArgumentError(
        `model: an input is named ${shown(name)}, of shape ${shown(shape)}; expected a name of its own and a list of positive integers`,
      )
    taken.add(name)
    room.checkOutput(`model: a sample of ${shown(name)}`, shape)
  }
  const shapes = inputs.map(({ shape }) => shape)
  const used = new Set<number>()
  const weights = new Map<string, string>()
  const connected = calls.map(({ layer: name, inputs: numbers }) => {
    if (!isName(name) || !Object.hasOwn(layers, name) || inputs.some((one) => one.name === name))
      throw new ArgumentError(`model: ${shown(name)} is called, which is no layer's name`)
    if (!Array.isArray(numbers) || !numbers.every((number) => isBelow(number, shapes.length)))
      throw new ArgumentError(`model: ${name} takes ${shown(numbers)}; expected tensors that were made before it`)
    for (const number of numbers) used.add(number)
    const layer = callLayer(
      name,
      layers[name],
      numbers.map((number) => shapes[number]),
    )
    room.checkOutput(`${name}: its output`, layer.outputShape)
    const own = JSON.stringify(layer.weights)
    if (!weights.has(name)) room.addWeights(name, layer.weights)
    else if (weights.get(name) !== own)
      throw new ShapeError(`${name} is called again with inputs of another shape, for which it needs other weights`)
    weights.set(name, own)
    shapes.push(layer.outputShape)
    return { name, layer, inputs: numbers }
  })
  if (!outputs.every((number) => isBelow(number, shapes.length)))
    throw new ArgumentError(`model: its outputs are ${shown(outputs)}; expected tensors that it makes`)
  for (const number of outputs) used.add(number)
  const idle = shapes.findIndex((_, number) => !used.has(number))
  if (idle >= 0) {
    const name = idle < inputs.length ? inputs[idle].name : calls[idle - inputs.length].layer
    throw new ArgumentError(`model: nothing takes what ${shown(name)} gives`)
  }
  const named = new Set<string>()
  return {
    inputs,
    calls: connected,
    outputs: outputs.map((tensor) => {
      const from = tensor < inputs.length ? inputs[tensor].name : connected[tensor - inputs.length].name
      let name = from
      for (let other = 1; named.has(name); other++) name = `${from}_${other}`
      named.add(name)
      return { name, tensor }
    }),
  }
}

function isBelow(number: unknown, limit: number): boolean {
  return Number.isSafeInteger(number) && Number(number) >= 0 && Number(number) < limit
}

function isName(name: unknown): name is string {
  return typeof name === 'string' && name.length > 0 && name.length <= 200
}

function isSampleShape(shape: unknown): shape is Shape {
  return isShape(shape) && shape.length > 0 && !shape.includes(0)
}
