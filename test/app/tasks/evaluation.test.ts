import { expect, it } from 'vitest'
import { evaluateModel } from '../../../src/app/tasks/evaluation.ts'
import { fashionMnist } from '../../../src/app/tasks/fashion-mnist/task.ts'
import { Sequential } from '../../../src/engine/facade/sequential.ts'
import { dense, flatten } from '../../../src/engine/model/layers/public.ts'
import { openDevice } from '../../../src/engine/open-device.ts'

it('gives the loss of training where probabilities are too small for float32', async () => {
  const model = new Sequential({ inputShape: [28, 28, 1], seed: 3 }, [
    flatten(),
    dense({ units: 10, activation: 'softmax' }),
  ])
  // Sure of itself beyond all measure: nearly all of its probabilities are 0 or 1.
  model.setWeights(new Map(model.weights.map((w) => [w.name, { ...w, data: w.data.map((value) => value * 300) }])))
  const device = await openDevice('cpu')
  await model.compile({ device, loss: 'sparseCategoricalCrossentropy' })
  const count = 40
  const images = Uint8Array.from({ length: count * 784 }, (_, i) => (i * 7919) % 256)
  const labels = Uint8Array.from({ length: count }, (_, i) => i % 10)
  const { loss } = await evaluateModel(fashionMnist, model, { images, labels, count, height: 28, width: 28 })
  const samples = { data: images, shape: [count, 28, 28, 1], scale: 1 / 255 }
  const expected = await model.evaluate(samples, labels)
  model.dispose()
  device.dispose()
  expect(loss).toBeGreaterThan(20)
  expect(Math.abs(loss / expected.loss - 1)).toBeLessThan(1e-6)
})
