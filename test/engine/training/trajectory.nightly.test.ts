import { describe, expect, it } from 'vitest'
import { ReferenceDevice } from '../../../src/engine/reference/device.ts'
import { readReference } from '../../reference-files.ts'
import { relativeError } from '../operation-cases.ts'
import { arrayOf, expectLosses, runTrajectory } from './trajectory-suite.ts'

/** Float64 loops take some seven minutes for this: once a night. Their first step's gradients are tested with every change. */

const files = {
  trajectory: readReference('train-trajectory.safetensors'),
  images: readReference('train-trajectory-images.safetensors'),
}

describe("the tutorial's training steps, as PyTorch took them", () => {
  it('reference: 20 steps, to the last digit that was recorded', async () => {
    const run = await runTrajectory(new ReferenceDevice(), files, 20)
    const expected = arrayOf(files.trajectory, 'loss_float64')
    expect(relativeError(run.losses, expected)).toBeLessThan(1e-9)
    expectLosses(run, files)
    for (const [name, values] of run.weights)
      expect(relativeError(values, arrayOf(files.trajectory, `final_float64/${name}`)), name).toBeLessThan(1e-6)
  })
})
