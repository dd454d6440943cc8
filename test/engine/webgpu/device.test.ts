import { openWebGPUDevice } from '../../../src/engine/webgpu/device.ts'
import { readReference } from '../../reference-files.ts'
import { deviceSuite } from '../device-suite.ts'
import { oneCaseOfEachOperation, operationCases } from '../operation-cases.ts'
import { divergenceSuite } from '../training/divergence-suite.ts'
import { webgpuSuite } from './webgpu-suite.ts'

/**
 * Dawn computes all cases in Chromium, on SwiftShader, and lavapipe all of them in Deno, by wgpu. The two together compute one of each
 * operation with every change, and all of them once a night.
 */
const isWhole = process.versions.deno !== undefined || process.env.LIMELIGHT_ALL_CASES === '1'

deviceSuite({
  name: `the WebGPU device in ${process.versions.deno ? 'Deno' : 'Node'}`,
  open: () => openWebGPUDevice(),
  cases: isWhole ? operationCases : oneCaseOfEachOperation(),
  loadOps: async () => readReference('ops.safetensors'),
})
webgpuSuite()
divergenceSuite({ name: 'WebGPU', open: () => openWebGPUDevice(), large: 1e30 })
