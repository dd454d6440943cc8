import { openWebGPUDevice } from '../../../src/engine/webgpu/device.ts'
import { readReference } from '../../reference-files.ts'
import { deviceSuite } from '../device-suite.ts'
import { oneCaseOfEachOperation, operationCases } from '../operation-cases.ts'
import { divergenceSuite } from '../training/divergence-suite.ts'
import { halfSuite } from './half-suite.ts'
import { webgpuSuite } from './webgpu-suite.ts'

/**
 * With every change wgpu computes all cases, in Deno, and Dawn one of each operation, here and in Chromium; once a night Dawn computes
 * all of them, too, on both drivers.
 */
const isWhole = process.versions.deno !== undefined || process.env.LIMELIGHT_ALL_CASES === '1'

deviceSuite({
  name: `the WebGPU device in ${process.versions.deno ? 'Deno' : 'Node'}`,
  open: () => openWebGPUDevice(),
  cases: isWhole ? operationCases : oneCaseOfEachOperation(),
  loadOps: async () => readReference('ops.safetensors'),
})
webgpuSuite()
halfSuite()
divergenceSuite({ name: 'WebGPU', open: () => openWebGPUDevice(), large: 1e30 })
