import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { countPendingInstances, createInstance } from '../../../src/engine/webgpu/dawn.ts'
import { openWebGPUDevice } from '../../../src/engine/webgpu/device.ts'

interface Outcome {
  readonly code: number | null
  /** What ended it, if it did not end by itself. */
  readonly signal: string | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs Node in a process of its own, which is killed if it has not ended in time: it hung. */
function node(words: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, words, {
      cwd: fileURLToPath(new URL('.', import.meta.url)),
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 100_000,
      killSignal: 'SIGKILL',
    })
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', (part) => {
      stdout += part
    })
    child.stderr.on('data', (part) => {
      stderr += part
    })
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
}

describe('devices that are disposed of, lost or left while work is pending neither crash nor hang Node, and are freed', () => {
  it.each([
    [['predicting']],
    [['opening', 'compiling']],
    [['training']],
    [['tuning']],
    [['profiling']],
    [['losing']],
    [['leaving']],
  ])('%s', async (ways) => {
    const outcome = await node(['--expose-gc', 'forced-collection.mjs', ...ways])
    const count = 10 * ways.length
    expect(outcome).toMatchObject({
      code: 0,
      signal: null,
      stdout: [...ways, `${count} opened, 0 left`, ''].join('\n'),
    })
  })
})

describe('Node ends by itself', () => {
  const script = (body: string) => [
    '--input-type=module',
    '--eval',
    `import { dense, openDevice, sequential } from '../../../dist/index.js'
const said = (promise) => promise.then(() => console.log('went well'), ({ name }) => console.log(name))
const compiled = async (device) => {
  const model = sequential({ inputShape: [4] }, [dense({ units: 3, activation: 'softmax' })])
  await model.compile({ device })
  return model
}
const image = { data: new Float32Array(4), shape: [1, 4] }
${body}`,
  ]

  it.each([
    [
      'after a device was disposed of',
      'const device = await openDevice("webgpu"); await said((await compiled(device)).predict(image)); device.dispose()',
      'went well',
    ],
    [
      'after one was disposed of in the midst of its work',
      'const device = await openDevice("webgpu"); said((await compiled(device)).predict(image)); device.dispose()',
      'DeviceError',
    ],
    [
      'after one was lost',
      'const device = await openDevice("webgpu"); const model = await compiled(device); device.gpu.destroy(); await device.lost; await said(model.predict(image))',
      'DeviceLostError',
    ],
    [
      'after work failed',
      'const device = await openDevice("webgpu"); await said((await compiled(device)).predict({ ...image, shape: [4, 1] })); device.dispose()',
      'ShapeError',
    ],
    [
      'after a software adapter was refused',
      'const device = await openDevice("auto"); await said((await compiled(device)).predict(image)); device.dispose()',
      'went well',
    ],
  ])('%s', async (_, body, said) => {
    expect(await node(script(body))).toMatchObject({ code: 0, signal: null, stdout: `${said}\n` })
  })

  it('after there was no adapter', async () => {
    const nowhere = { VK_DRIVER_FILES: '/nowhere.json', VK_ICD_FILENAMES: '/nowhere.json' }
    const outcome = await node(script('await said(openDevice("webgpu"))'), nowhere)
    expect(outcome).toMatchObject({ code: 0, signal: null, stdout: 'DeviceError\n' })
  })

  it('with its own code after an exception in the midst of work', async () => {
    const body =
      'const device = await openDevice("webgpu"); said((await compiled(device)).predict(image)); throw new Error("enough")'
    expect(await node(script(body))).toMatchObject({ code: 1, signal: null })
  })

  it('with its own code while many pipelines are being compiled, again and again', async () => {
    // Three in ten such processes crashed, and seven in a hundred with the one pipeline of the test above.
    const body = `const device = await openDevice('webgpu')
const shader = (n) => \`@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) at: vec3u) {
  for (var i = 0u; i < \${n + 7}u; i++) { x[at.x] = pow(sin(x[at.x]) * tanh(x[at.x] * \${n}.5), cos(f32(i))); }
}\`
for (let n = 0; n < 30; n++) {
  const module = device.gpu.createShaderModule({ code: shader(n) })
  device.gpu.createComputePipelineAsync({ layout: 'auto', compute: { module } }).catch(() => {})
}
process.exit(7)`
    const two = () => Promise.all([node(script(body)), node(script(body))])
    for (let times = 0; times < 8; times++) {
      for (const outcome of await two()) expect(outcome).toMatchObject({ code: 7, signal: null })
    }
  })
})

it('where the best device is asked for, nothing is said of drivers that are not taken', async () => {
  const env = { VK_DRIVER_FILES: undefined, VK_ICD_FILENAMES: undefined }
  const body = `import { openDevice } from '../../../dist/index.js'; (await openDevice('auto')).dispose()`
  const outcome = await node(['--input-type=module', '--eval', body], env)
  expect(outcome).toEqual({ code: 0, signal: null, stdout: '', stderr: '' })
})

// Only on Linux is the Vulkan loader told by the environment which drivers to pass over.
it.skipIf(process.platform !== 'linux')('two devices opened at once leave the environment as it was', async () => {
  const env = { VK_DRIVER_FILES: undefined, VK_ICD_FILENAMES: undefined, VK_LOADER_DRIVERS_DISABLE: undefined }
  // As on a machine with a GPU: software drivers are hidden from the loader while it looks for that.
  const body = `import fs from 'node:fs'
import { openDevice } from '../../../dist/index.js'
const { existsSync, readdirSync } = fs
fs.existsSync = (path) => path === '/dev/dri' || existsSync(path)
fs.readdirSync = (path) => (path === '/dev/dri' ? ['renderD128'] : readdirSync(path))
const devices = await Promise.all([openDevice('auto'), openDevice('auto')])
console.log(process.env.VK_LOADER_DRIVERS_DISABLE)
for (const device of devices) device.dispose()`
  expect(await node(['--input-type=module', '--eval', body], env)).toMatchObject({ code: 0, stdout: 'undefined\n' })
})

describe('a Dawn instance', () => {
  it('is let go once a disposed device is done', async () => {
    const before = countPendingInstances()
    const device = await openWebGPUDevice()
    expect(countPendingInstances()).toBe(before + 1)
    const pipeline = device.gpu.createComputePipelineAsync({
      layout: 'auto',
      compute: { module: device.gpu.createShaderModule({ code: '@compute @workgroup_size(1) fn main() {}' }) },
    })
    device.dispose()
    expect(countPendingInstances()).toBe(before + 1)
    await Promise.allSettled([device.gpu.lost, pipeline])
    expect(countPendingInstances()).toBe(before)
  })

  /** Objects that answer as Dawn's do, with promises that settle when they are told to. */
  function fakeDawn() {
    const waiting = new Map<string, { resolve(value: unknown): void; reject(error: Error): void }>()
    const promised = (name: string) => () => new Promise((resolve, reject) => waiting.set(name, { resolve, reject }))
    const queue = { onSubmittedWorkDone: promised('onSubmittedWorkDone') }
    const buffer = { mapAsync: promised('mapAsync') }
    const module = { getCompilationInfo: promised('getCompilationInfo') }
    const device = {
      queue,
      lost: promised('lost')(),
      popErrorScope: promised('popErrorScope'),
      createComputePipelineAsync: promised('createComputePipelineAsync'),
      createRenderPipelineAsync: promised('createRenderPipelineAsync'),
      createBuffer: () => buffer,
      createShaderModule: () => module,
    }
    const adapter = { requestDevice: promised('requestDevice') }
    const instance = { requestAdapter: promised('requestAdapter') }
    const settle = async (name: string, value: unknown) => {
      const { resolve, reject } = waiting.get(name) ?? expect.fail(`nobody waits for ${name}`)
      if (value instanceof Error) reject(value)
      else resolve(value)
      // The promise's own reactions, then those of what was made of it.
      for (let i = 0; i < 3; i++) await null
    }
    return { instance: instance as unknown as GPU, adapter, device, settle }
  }

  it.each([
    ['popErrorScope', (device: GPUDevice) => device.popErrorScope()],
    [
      'createComputePipelineAsync',
      (device: GPUDevice) => device.createComputePipelineAsync({} as GPUComputePipelineDescriptor),
    ],
    [
      'createRenderPipelineAsync',
      (device: GPUDevice) => device.createRenderPipelineAsync({} as GPURenderPipelineDescriptor),
    ],
    ['onSubmittedWorkDone', (device: GPUDevice) => device.queue.onSubmittedWorkDone()],
    ['mapAsync', (device: GPUDevice) => device.createBuffer({ size: 4, usage: 1 }).mapAsync(1)],
    ['getCompilationInfo', (device: GPUDevice) => device.createShaderModule({ code: '' }).getCompilationInfo()],
  ])('is referenced while %s is pending, however it ends', async (name, call) => {
    const before = countPendingInstances()
    for (const end of [null, new Error('refused for a test')]) {
      const dawn = fakeDawn()
      const instance = createInstance({ create: () => dawn.instance })
      expect(countPendingInstances()).toBe(before)
      const adapter = instance.requestAdapter()
      expect(countPendingInstances()).toBe(before + 1)
      await dawn.settle('requestAdapter', dawn.adapter)
      expect(countPendingInstances()).toBe(before)
      const opened = (await adapter)?.requestDevice()
      expect(countPendingInstances()).toBe(before + 1)
      await dawn.settle('requestDevice', dawn.device)
      const pending = call((await opened) ?? expect.fail('no device'))
      await dawn.settle('lost', null)
      expect(countPendingInstances()).toBe(before + 1)
      const settled = Promise.allSettled([pending])
      await dawn.settle(name, end)
      await settled
      expect(countPendingInstances()).toBe(before)
    }
  })
})
