import { expect, it, vi } from 'vitest'
import { dense, input, loadModel, model, modelFromBytes, modelToBytes, sequential } from '../../../src/engine/index.ts'
import { initialize } from '../../../src/engine/model/initializers.ts'
import { kerasFile } from './keras/keras-files.ts'

vi.mock('../../../src/engine/model/initializers.ts', { spy: true })

/** How often weights were drawn meanwhile. */
async function drawn(work: () => unknown): Promise<number> {
  vi.mocked(initialize).mockClear()
  await work()
  return vi.mocked(initialize).mock.calls.length
}

it('weights are drawn for networks that are new, and for none that is read from a file, which has them', async () => {
  const x = input({ shape: [3] })
  const stack = () => sequential({ inputShape: [3], seed: 5 }, [dense({ units: 2 })])
  const graph = () => model({ inputs: x, outputs: x.through(dense({ units: 2 })), seed: 5 })
  expect(await drawn(stack)).toBe(2)
  expect(await drawn(graph)).toBe(2)
  for (const network of [stack(), graph()]) {
    const bytes = modelToBytes(network)
    expect(await drawn(() => modelFromBytes(bytes))).toBe(0)
    expect(modelFromBytes(bytes).network.parameters).toEqual(network.network.parameters)
  }
  const keras = await kerasFile('sequential.keras')
  expect(await drawn(() => loadModel(keras))).toBe(0)
})
