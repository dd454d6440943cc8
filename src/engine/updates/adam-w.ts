import type { Resident, Tensor } from '../tensor.ts'
import { type AdamConstants, adamKind } from './adam.ts'
import type { Update, UpdateKind } from './update.ts'

/**
 * Adam with decoupled weight decay (Loshchilov & Hutter, 2019) in Keras's formulation: p -= decay · p with decay = learning rate ·
 * weight decay, and then Adam's step, whose gradient knows nothing of it. (PyTorch's differs in where Adam's ε stands.)
 * States: parameter, m, v. Inputs: gradient, stepSize [1] as Adam's, decay [1].
 */
export const adamWKind: UpdateKind = {
  name: 'adamW',
  inputNames: ['gradient', 'stepSize', 'decay'],
  flopsPerElement: 14,
  reference([p, m, v], [gradient, stepSize, decay], attributes) {
    for (let i = 0; i < p.data.length; i++) p.data[i] -= decay.data[0] * p.data[i]
    adamKind.reference([p, m, v], [gradient, stepSize], attributes)
  },
}

export function adamWUpdate(
  p: Resident,
  m: Resident,
  v: Resident,
  gradient: Tensor,
  stepSize: Tensor,
  decay: Tensor,
  constants: AdamConstants,
): Update {
  return { kind: adamWKind, states: [p, m, v], inputs: [gradient, stepSize, decay], attributes: { ...constants } }
}
