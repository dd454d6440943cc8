import { describe, expect, it } from 'vitest'
import { CpuDevice } from '../../../src/engine/cpu/device.ts'
import { ArgumentError, ShapeError } from '../../../src/engine/errors.ts'
import { type Model, model } from '../../../src/engine/facade/model.ts'
import { CompiledModel } from '../../../src/engine/model/compiled.ts'
import { concatenate, input } from '../../../src/engine/model/graph.ts'
import { activation, batchNormalization, dense, dropout } from '../../../src/engine/model/layers/public.ts'
import { ReferenceDevice } from '../../../src/engine/reference/device.ts'
import type { Checkpoint } from '../../../src/engine/training/checkpoint.ts'
import { adam } from '../../../src/engine/training/optimizers.ts'
import { describeTrainingStep } from '../../../src/engine/training/step-plan.ts'
import { numbers } from '../device-suite.ts'

/** Training on samples of several inputs, beside one of a single input that is all of them side by side. */

const [count, bytes, floats] = [23, 3, 2]
const scale = 1 / 255

/** Stored pixels of one input, numbers of the other. */
const samplesOf = (seed: number) => ({
  // The name of something else in a step's plan.
  labels: {
    data: Uint8Array.from(numbers([count, bytes], seed), (value) => 128 + 127 * value),
    shape: [count, bytes],
    scale,
  },
  data: { data: numbers([count, floats], seed + 1), shape: [count, floats] },
})

function sideBySide({ labels, data }: ReturnType<typeof samplesOf>) {
  const joined = new Float64Array(count * (bytes + floats))
  for (let n = 0; n < count; n++) {
    for (let i = 0; i < bytes; i++) joined[n * (bytes + floats) + i] = labels.data[n * bytes + i] * scale
    for (let i = 0; i < floats; i++) joined[n * (bytes + floats) + bytes + i] = data.data[n * floats + i]
  }
  return { data: joined, shape: [count, bytes + floats] }
}

const classes = Array.from({ length: count }, (_, n) => n % 3)
const head = () => [
  dense({ units: 5 }),
  batchNormalization({ momentum: 0.8 }),
  activation('tanh'),
  dropout({ rate: 0.2 }),
  dense({ units: 3, activation: 'softmax' }),
]

/** A seed that layers of both have in common: concatenating is a call, and each call has a chance of its own. */
function networks(): { several: Model; one: Model } {
  const [a, b] = [input({ shape: [bytes], name: 'labels' }), input({ shape: [floats], name: 'data' })]
  const x = input({ shape: [bytes + floats] })
  return {
    several: model({ inputs: [a, b], outputs: concatenate([a, b]).through(...head()), seed: 4 }),
    one: model({ inputs: x, outputs: x.through(activation('linear'), ...head()), seed: 4 }),
  }
}

describe('a model of several inputs', () => {
  const [samples, validation] = [samplesOf(1), samplesOf(5)]
  const options = { batchSize: 7, epochs: 3 }

  it.each([
    ['kept on the device', 2 ** 31],
    ['sent batch by batch', 100],
  ])('is trained and evaluated on samples by their names, %s', async (_where, maxBlockBytes) => {
    const device = Object.assign(new ReferenceDevice(), { maxBlockBytes })
    const { several, one } = networks()
    const settings = { device, optimizer: adam({ learningRate: 0.01 }), metrics: ['accuracy'] as const }
    await several.compile(settings)
    await one.compile(settings)
    const history = await several.fit(samples, classes, { ...options, validationData: [validation, classes] })
    const expected = await one.fit(sideBySide(samples), classes, {
      ...options,
      validationData: [sideBySide(validation), classes],
    })
    const scores = ({ epochs }: typeof history) =>
      epochs.map(({ loss, accuracy, valLoss, valAccuracy }) => ({ loss, accuracy, valLoss, valAccuracy }))
    expect(scores(history)).toEqual(scores(expected))
    expect(history.epochs[2].loss).toBeLessThan(history.epochs[0].loss)
    expect(several.weights.map(({ data }) => data)).toEqual(one.weights.map(({ data }) => data))
    expect(await several.evaluate(validation, classes)).toEqual(await one.evaluate(sideBySide(validation), classes))
  })

  it('is trained the same on the processor, and goes on from a checkpoint as if nothing had come between', async () => {
    const device = new CpuDevice({ threads: 1 })
    const [{ several: whole }, { several: first }, { several: second }] = [networks(), networks(), networks()]
    for (const network of [whole, first, second])
      await network.compile({ device, optimizer: adam({ learningRate: 0.01 }) })
    const { epochs } = await whole.fit(samples, classes, options)
    let from: Checkpoint | undefined
    const stop = new AbortController()
    await expect(
      first.fit(samples, classes, {
        ...options,
        signal: stop.signal,
        beforeStep({ epoch, step, checkpoint }) {
          if (epoch !== 2 || step !== 2) return undefined
          return checkpoint().then((taken) => {
            from = taken
            stop.abort()
          })
        },
      }),
    ).rejects.toThrow()
    const rest = await second.fit(samples, classes, { ...options, from })
    expect(rest.epochs[1].loss).toBe(epochs[2].loss)
    expect(second.weights.map(({ data }) => data)).toEqual(whole.weights.map(({ data }) => data))
    device.dispose()
  })

  it('gathers a batch of each input in a step, and nothing else', () => {
    const compiled = new CompiledModel(networks().several.network, new ReferenceDevice())
    const steps = describeTrainingStep(compiled, adam(), samples, 7).split('\n')
    // Both inputs and the labels.
    expect(steps.filter((step) => step.includes('gather'))).toHaveLength(3)
  })

  it('refuses samples that are missing, unknown, of another shape or number, for validation, too', async () => {
    const { several } = networks()
    await several.compile({ device: new ReferenceDevice(), optimizer: adam() })
    const { labels, data } = samples
    const few = { data: data.data.subarray(0, 2 * floats), shape: [2, floats] }
    for (const [given, error, message] of [
      [data, ArgumentError, 'expected samples for each input, { labels, data }, not an object'],
      [{ labels }, ShapeError, 'data: expected samples { data, shape: [N,2] }'],
      [{ labels, data, more: data }, ArgumentError, 'the model has no input "more"; it has labels, data'],
      [{ labels, data: labels }, ShapeError, 'data: shape [23,3] given, the model takes [N,2]'],
      [{ labels, data: few }, ShapeError, '23, 2 samples given for labels, data; expected as many for each'],
    ] as const) {
      const wrong = given as typeof samples
      for (const [caller, call] of [
        ['fit: ', several.fit(wrong, classes)],
        ['evaluate: ', several.evaluate(wrong, classes)],
        ['fit: validationData: ', several.fit(samples, classes, { validationData: [wrong, classes] })],
      ] as const) {
        const refused = await call.catch((one: unknown) => one)
        expect(refused).toBeInstanceOf(error)
        expect(String(refused)).toContain(`${caller}${message}`)
      }
    }
    await expect(several.fit(samples, [0])).rejects.toThrow('fit: 1 labels given for 23 samples')
  })
})

it('a single input may be called data', async () => {
  const x = input({ shape: [floats], name: 'data' })
  const network = model({ inputs: x, outputs: x.through(dense({ units: 2, activation: 'softmax' })) })
  await network.compile({ device: new ReferenceDevice() })
  const { data } = samplesOf(3)
  expect(await network.predict(data)).toEqual(await network.predict({ data }))
})
