import { expect, it, vi } from 'vitest'
import { CpuDevice } from '../../../src/engine/cpu/device.ts'
import { dense, sequential } from '../../../src/engine/index.ts'
import { align } from '../../../src/engine/tensor.ts'

const inputs = 32
const units = 48
/** Of a network of three layers, each kernel and each bias where a block of memory may begin. */
const weights = [inputs, units, units].reduce((sum, each) => sum + align(4 * each * units) + align(4 * units), 0)

/** The batch that 16 samples are cut into where the caches hold so many bytes, and the bytes of one sample's arena. */
async function batchFor(cachedBytes: number) {
  const device = new CpuDevice({ threads: 1 })
  Object.defineProperty(device, 'cachedBytes', { value: cachedBytes })
  const lower = vi.spyOn(device, 'lower')
  const layers = Array.from({ length: 3 }, () => dense({ units, activation: 'tanh' }))
  const model = sequential({ inputShape: [inputs], seed: 1 }, layers)
  await model.compile({ device })
  await model.predict({ data: new Float32Array(16 * inputs), shape: [16, inputs] })
  const [plan] = lower.mock.calls.map(([own]) => own).filter((own) => Object.keys(own.inputs).length > 0)
  const [batch] = Object.values(plan.inputs)[0].shape
  device.dispose()
  return { batch, arena: plan.spaces.arena }
}

it('takes batches whose numbers the caches hold beside the weights, or alone where no cache holds these', async () => {
  const { arena: one } = await batchFor(1)
  const { arena } = await batchFor(2 ** 30)
  expect((await batchFor(2 ** 30)).batch).toBe(16)
  expect(arena).toBeGreaterThan(one)
  expect(16 * one).toBeLessThan(weights)
  expect((await batchFor(16 * one + weights)).batch).toBe(16)
  expect((await batchFor(16 * one + weights - 1)).batch).toBe(4)
  expect((await batchFor(4 * one + weights - 1)).batch).toBe(1)
  expect((await batchFor(weights)).batch).toBe(16)
})
