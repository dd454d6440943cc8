import { expect, it } from 'vitest'
import { adam, conv2d, dense, flatten, maxPooling2d, openDevice, sequential } from '../../../src/engine/index.ts'

it('measures every step of a training step alone on the processor, and leaves the model as it was', async () => {
  const device = await openDevice('cpu', { threads: 2 })
  const model = sequential({ inputShape: [8, 8, 1], seed: 1 }, [
    conv2d({ filters: 8, kernelSize: 3, padding: 'same', activation: 'relu' }),
    maxPooling2d(),
    flatten(),
    dense({ units: 3, activation: 'softmax' }),
  ])
  await model.compile({ device, optimizer: adam(), metrics: ['accuracy'] })
  const image = { data: Float32Array.from({ length: 64 }, (_, i) => i / 64), shape: [1, 8, 8, 1] }
  const before = await model.predict(image)
  const measurements = await model.profile({ batchSize: 4 })
  expect(await model.predict(image)).toEqual(before)
  const kernels = measurements.map(({ step }) => step.split(/[ +]/)[0])
  for (const kernel of ['conv2d', 'conv2dKernelGradient', 'maxPool', 'matmul', 'softmax', 'gather', 'adam', 'record'])
    expect(kernels).toContain(kernel)
  for (const { step, milliseconds, bytes, refused } of measurements) {
    expect(refused, step).toBeUndefined()
    expect(milliseconds, step).toBeGreaterThan(0)
    expect(bytes, step).toBeGreaterThan(0)
  }
  // [4, 3] in and out.
  expect(measurements.find(({ step }) => step.startsWith('softmax '))?.bytes).toBe(96)
  const stopped = model.profile({ signal: AbortSignal.abort(new Error('enough')) })
  await expect(stopped).rejects.toThrow('enough')
  model.dispose()
  device.dispose()
})
