import { afterAll, expect, it } from 'vitest'
import { loadModel, type Model, openDevice } from '../../../src/engine/index.ts'
import { sizeOf } from '../../../src/engine/tensor.ts'
import { describeWithModels, modelPath, recorded } from '../../shared-models.ts'
import { relativeError } from '../operation-cases.ts'

/** Networks as their authors published them, of TensorFlow's operators, and what ONNX Runtime or TensorFlow.js answers. */
const models = [
  {
    file: 'cifar10-resnet-float.tflite',
    record: 'cifar10-resnet.outputs.safetensors',
    nodes: 16,
    parameters: 77_706,
    storage: undefined,
  },
  {
    file: 'person-float.tflite',
    record: 'person-float.outputs.safetensors',
    nodes: 31,
    parameters: 210_850,
    storage: undefined,
  },
  {
    file: 'mobilenet-v2-quantised.tflite',
    record: 'mobilenet-v2-quantised.outputs.safetensors',
    nodes: 66,
    parameters: 3_489_097,
    storage: 'uint8 with scales',
  },
  {
    file: 'moderation-graph/model.json',
    record: 'moderation-graph.outputs.safetensors',
    nodes: 69,
    parameters: 4_300_773,
    storage: 'uint8 with scales',
  },
]

const cpu = await openDevice('cpu', { threads: 1 })
const reference = await openDevice('reference')
afterAll(() => {
  cpu.dispose()
  reference.dispose()
})

/** What a model answers about the first so many photographs of its record, and what it should answer. */
async function answers(model: Model, record: string, count: number) {
  const [input, output] = [recorded(record, 'input'), recorded(record, 'output')]
  const [pixels, classes] = [sizeOf(input.shape.slice(1)), sizeOf(output.shape.slice(1))]
  const data = Float32Array.from(input.data.subarray(0, count * pixels))
  const found = await model.predict({ shape: [count, ...input.shape.slice(1)], data })
  return { found: found.data, expected: output.data.subarray(0, count * classes) }
}

describeWithModels('published networks of TensorFlow', () => {
  it.each(models)('$file', async ({ file, record, nodes, parameters, storage }) => {
    const model = await loadModel(modelPath(file))
    const { network } = model
    expect('nodes' in network && network.nodes.length).toBe(nodes)
    expect('isOneByOne' in network && network.isOneByOne).toBe(false)
    expect(model.parameterCount).toBe(parameters)
    expect(model.outputActivation).toBe('softmax')
    expect(model.images.output?.value).toBe('probabilities')
    expect(model.images.layout?.value).toBe('NHWC')
    expect(model.origin?.storage).toBe(storage)
    await model.compile({ device: cpu })
    const { found, expected } = await answers(model, record, 1)
    expect(relativeError(found, expected)).toBeLessThan(1e-5)
  })

  it('a file that is made for one sample answers about four as about each', async () => {
    const model = await loadModel(modelPath('mobilenet-v2-quantised.tflite'))
    await model.compile({ device: cpu })
    const input = recorded('mobilenet-v2-quantised.outputs.safetensors', 'input')
    const data = Float32Array.from(input.data)
    const together = await model.predict({ shape: input.shape, data })
    const pixels = sizeOf(input.shape.slice(1))
    for (let sample = 0; sample < 4; sample++) {
      const one = data.subarray(sample * pixels, (sample + 1) * pixels)
      const alone = await model.predict({ shape: [1, ...input.shape.slice(1)], data: one })
      expect(relativeError(alone.data, together.data.subarray(sample * 1001, (sample + 1) * 1001))).toBeLessThan(1e-6)
    }
  })

  it('on the reference device', async () => {
    const model = await loadModel(modelPath('cifar10-resnet-float.tflite'))
    await model.compile({ device: reference })
    const { found, expected } = await answers(model, 'cifar10-resnet.outputs.safetensors', 1)
    expect(relativeError(found, expected)).toBeLessThan(1e-6)
  })
})
