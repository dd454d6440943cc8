import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { tutorialArchitecture } from '../../../src/app/networks/tutorial.ts'
import { compute } from '../../../src/engine/compute.ts'
import type { RunnablePhase } from '../../../src/engine/cpu/crew.ts'
import { CpuDevice } from '../../../src/engine/cpu/device.ts'
import type { CpuDeviceOptions } from '../../../src/engine/cpu/device-options.ts'
import { LinearMemory } from '../../../src/engine/cpu/memory.ts'
import type { PhaseFunction } from '../../../src/engine/cpu/thread.ts'
import { Threads } from '../../../src/engine/cpu/threads.ts'
import { ArgumentError, DeviceError } from '../../../src/engine/errors.ts'
import { gradients } from '../../../src/engine/gradients.ts'
import { type Architecture, Sequential, sequential } from '../../../src/engine/index.ts'
import { conv2d } from '../../../src/engine/ops/conv2d.ts'
import { relu } from '../../../src/engine/ops/elementwise.ts'
import { gather } from '../../../src/engine/ops/gather.ts'
import { sum } from '../../../src/engine/ops/sum-and-broadcast.ts'
import { makePlan } from '../../../src/engine/plan/plan.ts'
import { ReferenceDevice } from '../../../src/engine/reference/device.ts'
import { Input, Resident, type Tensor } from '../../../src/engine/tensor.ts'
import { adam } from '../../../src/engine/training/optimizers.ts'
import { type FunctionBody, ModuleBuilder } from '../../../src/engine/wasm/emitter.ts'
import { f32, type I32, i32 } from '../../../src/engine/wasm/instructions.ts'
import { relativeError } from '../operation-cases.ts'

const images = (count: number) => ({
  data: Uint8Array.from({ length: count * 784 }, (_, i) => (i * 7919) % 251),
  shape: [count, 28, 28, 1],
  scale: 1 / 255,
})
const labels = (count: number) => Int32Array.from({ length: count }, (_, i) => (i * 7) % 10)

const build = ({ layers, ...options }: Architecture) => new Sequential(options, layers)

/** Weights after an epoch of 3 steps, the last one smaller, and predictions. */
async function train(options: CpuDeviceOptions, architecture = tutorialArchitecture(3)) {
  const device = new CpuDevice(options)
  const model = build(architecture)
  await model.compile({ device, optimizer: adam(), metrics: ['accuracy'] })
  await model.fit(images(80), labels(80), { batchSize: 32 })
  const { data } = await model.predict(images(20))
  device.dispose()
  return [...model.weights.map((weight) => weight.data), data]
}

describe('the number of threads', () => {
  it('leaves every bit of the weights and of the predictions as it is', { timeout: 300_000 }, async () => {
    const alone = await train({ threads: 1 })
    for (const threads of [2, 3]) expect(await train({ threads })).toEqual(alone)
  })

  it('leaves every bit with direct convolutions, strides, pooling and dropout, too', async () => {
    const architecture: Architecture = {
      inputShape: [28, 28, 1],
      seed: 5,
      layers: [
        { layer: 'conv2d', filters: 12, kernelSize: 5, strides: 2, activation: 'tanh' },
        { layer: 'maxPooling2d', poolSize: 2 },
        { layer: 'dropout', rate: 0.3 },
        { layer: 'conv2d', filters: 7, kernelSize: 3, padding: 'same', activation: 'relu' },
        { layer: 'flatten' },
        { layer: 'dense', units: 40, activation: 'sigmoid' },
        { layer: 'dense', units: 10, activation: 'softmax' },
      ],
    }
    const alone = await train({ threads: 1, convolution: 'direct' }, architecture)
    expect(await train({ threads: 3, convolution: 'direct' }, architecture)).toEqual(alone)
  })

  it('is one where there is no SharedArrayBuffer, as in WebKitGTK, and leaves every bit', async () => {
    const alone = await train({ threads: 1 })
    vi.stubGlobal('SharedArrayBuffer', undefined)
    try {
      expect(new CpuDevice({ threads: 3 }).info.adapter).toBe('WebAssembly SIMD, one thread')
      expect(await train({ threads: 3 })).toEqual(alone)
    } finally {
      vi.unstubAllGlobals()
    }
  })

  it('changes relaxed results by no more than rounding', { timeout: 300_000 }, async () => {
    const [alone, shared] = [await train({ threads: 1, relaxed: true }), await train({ threads: 2, relaxed: true })]
    shared.forEach((values, i) => expect(relativeError(values, alone[i])).toBeLessThanOrEqual(1e-5))
  })

  it.each([
    ['direct', 5, 2],
    ['direct', 4, 1],
    ['winograd', 3, 1],
  ] as const)(
    'leaves every bit of one large image, whose rows are shared: %s, kernel %i, stride %i',
    async (convolution, size, strides) => {
      const x = new Input('x', [1, 61, 67, 8])
      const kernel = new Input('kernel', [size, size, 8, 12])
      const y = relu(conv2d(x, kernel, { padding: 'same', strides }))
      const [dx, dkernel] = gradients(sum(y), [x, kernel])
      const numbers = (count: number) => Float32Array.from({ length: count }, (_, i) => Math.sin(i * i))
      const inputs = { x: numbers(61 * 67 * 8), kernel: numbers(size * size * 96) }
      const results = []
      for (const threads of [1, 3]) {
        const device = new CpuDevice({ threads, convolution })
        results.push(await compute(device, { outputs: { y, dx, dkernel } }, inputs))
        device.dispose()
      }
      expect(results[1]).toEqual(results[0])
      const expected = await compute(new ReferenceDevice(), { outputs: { y, dx, dkernel } }, inputs)
      for (const name of ['y', 'dx', 'dkernel'] as const)
        expect(relativeError(results[0][name], expected[name]), name).toBeLessThanOrEqual(1e-5)
    },
  )

  it('must be a whole number of at least 1', () => {
    for (const threads of [0, -1, 1.5, Number.NaN]) expect(() => new CpuDevice({ threads })).toThrow(ArgumentError)
  })

  it('is what the device says of itself', async () => {
    const device = new CpuDevice({ threads: 2 })
    expect(device.info.adapter).toBe('WebAssembly SIMD, 2 threads')
    device.dispose()
    expect(new CpuDevice({ threads: 1 }).info.adapter).toBe('WebAssembly SIMD, one thread')
  })
})

it('training at batch 256 takes no more than 200 MB with all 60,000 images and an evaluation', {
  timeout: 300_000,
}, async () => {
  const device = new CpuDevice({ threads: 2 })
  const model = build(tutorialArchitecture(1))
  await model.compile({ device, optimizer: adam(), metrics: ['accuracy'] })
  const [stored, truth] = [device.allocate('u8', 60_000 * 784), device.allocate('i32', 60_000)]
  await model.fit(images(352), labels(352), { batchSize: 256, validationData: [images(125), labels(125)] })
  expect(device.memoryBytes).toBeLessThanOrEqual(200e6)
  for (const memory of [stored, truth]) memory.dispose()
  device.dispose()
})

describe('without relaxed SIMD', () => {
  afterEach(() => void vi.restoreAllMocks())

  it('the device computes with multiplications and additions, and says so', async () => {
    const { validate } = WebAssembly
    // Refuses the multiply-add, f32x4.relaxed_madd.
    const madd = [0xfd, 0x85, 0x02].join()
    vi.spyOn(WebAssembly, 'validate').mockImplementation((bytes) => {
      return validate(bytes) && !(bytes as Uint8Array).join().includes(madd)
    })
    const device = new CpuDevice({ threads: 1, relaxed: true })
    expect(device.info.adapter).not.toContain('relaxed')
    const { y } = await compute(device, { outputs: { y: relu(new Input('x', [3])) } }, { x: Float32Array.of(-1, 0, 2) })
    expect([...y]).toEqual([0, 0, 2])
  })
})

describe('threads', () => {
  const scratchBytes = 64
  const memory = new LinearMemory({ shared: true })
  const block = memory.allocate('f32', 4096)
  const scratch = memory.allocate('f32', 4 * scratchBytes)
  const scratchOf = (thread: number) => scratch.address + thread * scratchBytes
  const unitBytes = 4

  /** A program of one shared phase, its units one chunk each, and a phase alone that doubles what is there. */
  async function program(units: number, emit: (body: FunctionBody, unit: I32, scratch: I32) => void) {
    const builder = new ModuleBuilder({ sharedMemory: true })
    const parameters = ['i32', 'i32', 'i32'] as const
    builder.function('shared', parameters, (body, first, last, own) =>
      body.for(first, last, 1, (unit) => emit(body, unit, own)),
    )
    builder.function('alone', parameters, (body) => {
      body.for(block.address, block.address + units * unitBytes, unitBytes, (at) =>
        body.store(at, i32.mul(i32.load(at), i32.const(2))),
      )
    })
    const module = await WebAssembly.compile(builder.encode())
    const { exports } = await WebAssembly.instantiate(module, { env: { memory: memory.memory } })
    const phases: RunnablePhase[] = [
      { units, run: exports.shared as PhaseFunction, section: { phase: 'shared', units, chunkUnits: 1 } },
      { units: 1, run: exports.alone as PhaseFunction, section: null },
    ]
    return { module, phases, scratchOf }
  }
  const at = (unit: I32) => i32.add(i32.const(block.address), i32.mul(unit, i32.const(unitBytes)))
  const results = (units: number) => [...new Int32Array(memory.memory.buffer, block.address, units)]
  const isCaller = (own: I32) => i32.eq(own, i32.const(scratchOf(0)))
  const spinFor = (body: FunctionBody, rounds: number) => {
    const value = body.local('f32', f32.const(1))
    body.for(0, rounds, 1, () => body.set(value, f32.sqrt(f32.add(value, f32.const(1)))))
    return value
  }

  let threads: Threads
  beforeAll(() => {
    threads = new Threads(memory.memory, 3, 2000)
  })
  afterAll(() => threads.dispose())
  afterEach(() => void new Uint8Array(memory.memory.buffer, block.address, 4096).fill(0))

  it('do every unit once, replay after replay, and phases in order', async () => {
    const units = 600
    const counting = await program(units, (body, unit) =>
      body.store(at(unit), i32.add(i32.load(at(unit)), i32.const(1))),
    )
    const id = await threads.load(counting)
    for (let replay = 1, expected = 0; replay <= 20; replay++) {
      await threads.replay(id)
      expected = 2 * (expected + 1)
      expect(results(units)).toEqual(Array(units).fill(expected))
    }
    threads.drop(id)
    expect(() => threads.replay(id)).toThrow(DeviceError)
  })

  it('all take part', async () => {
    const units = 900
    const marking = await program(units, (body, unit, own) => {
      body.store(at(unit), own)
      // About 0.1 ms, long enough for the others to wake up.
      body.store(i32.add(own, i32.const(8)), spinFor(body, 20_000))
    })
    const id = await threads.load(marking)
    await threads.replay(id)
    const owners = new Set(results(units))
    expect([...owners].sort()).toEqual([0, 1, 2].map((thread) => 2 * scratchOf(thread)).sort())
    threads.drop(id)
  })

  /** The caller waits until another thread has a chunk, which does something to it. */
  const sabotaged = (harm: (body: FunctionBody) => void) =>
    program(64, (body, unit, own) => {
      const taken = i32.const(block.address + 2048)
      body.if(
        isCaller(own),
        () => {
          body.if(i32.eq(i32.load(taken), i32.const(0)), () =>
            body.store(i32.add(own, i32.const(8)), spinFor(body, 200_000)),
          )
        },
        () => {
          body.store(taken, i32.const(1))
          harm(body)
        },
      )
      body.store(at(unit), i32.const(1))
    })

  it('that fail give a typed error, and the next call works with new ones', async () => {
    // Division by zero is a trap.
    const failing = await sabotaged((body) =>
      body.store(i32.const(block.address), i32.divU(i32.const(1), i32.const(0))),
    )
    const healthy = await threads.load(await program(64, (body, unit) => body.store(at(unit), i32.const(21))))
    const id = await threads.load(failing)
    await expect((async () => threads.replay(id))()).rejects.toThrow(/cpu: a thread died.*divide by zero/)
    threads.drop(id)
    await threads.replay(healthy)
    expect(results(64)).toEqual(Array(64).fill(42))
    expect(threads.count).toBe(3)
    threads.drop(healthy)
  })

  it('that are never heard of again are given up, and the next call works with new ones', async () => {
    const endless = await sabotaged((body) => {
      const zero = body.local('i32')
      // A loop whose variable never gets anywhere.
      body.for(i32.const(0), i32.const(1), 1, (variable) => body.set(variable, i32.sub(zero, i32.const(1))))
    })
    const healthy = await threads.load(await program(64, (body, unit) => body.store(at(unit), i32.const(21))))
    const id = await threads.load(endless)
    const call = (async () => threads.replay(id))()
    await expect(call).rejects.toBeInstanceOf(DeviceError)
    await expect(call).rejects.toThrow(/nothing was heard of it for 2 s/)
    threads.drop(id)
    await threads.replay(healthy)
    expect(results(64)).toEqual(Array(64).fill(42))
    threads.drop(healthy)
  })
})

it('an exception on the calling thread spoils nothing but its own run', async () => {
  const device = new CpuDevice({ threads: 3 })
  const data = device.allocate('u8', 8 * 28 * 28 * 8)
  const picked = gather(new Resident('data', 0, [8, 28, 28, 8], 'u8'), new Input('indices', [40], 'i32'), {})
  const kernel = new Input('kernel', [3, 3, 8, 8])
  const convolve = (x: Tensor) => conv2d(x, kernel, { padding: 'same' })
  const plan = makePlan({ outputs: { y: convolve(relu(convolve(relu(convolve(picked))))) } }, device.fusions)
  const program = await device.lower(plan, { data })
  const run = async (index: number) => {
    await device.run(program, { indices: new Int32Array(40).fill(index), kernel: new Float32Array(576).fill(0.01) })
    return device.read(program.outputs.y)
  }
  device.write(data, new Uint8Array(data.byteLength).fill(3))
  const expected = await run(1)
  for (let i = 0; i < 3; i++) {
    // Outside the memory: a trap, in whichever thread meets it first.
    await expect(run(2 ** 31 - 1)).rejects.toThrow()
    expect(await run(1)).toEqual(expected)
  }
  device.dispose()
})

it('memory that is freed while a run waits is not handed out before it has ended', () => {
  const memory = new LinearMemory()
  const block = memory.allocate('f32', 1000)
  memory.hold()
  block.dispose()
  expect(block.isReleased).toBe(true)
  const other = memory.allocate('f32', 1000)
  expect(other.address).not.toBe(block.address)
  memory.letGo()
  expect(memory.allocate('f32', 1000).address).toBe(block.address)
})

it('runs, reads and writes wait for a run that waits for its threads', async () => {
  const device = new CpuDevice({ threads: 2 })
  const x = new Input('x', [64, 28, 28, 8])
  const kernel = new Input('kernel', [3, 3, 8, 8])
  const program = await device.lower(
    makePlan({ outputs: { y: conv2d(x, kernel, { padding: 'same' }) } }, device.fusions),
    {},
  )
  const inputs = (value: number) => ({
    x: new Float32Array(64 * 784 * 8).fill(value),
    kernel: new Float32Array(9 * 64).fill(1),
  })
  // Not awaited one by one: the order of the calls is what counts.
  const results = [1, 2, 3].map((value) => {
    device.run(program, inputs(value))
    return device.read(program.outputs.y)
  })
  const middles = (await Promise.all(results)).map((y) => y[(14 * 28 + 14) * 8])
  for (const [i, middle] of middles.entries()) expect(middle).toBeCloseTo(72 * (i + 1), 3)
  device.dispose()
})

it('a model goes on after its device was disposed of, on another', async () => {
  const model = sequential({ inputShape: [28, 28, 1], seed: 2 }, tutorialArchitecture(2).layers)
  const [first, second] = [new CpuDevice({ threads: 2 }), new CpuDevice({ threads: 2 })]
  await model.compile({ device: first })
  const before = await model.predict(images(16))
  first.dispose()
  await expect(model.predict(images(16))).rejects.toThrow(DeviceError)
  await model.compile({ device: second })
  expect(await model.predict(images(16))).toEqual(before)
  second.dispose()
})
