import { check, flag, items, numberFrom, optionsOf, shown, thatIs } from '../arguments.ts'
import { ArgumentError } from '../errors.ts'
import type { Resident, Tensor } from '../tensor.ts'
import { adamUpdate } from '../updates/adam.ts'
import { adamWUpdate } from '../updates/adam-w.ts'
import { nesterovUpdate } from '../updates/nesterov.ts'
import { sgdUpdate } from '../updates/sgd.ts'
import type { Update } from '../updates/update.ts'
import { type LearningRate, learningRateOption, rateAt, readSchedule } from './learning-rates.ts'

/** How a gradient changes a parameter. */
export interface Optimizer {
  readonly name: string
  /** All that it was made with, as plain data: optimizerFrom() makes it again. */
  readonly settings: OptimizerSettings
  /** Arrays like the parameters that it keeps between steps. */
  readonly slots: readonly string[]
  /** Of step t (from 1). */
  learningRate(t: number): number
  /** What the host computes for step t and gives to every update. */
  stepSize(t: number): number
  /** What a parameter loses of itself in step t, beside what its gradient says; absent where nothing decays. */
  decay?(t: number): number
  update(of: ParameterUpdate): Update
}

/** What an update is made of. */
export interface ParameterUpdate {
  /** The parameter's. */
  readonly name: string
  readonly parameter: Resident
  readonly slots: readonly Resident[]
  readonly gradient: Tensor
  /** [1] */
  readonly stepSize: Tensor
  /** [1] */
  readonly decay: Tensor
}

export interface AdamConfig {
  /** A number, or a schedule: cosineDecay(), say. */
  readonly learningRate?: LearningRate
  readonly beta1?: number
  readonly beta2?: number
  readonly epsilon?: number
}

export interface AdamWConfig extends AdamConfig {
  /** The share of a parameter that it loses in each step, times the learning rate. */
  readonly weightDecay?: number
  /** Parameters that keep what they have, by their names or the last parts of these: ['bias', 'gamma', 'beta', 'dense_1/kernel']. */
  readonly excludeFromWeightDecay?: readonly string[]
}

export interface SgdConfig {
  /** A number, or a schedule: cosineDecay(), say. */
  readonly learningRate?: LearningRate
  readonly momentum?: number
  /** Whether the gradient is followed from where momentum leads. */
  readonly nesterov?: boolean
}

export type OptimizerSettings =
  | ({ readonly optimizer: 'adam' } & Required<AdamConfig>)
  | ({ readonly optimizer: 'adamW' } & Required<AdamWConfig>)
  | ({ readonly optimizer: 'sgd' } & Required<SgdConfig>)

/** How much of the past is kept: all of it would never learn. */
const share = thatIs<number>(
  'a number from 0 to below 1',
  (value) => typeof value === 'number' && value >= 0 && value < 1,
)

const adamFields = { learningRate: learningRateOption, beta1: share, beta2: share, epsilon: numberFrom(0) }
const adamOptions = optionsOf<AdamConfig>(adamFields)

const adamWOptions = optionsOf<AdamWConfig>({
  ...adamFields,
  weightDecay: numberFrom(0),
  excludeFromWeightDecay: items<string>(
    'the name of a parameter, or its last part',
    (name) => typeof name === 'string',
  ),
})

const sgdOptions = optionsOf<SgdConfig>({ learningRate: learningRateOption, momentum: share, nesterov: flag })

/** Rates by step, counted from 1: a schedule counts from 0. */
function ratesOf(learningRate: LearningRate) {
  const settled = typeof learningRate === 'number' ? learningRate : readSchedule(learningRate)
  return { settled, at: (t: number) => rateAt(settled, t - 1) }
}

/** Adam as Keras has it: learning rate 0.001, β 0.9 and 0.999, ε 1e-7 outside the square root's correction. */
export function adam(config: AdamConfig = {}): Optimizer {
  check('adam', adamOptions, config)
  const { learningRate = 0.001, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7 } = config
  const rates = ratesOf(learningRate)
  return {
    name: 'adam',
    settings: { optimizer: 'adam', learningRate: rates.settled, beta1, beta2, epsilon },
    slots: ['m', 'v'],
    learningRate: rates.at,
    stepSize: (t) => (rates.at(t) * Math.sqrt(1 - beta2 ** t)) / (1 - beta1 ** t),
    update: ({ parameter, slots: [m, v], gradient, stepSize }) =>
      adamUpdate(parameter, m, v, gradient, stepSize, { beta1, beta2, epsilon }),
  }
}

/**
 * AdamW as Keras has it: Adam, and each parameter loses learning rate · weight decay of itself, 0.004 unless given; of those that
 * are excluded nothing.
 */
export function adamW(config: AdamWConfig = {}): Optimizer {
  check('adamW', adamWOptions, config)
  const { weightDecay = 0.004, excludeFromWeightDecay = [], ...rest } = config
  const plain = adam(rest)
  const { optimizer: _, ...settings } = plain.settings as Extract<OptimizerSettings, { optimizer: 'adam' }>
  const { beta1, beta2, epsilon } = settings
  const isExcluded = (name: string) => excludeFromWeightDecay.some((part) => name === part || name.endsWith(`/${part}`))
  return {
    ...plain,
    name: 'adamW',
    settings: { optimizer: 'adamW', ...settings, weightDecay, excludeFromWeightDecay: [...excludeFromWeightDecay] },
    decay: (t) => plain.learningRate(t) * weightDecay,
    update(of) {
      if (isExcluded(of.name)) return plain.update(of)
      const [m, v] = of.slots
      return adamWUpdate(of.parameter, m, v, of.gradient, of.stepSize, of.decay, { beta1, beta2, epsilon })
    },
  }
}

/** Gradient descent as Keras has it: learning rate 0.01, no momentum unless given, Nesterov's where that is asked for. */
export function sgd(config: SgdConfig = {}): Optimizer {
  check('sgd', sgdOptions, config)
  const { learningRate = 0.01, momentum = 0, nesterov = false } = config
  const rates = ratesOf(learningRate)
  const update = nesterov ? nesterovUpdate : sgdUpdate
  return {
    name: 'sgd',
    settings: { optimizer: 'sgd', learningRate: rates.settled, momentum, nesterov },
    slots: ['velocity'],
    learningRate: rates.at,
    stepSize: rates.at,
    update: ({ parameter, slots: [velocity], gradient, stepSize }) =>
      update(parameter, velocity, gradient, stepSize, momentum),
  }
}

/** The optimizer of a checkpoint: `optimizerFrom(checkpoint.optimizer)`. @throws ArgumentError where a setting is wrong */
export function optimizerFrom(settings: OptimizerSettings): Optimizer {
  const { optimizer, ...config } = settings
  switch (optimizer) {
    case 'adam':
      return adam(config)
    case 'adamW':
      return adamW(config)
    case 'sgd':
      return sgd(config)
    default:
      throw new ArgumentError(`optimizerFrom: ${shown(optimizer)} is no optimizer; there are adam, adamW and sgd`)
  }
}
