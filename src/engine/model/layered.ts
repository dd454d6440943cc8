import { ArgumentError, ShapeError } from '../errors.ts'
import { type Shape, sizeOf, Tensor } from '../tensor.ts'
import type { Update } from '../updates/update.ts'
import { initialize, seededRandom } from './initializers.ts'
import type { CalledLayer, WeightDescription } from './layers/layer.ts'
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
 * A network of these layers, its weights new.
 * @param seed decides them, and what is random in training
 * @throws ArgumentError where a layer with a state is called more than once: each call would change it for the others
 */
export function layeredNetwork({ inputs, calls, outputs }: Connections, seed: number): LayeredNetwork {
  for (const { name, weights } of layersOf(calls))
    if (weights.some(({ trainable }) => trainable === false) && calls.filter((call) => call.name === name).length > 1)
      throw new ArgumentError(`${name} keeps a state: it can be called once only, give each tensor a layer of its own`)
  const shapes = [...inputs.map(({ shape }) => shape), ...calls.map(({ layer }) => layer.outputShape)]
  const parameters = weightsOf(layersOf(calls)).map(({ name, shape, initializer, trainable = true }): Parameter => {
    const data = initialize(initializer, shape, seededRandom(seed, name))
    return { name, shape, data, trainable }
  })
  const places = new Map<string, { first: number; end: number }>()
  let count = 0
  for (const { name, weights } of layersOf(calls)) {
    places.set(name, { first: count, end: count + weights.length })
    count += weights.length
  }
  return {
    inputs,
    outputs: outputs.map(({ name, tensor }) => ({ name, shape: shapes[tensor] })),
    parameters,
    calls,
    apply(given, weights, context) {
      const tensors = [...given]
      const updates: Update[] = []
      for (const [index, { name, layer, inputs: taken }] of calls.entries()) {
        const { first, end } = places.get(name) ?? { first: 0, end: 0 }
        const values = taken.map((tensor) => tensors[tensor])
        const made = layer.apply(values, weights.slice(first, end), { ...context, seed: seed + index })
        if (made instanceof Tensor) tensors.push(made)
        else {
          tensors.push(made.output)
          updates.push(...made.updates)
        }
      }
      return { outputs: outputs.map(({ tensor }) => tensors[tensor]), updates }
    },
  }
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
    const base = type.replace(/(?<=[a-z])(?=[A-Z])|(?<=.)(?=[A-Z][a-z])/g, '_').toLowerCase()
    const count = this.counts.get(base) ?? 0
    this.counts.set(base, count + 1)
    const name = count === 0 ? base : `${base}_${count}`
    return this.taken.has(name) ? this.next(type) : name
  }
}

/** Numbers of one sample between two layers, and weights of all of them: 1 GB of each is more than any machine here trains. */
const mostNumbers = 2 ** 28

export const mostLayers = 1000

/** Refuses what no machine can hold, before anything is reserved for it: a hostile file may ask for it. */
export class Room {
  private weights = 0

  /** @throws ShapeError for an output that is too large */
  checkOutput(caller: string, shape: Shape): void {
    checkRoom(caller, sizeOf(shape))
  }

  /** @throws ShapeError where these weights and those before them are too many */
  addWeights(caller: string, weights: readonly WeightDescription[]): void {
    this.weights += weights.reduce((sum, { shape }) => sum + sizeOf(shape), 0)
    checkRoom(`${caller}: the weights so far`, this.weights)
  }
}

function checkRoom(what: string, numbers: number): void {
  if (numbers > mostNumbers)
    throw new ShapeError(`${what} would be ${numbers} numbers; at most ${mostNumbers} can be held`)
}
