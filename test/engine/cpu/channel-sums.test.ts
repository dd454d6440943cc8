import { afterAll, expect, it } from 'vitest'
import { compute } from '../../../src/engine/compute.ts'
import { CpuDevice } from '../../../src/engine/cpu/device.ts'
import { ops } from '../../../src/engine/ops/public.ts'
import { ReferenceDevice } from '../../../src/engine/reference/device.ts'
import { Input } from '../../../src/engine/tensor.ts'
import { numbers } from '../device-suite.ts'

const device = new CpuDevice({ threads: 1 })
afterAll(() => device.dispose())

it.each([
  [21, 1],
  [22, 1],
  [23, 2],
  [255, 1],
])('sums windows of %i columns, %i pixels apart', async (columns, dilation) => {
  const x = new Input('x', [2, 2, 2 * columns, 5])
  const kernel = new Input('kernel', [2, columns, 5, 1])
  const outputs = { y: ops.depthwiseConv2d(x, kernel, { padding: 'same', dilation }) }
  const values = { x: numbers(x.shape, 1), kernel: numbers(kernel.shape, 2) }
  const { y } = await compute(device, { outputs }, values)
  const { y: expected } = await compute(new ReferenceDevice(), { outputs }, values)
  expect(y.length).toBe(expected.length)
  for (const [i, value] of expected.entries()) expect(y[i]).toBeCloseTo(value, 4)
})
