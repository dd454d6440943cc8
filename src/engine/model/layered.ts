import { ArgumentError, ShapeError } from '../errors.ts'
import { type Resident, type Shape, sizeOf, Tensor } from '../tensor.ts'
import { assignUpdate } from '../updates/assign.ts'
import type { Update } from '../updates/update.ts'
import { initialize, seededRandom } from './initializers.ts'
import type { CalledLayer, LayerContext, StateChange, WeightDescription } from './layers/layer.ts'
import type { Network, Parameter, Port } from './network.ts'

/** Networks that are made of layers: what stacks and graphs have in common. */

/** What can be said of a layer without its numbers. */
export interface LayerOutline {
  /** Keras's: conv2d, conv2d_1, … */
  readonly name: string
  /** As Keras shows it. */
  readonly type: string
  /** Without the batch axis. */
  readonly outputShape: Shape
  readonly weights: readonly WeightDescription[]
}

/** A layer at its place. One that is called more than once has one name, and one set of weights. */
export interface LayerCall {
  readonly name: string
  readonly layer: CalledLayer
  /** Which tensors it takes: the network's inputs are the first, then comes one a call. */
  readonly inputs: readonly number[]
}

/** How layers are put together. */
export interface Connections {
  readonly inputs: readonly Port[]
  /** Each takes inputs of the network and what calls before it make. */
  readonly calls: readonly LayerCall[]
  readonly outputs: readonly { readonly name: string; readonly tensor: number }[]
}

/** A network, and the layers that it is made of. */
export interface LayeredNetwork extends Network {
  readonly calls: readonly LayerCall[]
}

/**
 * How a network's weights begin: new, but for those of models that are layers of these names, which share theirs, the same numbers in
 * the same memory; or as zeros, where all are written over: millions of random numbers would take longer than to read a file.
 */
export type FirstWeights = ReadonlyMap<string, Network> | 'written over'

/**
 * A network of these layers.
 * @param seed decides new weights, and what is random in training
 * @throws ArgumentError where one of them stands at two places, inside another one, say: on a device they would part
 */
export function layeredNetwork(
  connections: Connections,
  seed: number,
  weights: FirstWeights = new Map(),
): LayeredNetwork {
  const { inputs, calls, outputs } = connections
  const shapes = shapesOf(connections)
  const parameters = layersOf(calls).flatMap((layer) => {
    const known = weights === 'written over' ? undefined : weights.get(layer.name)?.parameters
    const first = ({ name, shape, initializer }: WeightDescription) =>
      weights === 'written over'
        ? new Float32Array(sizeOf(shape))
        : initialize(initializer, shape, seededRandom(seed, name))
    return weightsOf([layer]).map((weight, i): Parameter => {
      const { name, shape, trainable = true } = weight
      return { name, shape, data: known ? known[i].data : first(weight), trainable }
    })
  })
  const nameOf = new Map<Parameter['data'], string>()
  for (const { name, data } of parameters) {
    const other = nameOf.get(data)
    if (other !== undefined)
      throw new ArgumentError(
        `model: the weight ${name} is ${other}, too; expected each model at one place, where a graph may call it more than once`,
      )
    nameOf.set(data, name)
  }
  return {
    inputs,
    outputs: outputs.map(({ name, tensor }) => ({ name, shape: shapes[tensor] })),
    parameters,
    calls,
    apply(given, weights, context) {
      const made = applyCalls(connections, given, weights, { ...context, seed })
      return { outputs: made.outputs, updates: updatesOf(made.changes) }
    },
  }
}

/** Of each tensor, the inputs first, the shape without the batch axis. */
export function shapesOf({ inputs, calls }: Connections): Shape[] {
  return [...inputs.map(({ shape }) => shape), ...calls.map(({ layer }) => layer.outputShape)]
}

/**
 * What layers make of tensors, one call after the other.
 * @param weights of all layers, each once, in the order of their first calls
 */
export function applyCalls(
  { calls, outputs }: Connections,
  given: readonly Tensor[],
  weights: readonly Resident[],
  context: LayerContext,
): { readonly outputs: readonly Tensor[]; readonly changes: readonly StateChange[] } {
  const places = new Map<string, { first: number; end: number }>()
  let count = 0
  for (const layer of layersOf(calls)) {
    places.set(layer.name, { first: count, end: count + layer.weights.length })
    count += layer.weights.length
  }
  const tensors = [...given]
  const changes: StateChange[] = []
  for (const [index, { name, layer, inputs: taken }] of calls.entries()) {
    const { first, end } = places.get(name) ?? { first: 0, end: 0 }
    const values = taken.map((tensor) => tensors[tensor])
    const made = layer.apply(values, weights.slice(first, end), { ...context, seed: context.seed + index })
    if (made instanceof Tensor) tensors.push(made)
    else {
      tensors.push(made.output)
      changes.push(...made.changes)
    }
  }
  return { outputs: outputs.map(({ tensor }) => tensors[tensor]), changes }
}

/** One update a state: what calls of one layer change, they change one behind the other. */
function updatesOf(changes: readonly StateChange[]): Update[] {
  const latest = new Map<Resident, Tensor>()
  for (const { state, next } of changes) latest.set(state, next(latest.get(state) ?? state))
  return [...latest].map(([state, value]) => assignUpdate(state, value))
}

/** Each layer once, in the order of their first calls. */
export function layersOf(calls: readonly LayerCall[]): LayerOutline[] {
  const byName = new Map<string, LayerOutline>()
  for (const { name, layer } of calls) if (!byName.has(name)) byName.set(name, { name, ...layer })
  return [...byName.values()]
}

/** The weights of layers under their full names, layer/kernel and layer/bias. */
export function weightsOf(layers: readonly LayerOutline[]) {
  return layers.flatMap(({ name, weights }) => weights.map((weight) => ({ ...weight, name: `${name}/${weight.name}` })))
}

/** Gives layers Keras's names: conv2d, conv2d_1, … */
export class LayerNames {
  private readonly counts = new Map<string, number>()
  private readonly taken: ReadonlySet<string>

  constructor(taken: readonly string[] = []) {
    this.taken = new Set(taken)
  }

  /** @param type as Keras shows it */
  next(type: string): string {
    // A graph that is a layer is a model by name, as in Keras to version 2.
    const base = (type === 'Functional' ? 'model' : type)
      .replace(/(?<=[a-z])(?=[A-Z])|(?<=.)(?=[A-Z][a-z])/g, '_')
      .toLowerCase()
    const count = this.counts.get(base) ?? 0
    this.counts.set(base, count + 1)
    const name = count === 0 ? base : `${base}_${count}`
    return this.taken.has(name) ? this.next(type) : name
  }
}

/** Numbers of one sample between two layers, and weights of all of them: 1 GB of each is more than any machine here trains. */
const mostNumbers = 2 ** 28

export const mostLayers = 1000

/** Models that are layers and what they are made of counted, each time that they are called. */
const mostNestedLayers = 10_000

/** How many layers are called, those inside models counted, too. */
export function layerCountOf(calls: readonly LayerCall[]): number {
  return calls.reduce((sum, { layer }) => sum + (layer.layerCount ?? 1), 0)
}

/** Refuses what no machine can hold, before anything is reserved for it: a hostile file may ask for it. */
export class Room {
  private weights = 0
  private layers = 0

  /** @throws ShapeError for an output that is too large */
  checkOutput(caller: string, shape: Shape): void {
    checkRoom(caller, sizeOf(shape))
  }

  /** @throws ShapeError where these weights and those before them are too many */
  addWeights(caller: string, weights: readonly WeightDescription[]): void {
    this.weights += weights.reduce((sum, { shape }) => sum + sizeOf(shape), 0)
    checkRoom(`${caller}: the weights so far`, this.weights)
  }

  /** @throws ArgumentError where this layer and those before it are too many */
  addLayers(caller: string, { layerCount = 1 }: CalledLayer): void {
    this.layers += layerCount
    if (this.layers > mostNestedLayers)
      throw new ArgumentError(
        `${caller}: more than ${mostNestedLayers} layers, those inside models counted; no more can be`,
      )
  }
}

function checkRoom(what: string, numbers: number): void {
  if (numbers > mostNumbers)
    throw new ShapeError(`${what} would be ${numbers} numbers; at most ${mostNumbers} can be held`)
}
