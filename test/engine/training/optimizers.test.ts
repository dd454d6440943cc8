import { describe, expect, it } from 'vitest'
import { CpuDevice } from '../../../src/engine/cpu/device.ts'
import { CompiledModel } from '../../../src/engine/model/compiled.ts'
import { dense } from '../../../src/engine/model/layers/public.ts'
import { sequentialNetwork } from '../../../src/engine/model/sequential.ts'
import { ReferenceDevice } from '../../../src/engine/reference/device.ts'
import type { Checkpoint } from '../../../src/engine/training/checkpoint.ts'
import { fit } from '../../../src/engine/training/fit.ts'
import type { FitOptions } from '../../../src/engine/training/fit-options.ts'
import {
  cosineDecay,
  exponentialDecay,
  type LearningRate,
  linearWarmup,
  piecewiseConstantDecay,
} from '../../../src/engine/training/learning-rates.ts'
import { adam, adamW, type Optimizer, optimizerFrom, sgd } from '../../../src/engine/training/optimizers.ts'
import { describeTrainingStep } from '../../../src/engine/training/step-plan.ts'
import { numbers } from '../device-suite.ts'
import { relativeError } from '../operation-cases.ts'

/** y = x · kernel + bias, x [2], y [2], by the mean squared error: its slopes are a line of arithmetic. */
const network = () => sequentialNetwork({ inputShape: [2], seed: 3 }, [dense({ units: 2 })])
const steps = 20
const batchSize = 3
const count = steps * batchSize
const samples = { data: numbers([count, 2], 3), shape: [count, 2] }
const targets = { data: numbers([count, 2], 8), shape: [count, 2] }

async function train(
  optimizer: Optimizer,
  device = new ReferenceDevice() as ReferenceDevice | CpuDevice,
  options: FitOptions = {},
) {
  const model = network()
  const compiled = new CompiledModel(model, device)
  const moveTo = () => Promise.reject(new Error('there is no other device'))
  const objective = { loss: 'meanSquaredError' } as const
  const request = { compiled, optimizer, objective, seed: 1, samples, labels: targets, moveTo }
  const history = await fit(request, { batchSize, shuffle: false, ...options })
  compiled.dispose()
  return { parameters: model.parameters.map(({ data }) => data), history }
}

type Loop = (t: number, rate: number, p: number, g: number, kept: Float64Array, isBias: boolean) => number

/** What the parameters are after 20 steps, in plain float64. */
function expected(rateAt: (step: number) => number, loop: Loop): Float64Array {
  const [kernel, bias] = network().parameters
  const p = Float64Array.of(...kernel.data, ...bias.data)
  const kept = Array.from(p, () => new Float64Array(2))
  for (let t = 1; t <= steps; t++) {
    const slopes = new Float64Array(6)
    for (let n = (t - 1) * batchSize; n < t * batchSize; n++) {
      const x = [samples.data[2 * n], samples.data[2 * n + 1], 1]
      for (let unit = 0; unit < 2; unit++) {
        const y = x[0] * p[unit] + x[1] * p[2 + unit] + p[4 + unit]
        // The mean over two outputs and the batch.
        for (let i = 0; i < 3; i++) slopes[2 * i + unit] += ((y - targets.data[2 * n + unit]) * x[i]) / batchSize
      }
    }
    p.forEach((value, i) => {
      p[i] = loop(t, rateAt(t - 1), value, slopes[i], kept[i], i >= 4)
    })
  }
  return p
}

const adamLoop: Loop = (t, rate, p, g, kept) => {
  kept[0] = 0.9 * kept[0] + 0.1 * g
  kept[1] = 0.999 * kept[1] + 0.001 * g * g
  const stepSize = (rate * Math.sqrt(1 - 0.999 ** t)) / (1 - 0.9 ** t)
  return p - (stepSize * kept[0]) / (Math.sqrt(kept[1]) + 1e-7)
}

const optimizers: readonly [string, (learningRate: LearningRate) => Optimizer, Loop][] = [
  ['adam', (learningRate) => adam({ learningRate }), adamLoop],
  [
    'adamW',
    (learningRate) => adamW({ learningRate, weightDecay: 0.3 }),
    (t, rate, p, g, kept, isBias) => adamLoop(t, rate, p * (1 - rate * 0.3), g, kept, isBias),
  ],
  [
    'adamW that spares biases',
    (learningRate) => adamW({ learningRate, weightDecay: 0.3, excludeFromWeightDecay: ['bias'] }),
    (t, rate, p, g, kept, isBias) => adamLoop(t, rate, isBias ? p : p * (1 - rate * 0.3), g, kept, isBias),
  ],
  ['sgd', (learningRate) => sgd({ learningRate }), (_t, rate, p, g) => p - rate * g],
  [
    'sgd with momentum',
    (learningRate) => sgd({ learningRate, momentum: 0.8 }),
    (_t, rate, p, g, kept) => {
      kept[0] = 0.8 * kept[0] - rate * g
      return p + kept[0]
    },
  ],
  [
    'sgd with Nesterov momentum',
    (learningRate) => sgd({ learningRate, momentum: 0.8, nesterov: true }),
    (_t, rate, p, g, kept) => {
      kept[0] = 0.8 * kept[0] - rate * g
      return p + 0.8 * kept[0] - rate * g
    },
  ],
]

const schedules: readonly [string, LearningRate, (step: number) => number][] = [
  ['one rate', 0.1, () => 0.1],
  [
    'a cosine after a warm-up',
    cosineDecay({ initialLearningRate: 0.01, decaySteps: 12, alpha: 0.1, warmupTarget: 0.2, warmupSteps: 5 }),
    (step) =>
      step < 5
        ? 0.01 + (0.19 * step) / 5
        : 0.2 * (0.9 * 0.5 * (1 + Math.cos((Math.PI * Math.min(step - 5, 12)) / 12)) + 0.1),
  ],
  [
    'an exponential',
    exponentialDecay({ initialLearningRate: 0.2, decaySteps: 7, decayRate: 0.5 }),
    (step) => 0.2 * 0.5 ** (step / 7),
  ],
  [
    'constants',
    piecewiseConstantDecay({ boundaries: [4, 11], values: [0.2, 0.1, 0.02] }),
    (step) => (step <= 4 ? 0.2 : step <= 11 ? 0.1 : 0.02),
  ],
  [
    'a linear warm-up',
    linearWarmup({ warmupSteps: 8, learningRate: 0.2 }),
    (step) => (step < 8 ? (0.2 * step) / 8 : 0.2),
  ],
]

describe.each(optimizers)('%s', (_name, optimizer, loop) => {
  it.each(schedules)('with %s: 20 steps are those of plain arithmetic', async (_which, learningRate, rate) => {
    const wanted = expected(rate, loop)
    const exact = await train(optimizer(learningRate))
    // The host's weights are float32.
    expect(
      relativeError(
        exact.parameters.flatMap((data) => [...data]),
        wanted,
      ),
    ).toBeLessThan(1e-7)
    // 20 steps in float32: what every device may be off in one operation (device-suite.ts).
    const near = await train(optimizer(learningRate), new CpuDevice({ threads: 1 }))
    expect(
      relativeError(
        near.parameters.flatMap((data) => [...data]),
        wanted,
      ),
    ).toBeLessThan(1e-5)
  })

  it.each(schedules)('with %s: a checkpoint has it all, and going on is the same to the last bit', async (_w, rate) => {
    const taken: Checkpoint[] = []
    const beforeStep: FitOptions['beforeStep'] = ({ step, checkpoint }) =>
      step === 7 ? checkpoint().then((made) => void taken.push(made)) : undefined
    const whole = await train(optimizer(rate), new CpuDevice({ threads: 1 }), { beforeStep })
    const [from] = taken
    // As it comes out of storage: plain data.
    const settings = JSON.parse(JSON.stringify(from.optimizer))
    const resumed = await train(optimizerFrom(settings), new CpuDevice({ threads: 1 }), { from })
    expect(resumed.parameters).toEqual(whole.parameters)
    expect(resumed.history.epochs[0].loss).toBe(whole.history.epochs[0].loss)
  })
})

it("AdamW's first step by hand: the decay is not the gradient's", async () => {
  // Adam's first step is the learning rate against the gradient's sign, whatever its size; before it 0.1 · 0.5 of each decays.
  const began = network().parameters
  const model = network()
  const compiled = new CompiledModel(model, new ReferenceDevice())
  const moveTo = () => Promise.reject(new Error('there is no other device'))
  const optimizer = adamW({ learningRate: 0.1, weightDecay: 0.5, epsilon: 0 })
  const request = { compiled, optimizer, objective: { loss: 'meanSquaredError' } as const, seed: 1, moveTo }
  await fit({ ...request, samples, labels: targets }, { batchSize: count })
  model.parameters.forEach(({ data }, i) => {
    data.forEach((value, k) => {
      expect(Math.abs(value - 0.95 * began[i].data[k])).toBeCloseTo(0.1, 6)
    })
  })
  compiled.dispose()
})

it('of one kind and setting there is one update; what does not decay is joined apart', () => {
  const layers = [dense({ units: 2 }), dense({ units: 2 })]
  const compiled = new CompiledModel(sequentialNetwork({ inputShape: [2] }, layers), new CpuDevice({ threads: 1 }))
  const updates = (optimizer: Optimizer) => {
    const text = describeTrainingStep(compiled, optimizer, samples, 3, { loss: 'meanSquaredError' })
    return text.match(/\b(adamW|adam|nesterov|sgd)\b(?=.*\n)/g)
  }
  expect(updates(adamW())).toEqual(['adamW'])
  expect(updates(sgd({ momentum: 0.9, nesterov: true }))).toEqual(['nesterov'])
  expect(updates(adamW({ excludeFromWeightDecay: ['bias'] }))?.sort()).toEqual(['adam', 'adam', 'adamW', 'adamW'])
  expect(updates(adamW({ excludeFromWeightDecay: ['dense/kernel', 'dense/bias'] }))?.sort()).toEqual(['adam', 'adamW'])
  compiled.dispose()
})

it('optimizers refuse what they do not take', () => {
  expect(() => adamW({ weightDecay: -1 })).toThrow(/adamW: weightDecay must be a number >= 0, not -1/)
  expect(() => adamW({ excludeFromWeightDecay: [3 as unknown as string] })).toThrow(/the name of a parameter/)
  expect(() => sgd({ nesterov: 1 as unknown as boolean })).toThrow(/sgd: nesterov must be true or false, not 1/)
  expect(() => adam({ weightDecay: 1 } as never)).toThrow(/there is no option "weightDecay"/)
  expect(() => optimizerFrom({ optimizer: 'adagrad' } as never)).toThrow(/optimizerFrom: "adagrad" is no optimizer/)
})
