import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Device } from '../../../src/engine/device.ts'
import { openWebGPUDevice } from '../../../src/engine/webgpu/device.ts'
import { fetchReference } from '../../fetched-reference.ts'
import { expectLosses, firstGradientErrors, runTrajectory, type TrajectoryFiles } from './trajectory-suite.ts'

describe("the tutorial's training steps on WebGPU, as PyTorch took them", () => {
  let device: Device
  let files: TrajectoryFiles
  beforeAll(async () => {
    device = await openWebGPUDevice()
    const [trajectory, images] = await Promise.all([
      fetchReference('train-trajectory.safetensors'),
      fetchReference('train-trajectory-images.safetensors'),
    ])
    files = { trajectory, images }
  })
  afterAll(() => device?.dispose())

  it("the first step's gradients", async () => {
    for (const [name, error] of await firstGradientErrors(device, files)) expect(error, name).toBeLessThan(1e-5)
  })

  it('the first three steps', async () => {
    const run = await runTrajectory(device, files, 3)
    expect(run.losses).toHaveLength(3)
    expectLosses(run, files)
  })
})
