import type { GraphOf, StackOf } from './connections.ts'
import type { LayeredNetwork } from './layered.ts'
import type { AnyLayerDescription, LayerDescription } from './layers/registry.ts'

/** What networks are written with: layers, and models, which then are layers of a larger one. */

/** A model, as far as it can be a layer of another: its layers, and its weights, which both share. */
export interface LayeredModel {
  readonly network: LayeredNetwork & {
    readonly architecture: GraphOf<AnyLayerDescription> | StackOf<LayerDescription>
  }
}

/** Whether this is a model, and not the description of a layer, or whatever else people wrote. */
function isModel(given: AnyLayerDescription | LayeredModel): given is LayeredModel {
  if (typeof given !== 'object' || given === null || !('network' in given)) return false
  const { network } = given
  return typeof network === 'object' && network !== null && 'calls' in network && 'architecture' in network
}

/** The network of a model; null where it is none. */
export function networkOf(given: AnyLayerDescription | LayeredModel): LayeredModel['network'] | null {
  return isModel(given) ? given.network : null
}

/** What describes a layer, a model being one: plain data. */
export function descriptionOf<Layer extends AnyLayerDescription>(
  given: Layer | LayeredModel,
): Layer | LayerDescription {
  if (!isModel(given)) return given
  const { architecture } = given.network
  if ('calls' in architecture) {
    const { inputs, layers, calls, outputs } = architecture
    return { layer: 'model', inputs, layers, calls, outputs }
  }
  return { layer: 'sequential', inputShape: architecture.inputShape, layers: architecture.layers }
}
