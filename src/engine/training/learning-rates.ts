import {
  check,
  either,
  flag,
  listOf,
  numberFrom,
  optionsOf,
  positiveNumber,
  shown,
  thatIs,
  wholeNumber,
} from '../arguments.ts'
import { ArgumentError } from '../errors.ts'

/**
 * Learning rates that change with the steps: Keras's schedules, with its names and formulas. They are plain data, which can be
 * stored and sent, and their functions see nothing but a step's number, counted from 0 when the model was compiled: so a
 * training that is taken up goes on with the rates it would have had.
 */

export interface CosineDecay {
  readonly schedule: 'cosineDecay'
  readonly initialLearningRate: number
  /** Of the decay alone, after the warm-up. */
  readonly decaySteps: number
  /** What is left at the end, as a share of the rate that the decay began with. */
  readonly alpha: number
  /** The rate that the warm-up ends with and the decay begins with; null where there is no warm-up. */
  readonly warmupTarget: number | null
  readonly warmupSteps: number
}

export interface ExponentialDecay {
  readonly schedule: 'exponentialDecay'
  readonly initialLearningRate: number
  readonly decaySteps: number
  readonly decayRate: number
  /** Whether the rate stays as it is for `decaySteps`, and then falls at once. */
  readonly staircase: boolean
}

export interface PiecewiseConstantDecay {
  readonly schedule: 'piecewiseConstantDecay'
  /** Steps, ascending. */
  readonly boundaries: readonly number[]
  /** One more: values[0] up to and with step boundaries[0], and so on. */
  readonly values: readonly number[]
}

export interface LinearWarmup {
  readonly schedule: 'linearWarmup'
  readonly initialLearningRate: number
  readonly warmupSteps: number
  /** What it leads up to, and what follows: a schedule begins when the warm-up has ended. */
  readonly learningRate: number | Exclude<Schedule, LinearWarmup>
}

export type Schedule = CosineDecay | ExponentialDecay | PiecewiseConstantDecay | LinearWarmup

/** A number, or what it is at each step. */
export type LearningRate = number | Schedule

/** What a schedule is made from: its fields, those with a default left out or not. */
type Given<S extends Schedule, Optional extends keyof S> = Omit<S, 'schedule' | Optional> & Partial<Pick<S, Optional>>

const rate = numberFrom(0)
const steps = wholeNumber(1)

const cosineOptions = optionsOf<Given<CosineDecay, 'alpha' | 'warmupTarget' | 'warmupSteps'>>(
  {
    initialLearningRate: rate,
    decaySteps: steps,
    alpha: numberFrom(0, 1),
    warmupTarget: either(
      'a number >= 0',
      rate,
      thatIs<null>('null', (value) => value === null),
    ),
    warmupSteps: wholeNumber(0),
  },
  'initialLearningRate',
  'decaySteps',
)

const exponentialOptions = optionsOf<Given<ExponentialDecay, 'staircase'>>(
  { initialLearningRate: rate, decaySteps: steps, decayRate: positiveNumber(), staircase: flag },
  'initialLearningRate',
  'decaySteps',
  'decayRate',
)

const piecewiseOptions = optionsOf<Given<PiecewiseConstantDecay, never>>(
  { boundaries: listOf('a list of step numbers', wholeNumber(0)), values: listOf('a list of numbers >= 0', rate) },
  'boundaries',
  'values',
)

/**
 * From the first rate (after a warm-up: from `warmupTarget`) down to `alpha` of it, along half a cosine over `decaySteps`; as it is
 * from there on. The warm-up is linear, from `initialLearningRate` over `warmupSteps` (Loshchilov & Hutter, SGDR, 2017; Keras's
 * CosineDecay). `alpha` is 0 unless given.
 */
export function cosineDecay(config: Given<CosineDecay, 'alpha' | 'warmupTarget' | 'warmupSteps'>): CosineDecay {
  check('cosineDecay', cosineOptions, config)
  const { initialLearningRate, decaySteps, alpha = 0, warmupTarget = null, warmupSteps = 0 } = config
  if ((warmupTarget === null) !== (warmupSteps === 0))
    throw new ArgumentError(
      `cosineDecay: a warm-up takes both warmupTarget and warmupSteps, not ${shown(warmupTarget)} and ${warmupSteps}`,
    )
  return { schedule: 'cosineDecay', initialLearningRate, decaySteps, alpha, warmupTarget, warmupSteps }
}

/** initialLearningRate · decayRate^(step / decaySteps); with `staircase` the exponent is rounded down. */
export function exponentialDecay(config: Given<ExponentialDecay, 'staircase'>): ExponentialDecay {
  check('exponentialDecay', exponentialOptions, config)
  const { initialLearningRate, decaySteps, decayRate, staircase = false } = config
  return { schedule: 'exponentialDecay', initialLearningRate, decaySteps, decayRate, staircase }
}

/** One rate up to and with each boundary, and a last one: `{ boundaries: [1000, 2000], values: [0.1, 0.01, 0.001] }`. */
export function piecewiseConstantDecay(config: Given<PiecewiseConstantDecay, never>): PiecewiseConstantDecay {
  check('piecewiseConstantDecay', piecewiseOptions, config)
  const { boundaries, values } = config
  if (values.length !== boundaries.length + 1)
    throw new ArgumentError(
      `piecewiseConstantDecay: ${values.length} values for ${boundaries.length} boundaries; expected one more than boundaries`,
    )
  if (boundaries.some((boundary, i) => i > 0 && boundary <= boundaries[i - 1]))
    throw new ArgumentError(`piecewiseConstantDecay: boundaries must ascend, not ${shown(boundaries)}`)
  return { schedule: 'piecewiseConstantDecay', boundaries: [...boundaries], values: [...values] }
}

const warmupOptions = optionsOf<Given<LinearWarmup, 'initialLearningRate'>>(
  {
    initialLearningRate: rate,
    warmupSteps: steps,
    learningRate: either('a number >= 0 or a schedule', rate, thatIs<Schedule>('a schedule', isSchedule)),
  },
  'warmupSteps',
  'learningRate',
)

/** In equal steps from `initialLearningRate`, 0 unless given, to a rate, or to where another schedule begins, which follows. */
export function linearWarmup(config: Given<LinearWarmup, 'initialLearningRate'>): LinearWarmup {
  check('linearWarmup', warmupOptions, config)
  const { initialLearningRate = 0, warmupSteps, learningRate } = config
  if (typeof learningRate === 'number')
    return { schedule: 'linearWarmup', initialLearningRate, warmupSteps, learningRate }
  // Of data that was written by hand, too.
  if (scheduleNameOf(learningRate) === 'linearWarmup')
    throw new ArgumentError('linearWarmup: learningRate must be a number or another schedule, not a warm-up again')
  return { schedule: 'linearWarmup', initialLearningRate, warmupSteps, learningRate: readSchedule(learningRate) }
}

/** A schedule as a row: how its data is read, and what the rate is at a step, from 0. */
interface ScheduleKind<S extends Schedule> {
  readonly read: (fields: Omit<S, 'schedule'>) => S
  readonly at: (schedule: S, step: number) => number
}

const kinds: { readonly [Name in Schedule['schedule']]: ScheduleKind<Extract<Schedule, { readonly schedule: Name }>> } =
  {
    cosineDecay: {
      read: cosineDecay,
      at({ initialLearningRate, decaySteps, alpha, warmupTarget, warmupSteps }, step) {
        if (warmupTarget !== null && step < warmupSteps)
          return initialLearningRate + ((warmupTarget - initialLearningRate) * step) / warmupSteps
        const done = Math.min(step - warmupSteps, decaySteps) / decaySteps
        return (warmupTarget ?? initialLearningRate) * ((1 - alpha) * 0.5 * (1 + Math.cos(Math.PI * done)) + alpha)
      },
    },
    exponentialDecay: {
      read: exponentialDecay,
      at({ initialLearningRate, decaySteps, decayRate, staircase }, step) {
        const periods = step / decaySteps
        return initialLearningRate * decayRate ** (staircase ? Math.floor(periods) : periods)
      },
    },
    piecewiseConstantDecay: {
      read: piecewiseConstantDecay,
      at({ boundaries, values }, step) {
        const reached = boundaries.findIndex((boundary) => step <= boundary)
        return values[reached < 0 ? boundaries.length : reached]
      },
    },
    linearWarmup: {
      read: linearWarmup,
      at({ initialLearningRate, warmupSteps, learningRate }, step) {
        if (step >= warmupSteps) return rateAt(learningRate, step - warmupSteps)
        return initialLearningRate + ((rateAt(learningRate, 0) - initialLearningRate) * step) / warmupSteps
      },
    },
  }

function kindOf<S extends Schedule>(name: Schedule['schedule']): ScheduleKind<S> {
  return kinds[name] as unknown as ScheduleKind<S>
}

function scheduleNameOf(value: unknown): Schedule['schedule'] | null {
  if (typeof value !== 'object' || value === null || !('schedule' in value)) return null
  const { schedule } = value
  const names = Object.keys(kinds) as Schedule['schedule'][]
  return names.find((name) => name === schedule) ?? null
}

/** Whether it says that it is one; its fields are checked when it is read. */
function isSchedule(value: unknown): value is Schedule {
  return scheduleNameOf(value) !== null
}

/** @internal */
export const learningRateOption = either(
  `a number > 0 or a schedule: ${Object.keys(kinds).join(', ')}`,
  positiveNumber(),
  thatIs<Schedule>('a schedule', isSchedule),
)

/** A copy of a schedule, all of its fields in place. @throws ArgumentError where one is wrong */
export function readSchedule<S extends Schedule>(given: S): S {
  const { schedule, ...fields } = given
  return kindOf<S>(schedule).read(fields)
}

/** The rate of a step, counted from 0. */
export function rateAt(learningRate: LearningRate, step: number): number {
  if (typeof learningRate === 'number') return learningRate
  return kindOf(learningRate.schedule).at(learningRate, step)
}
