import { expect, it } from 'vitest'
import { compute } from '../../../src/engine/compute.ts'
import { modelFromBytes } from '../../../src/engine/facade/load-model.ts'
import { sequential } from '../../../src/engine/facade/sequential.ts'
import { modelToBytes } from '../../../src/engine/formats/write-model.ts'
import { type ActivationName, activations } from '../../../src/engine/model/layers/activations.ts'
import { activation, conv2d, dense, flatten } from '../../../src/engine/model/layers/public.ts'
import { ReferenceDevice } from '../../../src/engine/reference/device.ts'
import { Input } from '../../../src/engine/tensor.ts'
import { numbers } from '../device-suite.ts'

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
