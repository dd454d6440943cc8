import { check, orLeftOut, shown, thatIs, withFields } from '../arguments.ts'
import { ArgumentError, ShapeError } from '../errors.ts'
import { isShape, type Shape, sizeOf } from '../tensor.ts'
import { initialize, seededRandom } from './initializers.ts'
import type { BuiltLayer } from './layers/layer.ts'
import { buildLayer, type LayerDescription, layerNameOf } from './layers/registry.ts'
import type { Network } from './network.ts'

/** Networks that are layers one behind the other: Keras's Sequential. */

export interface SequentialOptions {
  /** One sample: [height, width, channels] for images. */
  readonly inputShape: Shape
  /** Decides the first weights, the order of training and dropout. 0 unless given. */
  readonly seed?: number
}

/** All that a stack of layers is made from, but for what it has learned. */
export interface Architecture extends SequentialOptions {
  readonly layers: readonly LayerDescription[]
}

export interface NamedLayer extends BuiltLayer {
  /** Keras's: conv2d, conv2d_1, … */
  readonly name: string
}

/** A network and the layers that it is a stack of. */
export interface SequentialNetwork extends Network {
  readonly architecture: Required<Architecture>
  readonly layers: readonly NamedLayer[]
}

const sequentialOptions = withFields<SequentialOptions>({
  inputShape: thatIs<Shape>('a list of positive integers', Array.isArray),
  seed: orLeftOut(thatIs<number>('a whole number', Number.isSafeInteger)),
})

/**
 * A network of these layers, its weights new.
 * @throws ShapeError, ArgumentError when a layer does not fit what comes in
 */
export function sequentialNetwork(
  options: SequentialOptions,
  descriptions: readonly LayerDescription[],
): SequentialNetwork {
  check('sequential', sequentialOptions, options)
  const { inputShape, seed = 0 } = options
  const layers = stackLayers(inputShape, descriptions)
  return {
    architecture: { inputShape, seed, layers: descriptions },
    layers,
    inputs: [{ name: 'x', shape: inputShape }],
    outputs: [{ name: 'y', shape: layers.at(-1)?.outputShape ?? inputShape }],
    parameters: weightsOf(layers).map(({ name, shape, initializer }) => {
      const data = initialize(initializer, shape, seededRandom(seed, name))
      return { name, shape, data, trainable: true }
    }),
    apply([x], weights, context) {
      let next = 0
      const output = layers.reduce((value, layer, index) => {
        const own = weights.slice(next, next + layer.weights.length)
        next += layer.weights.length
        return layer.apply(value, own, { ...context, seed: seed + index })
      }, x)
      return { outputs: [output], updates: [] }
    },
  }
}

/** Numbers of one sample between two layers, and weights of all of them: 1 GB of each is more than any machine here trains. */
const mostNumbers = 2 ** 28
const mostLayers = 1000

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
    const caller = `${layerNameOf(description) ?? 'sequential'} (layer ${index + 1})`
    const layer = buildLayer(caller, description, shape)
    checkRoom(`${caller}: its output`, sizeOf(layer.outputShape))
    weightCount += layer.weights.reduce((sum, weight) => sum + sizeOf(weight.shape), 0)
    checkRoom(`${caller}: the weights so far`, weightCount)
    shape = layer.outputShape
    const base = layer.type.replace(/(?<=[a-z])(?=[A-Z])|(?<=.)(?=[A-Z][a-z])/g, '_').toLowerCase()
    const count = counts.get(base) ?? 0
    counts.set(base, count + 1)
    return { ...layer, name: count === 0 ? base : `${base}_${count}` }
  })
}

function checkRoom(what: string, numbers: number): void {
  if (numbers > mostNumbers)
    throw new ShapeError(`${what} would be ${numbers} numbers; at most ${mostNumbers} can be held`)
}

/** The weights of a stack under their full names, layer/kernel, layer/bias and such. */
export function weightsOf(layers: readonly NamedLayer[]) {
  return layers.flatMap(({ name, weights }) => weights.map((weight) => ({ ...weight, name: `${name}/${weight.name}` })))
}
