import { ReferenceDevice } from '../../../src/engine/reference/device.ts'
import { readReference } from '../../reference-files.ts'
import { deviceSuite } from '../device-suite.ts'

// The reference tensors are float32: half a unit in their last place is 6e-8.
deviceSuite({
  name: 'the reference device',
  open: async () => new ReferenceDevice(),
  loadOps: async () => readReference('ops.safetensors'),
  tolerance: 1e-7,
})
