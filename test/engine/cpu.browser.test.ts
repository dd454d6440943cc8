import { expect, it } from 'vitest'
import { CpuDevice } from '../../src/engine/cpu/device.ts'
import { fetchReference } from '../fetched-reference.ts'
import { deviceSuite } from './device-suite.ts'

it('this page is not cross-origin isolated: the cpu device computes with one thread, and says so', () => {
  expect(crossOriginIsolated).toBe(false)
  expect(new CpuDevice({ threads: 2 }).info.adapter).toBe('WebAssembly SIMD, one thread')
})

deviceSuite({
  name: 'the cpu device in Chromium',
  open: async () => new CpuDevice(),
  loadOps: () => fetchReference('ops.safetensors'),
})
