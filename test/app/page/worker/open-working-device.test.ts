import { afterEach, expect, test, vi } from 'vitest'
import { openWorkingDevice } from '../../../../src/app/page/worker/open-working-device.ts'
import { DeviceError } from '../../../../src/engine/index.ts'

/** Which device a visitor gets where something is missing: the float64 loops only where the processor can't be used at all. */

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
