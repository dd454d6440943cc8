import { describe, expect, it } from 'vitest'
import { CpuDevice } from '../../../src/engine/cpu/device.ts'
import { ReferenceDevice } from '../../../src/engine/reference/device.ts'
import { readReference } from '../../reference-files.ts'
import { relativeError } from '../operation-cases.ts'
import {
  arrayOf,
  expectLosses,
  expectLossValues,
  firstGradientErrors,
  firstGradients,
  lossesAlong,
  reluPatterns,
  runTrajectory,
} from './trajectory-suite.ts'

const files = {
  trajectory: readReference('train-trajectory.safetensors'),
  images: readReference('train-trajectory-images.safetensors'),
}

describe("the tutorial's training steps, as PyTorch took them", () => {
  it("cpu: the first step's gradients with plain sums", async () => {
    for (const [name, error] of await firstGradientErrors(new CpuDevice({ convolution: 'direct' }), files))
      expect(error, name).toBeLessThan(1e-5)
  })

  // Winograd's rounding is relative to the brightest pixel of a patch. Over faint pixels beside a bright garment a sum may be
  // as small as that, and then fall on the other side of relu's kink: one of 800,000 here (1.7e-9 in float64). Its pixel's
  // part of a gradient comes or goes, which is no error of the sums; images with such a pixel are left out.
  it.each(['strict', 'relaxed'])("cpu, %s: the first step's gradients by Winograd", async (arithmetic) => {
    const [plain, winograd] = [
      new CpuDevice({ convolution: 'direct' }),
      new CpuDevice({ relaxed: arithmetic === 'relaxed' }),
    ]
    const patterns = [await reluPatterns(plain, files), await reluPatterns(winograd, files)]
    const kept = patterns[0].flatMap((pattern, i) => (pattern.every((bit, k) => bit === patterns[1][i][k]) ? [i] : []))
    expect(kept.length).toBeGreaterThanOrEqual(62)
    const [expected, found] = [await firstGradients(plain, files, kept), await firstGradients(winograd, files, kept)]
    for (const [name, values] of found) expect(relativeError(values, expected.get(name) ?? []), name).toBeLessThan(1e-5)
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

  it('cpu, strict and relaxed: losses by Winograd, with the weights of 20 steps with plain sums', async () => {
    const plain = new CpuDevice({ convolution: 'direct' })
    const found = await lossesAlong(
      plain,
      [new CpuDevice({ relaxed: false }), new CpuDevice({ relaxed: true })],
      files,
      20,
    )
    for (const losses of found) {
      expect(losses).toHaveLength(20)
      expectLossValues(losses, files.trajectory)
    }
  })

  it('cpu: 20 steps by Winograd', async () => {
    // Adam carries on what relu's kink has decided otherwise (see above): by step 20 what two float32 runs of a typical seed
    // differ by (test/reference/README.md).
    const { losses } = await runTrajectory(new CpuDevice(), files, 20)
    const expected = arrayOf(files.trajectory, 'loss_float64')
    losses.forEach((loss, step) => {
      expect(Math.abs(loss - expected[step]), `loss of step ${step + 1}`).toBeLessThan(1e-3)
    })
  })
})
