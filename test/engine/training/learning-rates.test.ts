import { describe, expect, it } from 'vitest'
import { ArgumentError } from '../../../src/engine/errors.ts'
import {
  cosineDecay,
  exponentialDecay,
  linearWarmup,
  piecewiseConstantDecay,
  rateAt,
  type Schedule,
} from '../../../src/engine/training/learning-rates.ts'
import { adam, adamW, optimizerFrom, sgd } from '../../../src/engine/training/optimizers.ts'

const initialLearningRate = 0.1

describe('a schedule gives, step by step from 0,', () => {
  const rows: readonly [string, Schedule, Readonly<Record<number, number>>][] = [
    [
      'half a cosine down to alpha of it',
      cosineDecay({ initialLearningRate, decaySteps: 100, alpha: 0.2 }),
      { 0: 0.1, 25: 0.1 * (0.4 * (1 + Math.SQRT1_2) + 0.2), 50: 0.06, 100: 0.02, 1000: 0.02 },
    ],
    [
      'a warm-up before the cosine, whose steps are not of the decay',
      cosineDecay({ initialLearningRate: 0.02, decaySteps: 100, warmupTarget: 0.1, warmupSteps: 10 }),
      { 0: 0.02, 5: 0.06, 10: 0.1, 60: 0.05, 110: 0, 111: 0 },
    ],
    [
      'an exponential',
      exponentialDecay({ initialLearningRate, decaySteps: 10, decayRate: 0.25 }),
      { 0: 0.1, 5: 0.05, 10: 0.025, 15: 0.0125 },
    ],
    [
      'a staircase',
      exponentialDecay({ initialLearningRate, decaySteps: 10, decayRate: 0.25, staircase: true }),
      { 0: 0.1, 9: 0.1, 10: 0.025, 19: 0.025, 20: 0.00625 },
    ],
    [
      'constants, each up to and with its boundary',
      piecewiseConstantDecay({ boundaries: [0, 10], values: [3, 2, 1] }),
      { 0: 3, 1: 2, 10: 2, 11: 1, 1e6: 1 },
    ],
    ['a line up to a rate', linearWarmup({ warmupSteps: 4, learningRate: 0.1 }), { 0: 0, 1: 0.025, 4: 0.1, 9: 0.1 }],
    [
      'a line up to where another schedule begins',
      linearWarmup({
        initialLearningRate: 0.05,
        warmupSteps: 10,
        learningRate: exponentialDecay({ initialLearningRate, decaySteps: 10, decayRate: 0.25 }),
      }),
      { 0: 0.05, 5: 0.075, 10: 0.1, 15: 0.05, 20: 0.025 },
    ],
  ]
  it.each(rows)('%s', (_what, schedule, rates) => {
    for (const [step, rate] of Object.entries(rates)) expect(rateAt(schedule, Number(step))).toBeCloseTo(rate, 15)
    // Stored and read again, it is the same.
    const settings = JSON.parse(JSON.stringify(sgd({ learningRate: schedule }).settings))
    expect(optimizerFrom(settings).settings).toEqual({ ...settings, learningRate: schedule })
  })
})

it('an optimizer counts its steps from 1, and Adam corrects on top of the schedule', () => {
  const learningRate = exponentialDecay({ initialLearningRate, decaySteps: 1, decayRate: 0.5 })
  expect([1, 2, 3].map(sgd({ learningRate }).stepSize)).toEqual([0.1, 0.05, 0.025])
  const corrected = (0.025 * Math.sqrt(1 - 0.999 ** 3)) / (1 - 0.9 ** 3)
  expect(adam({ learningRate }).stepSize(3)).toBe(corrected)
  expect(adamW({ learningRate, weightDecay: 0.5 }).decay?.(3)).toBe(0.0125)
})

it('schedules that are none are refused, and told which there are', () => {
  const given = (learningRate: unknown) => () => adam({ learningRate: learningRate as number })
  for (const nonsense of [0, -1, Number.NaN, '0.1', {}, { schedule: 'toString' }, null, []])
    expect(given(nonsense)).toThrow(
      /^adam: learningRate must be a number > 0 or a schedule: cosineDecay, exponentialDecay, piecewiseConstantDecay, linearWarmup, not /,
    )
  expect(given({ schedule: 'cosineDecay', initialLearningRate })).toThrow(/cosineDecay: decaySteps is missing/)
  expect(given({ schedule: 'exponentialDecay', initialLearningRate, decaySteps: 1, rate: 2, decayRate: 1 })).toThrow(
    /exponentialDecay: there is no option "rate"/,
  )
  expect(() => cosineDecay({ initialLearningRate, decaySteps: 10, warmupSteps: 3 })).toThrow(
    new ArgumentError('cosineDecay: a warm-up takes both warmupTarget and warmupSteps, not null and 3'),
  )
  expect(() => piecewiseConstantDecay({ boundaries: [1, 2], values: [1, 2] })).toThrow(/2 values for 2 boundaries/)
  expect(() => piecewiseConstantDecay({ boundaries: [2, 2], values: [1, 2, 3] })).toThrow(/must ascend, not \[2, 2\]/)
  const warmup = linearWarmup({ warmupSteps: 1, learningRate: 1 })
  expect(given({ schedule: 'linearWarmup', warmupSteps: 1, learningRate: warmup })).toThrow(/not a warm-up again/)
})
