import type { Resident, Tensor } from '../tensor.ts'
import type { Update, UpdateKind } from './update.ts'

/**
 * Adam (Kingma & Ba, 2015) in Keras's formulation: m = β1 m + (1-β1) g, v = β2 v + (1-β2) g²,
 * p -= stepSize · m / (√v + ε) with stepSize = lr √(1-β2^t) / (1-β1^t), computed by the host for step t.
 * States: parameter, m, v. Inputs: gradient, stepSize [1].
 */
export const adamKind: UpdateKind = {
  name: 'adam',
  inputNames: ['gradient', 'stepSize'],
  flopsPerElement: 12,
  reference([p, m, v], [gradient, stepSize], { beta1, beta2, epsilon }) {
    const b1 = Number(beta1)
    const b2 = Number(beta2)
    for (let i = 0; i < p.data.length; i++) {
      const g = gradient.data[i]
      m.data[i] = b1 * m.data[i] + (1 - b1) * g
      v.data[i] = b2 * v.data[i] + (1 - b2) * g * g
      p.data[i] -= (stepSize.data[0] * m.data[i]) / (Math.sqrt(v.data[i]) + Number(epsilon))
    }
  },
}

export interface AdamConstants {
  readonly beta1: number
  readonly beta2: number
  readonly epsilon: number
}

export function adamUpdate(
  p: Resident,
  m: Resident,
  v: Resident,
  gradient: Tensor,
  stepSize: Tensor,
  constants: AdamConstants,
): Update {
  return { kind: adamKind, states: [p, m, v], inputs: [gradient, stepSize], attributes: { ...constants } }
}
