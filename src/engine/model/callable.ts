import { ArgumentError } from '../errors.ts'
import type { GraphOf, StackOf } from './connections.ts'
import type { LayeredNetwork } from './layered.ts'
import type { AnyLayerDescription, LayerDescription } from './layers/registry.ts'
import type { Network } from './network.ts'

/** What networks are written with: layers, and models, which then are layers of a larger one. */

/** A model, which can be a layer of another if it has layers itself: one that was read from a file of operators has none. */
export interface LayeredModel {
  readonly network: Network
}

/** As far as it can be a layer of another: its layers, and its weights, which both share. */
interface InnerModel {
  readonly network: LayeredNetwork & {
    readonly architecture: GraphOf<AnyLayerDescription> | StackOf<LayerDescription>
  }
}

/** Whether this is a model, and not the description of a layer, or whatever else people wrote. */
function isModel(given: AnyLayerDescription | LayeredModel): given is LayeredModel {
  if (typeof given !== 'object' || given === null || !('network' in given)) return false
  const { network } = given
  return typeof network === 'object' && network !== null && 'apply' in network
}

function hasLayers(given: LayeredModel): given is InnerModel {
  return 'calls' in given.network && 'architecture' in given.network
}

/** The network of a model; null where it is none. */
export function networkOf(given: AnyLayerDescription | LayeredModel): InnerModel['network'] | null {
  return isModel(given) && hasLayers(given) ? given.network : null
}

/** What describes a layer, a model being one: plain data. @throws ArgumentError for a model without layers */
export function descriptionOf<Layer extends AnyLayerDescription>(
  given: Layer | LayeredModel,
): Layer | LayerDescription {
  if (!isModel(given)) return given
  if (!hasLayers(given))
    throw new ArgumentError("a model of operators, which has no layers, can't be a layer of another one")
  const { architecture } = given.network
  if ('calls' in architecture) {
    const { inputs, layers, calls, outputs } = architecture
    return { layer: 'model', inputs, layers, calls, outputs }
  }
  return { layer: 'sequential', inputShape: architecture.inputShape, layers: architecture.layers }
}
