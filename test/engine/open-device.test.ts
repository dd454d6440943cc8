import { setTimeout as wait } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Worker } from 'node:worker_threads'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compute } from '../../src/engine/compute.ts'
import { CpuDevice } from '../../src/engine/cpu/device.ts'
import { ArgumentError } from '../../src/engine/errors.ts'
import { openDevice } from '../../src/engine/open-device.ts'
import { conv2d } from '../../src/engine/ops/conv2d.ts'
import { Input } from '../../src/engine/tensor.ts'
import { openWebGPUDevice } from '../../src/engine/webgpu/device.ts'

/** As from JavaScript, where no compiler looks. */
type Loose = (...given: unknown[]) => Promise<unknown>
const open = openDevice as unknown as Loose
const openGpu = openWebGPUDevice as unknown as Loose
const openCpu: Loose = async (options) => new (CpuDevice as unknown as new (options: unknown) => unknown)(options)

describe('options that are wrong give an ArgumentError that says what was given and what is expected', () => {
  const threads = 'threads must be a whole number from 1 to 128'
  const flag = 'must be true or false'
  const object = 'options must be an object'
  const memory = 'must be an object with the methods read and write'
  it.each([
    ['a device that does not exist', open, ['gpu'], 'no device "gpu"; there are auto, webgpu, cpu, reference'],
    ['a name that is null', open, [null], 'no device null; there are'],
    ['a name that is a symbol', open, [Symbol('cpu')], 'no device Symbol(cpu); there are'],
    ['a name that is an object', open, [{ name: 'cpu' }], 'no device an object; there are'],
    ['options that are null', open, ['cpu', null], `${object}, not null`],
    ['options that are a number', open, ['auto', 4], `${object}, not 4`],
    ['an option that does not exist', open, ['cpu', { thread: 2 }], 'there is no option "thread"; there are threads,'],
    ['too many threads', open, ['cpu', { threads: 1e4 }], `${threads}, not 10000`],
    ['too many threads of a device that has none', open, ['reference', { threads: 1e4 }], threads],
    ['endless threads', open, ['cpu', { threads: Number.POSITIVE_INFINITY }], `${threads}, not Infinity`],
    ['threads in words', open, ['cpu', { threads: '2' }], `${threads}, not "2"`],
    ['threads that are null', open, ['cpu', { threads: null }], `${threads}, not null`],
    ['threads that are a BigInt', open, ['cpu', { threads: 2n }], `${threads}, not 2n`],
    ['relaxed arithmetic in words', open, ['cpu', { relaxed: 'yes' }], `relaxed ${flag}, not "yes"`],
    [
      'an unknown convolution',
      open,
      ['cpu', { convolution: 'fft' }],
      `convolution must be 'auto', 'direct' or 'winograd', not "fft"`,
    ],
    ['a convolution that is a function', open, ['cpu', { convolution: open }], `'winograd', not a function`],
    ['half precision in numbers', open, ['webgpu', { halfPrecision: 1 }], `halfPrecision ${flag}, not 1`],
    ['a tuning memory that can not write', open, ['cpu', { tuning: { read() {} } }], memory],
    ['the same of the processor', openCpu, [{ threads: 0 }], `cpu: ${threads}, not 0`],
    ['half a thread', openCpu, [{ threads: 1.5 }], `cpu: ${threads}, not 1.5`],
    ['no number of threads', openCpu, [{ threads: Number.NaN }], `cpu: ${threads}, not NaN`],
    ["the processor's options that are null", openCpu, [null], `cpu: ${object}, not null`],
    ["a GPU's option of the processor", openCpu, [{ halfPrecision: true }], 'there is no option "halfPrecision"'],
    ["the processor's option of a GPU", openGpu, [{ threads: 2 }], 'there is no option "threads"; there are allow'],
    ['a fallback in words', openGpu, [{ allowFallbackAdapter: 'no' }], `allowFallbackAdapter ${flag}, not "no"`],
    ['a tuning memory that is a path', openGpu, [{ tuningMemory: '/tmp' }], `tuningMemory ${memory}, not "/tmp"`],
  ] as const)('%s', async (_, opener, given, message) => {
    const refused = opener(...given)
    await expect(refused).rejects.toBeInstanceOf(ArgumentError)
    await expect(refused).rejects.toThrow(message)
  })

  it('and undefined is as good as not given', async () => {
    const device = await openDevice('cpu', { threads: undefined, relaxed: undefined, halfPrecision: undefined })
    expect(device.info.kind).toBe('cpu')
    device.dispose()
  })
})

describe("the processor's threads", () => {
  let started = 0
  let living = 0
  const count = (worker: Worker) => {
    started++
    living++
    worker.once('exit', () => living--)
  }
  beforeAll(() => void process.on('worker', count))
  afterAll(() => void process.off('worker', count))

  const x = new Input('x', [8, 28, 28, 8])
  const kernel = new Input('kernel', [3, 3, 8, 16])
  const y = conv2d(x, kernel, { padding: 'same' })
  const inputs = { x: new Float32Array(8 * 784 * 8), kernel: new Float32Array(9 * 8 * 16) }

  it('are none of 200 devices that are opened and not used', async () => {
    const before = started
    const devices = []
    for (let i = 0; i < 200; i++) devices.push(await openDevice('cpu', { threads: 3 }))
    // A small plan is run by the calling thread.
    const small = new Input('small', [4])
    await compute(devices[0], { outputs: { small } }, { small: new Float32Array(4) })
    expect(started - before).toBe(0)
    for (const device of devices) device.dispose()
  })

  it('start with the first plan that shares work, and end with the device', async () => {
    const before = living
    const device = new CpuDevice({ threads: 3 })
    for (let i = 0; i < 2; i++) await compute(device, { outputs: { y } }, inputs)
    expect(living - before).toBe(2)
    device.dispose()
    device.dispose()
    while (living > before) await wait(5)
    await expect(compute(device, { outputs: { y } }, inputs)).rejects.toThrow('cpu: the device was disposed of')
    expect(living).toBe(before)
  })

  it('end with a device that nobody disposed of, once it is collected', async () => {
    setFlagsFromString('--expose-gc')
    const collectGarbage: () => void = runInNewContext('gc')
    const before = living
    const use = async () => void (await compute(new CpuDevice({ threads: 3 }), { outputs: { y } }, inputs))
    for (let i = 0; i < 3; i++) await use()
    for (let turn = 0; turn < 500 && living > before; turn++) {
      collectGarbage()
      await wait(5)
    }
    expect(living).toBe(before)
  })

  it('are none of a device that is disposed of before they have started', async () => {
    const before = living
    const device = new CpuDevice({ threads: 3 })
    const computed = compute(device, { outputs: { y } }, inputs)
    device.dispose()
    await expect(computed).rejects.toThrow('cpu: the device was disposed of')
    for (let turn = 0; turn < 500 && living > before; turn++) await wait(5)
    expect(living).toBe(before)
  })
})
