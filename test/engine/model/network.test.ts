import { describe, expect, it } from 'vitest'
import { predictFactored } from '../../../src/engine/blend/predict-factored.ts'
import { CpuDevice } from '../../../src/engine/cpu/device.ts'
import type { Device } from '../../../src/engine/device.ts'
import { ArgumentError, DeviceLostError, TrainingDivergedError } from '../../../src/engine/errors.ts'
import { CompiledModel } from '../../../src/engine/model/compiled.ts'
import { conv2d, dense, flatten } from '../../../src/engine/model/layers/public.ts'
import type { Network } from '../../../src/engine/model/network.ts'
import { outputActivation } from '../../../src/engine/model/output-activation.ts'
import { predict } from '../../../src/engine/model/predict.ts'
import { sequentialNetwork } from '../../../src/engine/model/sequential.ts'
import { add, mul, relu, square, sub } from '../../../src/engine/ops/elementwise.ts'
import { matmul } from '../../../src/engine/ops/matmul.ts'
import { mean } from '../../../src/engine/ops/reduce.ts'
import { reshape } from '../../../src/engine/ops/reshape.ts'
import { softmax } from '../../../src/engine/ops/softmax.ts'
import { ReferenceDevice } from '../../../src/engine/reference/device.ts'
import { constant, type Tensor } from '../../../src/engine/tensor.ts'
import type { Checkpoint } from '../../../src/engine/training/checkpoint.ts'
import { evaluate } from '../../../src/engine/training/evaluate.ts'
import { fit } from '../../../src/engine/training/fit.ts'
import { adam } from '../../../src/engine/training/optimizers.ts'
import { trainingState } from '../../../src/engine/training/state.ts'
import { describeTrainingStep } from '../../../src/engine/training/step-plan.ts'
import { assignUpdate } from '../../../src/engine/updates/assign.ts'
import { numbers } from '../device-suite.ts'
import { relativeError } from '../operation-cases.ts'

const devices = [
  ['cpu', () => new CpuDevice({ threads: 1 })],
  ['reference', () => new ReferenceDevice()],
] as const

const parameter = (name: string, shape: readonly number[], trainable: boolean, seed: number) => {
  const data = new Float32Array(numbers(shape, seed))
  return { name, shape, data, trainable }
}

/**
 * x [3] -> classes [2] by a residual, not by a stack: softmax(w2 · (x' + relu(w1 · x'))) with x' = x - average. The average moves
 * a quarter of the way to each batch's mean as it is trained, the spread to its mean square distance from what the average was
 * before. They are no optimizer's, and lie between the parameters that are.
 */
function residual(): Network {
  return {
    inputs: [{ name: 'x', shape: [3] }],
    outputs: [{ name: 'y', shape: [2] }],
    parameters: [
      parameter('w1', [3, 3], true, 1),
      { name: 'average', shape: [3], data: new Float32Array(3), trainable: false },
      { name: 'spread', shape: [3], data: new Float32Array(3).fill(1), trainable: false },
      parameter('w2', [3, 2], true, 2),
    ],
    apply([x], [w1, average, spread, w2], { training }) {
      const centred = sub(x, reshape(average, [1, 3]))
      const y = softmax(matmul(add(centred, relu(matmul(centred, w1))), w2))
      const moved = (kept: Tensor, seen: Tensor) => add(mul(kept, 0.75), mul(seen, 0.25))
      const distance = mean(square(sub(x, reshape(average, [1, 3]))), { axes: 0 })
      const updates = [
        assignUpdate(average, moved(average, mean(x, { axes: 0 }))),
        assignUpdate(spread, moved(spread, distance)),
      ]
      return { outputs: [y], updates: training ? updates : [] }
    },
  }
}

const count = 12
const samples = { data: numbers([count, 3], 5), shape: [count, 3] }
const labels = Int32Array.from({ length: count }, (_, i) => Number(samples.data[3 * i] > 0))

const training = (compiled: CompiledModel) => ({
  compiled,
  optimizer: adam({ learningRate: 0.05 }),
  seed: 1,
  samples,
  labels,
  moveTo: () => Promise.reject(new Error('there is no other device')),
})

describe.each(devices)('a network that is no stack of layers, on %s', (name, open) => {
  it('learns, and keeps its average and its spread by its own updates', async () => {
    const network = residual()
    const compiled = new CompiledModel(network, open())
    const before = await evaluate(compiled, samples, labels, {})
    const seen = { average: [0, 0, 0], spread: [1, 1, 1] }
    const epochs = 40
    await fit(training(compiled), { epochs, batchSize: count })
    const after = await evaluate(compiled, samples, labels, {})
    expect(after.loss).toBeLessThan(0.5 * before.loss)
    // The batch is all samples. Each update sees the average as it was before any.
    for (let epoch = 0; epoch < epochs; epoch++)
      for (let column = 0; column < 3; column++) {
        const values = Array.from({ length: count }, (_, row) => samples.data[3 * row + column])
        const average = seen.average[column]
        const meanOf = (list: readonly number[]) => list.reduce((sum, value) => sum + value, 0) / count
        const distance = meanOf(values.map((value) => (value - average) ** 2))
        seen.spread[column] = 0.75 * seen.spread[column] + 0.25 * distance
        seen.average[column] = 0.75 * average + 0.25 * meanOf(values)
      }
    const [, average, spread] = network.parameters
    expect(relativeError(average.data, seen.average)).toBeLessThan(1e-6)
    expect(relativeError(spread.data, seen.spread)).toBeLessThan(1e-6)
    compiled.dispose()
  })

  it('has the average of its last good weights again when it diverges', async () => {
    const network = residual()
    const compiled = new CompiledModel(network, open())
    const usual = adam()
    const optimizer = { ...usual, stepSize: (t: number) => (t === 2 ? Number.POSITIVE_INFINITY : usual.stepSize(t)) }
    const kept: Float32Array[] = []
    const run = fit(
      { ...training(compiled), optimizer },
      { epochs: 2, batchSize: count, onEpochEnd: () => void kept.push(network.parameters[1].data.slice()) },
    )
    await expect(run).rejects.toThrow(TrainingDivergedError)
    expect(kept).toHaveLength(1)
    expect(network.parameters[1].data).toEqual(kept[0])
    expect((await compiled.readWeights())[1]).toEqual(kept[0])
    compiled.dispose()
  })

  it('takes its average along when its device is lost', async () => {
    const [undisturbed, moved] = [residual(), residual()]
    const first = new CompiledModel(undisturbed, open())
    await fit(training(first), { epochs: 3, batchSize: 5 })
    const mortal = open()
    const run = mortal.run.bind(mortal)
    let runs = 0
    mortal.run = async (program, inputs) => {
      if (++runs === 5) throw new DeviceLostError('the driver was reset')
      return run(program, inputs)
    }
    const compiled = new CompiledModel(moved, mortal)
    let next: CompiledModel | undefined
    const moveTo = async (device: Device) => {
      next = new CompiledModel(moved, device)
      return next
    }
    await fit({ ...training(compiled), moveTo }, { epochs: 3, batchSize: 5, onDeviceLost: open })
    // To the last bit, but for the float64 weights that the host keeps as float32.
    for (const [i, { data }] of moved.parameters.entries())
      expect(relativeError(data, undisturbed.parameters[i].data)).toBeLessThanOrEqual(name === 'cpu' ? 0 : 1e-6)
    for (const each of [first, compiled, next]) each?.dispose()
  })

  it('predicts without changing its average', async () => {
    const network = residual()
    const compiled = new CompiledModel(network, open())
    const { data, shape } = await predict(compiled, samples, {})
    expect(shape).toEqual([count, 2])
    for (let i = 0; i < count; i++) expect(data[2 * i] + data[2 * i + 1]).toBeCloseTo(1, 6)
    expect((await compiled.readWeights())[1]).toEqual(new Float32Array(3))
    compiled.dispose()
  })

  it('may have several outputs, side by side, but not where one is trained or explained', async () => {
    const twofold: Network = {
      ...residual(),
      outputs: [
        { name: 'double', shape: [3] },
        { name: 'sum', shape: [1] },
      ],
      apply: ([x]) => ({ outputs: [add(x, x), matmul(x, constant(1, [3, 1]))], updates: [] }),
    }
    const compiled = new CompiledModel(twofold, open())
    const { data, shape } = await predict(compiled, samples, {})
    expect(shape).toEqual([count, 4])
    const [a, b, c] = samples.data
    expect(Array.from(data.subarray(0, 3))).toEqual([2 * a, 2 * b, 2 * c].map(Math.fround))
    expect(data[3]).toBeCloseTo(a + b + c, 5)
    const several = new ArgumentError('the network has 2 outputs; expected one')
    await expect(fit(training(compiled), {})).rejects.toThrow(several)
    await expect(evaluate(compiled, samples, labels, {})).rejects.toThrow(several)
    const blend = { image: samples.data, fudged: samples.data, segments: new Int32Array(1), segmentCount: 1 }
    const masks = { masks: Uint8Array.of(1), count: 1 }
    await expect(predictFactored(compiled, { ...blend, ...masks }, {})).rejects.toThrow(several)
    compiled.dispose()
  })
})

it('a training goes on from a checkpoint with what the network keeps by itself, to the last bit on cpu', async () => {
  const [whole, broken] = [residual(), residual()]
  let middle: Checkpoint | null = null
  const first = new CompiledModel(whole, new CpuDevice({ threads: 1 }))
  await fit(training(first), {
    epochs: 2,
    batchSize: 5,
    beforeStep: ({ epoch, step, checkpoint }) =>
      epoch === 1 && step === 2
        ? checkpoint().then((taken) => {
            middle = taken
          })
        : undefined,
  })
  const second = new CompiledModel(broken, new CpuDevice({ threads: 1 }))
  await fit(training(second), { epochs: 2, batchSize: 5, from: middle ?? undefined })
  expect(broken.parameters.map(({ data }) => data)).toEqual(whole.parameters.map(({ data }) => data))
  expect(whole.parameters[1].data.some((value) => value !== 0)).toBe(true)
  first.dispose()
  second.dispose()
})

it('what is trained lies side by side, so that one Adam changes all of it', () => {
  const compiled = new CompiledModel(residual(), new CpuDevice({ threads: 1 }))
  const steps = describeTrainingStep(compiled, adam(), samples, count).split('\n')
  expect(steps.filter((line) => /\badam\b/.test(line))).toHaveLength(1)
  expect(steps.filter((line) => /\bassign\b/.test(line))).toHaveLength(1)
  const offsets = compiled.parameters.map(({ offset }) => offset)
  expect(offsets).toEqual([0, 512, 768, 256])
  // The optimizer's blocks have no room for what it does not train.
  expect(trainingState(compiled, adam()).slots.map(({ memory }) => memory.byteLength)).toEqual([512, 512])
})

it('what a network gives is asked of its output, whatever layers it has', () => {
  const stack = (...layers: Parameters<typeof sequentialNetwork>[1]) =>
    outputActivation(sequentialNetwork({ inputShape: [4, 4, 1] }, layers))
  expect(stack(flatten(), dense({ units: 2, activation: 'softmax' }))).toBe('softmax')
  expect(stack(flatten(), dense({ units: 1 }), { layer: 'activation', activation: 'sigmoid' })).toBe('sigmoid')
  expect(stack(conv2d({ filters: 1, kernelSize: 3, activation: 'softmax' }), { layer: 'dropout', rate: 0.5 })).toBe(
    'softmax',
  )
  expect(stack(flatten(), dense({ units: 2 }))).toBeNull()
  expect(outputActivation(residual())).toBe('softmax')
})
