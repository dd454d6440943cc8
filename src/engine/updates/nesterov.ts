import type { Resident, Tensor } from '../tensor.ts'
import type { Update, UpdateKind } from './update.ts'

/**
 * Stochastic gradient descent with Nesterov's momentum, as in Keras: velocity = momentum · velocity - stepSize · g,
 * p += momentum · velocity - stepSize · g. States: parameter, velocity. Inputs: gradient, stepSize [1].
 */
export const nesterovKind: UpdateKind = {
  name: 'nesterov',
  inputNames: ['gradient', 'stepSize'],
  flopsPerElement: 6,
  reference([p, velocity], [gradient, stepSize], { momentum }) {
    for (let i = 0; i < p.data.length; i++) {
      const pull = stepSize.data[0] * gradient.data[i]
      velocity.data[i] = Number(momentum) * velocity.data[i] - pull
      p.data[i] += Number(momentum) * velocity.data[i] - pull
    }
  },
}

export function nesterovUpdate(
  p: Resident,
  velocity: Resident,
  gradient: Tensor,
  stepSize: Tensor,
  momentum: number,
): Update {
  return { kind: nesterovKind, states: [p, velocity], inputs: [gradient, stepSize], attributes: { momentum } }
}
