import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { sequential } from '../../../src/engine/facade/sequential.ts'
import { conv2d, dense, flatten } from '../../../src/engine/model/layers/public.ts'
import { adam } from '../../../src/engine/training/optimizers.ts'
import { openWebGPUDevice } from '../../../src/engine/webgpu/device.ts'
import { numbers } from '../device-suite.ts'

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

/** Bytes in use once all garbage is gone, finalizers included. */
async function heapBytes(): Promise<number> {
  for (let round = 0; round < 3; round++) {
    collectGarbage()
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return process.memoryUsage().heapUsed
}

it('keeps nothing of 1,000 training steps and 1,000 explanations', async () => {
  const device = await openWebGPUDevice()
  const model = sequential({ inputShape: [6, 6, 1], seed: 1 }, [
    conv2d({ filters: 4, kernelSize: 3, padding: 'same', activation: 'relu' }),
    flatten(),
    dense({ units: 3, activation: 'softmax' }),
  ])
  await model.compile({ device, optimizer: adam() })
  const samples = { data: numbers([100, 6, 6, 1]), shape: [100, 6, 6, 1] }
  const labels = Array.from({ length: 100 }, (_, i) => i % 3)
  const train = (epochs: number) => model.fit(samples, labels, { batchSize: 2, epochs })
  // By turns every sample by itself, and what samples share once.
  const explain = (turn: number) =>
    model.predictBlended(
      {
        image: numbers([36]),
        fudged: new Float32Array(36),
        segments: Int32Array.from({ length: 36 }, (_, i) => Math.floor(i / 9)),
        segmentCount: 4,
        masks: Uint8Array.from({ length: 256 }, (_, i) => (i * 7 + (i >> 4)) % 2),
        count: 64,
      },
      { factored: turn % 2 === 0 },
    )
  const work = async () => {
    await train(20)
    for (let i = 0; i < 1000; i++) await explain(i)
  }
  await work()
  const { liveBuffers, pipelines } = device.counters
  // Code that the engine compiles and drops moves the heap by half a megabyte either way, upwards in the first rounds. A leak shows in
  // every round.
  let heap = await heapBytes()
  let growth = Number.POSITIVE_INFINITY
  // Fifty bytes a step or explanation.
  const limit = 100_000
  for (let round = 0; round < 12 && growth >= limit; round++) {
    await work()
    const now = await heapBytes()
    growth = Math.min(growth, now - heap)
    heap = now
  }
  expect(device.counters.liveBuffers).toBe(liveBuffers)
  expect(device.counters.pipelines).toBe(pipelines)
  expect(growth).toBeLessThan(limit)
  model.dispose()
  device.dispose()
})
