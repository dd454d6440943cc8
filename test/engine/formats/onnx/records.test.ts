import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { decodePicture } from '../../../../src/app/pictures/decode-picture.ts'
import { describeWithModels, modelPath, readModelFile, recorded } from '../../../shared-models.ts'
import { relativeError } from '../../operation-cases.ts'
import { answers, firstOf, gradientOfClass3, lightAnswers, type Samples } from './answers.ts'

/**
 * Networks that PyTorch exported, with its answers and gradients in float64, and how far from them each device may be. Of two, the
 * exporter put the batch norms into float32 kernels after their answers were recorded: these files no longer hold the recorded
 * networks, and differ from them by 4e-7 to 6e-7 whoever computes them (the test below computes the files themselves).
 */
const architectures = [
  { name: 'mobilenet-v3', cpu: 1e-5, reference: 1e-6 },
  { name: 'shufflenet', cpu: 1e-5, reference: 1e-6 },
  { name: 'efficientnet', cpu: 1e-5, reference: 1e-7 },
  { name: 'vit', cpu: 1e-5, reference: 1e-7 },
  { name: 'convnext', cpu: 1e-5, reference: 1e-7 },
  { name: 'densenet', cpu: 1e-5, reference: 1e-7 },
  { name: 'activations', cpu: 1e-4, reference: 1e-7 },
  { name: 'resnet20-cifar10', cpu: 1e-5, reference: 1e-7 },
]

/** Of the files of those two: exported-in-pytorch.py says how. */
const exported: Readonly<Record<string, { output: number[]; gradient: number[]; largestGradient: number }>> =
  JSON.parse(readFileSync(new URL('exported-in-pytorch.json', import.meta.url), 'utf8'))

describeWithModels('networks and their gradients are those of PyTorch in float64', () => {
  describe.each([
    { backend: 'cpu' as const, count: 2 },
    { backend: 'reference' as const, count: 1 },
  ])('on $backend', ({ backend, count }) => {
    it.each(architectures)('$name', async ({ name, ...tolerances }) => {
      const record = `${name}.safetensors`
      const { y, dx } = await answers(
        backend,
        modelPath(`${name}.onnx`),
        firstOf(record, 'input', count),
        gradientOfClass3,
      )
      expect(relativeError(y, firstOf(record, 'output', count).data)).toBeLessThan(tolerances[backend])
      expect(relativeError(dx, firstOf(record, 'gradient_of_class_3', count).data)).toBeLessThan(
        backend === 'cpu' ? 1e-4 : tolerances.reference,
      )
    })
  })

  it.each(Object.entries(exported))(
    'the file of %s, computed in float64, is what PyTorch makes of that file',
    async (name, expected) => {
      const samples = firstOf(`${name}.safetensors`, 'input', 1)
      const { y, dx } = await answers('reference', modelPath(`${name}.onnx`), samples, gradientOfClass3)
      expect(relativeError(y, expected.output)).toBeLessThan(1e-13)
      const largest = Array.from(dx).reduce((most, value) => Math.max(most, Math.abs(value)), 0)
      const chosen = Array.from(dx).filter((_, i) => i % 1024 === 517)
      expect(relativeError([...chosen, largest], [...expected.gradient, expected.largestGradient])).toBeLessThan(1e-13)
    },
  )
})

/** [N,H,W,C] as [N,C,H,W]. */
function channelsFirst({ shape: [n, h, w, c], data }: Samples): Samples {
  const moved = Float32Array.from(data, (_, i) => {
    const [x, y] = [i % w, Math.floor(i / w) % h]
    const [channel, sample] = [Math.floor(i / (w * h)) % c, Math.floor(i / (w * h * c))]
    return data[((sample * h + y) * w + x) * c + channel]
  })
  return { shape: [n, c, h, w], data: moved }
}

describeWithModels('networks of photographs answer as other programs', () => {
  it('SqueezeNet, as PyTorch in float64', async () => {
    const { y } = await answers('cpu', modelPath('squeezenet.onnx'), firstOf('squeezenet.safetensors', 'input', 1))
    expect(relativeError(y, recorded('squeezenet.safetensors', 'output').data)).toBeLessThan(1e-5)
  })

  it('MobileNet v2, as ONNX Runtime', async () => {
    const record = 'mobilenet-v2-quantised.outputs.safetensors'
    const { y } = await answers('cpu', modelPath('mobilenet-v2.onnx'), channelsFirst(firstOf(record, 'input', 2)))
    expect(relativeError(y, firstOf(record, 'output', 2).data)).toBeLessThan(1e-4)
  })

  it('SqueezeNet of float16 weights, made for one image, as Windows answers', async () => {
    const { width, height, data } = await decodePicture(readModelFile('squeezenet-fp16.fish.png'))
    // Blue first, from 0 to 255.
    const bgr = Float32Array.from(data, (_, i) => data[i + 2 - 2 * (i % 3)])
    const lines = new TextDecoder().decode(readModelFile('squeezenet-fp16.fish.csv')).trim().split('\n').slice(1)
    const expected = lines.map((line) => Number(line.split(',')[1]))
    const image = channelsFirst({ shape: [1, height, width, 3], data: bgr })
    const two = { shape: image.shape.with(0, 2), data: Float32Array.from([...image.data, ...image.data]) }
    const { y } = await answers('cpu', modelPath('squeezenet-fp16.onnx'), two)
    expect(relativeError(y, [...expected, ...expected])).toBeLessThan(5e-3)
  })
})

/** The ONNX project's own, whose weights are all the same: faults of plumbing. The others are larger: npm run nightly has them. */
describeWithModels('light networks of the ONNX project equal its answers', () => {
  it.each(['squeezenet', 'shufflenet', 'inception_v1'])('%s', async (name) => {
    const { y, expected } = await lightAnswers(name)
    expect(relativeError(y, expected)).toBeLessThan(1e-4)
  })
})
