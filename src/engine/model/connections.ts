import { items, shown, thatIs } from '../arguments.ts'
import { ArgumentError, ShapeError } from '../errors.ts'
import { isShape, type Shape } from '../tensor.ts'
import { type Connections, LayerNames, layersOf, mostLayers, Room, weightsOf } from './layered.ts'
import type { CalledLayer, InnerLayers } from './layers/layer.ts'
import type { Port } from './network.ts'

/**
 * How layers are put together, written down as plain data: as graphs, and as stacks. What a layer is, is for others to say: `inner` prepares
 * them, and a network may be one.
 */

/** A graph of layers. Tensors are numbered, inputs first, then one a call. */
export interface GraphOf<Layer> {
  readonly inputs: readonly Port[]
  /** By their names. */
  readonly layers: Readonly<Record<string, Layer>>
  /** Which layer is called with which tensors. */
  readonly calls: readonly { readonly layer: string; readonly inputs: readonly number[] }[]
  /** Which tensors. */
  readonly outputs: readonly number[]
}

/** Layers one behind the other. */
export interface StackOf<Layer> {
  /** One sample: [height, width, channels] for images. */
  readonly inputShape: Shape
  readonly layers: readonly Layer[]
}

export interface NamedLayer extends CalledLayer {
  /** Keras's: conv2d, conv2d_1, … */
  readonly name: string
}

function isObjectWith(value: unknown, ...names: readonly string[]): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && names.every((name) => name in value)
}

const isLayer = (value: unknown) => isObjectWith(value, 'layer')

/** What a graph is, as far as it shows from outside: what layers take, and whether tensors and layers are there, graphConnections() knows. @internal */
export const graphEntries = {
  inputs: items<Port>('an input, an object with its "name" and "shape"', (value) =>
    isObjectWith(value, 'name', 'shape'),
  ),
  layers: thatIs<GraphOf<never>['layers']>(
    'layers by their names',
    (value) => isObjectWith(value) && Object.values(Object(value)).every(isLayer),
  ),
  calls: items<GraphOf<never>['calls'][number]>(
    'a call, an object with the name of its "layer" and its "inputs"',
    (value) => isObjectWith(value, 'layer', 'inputs'),
  ),
  outputs: items<number>('a whole number', Number.isSafeInteger),
}

/** What a stack is, as far as it shows from outside: what each layer takes, stackLayers() knows. @internal */
export const stackEntries = {
  inputShape: items<number>('a whole number', Number.isSafeInteger),
  layers: items<never>('a layer, an object with the name of its "layer"', isLayer),
}

/**
 * Prepares the layers of a graph. Nothing is reserved for their weights yet.
 * @param within begins the messages, where the graph is a layer itself
 * @throws ShapeError, ArgumentError where layers do not fit together, whatever the graph holds
 */
export function connectLayers<Layer>(graph: GraphOf<Layer>, inner: InnerLayers<Layer>, within?: string): Connections {
  const { inputs, layers, calls, outputs } = graph
  const caller = within ?? 'model'
  const callerOf = (name: string) => (within === undefined ? name : `${within}: ${name}`)
  if (calls.length > mostLayers)
    throw new ArgumentError(`${caller}: ${calls.length} layers; at most ${mostLayers} can be`)
  const room = new Room()
  checkInputs(caller, inputs, room)
  const shapes = inputs.map(({ shape }) => shape)
  const used = new Set<number>()
  const weights = new Map<string, string>()
  const connected = calls.map(({ layer: name, inputs: numbers }) => {
    if (!isName(name) || !Object.hasOwn(layers, name) || inputs.some((one) => one.name === name))
      throw new ArgumentError(`${caller}: ${shown(name)} is called, which is no layer's name`)
    if (!Array.isArray(numbers) || !numbers.every((number) => isBelow(number, shapes.length)))
      throw new ArgumentError(`${caller}: ${name} takes ${shown(numbers)}; expected tensors that were made before it`)
    for (const number of numbers) used.add(number)
    const layer = inner.call(
      callerOf(name),
      layers[name],
      numbers.map((number) => shapes[number]),
    )
    room.checkOutput(`${callerOf(name)}: its output`, layer.outputShape)
    const own = JSON.stringify(layer.weights)
    if (!weights.has(name)) room.addWeights(callerOf(name), layer.weights)
    else if (weights.get(name) !== own)
      throw new ShapeError(
        `${callerOf(name)} is called again with inputs of another shape, for which it needs other weights`,
      )
    weights.set(name, own)
    room.addLayers(caller, layer)
    shapes.push(layer.outputShape)
    return { name, layer, inputs: numbers }
  })
  checkWeightNames(caller, { calls: connected })
  if (!outputs.every((number) => isBelow(number, shapes.length)))
    throw new ArgumentError(`${caller}: its outputs are ${shown(outputs)}; expected tensors that it makes`)
  for (const number of outputs) used.add(number)
  const idle = shapes.findIndex((_, number) => !used.has(number))
  if (idle >= 0) {
    const name = idle < inputs.length ? inputs[idle].name : calls[idle - inputs.length].layer
    throw new ArgumentError(`${caller}: nothing takes what ${shown(name)} gives`)
  }
  const named = new OutputNames()
  return {
    inputs,
    calls: connected,
    outputs: outputs.map((tensor) => {
      const from = tensor < inputs.length ? inputs[tensor].name : connected[tensor - inputs.length].name
      return { name: named.next(from), tensor }
    }),
  }
}

/** Names outputs by what makes them: dense, dense_1, … */
class OutputNames {
  private readonly taken = new Set<string>()
  /** Of each maker how many names were tried: a file may ask for the same output very often. */
  private readonly tried = new Map<string, number>()

  next(from: string): string {
    for (let other = this.tried.get(from) ?? 0; ; other++) {
      const name = other === 0 ? from : `${from}_${other}`
      if (this.taken.has(name)) continue
      this.taken.add(name)
      this.tried.set(from, other + 1)
      return name
    }
  }
}

function checkInputs(caller: string, inputs: readonly Port[], room: Room): void {
  const taken = new Set<string>()
  for (const { name, shape } of inputs) {
    if (!isName(name) || taken.has(name) || !isSampleShape(shape))
      throw new ArgumentError(
        `${caller}: an input is named ${shown(name)}, of shape ${shown(shape)}; expected a name of its own and a list of positive integers`,
      )
    taken.add(name)
    room.checkOutput(`${caller}: a sample of ${shown(name)}`, shape)
  }
}

/** A layer's name may hold that of one inside another. */
function checkWeightNames(caller: string, { calls }: Pick<Connections, 'calls'>): void {
  const names = new Set<string>()
  for (const { name } of weightsOf(layersOf(calls))) {
    if (names.has(name))
      throw new ArgumentError(`${caller}: two weights are named ${shown(name)}; expected names of their own`)
    names.add(name)
  }
}

/**
 * Puts layers one behind the other and names them as Keras does. Nothing is reserved for their weights yet.
 * @param within begins the messages, where the stack is a layer itself
 * @throws ShapeError, ArgumentError when a layer does not fit what comes in
 */
export function stackLayers<Layer>(
  { inputShape, layers }: StackOf<Layer>,
  inner: InnerLayers<Layer>,
  within?: string,
): NamedLayer[] {
  const caller = within ?? 'sequential'
  if (!isSampleShape(inputShape))
    throw new ShapeError(`${caller}: inputShape is ${shown(inputShape)}; expected a list of positive integers`)
  if (!Array.isArray(layers) || layers.length > mostLayers)
    throw new ArgumentError(`${caller}: layers must be a list of at most ${mostLayers} layers, not ${shown(layers)}`)
  const room = new Room()
  room.checkOutput(`${caller}: a sample`, inputShape)
  const names = new LayerNames()
  let shape = inputShape
  return layers.map((description: Layer, index) => {
    const place = `${inner.nameOf(description) ?? 'sequential'} (layer ${index + 1})`
    const own = within === undefined ? place : `${within}: ${place}`
    const layer = inner.call(own, description, [shape])
    room.checkOutput(`${own}: its output`, layer.outputShape)
    room.addWeights(own, layer.weights)
    room.addLayers(caller, layer)
    shape = layer.outputShape
    return { ...layer, name: names.next(layer.type) }
  })
}

/** A stack as what it is, a graph without branches. */
export function stackConnections(inputShape: Shape, layers: readonly NamedLayer[]): Connections {
  return {
    inputs: [{ name: 'x', shape: inputShape }],
    calls: layers.map((layer, i) => ({ name: layer.name, layer, inputs: [i] })),
    outputs: [{ name: 'y', tensor: layers.length }],
  }
}

function isBelow(number: unknown, limit: number): boolean {
  return Number.isSafeInteger(number) && Number(number) >= 0 && Number(number) < limit
}

export function isName(name: unknown): name is string {
  return typeof name === 'string' && name.length > 0 && name.length <= 200
}

export function isSampleShape(shape: unknown): shape is Shape {
  return isShape(shape) && shape.length > 0 && !shape.includes(0)
}
