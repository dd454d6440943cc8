import { optionsOf, text } from '../../arguments.ts'
import { type ActivationName, activationName, activations } from './activations.ts'
import { type LayerKind, withoutWeights } from './layer.ts'

export interface ActivationLayer {
  readonly layer: 'activation'
  readonly activation: ActivationName
}

/** An activation as a layer of its own. */
export function activation(name: ActivationName): ActivationLayer {
  return { layer: 'activation', activation: name }
}

/** @internal */
export const activationKind: LayerKind<ActivationLayer> = {
  options: optionsOf<ActivationLayer>({ layer: text, activation: activationName }, 'activation'),
  build: (_caller, { activation }, input) => withoutWeights('Activation', input, (x) => activations[activation](x)),
}
