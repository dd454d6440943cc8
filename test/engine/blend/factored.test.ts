import { afterAll, describe, expect, it } from 'vitest'
import { predictBlended } from '../../../src/engine/blend/predict-blended.ts'
import { predictFactored } from '../../../src/engine/blend/predict-factored.ts'
import { SegmentPatterns } from '../../../src/engine/blend/segment-patterns.ts'
import { CpuDevice } from '../../../src/engine/cpu/device.ts'
import { ArgumentError } from '../../../src/engine/errors.ts'
import { sequential } from '../../../src/engine/facade/sequential.ts'
import { CompiledModel } from '../../../src/engine/model/compiled.ts'
import {
  conv2d,
  conv2dTranspose,
  dense,
  depthwiseConv2d,
  flatten,
  type LayerDescription,
  separableConv2d,
} from '../../../src/engine/model/layers/public.ts'
import type { Network } from '../../../src/engine/model/network.ts'
import { predict } from '../../../src/engine/model/predict.ts'
import { conv2d as convolve } from '../../../src/engine/ops/conv2d.ts'
import { depthwiseConv2d as convolveDepthwise } from '../../../src/engine/ops/depthwise-conv2d.ts'
import { mul, relu } from '../../../src/engine/ops/elementwise.ts'
import { matmul } from '../../../src/engine/ops/matmul.ts'
import { avgPool, maxPool } from '../../../src/engine/ops/pool.ts'
import { flatten as flattenTensor } from '../../../src/engine/ops/reshape.ts'
import { softmax } from '../../../src/engine/ops/softmax.ts'
import type { Plan } from '../../../src/engine/plan/plan.ts'
import { ReferenceDevice } from '../../../src/engine/reference/device.ts'
import { constant, Input, type Shape, sizeOf, type Tensor } from '../../../src/engine/tensor.ts'
import { largestError } from '../../reference-tensors.ts'
import { numbers } from '../device-suite.ts'
import { randomNetwork } from './networks.ts'

const device = new CpuDevice({ threads: 1 })
afterAll(() => device.dispose())

/** A picture in four quarters, and what so many samples make of it: [count, size, size, 3]. */
function inQuarters(size: number, count: number) {
  const segmentCount = 4
  const isFar = (at: number) => Number(2 * at >= size)
  const segments = Int32Array.from({ length: size * size }, (_, i) => 2 * isFar(i % size) + isFar(Math.floor(i / size)))
  const image = Float32Array.from({ length: size * size * 3 }, (_, i) => Math.sin(i * 1.7))
  const masks = Uint8Array.from({ length: count * segmentCount }, (_, i) => (i * 7919 + (i >> 5)) % 2)
  const blended = Float32Array.from({ length: count * image.length }, (_, i) => {
    const pixel = Math.floor((i % image.length) / 3)
    const sample = Math.floor(i / image.length)
    return masks[sample * segmentCount + segments[pixel]] ? image[i % image.length] : 0
  })
  return { request: { image, fudged: new Float32Array(image.length), segments, segmentCount, masks, count }, blended }
}

describe('factored predictions', () => {
  it('equal those of every sample by itself, on random networks, images and label maps', async () => {
    let factored = 0
    for (let seed = 0; seed < 60; seed++) {
      const { model, request, says } = randomNetwork(seed)
      await model.compile({ device })
      const plain = await model.predictBlended(request, { factored: false })
      const compiled = new CompiledModel(model.network, device)
      const shared = await predictFactored(compiled, request, {})
      if (shared) {
        factored++
        expect(shared.shape).toEqual(plain.shape)
        expect(largestError(shared.data, plain.data), `seed ${seed}: ${says}`).toBeLessThan(5e-6)
      }
      expect(largestError((await model.predictBlended(request)).data, plain.data)).toBeLessThan(5e-6)
      compiled.dispose()
      model.dispose()
    }
    // Where segments are noise there is little to share.
    expect(factored).toBeGreaterThan(20)
  })

  it('equal them where windows have places apart, padding that counts or ends beyond the image', async () => {
    const poolings: Record<string, (x: Tensor) => Tensor> = {
      'places apart': (x) => avgPool(maxPool(x, { poolSize: 2, strides: 1, dilation: 3 }), { poolSize: 9 }),
      'padding that counts': (x) => avgPool(x, { poolSize: 3, strides: 2, padding: 1, countIncludePad: true }),
      'ends beyond the image': (x) => avgPool(maxPool(x, { poolSize: 3, strides: 2, ceilMode: true }), { poolSize: 2 }),
      'a mean of a part of the image': (x) =>
        avgPool(x, {
          poolSize: 12,
          strides: 12,
          padding: [
            [3, 0],
            [0, 0],
          ],
        }),
      'a mean with padding': (x) => avgPool(x, { poolSize: 14, padding: 1, countIncludePad: true }),
    }
    const [size, segmentCount, count] = [12, 9, 200]
    const segments = Int32Array.from({ length: size * size }, (_, i) => {
      return Math.floor(i / size / 4) * 3 + Math.floor((i % size) / 4)
    })
    const image = Float32Array.from({ length: size * size }, (_, i) => Math.sin(i * 1.7))
    const fudged = new Float32Array(size * size)
    const masks = Uint8Array.from({ length: count * segmentCount }, (_, i) => (i * 7919 + (i >> 5)) % 2)
    const blended = Float32Array.from({ length: count * size * size }, (_, i) => {
      const pixel = i % (size * size)
      return masks[Math.floor(i / (size * size)) * segmentCount + segments[pixel]] ? image[pixel] : 0
    })
    const kernels = [
      constant(numbers([3, 3, 1, 48], 7), [3, 3, 1, 48]),
      constant(numbers([3, 3, 48, 1], 8), [3, 3, 48, 1]),
    ]
    for (const [what, pool] of Object.entries(poolings)) {
      const network: Network = {
        inputs: [{ name: 'x', shape: [size, size, 1] }],
        outputs: [{ name: 'y', shape: [sizeOf(pool(new Input('x', [1, size, size, 1])).shape)] }],
        parameters: [],
        apply([x]) {
          // Work that is worth being shared.
          const seen = kernels.reduce((y, kernel) => relu(convolve(y, kernel, { padding: 'same' })), x)
          const pooled = pool(maxPool(seen, { poolSize: 2, strides: 1, padding: 'same' }))
          return { outputs: [flattenTensor(pooled)], updates: [] }
        },
      }
      const compiled = new CompiledModel(network, device)
      const plain = await predict(compiled, { data: blended, shape: [count, size, size, 1] }, {})
      const shared = await predictFactored(compiled, { image, fudged, segments, segmentCount, masks, count }, {})
      expect(shared, what).not.toBeNull()
      expect(largestError(shared?.data ?? [], plain.data), what).toBeLessThan(5e-6)
      compiled.dispose()
    }
  })

  it('leave the rows of a photograph on the device, and free them', async () => {
    const [size, channels, count] = [200, 112, 40]
    const kernels = [
      constant(numbers([3, 3, 3, 16], 7), [3, 3, 3, 16]),
      constant(numbers([3, 3, 16, channels], 8), [3, 3, 16, channels]),
    ]
    const network: Network = {
      inputs: [{ name: 'x', shape: [size, size, 3] }],
      outputs: [{ name: 'y', shape: [channels] }],
      parameters: [],
      apply([x]) {
        const seen = kernels.reduce((y, kernel) => relu(convolve(y, kernel, { padding: 'same' })), x)
        return { outputs: [flattenTensor(maxPool(seen, { poolSize: size }))], updates: [] }
      },
    }
    const { request, blended } = inQuarters(size, count)
    const own = new CpuDevice({ threads: 1 })
    const read: number[] = []
    const reading = own.read.bind(own)
    own.read = async (place) => {
      const values = await reading(place)
      read.push(values.length)
      return values
    }
    const compiled = new CompiledModel(network, own)
    const shared = await predictFactored(compiled, request, {})
    expect(shared).not.toBeNull()
    // Of 80,000 rows, none.
    expect(Math.max(...read)).toBeLessThanOrEqual(count * channels)
    const bytes = own.memoryBytes
    await predictFactored(compiled, request, {})
    expect(own.memoryBytes).toBe(bytes)
    const plain = await predict(compiled, { data: blended, shape: [count, size, size, 3] }, {})
    expect(largestError(shared?.data ?? [], plain.data)).toBeLessThan(5e-6)
    compiled.dispose()
    own.dispose()
  })

  it('take no more memory than a part of the rows where a window is followed by what goes pixel by pixel', async () => {
    const [size, count] = [160, 40]
    const kernels = [[1, 1, 3, 16] as const, [3, 3, 16, 8] as const, [1, 1, 128, 4] as const].map((shape, i) =>
      constant(numbers(shape, 20 + i), shape),
    )
    const network: Network = {
      inputs: [{ name: 'x', shape: [size, size, 3] }],
      outputs: [{ name: 'y', shape: [4] }],
      parameters: [],
      apply([x]) {
        const narrow = relu(convolve(x, kernels[0]))
        const wide = relu(convolveDepthwise(narrow, kernels[1], { padding: 'same' }))
        const seen = convolve(mul(wide, wide), kernels[2])
        return { outputs: [flattenTensor(maxPool(seen, { poolSize: size }))], updates: [] }
      },
    }
    const { request, blended } = inQuarters(size, count)
    const own = new CpuDevice({ threads: 1 })
    const plans: Plan[] = []
    const lowering = own.lower.bind(own)
    own.lower = (plan, blocks) => {
      plans.push(plan)
      return lowering(plan, blocks)
    }
    const compiled = new CompiledModel(network, own)
    const shared = await predictFactored(compiled, request, {})
    const rows = plans.filter(({ steps }) => steps.filter(({ kernel }) => kernel === 'depthwiseConv2d').length > 1)
    expect(rows).toHaveLength(1)
    // 51,200 rows of 128 numbers are 26 MB, and what the window covers 29 MB: neither is ever there as a whole.
    expect(rows[0].largestOperandBytes).toBeLessThanOrEqual(2 ** 23)
    expect(rows[0].spaces.arena).toBeLessThan(25e6)
    const plain = await predict(compiled, { data: blended, shape: [count, size, size, 3] }, {})
    expect(largestError(shared?.data ?? [], plain.data)).toBeLessThan(5e-6)
    compiled.dispose()
    own.dispose()
  })

  const blobs = Int32Array.from({ length: 192 }, (_, i) => Math.floor(i / 64) * 2 + Math.floor((i % 16) / 8))
  const first = conv2d({
    filters: 6,
    kernelSize: 3,
    padding: [
      [1, 0],
      [2, 1],
    ],
    activation: 'relu',
  })
  const through: Readonly<Record<string, readonly LayerDescription[]>> = {
    'grouped convolutions': [first, conv2d({ filters: 4, kernelSize: [2, 3], groups: 2, activation: 'relu' })],
    'groups of one channel': [first, conv2d({ filters: 12, kernelSize: 3, groups: 6, padding: 'same' })],
    'dilated convolutions': [first, conv2d({ filters: 3, kernelSize: 3, dilationRate: [1, 2], padding: 'same' })],
    'depthwise convolutions': [
      depthwiseConv2d({ kernelSize: 3, depthMultiplier: 2, padding: 1, activation: 'relu' }),
      depthwiseConv2d({ kernelSize: [2, 3], strides: 2 }),
    ],
    'separable convolutions': [separableConv2d({ filters: 5, kernelSize: 3, padding: 'same', activation: 'tanh' })],
    'transposed convolutions': [
      conv2d({ filters: 24, kernelSize: 3, padding: 'same', activation: 'relu' }),
      first,
      conv2dTranspose({ filters: 2, kernelSize: 3, strides: 2, padding: 'same', activation: 'relu' }),
    ],
  }
  for (const [what, layers] of Object.entries(through))
    it(`equal those of every sample by itself through ${what}`, async () => {
      const inputShape = [12, 16, 2]
      const network = [...layers, flatten(), dense({ units: 3, activation: 'softmax' })]
      const model = sequential({ inputShape, seed: 4 }, network)
      await model.compile({ device })
      const count = 300
      const masks = Uint8Array.from({ length: count * 6 }, (_, i) => (i * 7919 + (i >> 5)) % 2)
      const image = Float32Array.from({ length: 384 }, (_, i) => Math.sin(i))
      const fudged = Float32Array.from({ length: 384 }, (_, i) => Math.cos(3 * i) / 2)
      const request = { image, fudged, segments: blobs, masks, count, segmentCount: 6 }
      const plain = await model.predictBlended(request, { factored: false })
      const compiled = new CompiledModel(model.network, device)
      const shared = await predictFactored(compiled, request, {})
      compiled.dispose()
      if (!shared) throw new Error('nothing is shared')
      expect(largestError(shared.data, plain.data)).toBeLessThan(5e-6)
      // Rows cost what they say: what is shared is less work, but behind a transposed convolution images are whole again.
      expect(shared.flops).toBeLessThan(what.startsWith('transposed') ? plain.flops : plain.flops / 5)
      model.dispose()
    })

  it('take a small part of the work where segments are blobs', async () => {
    const model = sequential({ inputShape: [20, 20, 1], seed: 1 }, [
      conv2d({ filters: 8, kernelSize: 3, padding: 'same', activation: 'relu' }),
      conv2d({ filters: 4, kernelSize: 3, padding: 'same', activation: 'relu' }),
      flatten(),
      dense({ units: 3, activation: 'softmax' }),
    ])
    await model.compile({ device })
    const segments = Int32Array.from({ length: 400 }, (_, i) => Math.floor(i / 100) * 2 + Math.floor((i % 20) / 10))
    const image = Float32Array.from({ length: 400 }, (_, i) => Math.sin(i))
    const predict = (count: number, factored: boolean) => {
      const masks = Uint8Array.from({ length: count * 8 }, (_, i) => (i * 7919 + (i >> 5)) % 2)
      const request = { image, fudged: new Float32Array(400), segments, masks, count, segmentCount: 8 }
      return model.predictBlended(request, { factored })
    }
    const [plain, shared, many] = [await predict(500, false), await predict(500, true), await predict(5000, true)]
    expect(plain.flops / shared.flops).toBeGreaterThan(60)
    // More samples cost next to nothing.
    expect(many.flops / shared.flops).toBeLessThan(1.5)
    model.dispose()
  })

  it('equal them where a dense layer sees every pixel by itself', async () => {
    const shapes: Readonly<Record<string, Shape>> = {
      kernel: [3, 3, 1, 4],
      pixel: [4, 3],
      units: [12 * 12 * 3, 2],
    }
    const network: Network = {
      inputs: [{ name: 'x', shape: [12, 12, 1] }],
      outputs: [{ name: 'y', shape: [2] }],
      parameters: Object.entries(shapes).map(([name, shape], i) => ({
        name,
        shape,
        data: Float32Array.from({ length: sizeOf(shape) }, (_, j) => Math.sin(j * (i + 2)) / 4),
        trainable: true,
      })),
      apply: ([x], [kernel, pixel, units]) => {
        const seen = matmul(relu(convolve(x, kernel, { padding: 'same' })), pixel)
        return { outputs: [softmax(matmul(flattenTensor(relu(seen)), units))], updates: [] }
      },
    }
    const compiled = new CompiledModel(network, device)
    const segments = Int32Array.from({ length: 144 }, (_, i) => Math.floor(i / 72) * 2 + Math.floor((i % 12) / 6))
    const image = Float32Array.from({ length: 144 }, (_, i) => Math.sin(i))
    const masks = Uint8Array.from({ length: 400 * 4 }, (_, i) => (i * 7919 + (i >> 5)) % 2)
    const request = { image, fudged: new Float32Array(144), segments, masks, count: 400, segmentCount: 4 }
    const plain = await predictBlended(compiled, request, { factored: false })
    expect(largestError((await predictBlended(compiled, request, {})).data, plain.data)).toBeLessThan(5e-6)
    const shared = await predictFactored(compiled, request, {})
    if (shared) expect(largestError(shared.data, plain.data)).toBeLessThan(5e-6)
    compiled.dispose()
  })

  it('tables add up to the logits of every mixture', async () => {
    let tabulated = 0
    for (let seed = 100; seed < 130; seed++) {
      const { model, request, says } = randomNetwork(seed)
      const { segmentCount } = request
      await model.compile({ device })
      const tables = await model.tabulateBlended(request)
      if (tables) {
        tabulated++
        const count = 2 ** segmentCount
        const masks = Uint8Array.from(
          { length: count * segmentCount },
          (_, i) => (Math.floor(i / segmentCount) >> (i % segmentCount)) & 1,
        )
        const { data } = await model.predictBlended({ ...request, masks, count }, { factored: false })
        const { classes } = tables
        for (let mask = 0; mask < count; mask++) {
          const logits = new Float64Array(classes)
          for (const { segments, values } of tables.tables) {
            const row = segments.reduce((bits, segment, j) => bits | (((mask >> segment) & 1) << j), 0)
            for (let c = 0; c < classes; c++) logits[c] += values[row * classes + c]
          }
          const total = logits.reduce((sum, logit) => sum + Math.exp(logit), 0)
          const probabilities = logits.map((logit) => Math.exp(logit) / total)
          const expected = data.subarray(mask * classes, (mask + 1) * classes)
          expect(largestError(probabilities, expected), `seed ${seed}: ${says}`).toBeLessThan(5e-6)
        }
      }
      model.dispose()
    }
    expect(tabulated).toBeGreaterThan(10)
  })

  it('are not made on the reference device, nor where it would not pay', async () => {
    const { model, request } = randomNetwork(3)
    const reference = new ReferenceDevice()
    await model.compile({ device: reference })
    const few = { ...request, count: 2, masks: request.masks.subarray(0, 2 * request.segmentCount) }
    const expected = await model.predictBlended(few)
    expect(await model.predictBlended(few, { factored: false })).toEqual(expected)
    const compiled = new CompiledModel(model.network, device)
    expect(await predictFactored(compiled, few, {})).toBeNull()
    compiled.dispose()
    model.dispose()
    reference.dispose()
  })

  it('keep a bounded number of programs, and free what they hold', async () => {
    const model = sequential({ inputShape: [12, 12, 1], seed: 1 }, [
      conv2d({ filters: 4, kernelSize: 3, padding: 'same', activation: 'relu' }),
      flatten(),
      dense({ units: 3, activation: 'softmax' }),
    ])
    await model.compile({ device })
    const predict = async (cells: number) => {
      const segments = Int32Array.from({ length: 144 }, (_, i) => (i * 7) % cells)
      const count = 400
      const masks = Uint8Array.from({ length: count * cells }, (_, i) => (i * 7919 + (i >> 3)) % 2)
      const image = Float32Array.from({ length: 144 }, (_, i) => Math.sin(i))
      await model.predictBlended({ image, fudged: new Float32Array(144), segments, masks, count, segmentCount: cells })
    }
    for (let cells = 1; cells < 30; cells++) await predict(cells)
    const bytes = device.memoryBytes
    for (let round = 0; round < 3; round++) for (let cells = 1; cells < 30; cells++) await predict(cells)
    expect(device.memoryBytes).toBe(bytes)
    model.dispose()
  })

  it('refuse labels that no mask has', async () => {
    const { model, request } = randomNetwork(3)
    await model.compile({ device })
    const segments = request.segments.slice().fill(request.segmentCount, 0, 1)
    await expect(model.predictBlended({ ...request, segments })).rejects.toThrow(ArgumentError)
    await expect(model.tabulateBlended({ ...request, segments })).rejects.toThrow(/segment \d+; expected 0 to/)
    model.dispose()
  })
})

describe('segment patterns', () => {
  const segmentCount = 70
  const count = 40
  const masks = Uint8Array.from({ length: count * segmentCount }, (_, i) => (i * 31 + (i >> 4)) % 2)
  const shown = (sample: number, segments: readonly number[]) =>
    segments.map((segment) => masks[sample * segmentCount + segment]).join('')

  it('tell samples apart exactly where they differ, in sets of few segments and of many', () => {
    const patterns = new SegmentPatterns({ masks, count, segmentCount })
    for (const size of [0, 1, 3, 5, 6, 31, 65]) {
      const segments = Array.from({ length: size }, (_, i) => i + 2)
      const set = patterns.setOf(segments)
      const ids = patterns.patternsOfSamples(set)
      for (let a = 0; a < count; a++) {
        expect(ids[a]).toBeLessThan(patterns.countOf(set))
        for (let b = 0; b < count; b++) expect(ids[a] === ids[b]).toBe(shown(a, segments) === shown(b, segments))
      }
    }
  })

  it('project patterns to parts of their sets', () => {
    const patterns = new SegmentPatterns({ masks, count, segmentCount })
    for (const [whole, part] of [
      [
        [1, 4, 9],
        [1, 9],
      ],
      [Array.from({ length: 40 }, (_, i) => i), [3, 17, 22]],
      [Array.from({ length: 66 }, (_, i) => i), Array.from({ length: 35 }, (_, i) => 2 * i)],
      [[4], []],
    ]) {
      const [from, to] = [patterns.setOf(whole), patterns.setOf(part.filter((segment) => whole.includes(segment)))]
      const table = patterns.projection(from, to)
      const [all, some] = [patterns.patternsOfSamples(from), patterns.patternsOfSamples(to)]
      for (let sample = 0; sample < count; sample++) expect(table[all[sample]]).toBe(some[sample])
    }
  })

  it('unite sets', () => {
    const patterns = new SegmentPatterns(null)
    const [a, b] = [patterns.setOf([1, 5]), patterns.setOf([0, 5, 9])]
    expect(patterns.segmentsOf(patterns.union(a, b))).toEqual([0, 1, 5, 9])
    expect(patterns.union(b, a)).toBe(patterns.union(a, b))
    expect(patterns.countOf(patterns.union(a, b))).toBe(16)
    expect(patterns.includes(patterns.union(a, b), a)).toBe(true)
    expect(patterns.includes(a, b)).toBe(false)
  })
})
