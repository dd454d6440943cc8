import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { residualNetwork } from '../../../src/app/networks/residual.ts'
import { modelToBytes } from '../../../src/engine/formats/write-model.ts'
import { expectFailure, limelight, root, start, useFolder } from './command.ts'

/** What the engine decided about a model, and what each step takes. */

const model = join(root, 'models/fashion-cnn.safetensors')

describe('limelight plan', () => {
  const folder = useFolder()

  it('prints the steps of a prediction, what they compute and the memory they take', async () => {
    const { code, stdout } = await limelight('plan', '--model', model, '--device', 'cpu', '--batch-size', '2')
    expect(code).toBe(0)
    const lines = stdout.trim().split('\n')
    expect(lines[0]).toMatch(/^conv2d\+bias\+relu inputs:\[2,28,28,1\].* -> \[2,28,28,48\] \(.* MFLOP\)$/)
    const [own, before] = lines.filter((line) => /^\d+ steps, /.test(line))
    expect(own).toMatch(/^\d+ steps, .*FLOP; bytes: inputs 6400,/)
    expect(before).toMatch(/^\d+ steps, 0 FLOP; bytes: inputs 0,/)
    expect(stdout).toMatch(/\npackPanels parameters:\[125440\] -> prepared/)
  })

  it('gives it as JSON, whose sums are those of the text', async () => {
    const { stdout } = await limelight('plan', '--model', model, '--device', 'cpu', '--json')
    const plan = JSON.parse(stdout)
    expect(plan.device.name).toBe('cpu')
    expect(plan.steps.map(({ kernel }: { kernel: string }) => kernel)).toContain('softmax')
    expect(plan.flops).toBe(plan.steps.reduce((sum: number, step: { flops: number }) => sum + step.flops, 0))
    expect(plan.spaces.arena).toBeLessThanOrEqual(plan.unpackedArenaBytes)
    for (const { bytes } of plan.steps) expect(bytes).toBeGreaterThan(0)
  })

  it('tells apart what is computed once for all runs: what batch norms make of their averages', async () => {
    const resnet = join(folder, 'resnet.safetensors')
    writeFileSync(resnet, modelToBytes(residualNetwork(1)))
    const { stdout } = await limelight('plan', '--model', resnet, '--device', 'cpu')
    expect(stdout).toMatch(/\n13 steps, .*\nbefore, once for all runs until parameters change, into prepared \d+:\n/)
    const plan = JSON.parse((await limelight('plan', '--model', resnet, '--device', 'cpu', '--json')).stdout)
    expect(plan.steps).toHaveLength(13)
    // Beside what batch norms make of their averages, weights are arranged for the kernels: of nine convolutions and the dense layer.
    const before = plan.preparation.plan.steps.map(({ kernel }: { kernel: string }) => kernel)
    const isArranging = (kernel: string) => ['packPanels', 'winogradPlanes'].includes(kernel)
    expect(before.filter(isArranging)).toHaveLength(10)
    expect(before.filter((kernel: string) => !isArranging(kernel))).toHaveLength(45)
    expect(plan.preparation.plan.constants).toBeUndefined()
  })

  it.each(['plan', 'profile'])('refuses more images than one pass can have: %s', async (command) => {
    const outcome = await limelight(command, '--model', model, '--device', 'cpu', '--batch-size', '2000000')
    expect(outcome.stderr).toMatch(/limelight: --batch-size must be a whole number from 1 to 1,048,576, not 2000000\n$/)
    expect(outcome.code).toBe(2)
  })

  it('refuses what is no model', async () => {
    expectFailure(await limelight('plan', '--model', 'package.json'), 1, /package\.json: /)
  })
})

describe('limelight profile', () => {
  it('measures every step of a prediction on the processor, the slowest first', async () => {
    const { code, stdout } = await limelight('profile', '--model', model, '--device', 'cpu', '--batch-size', '4')
    expect(code).toBe(0)
    const rows = stdout.trim().split('\n').slice(1, -1)
    const times = rows.map((row) => Number.parseFloat(row))
    expect(times).toEqual([...times].sort((a, b) => b - a))
    for (const time of times) expect(time).toBeGreaterThanOrEqual(0)
    expect(rows.some((row) => /conv2d\+bias\+relu/.test(row))).toBe(true)
  })

  it('gives them as JSON', async () => {
    const { stdout } = await limelight('profile', '--model', model, '--device', 'cpu', '--batch-size', '4', '--json')
    const { device, measurements } = JSON.parse(stdout)
    expect(device.name).toBe('cpu')
    expect(measurements.length).toBeGreaterThan(3)
    for (const { milliseconds, flops, bytes } of measurements) {
      expect(milliseconds).toBeGreaterThan(0)
      expect(flops).toBeGreaterThanOrEqual(0)
      expect(bytes).toBeGreaterThan(0)
    }
  })

  it('says that the reference device has nothing to measure', async () => {
    expectFailure(await limelight('profile', '--model', model, '--device', 'reference'), 1, /can't be profiled/)
  })
})

describe('LIMELIGHT_DEBUG', () => {
  const planned = (topics: string | undefined) =>
    start(['plan', '--model', model, '--device', 'cpu'], { env: { ...process.env, LIMELIGHT_DEBUG: topics } }).ended

  it('prints what was planned and fused to stderr, the result alone to stdout', async () => {
    const [asked, silent] = await Promise.all([planned('plan,fuse'), planned(undefined)])
    expect(asked.stdout).toBe(silent.stdout)
    expect(silent.stderr).toBe('')
    expect(asked.stderr).toMatch(/^plan: conv2d\+bias\+relu /m)
    expect(asked.stderr).toMatch(/^fuse: bias: conv2d -> \[1,28,28,48\].* {2}became {2}conv2d\+bias -> /m)
    expect(asked.stderr).toMatch(/^fuse: recompute: no kernel of this device can do it$/m)
  })

  it('prints one topic without the others', async () => {
    const { stderr } = await planned('fuse')
    expect(stderr).toMatch(/^fuse: /m)
    expect(stderr).not.toMatch(/^plan: /m)
  })
})
