import { openWebGPUDevice } from '../../../src/engine/webgpu/device.ts'
import { readReference } from '../../reference-files.ts'
import { deviceSuite } from '../device-suite.ts'
import { divergenceSuite } from '../training/divergence-suite.ts'
import { webgpuSuite } from './webgpu-suite.ts'

deviceSuite({
  name: `the WebGPU device in ${process.versions.deno ? 'Deno' : 'Node'}`,
  open: () => openWebGPUDevice(),
  loadOps: async () => readReference('ops.safetensors'),
})
webgpuSuite()
divergenceSuite({ name: 'WebGPU', open: () => openWebGPUDevice(), large: 1e30 })
