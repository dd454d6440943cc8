/**
 * jax-js on WebAssembly. Jitted or as it comes, whichever is faster: of 0.1.25 the jit folds the padding into the
 * convolution's loop, which takes six times as long that way. `x.ref` keeps x alive, a plain x is given away.
 */
import { blockUntilReady, defaultDevice, init, jit, lax, nn, numpy as np, valueAndGrad } from '@jax-js/jax'
import { asNumbers, channelsFirst, classes } from '../work.mjs'

// The package does not say.
const version = '0.1.25'
const trainedImages = 8
const adam = { rate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-7 }

export async function open(work, { threads }) {
  // It takes all threads there are.
  if (threads > 1 && typeof Worker === 'undefined') throw new Error('has threads in browsers only')
  if (typeof navigator === 'object') Object.defineProperty(navigator, 'hardwareConcurrency', { value: threads })
  await init('wasm')
  defaultDevice('wasm')

  const weights = initialWeights(work)
  const input = (images, count) => np.array(asNumbers(images, 0, count)).reshape([count, 1, 28, 28])
  const forward = (values, x) => nn.softmax(logits(values, x), -1)
  const predictBy = (compute) => (images, count) => compute(references(weights), input(images, count)).data()
  const [predict, how] = await faster(predictBy(jit(forward)), predictBy(forward), (run) => run(work.images, 4))

  let training
  return {
    version: `jax-js ${version}`,
    how: `${how}, NCHW`,
    predict,
    forward: { count: 16, batches: [8, 16] },
    training: {
      count: trainedImages,
      async loss() {
        const steps = [adamStep(jit(update), work, input), adamStep(update, work, input)]
        const first = await steps[0]()
        const [step] = await faster(...steps, (run) => run())
        training = step
        return first
      },
      run: async () => void (await training()),
    },
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
  const loss = (values, pictures, labels) =>
    nn
      .logSoftmax(logits(values, pictures), -1)
      .mul(labels)
      .sum()
      .mul(-1 / trainedImages)
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

/** @returns a function that takes one step and returns the loss before it */
function adamStep(compute, work, input) {
  let weights = initialWeights(work)
  let means = weights.map(({ shape }) => np.zeros(shape))
  let squares = weights.map(({ shape }) => np.zeros(shape))
  let steps = 0
  return async () => {
    steps++
    const scale = np.array([(adam.rate * Math.sqrt(1 - adam.beta2 ** steps)) / (1 - adam.beta1 ** steps)])
    const labels = new Float32Array(trainedImages * classes)
    for (let i = 0; i < trainedImages; i++) labels[i * classes + work.labels[i]] = 1
    const oneHot = np.array(labels).reshape([trainedImages, classes])
    const x = input(work.images, trainedImages)
    let value
    ;[value, weights, means, squares] = compute(weights, means, squares, scale, x, oneHot)
    await blockUntilReady([weights, means, squares])
    return (await value.data())[0]
  }
}

const references = (arrays) => arrays.map((array) => array.ref)
