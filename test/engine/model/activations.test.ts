import { describe, expect, it } from 'vitest'
import { compute } from '../../../src/engine/compute.ts'
import { ArgumentError } from '../../../src/engine/errors.ts'
import { modelFromBytes } from '../../../src/engine/facade/load-model.ts'
import { sequential } from '../../../src/engine/facade/sequential.ts'
import { modelToBytes } from '../../../src/engine/formats/write-model.ts'
import { type ActivationName, activations } from '../../../src/engine/model/layers/activations.ts'
import { activation, conv2d, dense, elu, flatten, leakyReLU, prelu } from '../../../src/engine/model/layers/public.ts'
import { ReferenceDevice } from '../../../src/engine/reference/device.ts'
import { Input } from '../../../src/engine/tensor.ts'
import { sgd } from '../../../src/engine/training/optimizers.ts'
import { numbers } from '../device-suite.ts'
import { relativeError } from '../operation-cases.ts'

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

describe('activations with slopes of their own', () => {
  const images = { data: numbers([4, 3, 3, 2]), shape: [4, 3, 3, 2] }

  it('take Keras’s parameters and defaults', async () => {
    const applied = async (...layers: Parameters<typeof sequential>[1]) => {
      const model = sequential({ inputShape: [3] }, layers)
      await model.compile({ device })
      return [...(await model.predict({ data: Float32Array.of(-2, 0, 3), shape: [1, 3] })).data]
    }
    expect(await applied(leakyReLU())).toEqual([...Float32Array.of(-0.6, 0, 3)])
    expect(await applied(leakyReLU({ negativeSlope: 0.5 }))).toEqual([-1, 0, 3])
    expect(await applied(elu())).toEqual([...Float32Array.of(Math.expm1(-2), 0, 3)])
    expect(await applied(elu({ alpha: 3 }))).toEqual([...Float32Array.of(3 * Math.expm1(-2), 0, 3)])
    expect(await applied(prelu())).toEqual([-0, 0, 3])
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
