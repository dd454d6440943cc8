import { describe, expect, it } from 'vitest'
import { compute } from '../../../src/engine/compute.ts'
import { ArgumentError, ShapeError } from '../../../src/engine/errors.ts'
import { modelFromBytes } from '../../../src/engine/facade/model-from-bytes.ts'
import { sequential } from '../../../src/engine/facade/sequential.ts'
import { modelToBytes } from '../../../src/engine/formats/write-model.ts'
import { type ActivationName, activations } from '../../../src/engine/model/layers/activations.ts'
import {
  activation,
  conv2d,
  dense,
  elu,
  flatten,
  leakyReLU,
  prelu,
  reLU,
  softmax,
  thresholdedReLU,
} from '../../../src/engine/model/layers/public.ts'
import { ReferenceDevice } from '../../../src/engine/reference/device.ts'
import { Input } from '../../../src/engine/tensor.ts'
import { sgd } from '../../../src/engine/training/optimizers.ts'
import { largestError } from '../../reference-tensors.ts'
import { numbers } from '../device-suite.ts'
import { relativeError } from '../operation-cases.ts'
import { gradientErrors } from './layer-gradients.ts'

const device = new ReferenceDevice()

for (const name of Object.keys(activations) as ActivationName[])
  it(`a network with ${name} is saved and loaded, in each layer that takes one`, async () => {
    const model = sequential({ inputShape: [3, 3, 1], seed: 2 }, [
      conv2d({ filters: 2, kernelSize: 2, activation: name }),
      activation(name),
      flatten(),
      dense({ units: 3, activation: name }),
    ])
    const loaded = modelFromBytes(modelToBytes(model))
    const images = { data: numbers([4, 3, 3, 1]), shape: [4, 3, 3, 1] }
    await loaded.compile({ device })
    await model.compile({ device })
    expect((await loaded.predict(images)).data).toEqual((await model.predict(images)).data)
  })

it('activation layers apply the function that they name, with its own defaults', async () => {
  const values = numbers([2, 5]).map((value) => 4 * value)
  for (const name of Object.keys(activations) as ActivationName[]) {
    const model = sequential({ inputShape: [5] }, [activation(name)])
    await model.compile({ device })
    const x = new Input('x', [2, 5])
    const { y } = await compute(device, { outputs: { y: activations[name](x) } }, { x: values })
    expect([...(await model.predict({ data: values, shape: [2, 5] })).data], name).toEqual([...Float32Array.from(y)])
  }
})

/** What layers make of one sample of numbers. */
async function applied(values: readonly number[], ...layers: Parameters<typeof sequential>[1]) {
  const model = sequential({ inputShape: [values.length] }, layers)
  await model.compile({ device })
  return [...(await model.predict({ data: Float32Array.from(values), shape: [1, values.length] })).data]
}

it('exponential and softsign are what Keras calls so', async () => {
  const values = [-2, 0, 0.5, 3]
  expect(await applied(values, activation('exponential'))).toEqual([...Float32Array.from(values, Math.exp)])
  expect(await applied(values, activation('softsign'))).toEqual([
    ...Float32Array.from(values, (x) => x / (1 + Math.abs(x))),
  ])
})

describe('reLU', () => {
  const values = [-3, -1, -0.25, 0.25, 1, 2.5, 7]
  it.each<Parameters<typeof reLU>>([
    [],
    [{ maxValue: 6 }],
    [{ negativeSlope: 0.1 }],
    [{ threshold: 0.5 }],
    [{ maxValue: 2, negativeSlope: 0.3 }],
    [{ threshold: 2, negativeSlope: 0.5 }],
    [{ maxValue: 5, threshold: 0.3, negativeSlope: 0.2 }],
  ])('of %j is what Keras documents', async (...given) => {
    const { maxValue = Number.POSITIVE_INFINITY, negativeSlope = 0, threshold = 0 } = given[0] ?? {}
    const expected = values.map((x) => {
      if (x >= maxValue) return maxValue
      return x >= threshold ? x : negativeSlope * (x - threshold)
    })
    expect(largestError(await applied(values, reLU(...given)), expected)).toBeLessThan(1e-7)
    const { network } = sequential({ inputShape: [values.length] }, [reLU(...given)])
    expect(await gradientErrors(network, { x: Float32Array.from(values) }, { batch: 1 })).toEqual({
      x: expect.closeTo(0, 6),
    })
  })

  it('with a theta is 0 up to it, and x itself above', async () => {
    expect(await applied(values, thresholdedReLU())).toEqual([0, 0, 0, 0, 0, 2.5, 7].map((x, i) => (i < 3 ? -0 : x)))
    expect(await applied(values, thresholdedReLU({ theta: -1 }))).toEqual([-0, -0, -0.25, 0.25, 1, 2.5, 7])
    const { network } = sequential({ inputShape: [values.length] }, [thresholdedReLU({ theta: 0.5 })])
    const { x } = await gradientErrors(network, { x: Float32Array.from(values) }, { batch: 1 })
    expect(x).toBeLessThanOrEqual(1e-6)
  })

  it('has no bounds below 0', () => {
    for (const config of [{ maxValue: -1 }, { negativeSlope: -0.1 }, { threshold: -1 }])
      expect(() => sequential({ inputShape: [2] }, [reLU(config)])).toThrow(ArgumentError)
  })
})

describe('softmax', () => {
  it.each([undefined, -1, -2, 1, 2, 3])('goes along axis %j, the batch axis counted', async (axis) => {
    const shape = [2, 3, 4]
    const model = sequential({ inputShape: shape }, [softmax({ axis })])
    await model.compile({ device })
    const x = numbers([2, ...shape], 3)
    const { data } = await model.predict({ data: x, shape: [2, ...shape] })
    const extents = [2, ...shape]
    const own = axis === undefined ? 3 : axis < 0 ? axis + 4 : axis
    const stride = extents.slice(own + 1).reduce((size, extent) => size * extent, 1)
    const expected = Array.from(x, (value, i) => {
      const first = i - (Math.floor(i / stride) % extents[own]) * stride
      const line = Array.from({ length: extents[own] }, (_, k) => Math.exp(x[first + k * stride]))
      return Math.exp(value) / line.reduce((sum, one) => sum + one, 0)
    })
    expect(largestError(data, expected)).toBeLessThan(1e-7)
    expect(model.outputActivation).toBe(own === 3 ? 'softmax' : null)
  })

  it('refuses axes that samples do not have, the batch axis among them', () => {
    for (const axis of [0, 3, -3])
      expect(() => sequential({ inputShape: [2, 2] }, [softmax({ axis })])).toThrow(ShapeError)
    expect(() => sequential({ inputShape: [2, 2] }, [softmax({ axis: 0.5 })])).toThrow(ArgumentError)
  })
})

describe('activations with slopes of their own', () => {
  const images = { data: numbers([4, 3, 3, 2]), shape: [4, 3, 3, 2] }

  it('take Keras’s parameters and defaults', async () => {
    const below = [-2, 0, 3]
    expect(await applied(below, leakyReLU())).toEqual([...Float32Array.of(-0.6, 0, 3)])
    expect(await applied(below, leakyReLU({ negativeSlope: 0.5 }))).toEqual([-1, 0, 3])
    expect(await applied(below, elu())).toEqual([...Float32Array.of(Math.expm1(-2), 0, 3)])
    expect(await applied(below, elu({ alpha: 3 }))).toEqual([...Float32Array.of(3 * Math.expm1(-2), 0, 3)])
    expect(await applied(below, prelu())).toEqual([-0, 0, 3])
  })

  it('learn the slope, and are saved and loaded with it', async () => {
    const model = sequential({ inputShape: [3, 3, 2], seed: 4 }, [
      prelu({ sharedAxes: [1, 2] }),
      conv2d({ filters: 2, kernelSize: 1 }),
      prelu(),
      flatten(),
      dense({ units: 2, activation: 'softmax' }),
    ])
    const slopes = () => model.weights.filter(({ name }) => name.endsWith('/alpha'))
    expect(slopes().map(({ name, shape }) => [name, [...shape]])).toEqual([
      ['p_re_lu/alpha', [1, 1, 2]],
      ['p_re_lu_1/alpha', [3, 3, 2]],
    ])
    await model.compile({ device, optimizer: sgd({ learningRate: 0.5 }), loss: 'sparseCategoricalCrossentropy' })
    await model.fit(images, [0, 1, 1, 0], { batchSize: 2, epochs: 2 })
    for (const { data } of slopes()) expect(data.some((slope) => slope !== 0)).toBe(true)
    const loaded = modelFromBytes(modelToBytes(model))
    await loaded.compile({ device })
    // The reference device trains in float64; files hold float32.
    const [before, after] = [await model.predict(images), await loaded.predict(images)]
    expect(relativeError(after.data, before.data)).toBeLessThanOrEqual(1e-6)
  })

  it('refuse axes that there are not, and options of another layer', () => {
    const build = (layer: ReturnType<typeof prelu>) => () => sequential({ inputShape: [3, 2] }, [layer])
    expect(build(prelu({ sharedAxes: [3] }))).toThrow('prelu (layer 1): sharedAxes names axis 3; expected 1 to 2')
    expect(build(prelu({ sharedAxes: [0] }))).toThrow(ArgumentError)
    // @ts-expect-error: leakyReLU's option
    expect(build(prelu({ negativeSlope: 1 }))).toThrow('there is no option "negativeSlope"')
  })
})
