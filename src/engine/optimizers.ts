import { ArgumentError } from './errors.ts'
import type { Resident, Tensor } from './tensor.ts'
import { adamUpdate } from './updates/adam.ts'
import { sgdUpdate } from './updates/sgd.ts'
import type { Update } from './updates/update.ts'

/** How a gradient changes a parameter. */
export interface Optimizer {
  readonly name: string
  /** Arrays like the parameters that it keeps between steps. */
  readonly slots: readonly string[]
  /** What the host computes for step t (from 1) and gives to every update. */
  stepSize(t: number): number
  update(parameter: Resident, slots: readonly Resident[], gradient: Tensor, stepSize: Tensor): Update
}

export interface AdamConfig {
  readonly learningRate?: number
  readonly beta1?: number
  readonly beta2?: number
  readonly epsilon?: number
}

function checkRate(name: string, learningRate: number): void {
  if (!(learningRate > 0 && Number.isFinite(learningRate)))
    throw new ArgumentError(`${name}: learningRate is ${learningRate}; expected a positive number`)
}

/** Adam as Keras has it: learning rate 0.001, β 0.9 and 0.999, ε 1e-7 outside the square root's correction. */
export function adam(config: AdamConfig = {}): Optimizer {
  const { learningRate = 0.001, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7 } = config
  checkRate('adam', learningRate)
  return {
    name: 'adam',
    slots: ['m', 'v'],
    stepSize: (t) => (learningRate * Math.sqrt(1 - beta2 ** t)) / (1 - beta1 ** t),
    update: (parameter, [m, v], gradient, stepSize) =>
      adamUpdate(parameter, m, v, gradient, stepSize, { beta1, beta2, epsilon }),
  }
}

/** Gradient descent as Keras has it: learning rate 0.01, no momentum unless given. */
export function sgd(config: { readonly learningRate?: number; readonly momentum?: number } = {}): Optimizer {
  const { learningRate = 0.01, momentum = 0 } = config
  checkRate('sgd', learningRate)
  return {
    name: 'sgd',
    slots: ['velocity'],
    stepSize: () => learningRate,
    update: (parameter, [velocity], gradient, stepSize) => sgdUpdate(parameter, velocity, gradient, stepSize, momentum),
  }
}
