import { describe, expect, it } from 'vitest'
import { CpuDevice } from '../../src/engine/cpu/device.ts'
import { ReferenceDevice } from '../../src/engine/reference/device.ts'
import { readReference } from '../reference-files.ts'
import { relativeError } from './operation-cases.ts'
import { arrayOf, expectLosses, firstGradientErrors, runTrajectory } from './trajectory-suite.ts'

const files = {
  trajectory: readReference('train-trajectory.safetensors'),
  images: readReference('train-trajectory-images.safetensors'),
}

describe("the tutorial's training steps, as PyTorch took them", () => {
  it("cpu: the first step's gradients", async () => {
    for (const [name, error] of await firstGradientErrors(new CpuDevice(), files))
      expect(error, name).toBeLessThan(1e-5)
  })

  it("reference: the first step's gradients", async () => {
    // The recorded ones are rounded to float32.
    for (const [name, error] of await firstGradientErrors(new ReferenceDevice(), files))
      expect(error, name).toBeLessThan(1e-7)
  })

  it('cpu: 20 steps with plain sums', async () => {
    const run = await runTrajectory(new CpuDevice({ convolution: 'direct' }), files, 20)
    expect(run.losses).toHaveLength(20)
    expectLosses(run, files)
    // Loosely: Adam turns a gradient that is all but 0 into a whole step, whose sign hangs on rounding.
    for (const [name, values] of run.weights)
      expect(relativeError(values, arrayOf(files.trajectory, `final_float64/${name}`)), name).toBeLessThan(5e-3)
  })

  it('cpu: 20 steps', async () => {
    // Winograd's sums differ by 1e-7, enough to put one pixel in a million on the other side of relu's kink, from where Adam
    // carries it on: by step 20 what two float32 runs of a typical seed differ by (test/reference/README.md), as with relaxed
    // multiply-adds.
    const run = await runTrajectory(new CpuDevice(), files, 20)
    expect(run.losses).toHaveLength(20)
    expectLosses(run, files, 10)
  })

  it('reference: 20 steps, to the last digit that was recorded', { timeout: 900_000 }, async () => {
    const run = await runTrajectory(new ReferenceDevice(), files, 20)
    const expected = arrayOf(files.trajectory, 'loss_float64')
    expect(relativeError(run.losses, expected)).toBeLessThan(1e-9)
    expectLosses(run, files)
    for (const [name, values] of run.weights)
      expect(relativeError(values, arrayOf(files.trajectory, `final_float64/${name}`)), name).toBeLessThan(1e-6)
  })
})
