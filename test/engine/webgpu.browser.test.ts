import { parseSafetensors } from '../../src/engine/safetensors.ts'
import { openWebGPUDevice } from '../../src/engine/webgpu/device.ts'
import { deviceSuite } from './device-suite.ts'
import { webgpuSuite } from './webgpu/webgpu-suite.ts'

deviceSuite({
  name: 'the WebGPU device in Chromium',
  open: () => openWebGPUDevice(),
  loadOps: async () => {
    const response = await fetch(new URL('../reference/ops.safetensors', import.meta.url))
    return parseSafetensors(new Uint8Array(await response.arrayBuffer()))
  },
})
webgpuSuite()
