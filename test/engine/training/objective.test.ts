import { afterAll, describe, expect, it } from 'vitest'
import { CpuDevice } from '../../../src/engine/cpu/device.ts'
import { ArgumentError, ShapeError } from '../../../src/engine/errors.ts'
import type { CompileOptions } from '../../../src/engine/facade/options.ts'
import { sequential } from '../../../src/engine/facade/sequential.ts'
import { CompiledModel } from '../../../src/engine/model/compiled.ts'
import { dense } from '../../../src/engine/model/layers/public.ts'
import type { Labels, Targets } from '../../../src/engine/model/samples.ts'
import type { Checkpoint } from '../../../src/engine/training/checkpoint.ts'
import type { BatchLog, EpochLog } from '../../../src/engine/training/fit-options.ts'
import { exponentialDecay } from '../../../src/engine/training/learning-rates.ts'
import { type Objective, type Scores, scoreNames } from '../../../src/engine/training/objective.ts'
import { adam, sgd } from '../../../src/engine/training/optimizers.ts'
import { batchLine, epochLine } from '../../../src/engine/training/progress-line.ts'
import { describeTrainingStep } from '../../../src/engine/training/step-plan.ts'
import { numbers } from '../device-suite.ts'
import { relativeError } from '../operation-cases.ts'

const count = 10
const classes = 3
const samples = { data: numbers([count, 4], 3), shape: [count, 4] }
const labels = Int32Array.from({ length: count }, (_, i) => (i * 2) % classes)
const oneHot: Targets = {
  data: Uint8Array.from({ length: count * classes }, (_, i) =>
    labels[Math.floor(i / classes)] === i % classes ? 255 : 0,
  ),
  shape: [count, classes],
  scale: 1 / 255,
}
const halves: Targets = {
  data: Float32Array.from({ length: count * classes }, (_, i) => (i % 4 === 0 ? 1 : 0)),
  shape: [count, classes],
}
const numbersWanted: Targets = { data: numbers([count, classes], 7), shape: [count, classes] }

interface Case {
  readonly objective: Objective & Required<Pick<Objective, 'metrics'>>
  readonly activation?: 'softmax' | 'sigmoid'
  readonly truth: Labels | Targets
}

const cases: readonly Case[] = [
  {
    objective: { loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] },
    activation: 'softmax',
    truth: labels,
  },
  {
    objective: {
      loss: 'categoricalCrossentropy',
      metrics: ['accuracy', 'meanAbsoluteError', 'meanSquaredError'],
    },
    activation: 'softmax',
    truth: oneHot,
  },
  {
    objective: { loss: 'binaryCrossentropy', metrics: ['meanSquaredError', 'accuracy'] },
    activation: 'sigmoid',
    truth: halves,
  },
  { objective: { loss: 'meanSquaredError', metrics: ['meanAbsoluteError'] }, truth: numbersWanted },
]

const network = ({ activation }: Pick<Case, 'activation'>) =>
  sequential({ inputShape: [4], seed: 2 }, [
    dense({ units: 5, activation: 'tanh' }),
    dense({ units: classes, ...(activation && { activation }) }),
  ])

/** Of a whole data set, from predictions, in float64. */
function scoresOf(predicted: ArrayLike<number>, { objective, truth }: Case): Scores {
  const rows = Array.from({ length: count }, (_, n) => {
    const y = Array.from({ length: classes }, (_, c) => predicted[classes * n + c])
    const targets = (from: Targets) =>
      Array.from({ length: classes }, (_, c) => from.data[classes * n + c] * (from.scale ?? 1))
    return { y, t: 'shape' in truth ? targets(truth) : targets(oneHot) }
  })
  const mean = (of: (y: number, t: number) => number) =>
    rows.reduce((sum, { y, t }) => sum + y.reduce((part, value, c) => part + of(value, t[c]), 0), 0) / (count * classes)
  const best = (row: readonly number[]) => row.indexOf(Math.max(...row))
  const binary = objective.loss === 'binaryCrossentropy'
  const squared = mean((y, t) => (y - t) ** 2)
  const all = {
    accuracy: binary
      ? mean((y, t) => Number(t === Number(y > 0.5)))
      : rows.filter(({ y, t }) => best(y) === best(t)).length / count,
    meanSquaredError: squared,
    meanAbsoluteError: mean((y, t) => Math.abs(y - t)),
  }
  const crossEntropy = binary
    ? mean((y, t) => -t * Math.log(y) - (1 - t) * Math.log(1 - y))
    : classes * mean((y, t) => (t === 0 ? 0 : -t * Math.log(y)))
  const loss = objective.loss === 'meanSquaredError' ? squared : crossEntropy
  return { loss, ...Object.fromEntries(objective.metrics.map((name) => [name, all[name as keyof typeof all]])) }
}

const device = new CpuDevice({ threads: 1 })
afterAll(() => device.dispose())

function expectScores(found: Scores, wanted: Scores): void {
  expect(Object.keys(found)).toEqual(Object.keys(wanted))
  expect(relativeError(Object.values(found), Object.values(wanted))).toBeLessThan(1e-5)
}

describe.each(cases)('compile($objective)', (problem) => {
  const { objective, truth } = problem
  const named = (prefix: string) =>
    scoreNames(objective).map((name) => `${prefix}${name[0].toUpperCase()}${name.slice(1)}`)

  it('evaluates what was asked for, and nothing else', async () => {
    const model = network(problem)
    await model.compile({ device, ...objective })
    const { data } = await model.predict(samples)
    expectScores(await model.evaluate(samples, truth), scoresOf(data, problem))
    model.dispose()
  })

  it('trains by it and tells by its names, of batches, epochs and validation', async () => {
    const model = network(problem)
    await model.compile({ device, optimizer: sgd({ learningRate: 0.5 }), ...objective })
    const { data } = await model.predict(samples)
    const before = scoresOf(data, problem)
    const batches: BatchLog[] = []
    const epochs: EpochLog[] = []
    const { epochs: history } = await model.fit(samples, truth, {
      batchSize: count,
      epochs: 30,
      validationData: [samples, truth],
      onBatchEnd: (log) => batches.push(log),
      onEpochEnd: (log) => void epochs.push(log),
    })
    const scores = scoreNames(objective)
    expectScores(Object.fromEntries(scores.map((name) => [name, batches[0][name]])) as unknown as Scores, before)
    const place = ['epoch', 'epochs', 'step', 'steps', 'msPerStep', 'etaSeconds']
    expect(Object.keys(batches[0]).sort()).toEqual([...place, ...scores, ...named('batch')].sort())
    const told = ['epoch', 'epochs', 'steps', 'msPerStep', 'seconds']
    expect(Object.keys(epochs[0]).sort()).toEqual([...told, ...scores, ...named('val')].sort())
    expect(history).toEqual(epochs)
    expect(epochs[29].loss).toBeLessThan(before.loss)
    const after = await model.evaluate(samples, truth)
    expect(epochs[29]).toMatchObject(Object.fromEntries(scores.map((name, i) => [named('val')[i], after[name]])))
    model.dispose()
  })

  it('goes on from a checkpoint, and streams what the device has no room for, to the last bit', async () => {
    const run = async (on: CpuDevice, options: { from?: Checkpoint; at?: Checkpoint[] } = {}) => {
      const model = network(problem)
      await model.compile({ device: on, optimizer: adam(), ...objective })
      const { from, at } = options
      const { epochs } = await model.fit(samples, truth, {
        batchSize: 4,
        epochs: 2,
        ...(from && { from }),
        beforeStep: ({ epoch, step, checkpoint }) =>
          at && epoch === 1 && step === 2 ? checkpoint().then((made) => void at.push(made)) : undefined,
      })
      model.dispose()
      const scores = epochs.map((log) => scoreNames(objective).map((name) => log[name]))
      return { scores, weights: model.weights.map(({ data }) => data) }
    }
    const at: Checkpoint[] = []
    const whole = await run(device, { at })
    expect(await run(device, { from: at[0] })).toEqual(whole)
    const small = new CpuDevice({ threads: 1 })
    Object.defineProperty(small, 'maxBlockBytes', { value: 64 })
    expect(await run(small)).toEqual(whole)
    small.dispose()
  })
})

it('without metrics none is computed, in a training step neither', async () => {
  const model = network({ activation: 'softmax' })
  await model.compile({ device, optimizer: adam(), loss: 'sparseCategoricalCrossentropy', metrics: [] })
  expect(Object.keys(await model.evaluate(samples, labels))).toEqual(['loss'])
  await model.compile({ device, optimizer: adam() })
  const { epochs } = await model.fit(samples, labels)
  expect(epochs[0].accuracy).toBeUndefined()
  await model.compile({ device, metrics: ['loss', 'accuracy', 'accuracy'] })
  expect(Object.keys(await model.evaluate(samples, labels))).toEqual(['loss', 'accuracy'])
  const compiled = new CompiledModel(model.network, device)
  const steps = (objective: Objective) => describeTrainingStep(compiled, adam(), samples, 5, objective)
  expect(steps({ metrics: ['accuracy'] })).toMatch(/\[256,2\]/)
  expect(steps({})).toMatch(/\[256,1\]/)
  expect(steps({})).not.toMatch(/argMax|equal/)
  compiled.dispose()
  model.dispose()
})

it('what is unknown, or can not be, is refused with what there is', async () => {
  const model = network({ activation: 'softmax' })
  const compile = (options: object) => model.compile({ device, ...options } as CompileOptions)
  await expect(compile({ metrics: ['f1'] })).rejects.toThrow(
    /compile: metrics must be a list of 'accuracy', 'meanSquaredError', 'meanAbsoluteError', 'loss', not \["f1"\]/,
  )
  await expect(compile({ metrics: new Array(2) })).rejects.toThrow(ArgumentError)
  await expect(compile({ loss: 'hinge' })).rejects.toThrow(
    /loss must be 'sparseCategoricalCrossentropy', 'categoricalCrossentropy', 'binaryCrossentropy' or 'meanSquaredError'/,
  )
  await expect(compile({ metrics: ['meanSquaredError'] })).rejects.toThrow(
    "compile: there is no metric 'meanSquaredError' beside the loss 'sparseCategoricalCrossentropy': it compares numbers, and the labels are classes",
  )
  await expect(compile({ loss: 'meanSquaredError', metrics: ['accuracy'] })).rejects.toThrow(
    "compile: there is no metric 'accuracy' beside the loss 'meanSquaredError': numbers are neither right nor wrong",
  )
})

it('labels that the loss does not take are refused with those that it takes', async () => {
  const model = network({ activation: 'softmax' })
  const evaluated = (truth: unknown) => model.evaluate(samples, truth as Labels)
  await model.compile({ device, optimizer: adam() })
  await expect(evaluated(oneHot)).rejects.toThrow(
    "evaluate: the loss 'sparseCategoricalCrossentropy' takes class numbers, one a sample, not targets { data, shape }; 'categoricalCrossentropy' takes those",
  )
  await model.compile({ device, optimizer: adam(), loss: 'categoricalCrossentropy' })
  const expected =
    /the loss 'categoricalCrossentropy' takes targets { data, shape: \[N,3\] }, what the outputs should be, not a Int32Array/
  await expect(evaluated(labels)).rejects.toThrow(expected)
  await expect(model.fit(samples, labels)).rejects.toThrow(expected)
  await expect(model.fit(samples, oneHot, { validationData: [samples, labels] })).rejects.toThrow(expected)
  await expect(evaluated(null)).rejects.toThrow(ArgumentError)
  await expect(evaluated({ data: new Float32Array(20), shape: [10, 2] })).rejects.toThrow(
    /evaluate: targets: shape \[10,2\] given, the model takes \[N,3\]/,
  )
  await expect(evaluated({ data: new Float32Array(27), shape: [9, 3] })).rejects.toThrow(
    new ShapeError('evaluate: 9 targets given for 10 samples'),
  )
  await expect(evaluated({ data: new Float32Array(30).fill(2, 28), shape: [10, 3] })).rejects.toThrow(
    "evaluate: the target of sample 9 holds 2; the loss 'categoricalCrossentropy' takes probabilities, from 0 to 1",
  )
  await model.compile({ device, loss: 'meanSquaredError' })
  expect((await evaluated({ data: new Float32Array(30).fill(2), shape: [10, 3] })).loss).toBeGreaterThan(1)
  model.dispose()
})

it('progress lines have what was asked for by the names of Keras, and the rate where it changes', async () => {
  const model = network({ activation: 'softmax' })
  const learningRate = exponentialDecay({ initialLearningRate: 0.5, decaySteps: 1, decayRate: 0.5 })
  const lines: string[] = []
  await model.compile({
    device,
    optimizer: sgd({ learningRate }),
    loss: 'categoricalCrossentropy',
    metrics: ['meanAbsoluteError', 'accuracy'],
  })
  await model.fit(samples, oneHot, {
    batchSize: 5,
    validationData: [samples, oneHot],
    onBatchEnd: (log) => lines.push(batchLine(log)),
    onEpochEnd: (log) => void lines.push(epochLine(log)),
  })
  const scores = String.raw`loss: \d\.\d{4} - accuracy: \d\.\d{4} - mean_absolute_error: \d\.\d{4}`
  expect(lines[0]).toMatch(new RegExp(`- ETA: \\d+s - ${scores} - learning_rate: 5.0000e-1$`))
  expect(lines[1]).toMatch(/ - learning_rate: 2\.5000e-1$/)
  const validation = scores.replaceAll(/[a-z_]+:/g, (name) => `val_${name}`)
  expect(lines[2]).toMatch(new RegExp(`ms/step - ${scores} - ${validation} - learning_rate: 2.5000e-1$`))
  model.dispose()
})

it('a checkpoint from the middle of an epoch has the sums of the metrics that are asked for', async () => {
  const model = network({ activation: 'softmax' })
  await model.compile({ device, optimizer: adam() })
  const taken: Checkpoint[] = []
  await model.fit(samples, labels, {
    batchSize: 4,
    beforeStep: ({ step, checkpoint }) => (step === 2 ? checkpoint().then((made) => void taken.push(made)) : undefined),
  })
  await model.compile({ device, optimizer: adam(), metrics: ['accuracy'] })
  await expect(model.fit(samples, labels, { batchSize: 4, from: taken[0] })).rejects.toThrow(
    /taken in the middle of an epoch without the metric accuracy/,
  )
  model.dispose()
})
