import { expect, it } from 'vitest'
import { CpuDevice } from '../../../src/engine/cpu/device.ts'
import type { Device } from '../../../src/engine/device.ts'
import { sequential } from '../../../src/engine/facade/sequential.ts'
import { CompiledModel } from '../../../src/engine/model/compiled.ts'
import { conv2d } from '../../../src/engine/model/layers/conv2d.ts'
import { dense } from '../../../src/engine/model/layers/dense.ts'
import { globalAveragePooling2d } from '../../../src/engine/model/layers/global-pooling2d.ts'
import type { Network } from '../../../src/engine/model/network.ts'
import { predict } from '../../../src/engine/model/predict.ts'
import { numbers } from '../device-suite.ts'

/** Images of so many pixels across, whose activations take 8 times as many bytes as they do. */
const networkOf = (size: number) =>
  sequential({ inputShape: [size, size, 4], seed: 1 }, [
    conv2d({ filters: 32, kernelSize: 1, activation: 'relu' }),
    conv2d({ filters: 32, kernelSize: 1, activation: 'relu' }),
    globalAveragePooling2d(),
    dense({ units: 2, activation: 'softmax' }),
  ])

/** The batches of the predictions that were planned, and lowered, and what came out. */
async function batchesFor(size: number, count: number) {
  const device: Device = new CpuDevice({ threads: 1 })
  const lower = device.lower.bind(device)
  const batches: number[] = []
  device.lower = (plan, blocks) => {
    const [output] = Object.values(plan.outputs)
    if (output) batches.push(output.shape[0])
    return lower(plan, blocks)
  }
  const { network } = networkOf(size)
  const planned: number[] = []
  const watched: Network = {
    ...network,
    apply(tensors, ...rest) {
      planned.push(tensors[0].shape[0])
      return network.apply(tensors, ...rest)
    },
  }
  const compiled = new CompiledModel(watched, device)
  const { data } = await predict(compiled, { data: numbers([count, size, size, 4]), shape: [count, size, size, 4] }, {})
  compiled.dispose()
  device.dispose()
  return { planned, batches, data }
}

it('a batch is as large as the samples are many, where the caches hold what it takes', async () => {
  expect((await batchesFor(28, 125)).batches).toEqual([125])
  expect((await batchesFor(28, 16)).batches).toEqual([16])
})

it('a batch that would be half empty is not taken', async () => {
  expect((await batchesFor(8, 2)).batches).toEqual([1])
  expect((await batchesFor(8, 3)).batches).toEqual([4])
  expect((await batchesFor(8, 8)).batches).toEqual([4])
  expect((await batchesFor(8, 62)).batches).toEqual([16])
})

it('a batch that takes more than the caches hold is cut, and gives the same bits', async () => {
  // An image takes 2 · 32 · 4 bytes a pixel: 16 of 96 x 96 pixels fit into 32 MiB no more, nor do 4 of 192 x 192.
  const { batches, data } = await batchesFor(96, 16)
  expect(batches).toEqual([4])
  expect([...data.subarray(0, 2)]).toEqual([...(await batchesFor(96, 1)).data])
  expect((await batchesFor(192, 4)).batches).toEqual([1])
})

it('one sample is planned for once; only larger batches ask first what a small one takes', async () => {
  expect((await batchesFor(8, 1)).planned).toEqual([1])
  expect((await batchesFor(8, 16)).planned).toEqual([1, 16])
})
