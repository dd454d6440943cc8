import { check, orLeftOut, shown, thatIs, withFields } from '../arguments.ts'
import { ArgumentError } from '../errors.ts'
import type { Shape } from '../tensor.ts'
import { descriptionOf, type LayeredModel, networkOf } from './callable.ts'
import { type NamedLayer, type StackOf, stackLayers as stack, stackConnections } from './connections.ts'
import { type LayeredNetwork, layeredNetwork } from './layered.ts'
import { allLayers, type LayerDescription } from './layers/registry.ts'
import type { Network } from './network.ts'

/** Networks that are layers one behind the other: Keras's Sequential. */

export interface SequentialOptions {
  /** One sample: [height, width, channels] for images. */
  readonly inputShape: Shape
  /** Decides the first weights, the order of training and dropout. 0 unless given. */
  readonly seed?: number
}

/** All that a stack of layers is made from, but for what it has learned. */
export interface Architecture extends StackOf<LayerDescription>, SequentialOptions {}

/** A network and the layers that it is a stack of. */
export interface SequentialNetwork extends LayeredNetwork {
  readonly architecture: Required<Architecture>
  readonly layers: readonly NamedLayer[]
}

const sequentialOptions = withFields<SequentialOptions>({
  inputShape: thatIs<Shape>('a list of positive integers', Array.isArray),
  seed: orLeftOut(thatIs<number>('a whole number', Number.isSafeInteger)),
})

/**
 * A network of these layers, its weights new unless they are all written over, but for those of models that are layers.
 * @throws ShapeError, ArgumentError when a layer does not fit what comes in, or a model stands there twice: graphs share one
 */
export function sequentialNetwork(
  options: SequentialOptions,
  given: readonly (LayerDescription | LayeredModel)[],
  weights?: 'written over',
): SequentialNetwork {
  check('sequential', sequentialOptions, options)
  const { inputShape, seed = 0 } = options
  if (!Array.isArray(given)) throw new ArgumentError(`sequential: layers must be a list of layers, not ${shown(given)}`)
  const descriptions = Array.from(given, (layer) => descriptionOf<LayerDescription>(layer))
  const layers = stackLayers(inputShape, descriptions)
  const learned = new Map<string, Network>()
  for (const [index, { name }] of layers.entries()) {
    const network = networkOf(given[index])
    if (network) learned.set(name, network)
  }
  const connections = stackConnections(inputShape, layers)
  return {
    ...layeredNetwork(connections, seed, weights ?? learned),
    architecture: { inputShape, seed, layers: descriptions },
    layers,
  }
}

/**
 * Puts layers one behind the other and names them as Keras does. Nothing is reserved for their weights yet.
 * @throws ShapeError, ArgumentError when a layer does not fit what comes in
 */
export function stackLayers(inputShape: Shape, layers: readonly LayerDescription[]): NamedLayer[] {
  return stack({ inputShape, layers }, allLayers)
}
