import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Sequential } from '../../../src/engine/facade/sequential.ts'
import { modelToBytes } from '../../../src/engine/formats/write-model.ts'
import { activation, conv2d, dense, flatten } from '../../../src/engine/model/layers/public.ts'
import { limelight, useFolder } from './command.ts'

const folder = useFolder()

describe('limelight tune', () => {
  it('tunes: measures the ways to run a model on the adapter and says which is fastest', {
    timeout: 300_000,
  }, async () => {
    const small = join(folder, 'small.safetensors')
    const layers = [conv2d({ filters: 8, kernelSize: 2 }), flatten(), dense({ units: 2 }), activation('softmax')]
    writeFileSync(small, modelToBytes(new Sequential({ inputShape: [4, 4, 1] }, layers)))
    const table = await limelight('tune', '--model', small, '--batch-size', '2')
    expect(table.code, table.stderr).toBe(0)
    expect(table.stderr).toMatch(/Adapter: \S/)
    // One candidate of each step is marked.
    const steps = table.stdout.trim().split('\n\n')
    expect(steps.map((step) => step.split(' ')[0])).toContain('conv2dKernelGradient')
    for (const step of steps) expect(step.match(/^ {2}\* .* ms .* GFLOP\/s/gm)).toHaveLength(1)
    const { device, measurements } = JSON.parse(
      (await limelight('tune', '--model', small, '--batch-size', '2', '--json')).stdout,
    )
    expect(device.name).toBe('webgpu')
    expect(measurements.length).toBeGreaterThan(steps.length)
  })
})
