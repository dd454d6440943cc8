/** Limelight itself, as the package's users call it. */
import { adam, conv2d, dense, flatten, openDevice, sequential } from '../../dist/index.js'
import { felzenszwalb, LimeImageExplainer } from '../../dist/lime.js'
import { amounts, explainedImage, pixels } from '../work.mjs'

const stepsPerRun = 3

/** `device`: its name; `threads` and `relaxed` (relaxed_madd where it validates, else mul+add) are for `cpu`. */
export async function open(work, { device: name, threads, relaxed }) {
  const device = await openDevice(name, { threads, relaxed })
  const convolution = (filters) => conv2d({ filters, kernelSize: 3, padding: 'same', activation: 'relu' })
  const model = sequential({ inputShape: [28, 28, 1], seed: 1 }, [
    convolution(48),
    convolution(32),
    convolution(16),
    flatten(),
    dense({ units: 10, activation: 'softmax' }),
  ])
  model.setWeights(work.weights)
  await model.compile({ device, optimizer: adam() })

  const small = name === 'reference' || device.info.isFallbackAdapter
  const amount = small ? amounts.small : work.amounts
  const samples = (count) => ({
    data: work.images.subarray(0, count * pixels),
    shape: [count, 28, 28, 1],
    scale: 1 / 255,
  })

  return {
    version: `limelight on ${device.info.kind}`,
    how: device.info.adapter,
    predict: async (images, count) =>
      (await model.predict({ data: images, shape: [count, 28, 28, 1], scale: 1 / 255 })).data,
    // predict() chooses its own batches.
    forward: { count: amount.forward, batches: [amount.forward] },
    training: {
      count: amount.training,
      loss: async (count) => (await model.evaluate(samples(count), work.labels.subarray(0, count))).loss,
      // Whole steps, data and optimizer included. The first epoch is the warm-up: fit() begins by compiling its step.
      run: async () => {
        const count = amount.training * stepsPerRun
        const { epochs } = await model.fit(samples(count), work.labels.subarray(0, count), {
          batchSize: amount.training,
          epochs: 2,
        })
        return epochs[1].msPerStep
      },
    },
    explanation: {
      count: amount.explanation,
      run: async () => {
        const bytes = work.images.subarray(explainedImage * pixels, (explainedImage + 1) * pixels)
        const image = { data: Float64Array.from(bytes, (value) => value / 255), shape: [28, 28] }
        const explainer = new LimeImageExplainer({ randomState: 123 })
        const options = { segmentationFn: felzenszwalb(), numSamples: amount.explanation, randomSeed: 123 }
        return (await explainer.explainInstance(image, model, options)).timings.total
      },
    },
    close() {
      model.dispose()
      device.dispose()
    },
  }
}
