import { expect, it } from 'vitest'
import { loadModel, openDevice } from '../../../../src/engine/index.ts'
import { ReferenceDevice } from '../../../../src/engine/reference/device.ts'
import { describeWithModels, modelPath, recorded } from '../../../shared-models.ts'
import { relativeError } from '../../operation-cases.ts'

/** Files of other people against what TensorFlow.js 4.22 or PyTorch answers. */

/** The first images of a record. */
function recordOf(name: string, count: number) {
  const [input, output] = ['input', 'output'].map((part) => {
    const { shape, data } = recorded(`${name}.outputs.safetensors`, part)
    const each = data.length / shape[0]
    return { shape: [count, ...shape.slice(1)], data: Float32Array.from(data.slice(0, count * each)) }
  })
  return { input, output }
}

const files = [
  { file: 'mobilenet-v1-025.h5', count: 1 },
  { file: 'person.h5', count: 2 },
  { file: 'cifar10-resnet.h5', count: 2 },
  { file: 'cifar10.keras', count: 4 },
  { file: 'darknet-tiny', count: 1 },
  { file: 'moderation-layers', count: 1 },
]

describeWithModels('models that people hold answer as in the programs that they are of', () => {
  it.each(files)('$file on the cpu', async ({ file, count }) => {
    const model = await loadModel(modelPath(file))
    const { input, output } = recordOf(file.replace(/\.\w+$/, ''), count)
    const device = await openDevice('cpu')
    try {
      await model.compile({ device })
      const { data, shape } = await model.predict(input)
      expect(shape).toEqual(output.shape)
      expect(relativeError(data, output.data)).toBeLessThan(1e-4)
    } finally {
      await device.dispose()
    }
  })

  it('cifar10.keras in float64', async () => {
    const model = await loadModel(modelPath('cifar10.keras'))
    const { input, output } = recordOf('cifar10', 1)
    await model.compile({ device: new ReferenceDevice() })
    expect(relativeError((await model.predict(input)).data, output.data)).toBeLessThan(1e-4)
  })
})
