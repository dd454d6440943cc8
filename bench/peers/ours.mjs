/** Limelight itself, as the package's users call it. */
import { adam, conv2d, dense, flatten, makePlan, openDevice, ops, Resident, sequential } from '../../dist/index.js'
import { felzenszwalb, LimeImageExplainer } from '../../dist/lime.js'
import { convolutionInput, convolutionShape, explainedImage, keras, pixels } from '../work.mjs'

export { openNetwork } from './ours-networks.mjs'

/** Images of the forward pass and the training step whose kernels are measured alone. */
const profiledBatch = 32

/**
 * `device`: its name; `threads` and `relaxed` (relaxed_madd where it validates, else mul+add) are for `cpu`. `tune`: sizes of
 * training's batches, for one of which kernels are tuned first; what is found serves the others.
 */
export async function open(work, { device: name, threads, relaxed, tune = [] }) {
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
  await model.compile({ device, optimizer: adam(), metrics: ['accuracy'] })
  if (tune.length > 0 && !model.tune) throw new Error('this build has nothing to tune')
  // A software adapter would take many minutes for large ones.
  const batchSize = device.info.isFallbackAdapter ? Math.min(...tune) : Math.max(...tune)
  const tuned = tune.length > 0 ? await model.tune({ batchSize }) : []

  const samples = (count) => ({
    data: work.images.subarray(0, count * pixels),
    shape: [count, 28, 28, 1],
    scale: 1 / 255,
  })
  const fit = async (count, batchSize, epochs) =>
    (await model.fit(samples(count), work.labels.subarray(0, count), { batchSize, epochs })).epochs

  return {
    version: `limelight on ${device.info.kind}`,
    how: `${device.info.adapter}${tune.length > 0 ? ', tuned' : ''}`,
    predict: async (images, count) =>
      (await model.predict({ data: images, shape: [count, 28, 28, 1], scale: 1 / 255 })).data,
    // predict() chooses its own batches.
    forward: {},
    training: {
      start: (count) => ({
        async first() {
          model.setWeights(work.weights)
          return (await fit(count, count, 1))[0].loss
        },
        // Whole steps, data and optimizer included. The first epoch is the warm-up: fit() begins by compiling its step.
        async run(steps) {
          const epochs = await fit(count * steps, count, 2)
          return { ms: epochs[1].msPerStep, steps: 2 * steps }
        },
      }),
    },
    convolution: { start: (count) => startConvolution(device, work, count) },
    explanation: {
      run: async (numSamples) => {
        const bytes = work.images.subarray(explainedImage * pixels, (explainedImage + 1) * pixels)
        const image = { data: Float64Array.from(bytes, (value) => value / 255), shape: [28, 28] }
        const explainer = new LimeImageExplainer({ randomState: 123 })
        // Every sample by itself: how fast the device computes, not how much need not be computed (see lime.mjs).
        const options = { segmentationFn: felzenszwalb(), numSamples, randomSeed: 123, factored: false }
        return (await explainer.explainInstance(image, model, options)).timings.total
      },
    },
    /** What tuning measured, and everything that it had no choice for. */
    async kernels() {
      const steps = new Set(tuned.map(({ step }) => step))
      const profile = (await model.profile?.({ batchSize: profiledBatch })) ?? []
      return [...tuned, ...profile.filter(({ step }) => !steps.has(step))].map(kernelRow)
    },
  }
}

/** The network's second layer, as a plan of one step on numbers that stay on the device. */
async function startConvolution(device, work, count) {
  const blocks = {}
  const resident = (name, shape, data) => {
    blocks[name] = device.allocate('f32', data.length)
    device.write(blocks[name], data)
    return new Resident(name, 0, shape)
  }
  const [, { kernel, bias }] = keras(work).convolutions
  const x = resident('x', [count, ...convolutionShape], convolutionInput(count))
  const sums = ops.conv2d(x, resident('kernel', kernel.shape, kernel.data), { padding: 'same' })
  const y = ops.relu(ops.add(sums, resident('bias', bias.shape, bias.data)))
  const program = await device.lower(makePlan({ outputs: { y } }, device.fusions), blocks)
  return {
    async first() {
      await device.run(program, {})
      return device.read(program.outputs.y)
    },
    async run(times) {
      for (let i = 0; i < times; i++) await device.run(program, {})
      // One number: to wait.
      const { memory, operand } = program.outputs.y
      await device.read({ memory, operand: { ...operand, shape: [1] } })
    },
  }
}

/** A measurement as the report shows it. */
function kernelRow({ step, candidate, milliseconds, compilation, flops, bytes, refused }) {
  const names = { kernel: step, variant: candidate }
  if (refused) return { ...names, why: refused.split('\n')[0] }
  const [gflops, gbps] = [flops, bytes].map((amount) => amount / milliseconds / 1e6)
  return { ...names, us: milliseconds * 1000, gflops, gbps, compilation }
}
