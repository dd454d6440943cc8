import { describe, expect, it } from 'vitest'
import { LimelightError } from '../../../../src/engine/errors.ts'
import { oneFile } from '../../../../src/engine/formats/model-files.ts'
import { readOnnx } from '../../../../src/engine/formats/onnx/read-onnx.ts'
import { networkToOnnx } from '../../../../src/engine/formats/onnx/write-onnx.ts'
import { dense, exportOnnx, flatten, loadModel, modelToBytes, sequential } from '../../../../src/engine/index.ts'
import { ops } from '../../../../src/engine/ops/public.ts'
import { constant } from '../../../../src/engine/tensor.ts'
import { itWithModels, readModelFile } from '../../../shared-models.ts'
import { relativeError } from '../../operation-cases.ts'
import { onnxFile } from './onnx-writer.ts'
import { allWritten, outputOf, samplesFor } from './written-answers.ts'
import { networkOf } from './written-networks.ts'

/** onnx-runtime.nightly.test.ts asks ONNX Runtime, too. */
it.each(allWritten)('what is written is read as the same network: $name', async ({ network }) => {
  const { network: again } = await readOnnx(oneFile(networkToOnnx(network)), {})
  expect(again.inputs).toEqual(network.inputs)
  for (const batch of [1, 3]) {
    const data = samplesFor(network, batch)
    const [expected, found] = [await outputOf(network, batch, data), await outputOf(again, batch, data)]
    expect(relativeError(found, expected)).toBeLessThan(1e-6)
  }
})

it('numbers that are others for each sample are refused, with their shape', () => {
  const numbered = networkOf('numbered', [2, 3], (x) => {
    const numbers = Array.from({ length: 6 * x.shape[0] }, (_, i) => i)
    return ops.add(x, constant(numbers, x.shape))
  })
  expect(() => networkToOnnx(numbered)).toThrow(LimelightError)
  expect(() => networkToOnnx(numbered)).toThrow(/numbers of shape \[N,2,3\] that are not the same for each sample/)
})

itWithModels('an ONNX file with a class token is written anew, as the same network', async () => {
  const { network } = await readOnnx(oneFile(readModelFile('vit.onnx')))
  const { network: again } = await readOnnx(oneFile(networkToOnnx(network)))
  for (const batch of [1, 3]) {
    const data = samplesFor(network, batch)
    const [expected, found] = [await outputOf(network, batch, data), await outputOf(again, batch, data)]
    expect(relativeError(found, expected)).toBeLessThan(1e-6)
  }
})

describe('what is known of the pictures goes with it', () => {
  const known = {
    layout: { value: 'NHWC', source: 'its layers' },
    channels: { value: 'bgr', source: 'the catalogue' },
    preprocessing: { value: { scale: [1 / 127.5], offset: [-1] }, source: 'the catalogue' },
    classNames: { value: ['cat', 'dog'], source: 'names.txt' },
    output: { value: 'logits', source: '--output' },
  } as const
  const small = () => {
    const made = sequential({ inputShape: [4, 4, 3], seed: 1 }, [flatten(), dense({ units: 2, activation: 'softmax' })])
    made.metadata = { recipe: 'tutorial' }
    return made
  }

  it('and is known again where the file is loaded', async () => {
    const written = small()
    written.images = known
    const { images, metadata } = await loadModel(await exportOnnx(written))
    expect(images).toEqual(known)
    expect(metadata).toEqual({ recipe: 'tutorial' })
    const { images: fromOwn } = await loadModel(modelToBytes(written))
    expect(fromOwn).toEqual(known)
  })

  it('but in no file of another program, which may call anything images; ours must be right', async () => {
    const file = (producer: readonly [string, string]) =>
      onnxFile({
        producer,
        metadata: { images: '{"layout": {"value": "WCHN"}}' },
        inputs: [{ name: 'x', shape: ['N', 2] }],
        nodes: [{ operator: 'Softmax', inputs: ['x'], outputs: ['y'] }],
        outputs: ['y'],
      })
    const other = await loadModel(file(['another', '1']))
    expect(other.images).toEqual({ output: { value: 'probabilities', source: 'its last operator is Softmax' } })
    expect(other.metadata.images).toBe('{"layout": {"value": "WCHN"}}')
    await expect(loadModel(file(['limelight', '']))).rejects.toThrow(/model: its "images"/)
  })
})
