import { describe, expect, it } from 'vitest'
import { CpuDevice } from '../../../src/engine/cpu/device.ts'
import { hasRelaxedSimd } from '../../../src/engine/cpu/relaxed.ts'
import { readReference } from '../../reference-files.ts'
import { deviceSuite } from '../device-suite.ts'

describe('relaxed SIMD', () => {
  it('is found in every Node this package supports, if need be behind its flag', () => {
    expect(hasRelaxedSimd()).toBe(true)
  })
})

deviceSuite({
  name: 'the cpu device with relaxed multiply-adds',
  open: async () => new CpuDevice({ relaxed: true }),
  loadOps: async () => readReference('ops.safetensors'),
})
