import seedrandom from 'seedrandom'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compute } from '../../../src/engine/compute.ts'
import { CpuDevice } from '../../../src/engine/cpu/device.ts'
import { KernelEmitter } from '../../../src/engine/cpu/kernel.ts'
import { winogradConv2d } from '../../../src/engine/cpu/kernels/winograd.ts'
import { winogradInputGradient, winogradKernelGradient } from '../../../src/engine/cpu/kernels/winograd-gradients.ts'
import { LinearMemory } from '../../../src/engine/cpu/memory.ts'
import type { HostArray } from '../../../src/engine/device.ts'
import { gradients } from '../../../src/engine/gradients.ts'
import { conv2d } from '../../../src/engine/ops/conv2d.ts'
import { mul, relu } from '../../../src/engine/ops/elementwise.ts'
import { sum } from '../../../src/engine/ops/sum-and-broadcast.ts'
import { type Padding, windowOver } from '../../../src/engine/ops/window.ts'
import { makePlan } from '../../../src/engine/plan/plan.ts'
import { type Graph, mapInputs } from '../../../src/engine/plan/trace.ts'
import { ReferenceDevice } from '../../../src/engine/reference/device.ts'
import { Input, type Shape, sizeOf, type Tensor } from '../../../src/engine/tensor.ts'
import { ModuleBuilder } from '../../../src/engine/wasm/emitter.ts'
import { relativeError } from '../operation-cases.ts'

/**
 * Winograd's convolutions against the float64 loops: odd extents, edges where tiles reach over, every way into the kernels
 * that the tutorial's network takes. The direct sums' error is below 1e-6; Winograd's may be ten times that.
 */
const tolerance = 1e-5

interface Problem {
  readonly count: number
  readonly height: number
  readonly width: number
  readonly channels: number
  readonly filters: number
  readonly padding: Padding
}

function randomProblems(howMany: number): Problem[] {
  const next = seedrandom('winograd')
  const between = (low: number, high: number) => low + Math.floor(next() * (high - low + 1))
  return Array.from({ length: howMany }, (_, i) => ({
    count: between(1, 5),
    height: between(3, 17),
    width: between(3, 17),
    channels: 4 * between(1, 12),
    filters: 4 * between(1, 12),
    padding: i % 2 === 0 ? 'same' : 'valid',
  }))
}

const problems: readonly Problem[] = [
  ...randomProblems(16),
  // More tile rows than a unit takes, several images in a unit, more slices than one.
  { count: 37, height: 6, width: 5, channels: 4, filters: 8, padding: 'same' },
  { count: 5, height: 28, width: 28, channels: 48, filters: 32, padding: 'same' },
  { count: 1, height: 1, width: 2, channels: 8, filters: 4, padding: 'same' },
  { count: 1, height: 60, width: 130, channels: 8, filters: 8, padding: 'valid' },
  // Kernels that no cache holds, in panels of which the last one is narrow: planes are units, one image's and those of several.
  { count: 1, height: 7, width: 7, channels: 96, filters: 84, padding: 'same' },
  { count: 3, height: 9, width: 6, channels: 84, filters: 100, padding: 'valid' },
  // As much padding as there may be, and more than that.
  {
    count: 2,
    height: 7,
    width: 9,
    channels: 8,
    filters: 4,
    padding: [
      [2, 0],
      [1, 2],
    ],
  },
  {
    count: 2,
    height: 6,
    width: 7,
    channels: 4,
    filters: 8,
    padding: [
      [0, 5],
      [3, 0],
    ],
  },
]

function drawn(shapes: Readonly<Record<string, Shape>>): Record<string, HostArray> {
  const next = seedrandom(JSON.stringify(shapes))
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [
      name,
      Float32Array.from({ length: sizeOf(shape) }, () => 2 * next() - 1),
    ]),
  )
}

/** A convolution with bias and relu of another one's relu: all epilogues, and all three gradients of the inner one. */
function twoLayers({ count, height, width, channels, filters, padding }: Problem): {
  graph: Graph
  inputs: Record<string, HostArray>
} {
  const shapes = {
    x: [count, height, width, channels],
    k1: [3, 3, channels, filters],
    b1: [filters],
    k2: [3, 3, filters, channels],
    b2: [channels],
  }
  const given = Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, new Input(name, shape)]))
  const inner = relu(conv2d(given.x, given.k1, { padding, bias: given.b1 }))
  const outer = relu(conv2d(inner, given.k2, { padding: 'same', bias: given.b2 }))
  const upstream = new Input('upstream', outer.shape)
  const total = sum(mul(outer, upstream))
  const names = ['x', 'k1', 'b1', 'k2']
  const slopes = gradients(
    total,
    names.map((name) => given[name]),
  )
  const outputs = {
    y: conv2d(given.x, given.k1, { padding }),
    outer,
    ...Object.fromEntries(names.map((name, i) => [`d.${name}`, slopes[i]])),
  }
  return { graph: { outputs }, inputs: drawn({ ...shapes, upstream: upstream.shape }) }
}

describe('Winograd convolution of images with an empty background', () => {
  it('gives exactly 0 where the window is empty, though the patch is not', async () => {
    const device = new CpuDevice({ convolution: 'winograd' })
    const [x, kernel] = [new Input('x', [2, 11, 10, 8]), new Input('kernel', [3, 3, 8, 12])]
    const inputs = drawn({ x: x.shape, kernel: kernel.shape })
    // Only columns 3 and 4 of the images are not empty.
    inputs.x.forEach((_, i) => {
      const column = Math.floor(i / 8) % 10
      if (column < 3 || column > 4) inputs.x[i] = i % 2 === 0 ? 0 : -0
    })
    const { y } = await compute(device, { outputs: { y: conv2d(x, kernel, { padding: 'same' }) } }, inputs)
    y.forEach((value, i) => {
      const column = Math.floor(i / 12) % 10
      expect(value !== 0, `column ${column}`).toBe(column >= 2 && column <= 5)
    })
    device.dispose()
  })
})

describe('Winograd convolution with a kernel that no cache holds', () => {
  const [channels, filters] = [96, 100]
  const predict = async (device: CpuDevice, images: HostArray, kernel: HostArray) => {
    const x = new Input('x', [images.length / (8 * 8 * channels), 8, 8, channels])
    const graph = { outputs: { y: conv2d(x, new Input('kernel', [3, 3, channels, filters]), { padding: 'same' }) } }
    return (await compute(device, graph, { x: images, kernel })).y
  }

  it('gives one image the bits it has among many, for which units are tile rows', async () => {
    const device = new CpuDevice({ convolution: 'winograd' })
    const { x, kernel } = drawn({ x: [260, 8, 8, channels], kernel: [3, 3, channels, filters] })
    const image = x.length / 260
    const many = await predict(device, x, kernel)
    for (const n of [0, 100, 259]) {
      const one = await predict(device, x.slice(n * image, (n + 1) * image), kernel)
      expect(one).toEqual(many.slice(n * one.length, (n + 1) * one.length))
    }
    device.dispose()
  })

  it('has its planes where other steps and programs have theirs', async () => {
    const kernels = [0, 1, 2].map((i) => new Input(`kernel${i}`, [3, 3, channels, channels]))
    const given = drawn(Object.fromEntries(kernels.map(({ name, shape }) => [name, shape])))
    const bytesWith = async (count: number) => {
      const device = new CpuDevice({ threads: 1, convolution: 'winograd' })
      const x = new Input('x', [8, 8, 8, channels])
      const y = kernels.slice(0, count).reduce<Tensor>((sum, kernel) => conv2d(sum, kernel, { padding: 'same' }), x)
      const plan = makePlan({ outputs: { y } }, device.fusions)
      const inputs = { ...drawn({ x: x.shape }), ...given }
      const programs = [await device.lower(plan, {}), await device.lower(plan, {})]
      for (const program of programs) await device.run(program, inputs)
      const { memoryBytes } = device
      device.dispose()
      return memoryBytes
    }
    // A step more: its kernel, as it comes and in planes, of both programs. Not the planes of its images, 36 / 16 times their numbers.
    const kernelBytes = channels ** 2 * 4 * (9 + 36 + 1)
    const [two, three] = [await bytesWith(2), await bytesWith(3)]
    expect((three - two) / 2).toBeLessThan(kernelBytes + 8 * 8 * 8 * channels * 4 + 2 ** 17)
  })
})

describe.each([
  [9, 9, 14, 16, 12],
  [3, 9, 14, 88, 100],
])(
  'Winograd convolution in parts: %i images of %i x %i x %i, %i filters',
  (count, height, width, channels, filters) => {
    const shapes = {
      x: [count, height, width, channels],
      kernel: [3, 3, channels, filters],
      y: [count, height, width, filters],
    }
    const window = windowOver('conv2d', shapes.x, 3, 1, 'same')
    const kernels = {
      conv2d: { emit: winogradConv2d, inputs: { x: 'x', kernel: 'kernel' }, output: 'y' },
      conv2dInputGradient: { emit: winogradInputGradient, inputs: { dy: 'y', kernel: 'kernel' }, output: 'x' },
      conv2dKernelGradient: { emit: winogradKernelGradient, inputs: { x: 'x', dy: 'y' }, output: 'kernel' },
    } as const

    for (const [name, { emit, inputs, output }] of Object.entries(kernels))
      it(`${name}: the same bits whoever computes which unit, in whatever order and scratch memory`, async () => {
        const memory = new LinearMemory()
        const place = (shape: Shape) => ({
          shape,
          dtype: 'f32' as const,
          address: memory.allocate('f32', sizeOf(shape) * 4).address,
        })
        const operands = { x: place(shapes.x), kernel: place(shapes.kernel), y: place(shapes.y) }
        const builder = new ModuleBuilder()
        const emitter = new KernelEmitter(builder, (bytes) => memory.allocate('f32', bytes).address)
        const step = { inputs: mapInputs(inputs, (key) => operands[key]), outputs: [operands[output]], states: [] }
        emit({ kernel: name, ...step, attributes: window }, emitter)
        const scratches = [1, 2].map(() => memory.allocate('f32', emitter.scratchBytes))
        const { instance } = await WebAssembly.instantiate(builder.encode(), { env: { memory: memory.memory } })
        const view = (address: number, length: number) => new Float32Array(memory.memory.buffer, address, length)
        const given = drawn(shapes)
        for (const key of Object.values(inputs)) view(operands[key].address, sizeOf(shapes[key])).set(given[key])

        const results = [false, true].map((backwards) => {
          for (const { address, byteLength } of scratches)
            view(address, byteLength / 4).fill(backwards ? Number.NaN : 7)
          for (const phase of emitter.phases) {
            const run = instance.exports[phase.name] as (first: number, last: number, scratch: number) => void
            if (!backwards) run(0, phase.units, scratches[0].address)
            else for (let unit = phase.units - 1; unit >= 0; unit--) run(unit, unit + 1, scratches[unit % 2].address)
          }
          return view(operands[output].address, sizeOf(shapes[output])).slice()
        })
        expect(results[1]).toEqual(results[0])
        expect(results[0].some((value) => value !== 0)).toBe(true)
      })
  },
)

for (const relaxed of [false, true])
  describe(`Winograd convolution, ${relaxed ? 'relaxed' : 'strict'}`, () => {
    let device: CpuDevice
    const reference = new ReferenceDevice()
    beforeAll(() => {
      device = new CpuDevice({ relaxed, convolution: 'winograd' })
    })
    afterAll(() => device.dispose())

    for (const problem of problems)
      it(Object.values(problem).join(' '), async () => {
        const { graph, inputs } = twoLayers(problem)
        const [actual, expected] = [await compute(device, graph, inputs), await compute(reference, graph, inputs)]
        for (const name of Object.keys(graph.outputs))
          expect(relativeError(actual[name], expected[name]), name).toBeLessThan(tolerance)
      })
  })
