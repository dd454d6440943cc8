import type { LayeredModel } from '../model/callable.ts'
import type { NamedLayer } from '../model/connections.ts'
import type { LayerDescription } from '../model/layers/registry.ts'
import { type SequentialNetwork, type SequentialOptions, sequentialNetwork } from '../model/sequential.ts'
import { stackSummary } from '../model/summary.ts'
import { Model } from './model.ts'

/** A network on its way into a model. The constructor takes no other: what is no network would fail far from here. */
class MadeNetwork {
  constructor(readonly network: SequentialNetwork) {}
}

/** A model of a network that there is already, with the weights of a file, say. @internal */
export function sequentialOf(network: SequentialNetwork): Sequential {
  return new Sequential(new MadeNetwork(network))
}

/** A model whose layers stand one behind the other: Keras's Sequential. */
export class Sequential extends Model {
  override readonly layers: readonly NamedLayer[]
  /** What the layers are made from. */
  readonly descriptions: readonly LayerDescription[]

  constructor(options: SequentialOptions, layers: readonly (LayerDescription | LayeredModel)[])
  /** @internal */
  constructor(made: MadeNetwork)
  constructor(given: SequentialOptions | MadeNetwork, layers: readonly (LayerDescription | LayeredModel)[] = []) {
    const network = given instanceof MadeNetwork ? given.network : sequentialNetwork(given, layers)
    super(network)
    this.layers = network.layers
    this.descriptions = network.architecture.layers
  }

  override summary(): string {
    return stackSummary(this.layers)
  }
}

/**
 * A stack of layers: `sequential({ inputShape: [28, 28, 1], seed: 1 }, [conv2d({ … }), flatten(), dense({ … })])`. A model can be one of
 * them; its weights are then those of both.
 */
export function sequential(
  options: SequentialOptions,
  layers: readonly (LayerDescription | LayeredModel)[],
): Sequential {
  return new Sequential(options, layers)
}
