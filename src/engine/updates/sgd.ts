import type { Resident, Tensor } from '../tensor.ts'
import type { Update, UpdateKind } from './update.ts'

/**
 * Stochastic gradient descent as in Keras: velocity = momentum · velocity - stepSize · g, p += velocity.
 * States: parameter, velocity. Inputs: gradient, stepSize [1].
 */
export const sgdKind: UpdateKind = {
  name: 'sgd',
  inputNames: ['gradient', 'stepSize'],
  flopsPerElement: 4,
  reference([p, velocity], [gradient, stepSize], { momentum }) {
    for (let i = 0; i < p.data.length; i++) {
      velocity.data[i] = Number(momentum) * velocity.data[i] - stepSize.data[0] * gradient.data[i]
      p.data[i] += velocity.data[i]
    }
  },
}

export function sgdUpdate(
  p: Resident,
  velocity: Resident,
  gradient: Tensor,
  stepSize: Tensor,
  momentum: number,
): Update {
  return { kind: sgdKind, states: [p, velocity], inputs: [gradient, stepSize], attributes: { momentum } }
}
