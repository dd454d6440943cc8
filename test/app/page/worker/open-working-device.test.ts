import { afterEach, expect, test, vi } from 'vitest'
import { openWorkingDevice } from '../../../../src/app/page/worker/open-working-device.ts'
import { DeviceError } from '../../../../src/engine/index.ts'

/** Which device a visitor gets where something is missing: the float64 loops only where the processor can't be used at all. */

vi.mock('../../../../src/engine/webgpu/adapter.ts', () => ({
  findAdapter: async () => {
    throw new DeviceError('webgpu: no adapter')
  },
}))
afterEach(() => vi.unstubAllGlobals())

test('one thread of the processor where memory cannot be shared', async () => {
  vi.stubGlobal('SharedArrayBuffer', undefined)
  const { device, status } = await openWorkingDevice('cpu', async () => {})
  expect(status).toMatchObject({ kind: 'cpu', adapter: 'WebAssembly SIMD, one thread', problem: null })
  device.dispose()
})

test('one thread of the processor where its threads fail', async () => {
  const { device, status } = await openWorkingDevice('cpu', async ({ info }) => {
    if (!info.adapter.endsWith('one thread')) throw new DeviceError('cpu: a thread died')
  })
  expect(status).toMatchObject({ kind: 'cpu', adapter: 'WebAssembly SIMD, one thread', choice: 'cpu' })
  expect(status.problem).toBe(
    "The processor can't be used: cpu: a thread died. One thread of the processor computes instead.",
  )
  device.dispose()
})

test.each([
  ['is switched off', () => vi.stubGlobal('WebAssembly', undefined)],
  ['has no SIMD', () => vi.spyOn(WebAssembly, 'validate').mockReturnValue(false)],
])('plain loops where WebAssembly %s, and plain words', async (_, breakIt) => {
  breakIt()
  try {
    const { device, status } = await openWorkingDevice('cpu', async () => {})
    expect(status.kind).toBe('reference')
    expect(status.problem).toBe(
      "The processor can't be used: cpu: WebAssembly with SIMD is missing or switched off here; browsers since 2023 have it. Plain JavaScript, which is some hundred times slower, computes instead.",
    )
    device.dispose()
  } finally {
    vi.restoreAllMocks()
  }
})

test.each([
  ['there is no WebGPU', {}, 'this browser has no WebGPU'],
  ['WebGPU has no adapter', { gpu: { requestAdapter: async () => null } }, 'WebGPU finds no graphics adapter here'],
  [
    'WebGPU does not answer',
    { gpu: { requestAdapter: async () => Promise.reject(new Error('lost')) } },
    'WebGPU finds no graphics adapter here',
  ],
  [
    'its adapter is software',
    { gpu: { requestAdapter: async () => ({}) } },
    'only a software WebGPU adapter, which is slower',
  ],
])('the processor where %s, and why it is not the graphics card', async (_, navigator, reason) => {
  vi.stubGlobal('navigator', navigator)
  const { device, status } = await openWorkingDevice('auto', async () => {})
  expect(status).toMatchObject({ kind: 'cpu', choice: 'auto', problem: null, reason })
  device.dispose()
})

test('the processor where WebGPU was asked for and is not there, with the reason', async () => {
  const { device, status } = await openWorkingDevice('webgpu', async () => {})
  expect(status).toMatchObject({
    kind: 'cpu',
    choice: 'cpu',
    problem: "WebGPU can't be used: webgpu: no adapter. The processor computes instead.",
  })
  device.dispose()
})
