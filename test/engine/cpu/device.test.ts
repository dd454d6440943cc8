import { CpuDevice } from '../../../src/engine/cpu/device.ts'
import { readReference } from '../../reference-files.ts'
import { deviceSuite } from '../device-suite.ts'

deviceSuite({
  name: 'the cpu device',
  open: async () => new CpuDevice(),
  loadOps: async () => readReference('ops.safetensors'),
})
