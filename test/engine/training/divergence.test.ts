import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { CpuDevice } from '../../../src/engine/cpu/device.ts'
import { LimelightError } from '../../../src/engine/errors.ts'
import { sequential } from '../../../src/engine/facade/sequential.ts'
import { modelToBytes } from '../../../src/engine/formats/write-model.ts'
import { dense, flatten } from '../../../src/engine/model/layers/public.ts'
import { ReferenceDevice } from '../../../src/engine/reference/device.ts'
import { divergenceSuite } from './divergence-suite.ts'

divergenceSuite({ name: 'the reference device', open: async () => new ReferenceDevice(), large: 1e200 })
divergenceSuite({ name: 'the processor', open: async () => new CpuDevice({ threads: 1 }), large: 1e30 })
divergenceSuite({ name: 'two threads', open: async () => new CpuDevice({ threads: 2 }), large: 1e30 })

it('no file is written of weights that are not finite, and the one before stays', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'limelight-divergence-'))
  const path = join(folder, 'model.safetensors')
  const model = sequential({ inputShape: [2, 2, 1] }, [flatten(), dense({ units: 2, activation: 'softmax' })])
  await model.save(path)
  const before = await readFile(path)
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
    model.weights[0].data[3] = value
    expect(() => modelToBytes(model)).toThrow(LimelightError)
    await expect(model.save(path)).rejects.toThrow(/weight ".*kernel" holds numbers that are not finite/)
  }
  expect(await readFile(path)).toEqual(before)
  expect(await readdir(folder)).toEqual(['model.safetensors'])
  await rm(folder, { recursive: true })
})
