/**
 * jax-js on WebAssembly and on WebGPU. On WebAssembly jitted or as it comes, whichever is faster: of 0.1.25 the jit folds
 * the padding into the convolution's loop, which takes six times as long there. On WebGPU the jit is never slower.
 * `x.ref` keeps x alive, a plain x is given away.
 */
import { blockUntilReady, defaultDevice, init, jit, lax, nn, numpy as np, valueAndGrad } from '@jax-js/jax'
import { asNumbers, channelsFirst, classes, convolutionInput, convolutionShape, transposed } from '../work.mjs'

// The package does not say.
const version = '0.1.25'
/** Results that exist at a time. */
const convolutionsAtOnce = 8
const adam = { rate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-7 }

export async function open(work, { device, threads }) {
  const backend = device === 'webgpu' ? 'webgpu' : 'wasm'
  if (backend === 'wasm') {
    // It takes all threads there are.
    if (threads > 1 && typeof Worker === 'undefined') throw new Error('has threads in browsers only')
    if (typeof navigator === 'object') Object.defineProperty(navigator, 'hardwareConcurrency', { value: threads })
  }
  if (!(await init(backend)).includes(backend)) throw new Error(`its ${backend} backend did not start`)
  defaultDevice(backend)

  const weights = initialWeights(work)
  const input = (images, count) => np.array(asNumbers(images, 0, count)).reshape([count, 1, 28, 28])
  const forward = (values, x) => nn.softmax(logits(values, x), -1)
  const predictBy = (compute) => (images, count) => compute(references(weights), input(images, count)).data()
  const onWasm = async () => ({
    forward: { most: 16, batches: [8, 16] },
    training: {
      most: 8,
      async start(count) {
        const steps = [adamSteps(jit(update), work, input, count), adamSteps(update, work, input, count)]
        const first = await steps[0](1)
        const [run] = await faster(...steps, (step) => step(1))
        return { first: async () => first, run: async (many) => void (await run(many)) }
      },
    },
  })
  const onWebGPU = async () => ({
    forward: { batches: [32, 250, 1000] },
    training: {
      start(count) {
        const steps = adamSteps(jit(update), work, input, count)
        return { first: () => steps(1), run: async (many) => void (await steps(many)) }
      },
    },
    convolution: { start: (count) => startConvolution(work, count) },
  })
  const [predict, how] =
    backend === 'webgpu'
      ? [predictBy(jit(forward)), 'jit']
      : await faster(predictBy(jit(forward)), predictBy(forward), (run) => run(work.images, 4))
  return {
    version: `jax-js ${version}`,
    how: `${how}, NCHW`,
    predict,
    ...(await (backend === 'webgpu' ? onWebGPU() : onWasm())),
  }
}

/** The faster of a jitted and a plain function, by their second run. */
async function faster(jitted, plain, run) {
  const times = []
  for (const candidate of [jitted, plain]) {
    await run(candidate)
    const start = performance.now()
    await run(candidate)
    times.push(performance.now() - start)
  }
  return times[0] < times[1] ? [jitted, 'jit'] : [plain, 'without jit']
}

function initialWeights(work) {
  const array = ({ shape, data }) => np.array(data.slice()).reshape(shape)
  const { convolutions, dense } = channelsFirst(work)
  return [
    ...convolutions.flatMap(({ kernel, bias }) => [array(kernel), array({ ...bias, shape: [1, bias.shape[0], 1, 1] })]),
    array(dense.kernel),
    array(dense.bias),
  ]
}

/** x [N, 1, 28, 28] -> [N, 10] */
function logits(weights, x) {
  const count = x.shape[0]
  for (let i = 0; i < 6; i += 2) {
    x = lax.convGeneralDilated(x, weights[i], [1, 1], 'SAME')
    x = nn.relu(x.add(weights[i + 1]))
  }
  return np.matmul(x.reshape([count, 12544]), weights[6]).add(weights[7])
}

/** Loss, gradients, Adam: everything that a step computes. */
function update(weights, means, squares, scale, x, oneHot) {
  const count = x.shape[0]
  const loss = (values, pictures, labels) =>
    nn
      .logSoftmax(logits(values, pictures), -1)
      .mul(labels)
      .sum()
      .mul(-1 / count)
  const [value, gradients] = valueAndGrad(loss)(references(weights), x, oneHot)
  const { beta1, beta2, epsilon } = adam
  const newMeans = means.map((mean, i) => mean.mul(beta1).add(gradients[i].ref.mul(1 - beta1)))
  const newSquares = squares.map((square, i) => square.mul(beta2).add(np.square(gradients[i]).mul(1 - beta2)))
  const newWeights = weights.map((weight, i) =>
    weight.sub(newMeans[i].ref.mul(scale.ref).div(np.sqrt(newSquares[i].ref).add(epsilon))),
  )
  scale.dispose()
  return [value, newWeights, newMeans, newSquares]
}

/** The second layer alone, jitted; what it is given stays on the device. */
function startConvolution(work, count) {
  const [height, width, channels] = convolutionShape
  const { kernel, bias } = channelsFirst(work).convolutions[1]
  const array = ({ data }, shape) => np.array(data.slice()).reshape(shape)
  const filters = bias.shape[0]
  const given = [
    np.array(transposed(convolutionInput(count), height * width, channels)).reshape([count, channels, height, width]),
    array(kernel, kernel.shape),
    array(bias, [1, filters, 1, 1]),
  ]
  const layer = jit((x, filter, offset) => nn.relu(lax.convGeneralDilated(x, filter, [1, 1], 'SAME').add(offset)))
  return {
    first: async () => transposed(await layer(...references(given)).data(), filters, height * width),
    async run(times) {
      for (let done = 0; done < times; done += convolutionsAtOnce) {
        const length = Math.min(convolutionsAtOnce, times - done)
        const results = Array.from({ length }, () => layer(...references(given)))
        // What is given up before it was begun is never computed.
        await blockUntilReady(results)
        // One number: to wait.
        await results.pop().slice(0, 0, 0, 0).data()
        for (const y of results) y.dispose()
      }
    },
  }
}

/** @returns a function that takes so many steps and returns the loss before the last; the batch stays on the device */
function adamSteps(compute, work, input, count) {
  let weights = initialWeights(work)
  let means = weights.map(({ shape }) => np.zeros(shape))
  let squares = weights.map(({ shape }) => np.zeros(shape))
  let steps = 0
  const labels = new Float32Array(count * classes)
  for (let i = 0; i < count; i++) labels[i * classes + work.labels[i]] = 1
  const oneHot = np.array(labels).reshape([count, classes])
  const x = input(work.images, count)
  return async (many) => {
    let value
    for (let i = 0; i < many; i++) {
      value?.dispose()
      steps++
      const scale = np.array([(adam.rate * Math.sqrt(1 - adam.beta2 ** steps)) / (1 - adam.beta1 ** steps)])
      ;[value, weights, means, squares] = compute(weights, means, squares, scale, x.ref, oneHot.ref)
    }
    await blockUntilReady([weights, means, squares])
    return (await value.data())[0]
  }
}

const references = (arrays) => arrays.map((array) => array.ref)
