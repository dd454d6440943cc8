import { describe, expect, it } from 'vitest'
import { compute } from '../../../src/engine/compute.ts'
import { CpuDevice } from '../../../src/engine/cpu/device.ts'
import { ArgumentError } from '../../../src/engine/errors.ts'
import { gradients } from '../../../src/engine/gradients.ts'
import { sigmoid } from '../../../src/engine/ops/elementwise.ts'
import { mean } from '../../../src/engine/ops/reduce.ts'
import { softmax } from '../../../src/engine/ops/softmax.ts'
import { ReferenceDevice } from '../../../src/engine/reference/device.ts'
import { Input, type Tensor } from '../../../src/engine/tensor.ts'
import { type Loss, type LossName, losses, meanAbsoluteError } from '../../../src/engine/training/losses.ts'
import { numbers } from '../device-suite.ts'
import { relativeError } from '../operation-cases.ts'

type Row = readonly number[]

const meanOf = (values: Row) => values.reduce((sum, value) => sum + value, 0) / values.length
const softmaxOf = (z: Row) => {
  const total = z.reduce((sum, value) => sum + Math.exp(value), 0)
  return z.map((value) => Math.exp(value) / total)
}
const sigmoidOf = (z: number) => 1 / (1 + Math.exp(-z))
const best = (row: Row) => row.indexOf(Math.max(...row))
const side = (t: number, z: number) => Number(t === Number(z > 0))

interface Case {
  readonly loss: LossName
  readonly activation: (logits: Tensor) => Tensor
  /** By the definitions, in float64: of one sample's logits and targets. */
  readonly expected: (z: Row, t: Row) => number
  readonly right: ((z: Row, t: Row) => number) | null
  readonly targets: readonly number[]
}

const soft = [0.5, 0.25, 0.25, 0, 1, 0, 0.1, 0.2, 0.7, 1, 0, 0]
const answers = [1, 0, 0, 0, 1, 1, 1, 1, 0, 0.5, 0, 1]

const cases: readonly Case[] = [
  {
    loss: 'categoricalCrossentropy',
    activation: softmax,
    expected: (z, t) => -softmaxOf(z).reduce((sum, p, i) => sum + t[i] * Math.log(p), 0),
    right: (z, t) => Number(best(z) === best(t)),
    targets: soft,
  },
  {
    loss: 'binaryCrossentropy',
    activation: sigmoid,
    expected: (z, t) =>
      meanOf(z.map((value, i) => -t[i] * Math.log(sigmoidOf(value)) - (1 - t[i]) * Math.log(sigmoidOf(-value)))),
    right: (z, t) => meanOf(z.map((value, i) => side(t[i], value))),
    targets: answers,
  },
  {
    loss: 'meanSquaredError',
    activation: (z) => z,
    expected: (z, t) => meanOf(z.map((value, i) => (value - t[i]) ** 2)),
    right: null,
    targets: [...numbers([12], 9)],
  },
]

const shape = [4, 3]
const rows = (values: ArrayLike<number>) =>
  Array.from({ length: 4 }, (_, n) => Array.from({ length: 3 }, (_, i) => values[3 * n + i]))
const reference = new ReferenceDevice()
const processor = new CpuDevice({ threads: 1 })

describe.each(cases)('$loss', ({ loss: name, activation, expected, right, targets }) => {
  const loss: Loss = losses[name]
  const z = new Input('z', shape)
  const t = new Input('t', shape)
  const values = loss.of(activation(z), t)
  const logits = numbers(shape, 4).map((value) => 4 * value)
  // Where the slope of a relu, or the first of two maxima, would tell.
  logits[1] = 0
  logits[3] = logits[4]
  const inputs = { z: Float64Array.from(logits), t: Float64Array.from(targets) }

  it('is what the definition says, and so is its accuracy', async () => {
    const wanted = rows(logits).map((row, n) => expected(row, rows(targets)[n]))
    for (const device of [reference, processor]) {
      const outputs: Record<string, Tensor> = { loss: values }
      if (loss.accuracy) outputs.accuracy = loss.accuracy(activation(z), t)
      const found = await compute(device, { outputs }, inputs)
      expect(relativeError(found.loss, wanted)).toBeLessThan(device === reference ? 1e-12 : 1e-6)
      expect(right === null).toBe(loss.accuracy === null)
      if (!right) continue
      const hits = rows(logits).map((row, n) => right(row, rows(targets)[n]))
      expect(relativeError(found.accuracy, hits)).toBeLessThan(1e-7)
    }
  })

  it('has the slope that differences show, where a relu bends and where maxima tie, too', async () => {
    const [slope] = gradients(mean(values), [z])
    const { slope: found } = await compute(reference, { outputs: { slope } }, inputs)
    const at = async (i: number, by: number) => {
      const moved = Float64Array.from(logits)
      moved[i] += by
      const { loss: sum } = await compute(reference, { outputs: { loss: mean(values) } }, { z: moved, t: inputs.t })
      return sum[0]
    }
    const step = 1e-5
    const differences: number[] = []
    for (let i = 0; i < 12; i++) differences.push(((await at(i, step)) - (await at(i, -step))) / (2 * step))
    expect(relativeError(found, differences)).toBeLessThan(1e-8)
    const { slope: onProcessor } = await compute(processor, { outputs: { slope } }, inputs)
    expect(relativeError(onProcessor, differences)).toBeLessThan(1e-6)
  })
})

it('losses of probabilities stay numbers where the probabilities are 0 and 1', async () => {
  const extremes = Float64Array.of(-300, 0, 300, 300, -300, 0)
  const [z, t] = [new Input('z', [2, 3]), new Input('t', [2, 3])]
  const targets = Float64Array.of(1, 0, 0, 1, 0, 0)
  const outputs = {
    binary: losses.binaryCrossentropy.of(sigmoid(z), t),
    categorical: losses.categoricalCrossentropy.of(softmax(z), t),
  }
  const slopes = {
    dBinary: gradients(mean(outputs.binary), [z])[0],
    dCategorical: gradients(mean(outputs.categorical), [z])[0],
  }
  for (const device of [reference, processor]) {
    const found = await compute(device, { outputs: { ...outputs, ...slopes } }, { z: extremes, t: targets })
    expect(relativeError(found.binary, [(600 + Math.log(2)) / 3, Math.log(2) / 3])).toBeLessThan(1e-6)
    expect(relativeError(found.categorical, [600, 0])).toBeLessThan(1e-6)
    expect(
      relativeError(
        found.dBinary,
        [-1, 0.5, 1, 0, 0, 0.5].map((value) => value / 6),
      ),
    ).toBeLessThan(1e-6)
    expect(
      relativeError(
        found.dCategorical,
        [-1, 0, 1, 0, 0, 0].map((value) => value / 2),
      ),
    ).toBeLessThan(1e-6)
  }
})

it('outputs of several axes count each place once', async () => {
  const [y, t] = [new Input('y', [2, 2, 3]), new Input('t', [2, 2, 3])]
  const given = { y: numbers([2, 2, 3], 3), t: numbers([2, 2, 3], 8) }
  const difference = Array.from(given.y, (value, i) => value - given.t[i])
  const halves = [difference.slice(0, 6), difference.slice(6)]
  const outputs = {
    squared: losses.meanSquaredError.of(y, t),
    absolute: meanAbsoluteError(y, t),
    categorical: losses.categoricalCrossentropy.of(softmax(y), t),
  }
  const found = await compute(reference, { outputs }, given)
  expect(
    relativeError(
      found.squared,
      halves.map((half) => meanOf(half.map((value) => value ** 2))),
    ),
  ).toBeLessThan(1e-12)
  expect(
    relativeError(
      found.absolute,
      halves.map((half) => meanOf(half.map(Math.abs))),
    ),
  ).toBeLessThan(1e-12)
  const places = Array.from({ length: 4 }, (_, place) => {
    const row = (values: Float32Array) => Array.from(values.subarray(3 * place, 3 * place + 3))
    return -softmaxOf(row(given.y)).reduce((sum, p, i) => sum + row(given.t)[i] * Math.log(p), 0)
  })
  expect(relativeError(found.categorical, [meanOf(places.slice(0, 2)), meanOf(places.slice(2))])).toBeLessThan(1e-12)
})

it('losses of probabilities refuse outputs that are none', () => {
  const [y, t] = [new Input('y', [2, 3]), new Input('t', [2, 3])]
  expect(() => losses.binaryCrossentropy.of(softmax(y), t)).toThrow(
    new ArgumentError('binaryCrossentropy: the last layer must have the activation sigmoid'),
  )
  expect(() => losses.categoricalCrossentropy.of(sigmoid(y), t)).toThrow(
    new ArgumentError('categoricalCrossentropy: the last layer must have the activation softmax'),
  )
})
