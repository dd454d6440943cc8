import { describe, expect, it } from 'vitest'
import { compute } from '../../../src/engine/compute.ts'
import { CpuDevice } from '../../../src/engine/cpu/device.ts'
import { ArgumentError, ShapeError } from '../../../src/engine/errors.ts'
import { ops } from '../../../src/engine/ops/public.ts'
import { ReferenceDevice } from '../../../src/engine/reference/device.ts'
import { Input, type Tensor } from '../../../src/engine/tensor.ts'
import { numbers } from '../device-suite.ts'
import { relativeError } from '../operation-cases.ts'

const [count, height, width, channels] = [2, 3, 4, 6]
const shape = [count, height, width, channels]
const x = numbers(shape, 1)
const gamma = numbers([channels], 2)
const beta = numbers([channels], 3)

async function run(build: (x: Tensor, gamma: Tensor, beta: Tensor) => Tensor): Promise<ArrayLike<number>> {
  const y = build(new Input('x', shape), new Input('gamma', [channels]), new Input('beta', [channels]))
  return (await compute(new ReferenceDevice(), { outputs: { y } }, { x, gamma, beta })).y
}

/** Each number by the mean and the variance of those of its group, by the books. */
function normalised(groupOf: (n: number, pixel: number, channel: number) => string, epsilon: number): number[] {
  const groups = Array.from(x, (_, i) => {
    const [n, rest] = [Math.floor(i / (height * width * channels)), i % (height * width * channels)]
    return groupOf(n, Math.floor(rest / channels), rest % channels)
  })
  return Array.from(x, (value, i) => {
    const own = Array.from(x).filter((_, j) => groups[j] === groups[i])
    const mean = own.reduce((sum, other) => sum + other, 0) / own.length
    const variance = own.reduce((sum, other) => sum + (other - mean) ** 2, 0) / own.length
    const c = i % channels
    return ((value - mean) / Math.sqrt(variance + epsilon)) * gamma[c] + beta[c]
  })
}

describe('what is normalised together', () => {
  it.each<[string, (x: Tensor, gamma: Tensor, beta: Tensor) => Tensor, Parameters<typeof normalised>[0]]>([
    [
      'a channel of all images, by batchNorm',
      (x, gamma, beta) => ops.batchNorm(x, { gamma, beta, epsilon: 0.01 }),
      (_n, _p, c) => `${c}`,
    ],
    [
      'the channels of a pixel, by layerNorm',
      (x, gamma, beta) => ops.layerNorm(x, { gamma, beta, epsilon: 0.01 }),
      (n, p) => `${n} ${p}`,
    ],
    [
      "an image's neighbouring channels, by groupNorm",
      (x, gamma, beta) => ops.groupNorm(x, 2, { gamma, beta, epsilon: 0.01 }),
      (n, _p, c) => `${n} ${Math.floor(c / 3)}`,
    ],
    [
      "an image's channel, by instanceNorm",
      (x, gamma, beta) => ops.instanceNorm(x, { gamma, beta, epsilon: 0.01 }),
      (n, _p, c) => `${n} ${c}`,
    ],
  ])('is %s', async (_what, build, groupOf) => {
    expect(relativeError(await run(build), normalised(groupOf, 0.01))).toBeLessThan(1e-14)
  })

  it.each([1, 2, 3, 4, 5, 9])('is %i neighbouring channels, by localResponseNorm', async (size) => {
    const options = { size, alpha: 0.3, beta: 0.6, bias: 1.5 }
    const expected = Array.from(x, (value, i) => {
      const [pixel, c] = [i - (i % channels), i % channels]
      let sum = 0
      // As ONNX says: from c - floor((size - 1) / 2) to c + ceil((size - 1) / 2), as far as there are channels.
      for (let other = c - Math.floor((size - 1) / 2); other <= c + Math.ceil((size - 1) / 2); other++)
        if (other >= 0 && other < channels) sum += x[pixel + other] ** 2
      return value / (options.bias + (options.alpha / size) * sum) ** options.beta
    })
    expect(relativeError(await run((tensor) => ops.localResponseNorm(tensor, options)), expected)).toBeLessThan(1e-14)
  })
})

it('a variance keeps its digits where the mean is a thousand times the deviation, in float32, too', async () => {
  const data = Float32Array.from({ length: 4000 }, (_, i) => 1000 + Math.sin(i * 1.7))
  const y = ops.batchNorm(new Input('x', [1000, 4]), { epsilon: 1e-6 })
  const device = new CpuDevice({ threads: 1 })
  const [actual, expected] = [
    (await compute(device, { outputs: { y } }, { x: data })).y,
    (await compute(new ReferenceDevice(), { outputs: { y } }, { x: data })).y,
  ]
  // The mean itself has seven digits, so that differences of 1 have four. E[x²] - E[x]² would have none.
  expect(relativeError(actual, expected)).toBeLessThan(3e-4)
  device.dispose()
})

it('refuses scales of another shape, half of the moments, and groups that do not come out even', () => {
  const [images, three, six] = [new Input('x', shape), new Input('three', [3]), new Input('six', [6])]
  expect(() => ops.batchNorm(images, { gamma: three })).toThrow(new ShapeError('batchNorm: gamma is [3]; expected [6]'))
  expect(() => ops.batchNorm(images, { mean: six })).toThrow(ArgumentError)
  expect(() => ops.batchNorm(images, { mean: six, variance: three })).toThrow(ShapeError)
  expect(() => ops.groupNorm(images, 4)).toThrow(
    new ShapeError('groupNorm: 6 channels do not make 4 groups of as many'),
  )
  expect(() => ops.layerNorm(three)).toThrow(new ShapeError('layerNorm: x is [3]; expected [N,…,C]'))
  expect(() => ops.localResponseNorm(new Input('flat', [2, 3]))).toThrow(ShapeError)
  expect(() => ops.localResponseNorm(images, { bias: 0 })).toThrow(ArgumentError)
})
