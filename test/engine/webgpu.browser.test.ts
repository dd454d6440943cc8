import { openWebGPUDevice } from '../../src/engine/webgpu/device.ts'
import { fetchReference } from '../fetched-reference.ts'
import { deviceSuite } from './device-suite.ts'
import { oneCaseOfEachOperation } from './operation-cases.ts'
import { divergenceSuite } from './training/divergence-suite.ts'
import { halfSuite } from './webgpu/half-suite.ts'
import { webgpuSuite } from './webgpu/webgpu-suite.ts'

deviceSuite({
  name: 'the WebGPU device in Chromium',
  open: () => openWebGPUDevice(),
  cases: oneCaseOfEachOperation(),
  loadOps: () => fetchReference('ops.safetensors'),
})
webgpuSuite()
halfSuite()
divergenceSuite({ name: 'WebGPU in Chromium', open: () => openWebGPUDevice(), large: 1e30 })
