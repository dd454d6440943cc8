import { check, numberFrom, optionsOf, positiveNumber, thatIs } from '../arguments.ts'
import type { Resident, Tensor } from '../tensor.ts'
import { adamUpdate } from '../updates/adam.ts'
import { sgdUpdate } from '../updates/sgd.ts'
import type { Update } from '../updates/update.ts'

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

/** How much of the past is kept: all of it would never learn. */
const share = thatIs<number>(
  'a number from 0 to below 1',
  (value) => typeof value === 'number' && value >= 0 && value < 1,
)

const adamOptions = optionsOf<AdamConfig>({
  learningRate: positiveNumber(),
  beta1: share,
  beta2: share,
  epsilon: numberFrom(0),
})

interface SgdConfig {
  readonly learningRate?: number
  readonly momentum?: number
}

const sgdOptions = optionsOf<SgdConfig>({ learningRate: positiveNumber(), momentum: share })

/** Adam as Keras has it: learning rate 0.001, β 0.9 and 0.999, ε 1e-7 outside the square root's correction. */
export function adam(config: AdamConfig = {}): Optimizer {
  check('adam', adamOptions, config)
  const { learningRate = 0.001, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7 } = config
  return {
    name: 'adam',
    slots: ['m', 'v'],
    stepSize: (t) => (learningRate * Math.sqrt(1 - beta2 ** t)) / (1 - beta1 ** t),
    update: (parameter, [m, v], gradient, stepSize) =>
      adamUpdate(parameter, m, v, gradient, stepSize, { beta1, beta2, epsilon }),
  }
}

/** Gradient descent as Keras has it: learning rate 0.01, no momentum unless given. */
export function sgd(config: SgdConfig = {}): Optimizer {
  check('sgd', sgdOptions, config)
  const { learningRate = 0.01, momentum = 0 } = config
  return {
    name: 'sgd',
    slots: ['velocity'],
    stepSize: () => learningRate,
    update: (parameter, [velocity], gradient, stepSize) => sgdUpdate(parameter, velocity, gradient, stepSize, momentum),
  }
}
