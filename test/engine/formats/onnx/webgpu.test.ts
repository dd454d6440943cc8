import { expect, it } from 'vitest'
import { describeWithModels, modelPath } from '../../../shared-models.ts'
import { relativeError } from '../../operation-cases.ts'
import { answers, firstOf } from './answers.ts'

/** Outputs alone: software adapters take long to compile, and gradients are made of the operations that device.test.ts tries. */
describeWithModels('networks on WebGPU in Node are those of PyTorch', () => {
  it.each(['activations', 'convnext', 'shufflenet'])('%s', async (name) => {
    const record = `${name}.safetensors`
    const { y } = await answers('webgpu', modelPath(`${name}.onnx`), firstOf(record, 'input', 1))
    expect(relativeError(y, firstOf(record, 'output', 1).data)).toBeLessThan(1e-4)
  })
})
