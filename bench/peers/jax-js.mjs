/** jax-js on WebAssembly, jitted; Adam as in its documentation, written with its operations. `x.ref` keeps x alive. */
import { blockUntilReady, defaultDevice, init, jit, lax, nn, numpy as np, valueAndGrad } from '@jax-js/jax'
import { asNumbers, channelsFirst, classes } from '../work.mjs'

const version = '0.1.25'

export async function open(work, { threads }) {
  // It takes all threads there are.
  if (threads > 1 && typeof Worker === 'undefined') throw new Error('has threads in browsers only')
  if (typeof navigator === 'object') Object.defineProperty(navigator, 'hardwareConcurrency', { value: threads })
  await init('wasm')
  defaultDevice('wasm')

  const array = ({ shape, data }) => np.array(data.slice()).reshape(shape)
  const { convolutions, dense } = channelsFirst(work)
  const initial = () => [
    ...convolutions.flatMap(({ kernel, bias }) => [array(kernel), array({ ...bias, shape: [1, bias.shape[0], 1, 1] })]),
    array(dense.kernel),
    array(dense.bias),
  ]

  /** x [N, 1, 28, 28] -> [N, 10]; takes ownership of both. */
  function logits(weights, x) {
    const count = x.shape[0]
    for (let i = 0; i < 6; i += 2)
      x = nn.relu(lax.convGeneralDilated(x, weights[i], [1, 1], 'SAME').add(weights[i + 1]))
    return np.matmul(x.reshape([count, 12544]), weights[6]).add(weights[7])
  }

  const forward = jit((weights, x) => nn.softmax(logits(weights, x), -1))
  const kept = initial()
  const input = (images, count) => np.array(asNumbers(images, 0, count)).reshape([count, 1, 28, 28])

  return {
    version: `jax-js ${version}`,
    how: 'jit, NCHW',
    predict: (images, count) => forward(references(kept), input(images, count)).data(),
    forward: { count: 16, batches: [16] },
    training: training(4),
  }

  function training(count) {
    const loss = (weights, x, oneHot) =>
      nn
        .logSoftmax(logits(weights, x), -1)
        .mul(oneHot)
        .sum()
        .mul(-1 / count)
    const [rate, beta1, beta2, epsilon] = [1e-3, 0.9, 0.999, 1e-7]
    const adamStep = jit((weights, means, squares, scale, x, oneHot) => {
      const [value, gradients] = valueAndGrad(loss)(references(weights), x, oneHot)
      const newMeans = means.map((mean, i) => mean.mul(beta1).add(gradients[i].ref.mul(1 - beta1)))
      const newSquares = squares.map((square, i) => square.mul(beta2).add(np.square(gradients[i]).mul(1 - beta2)))
      const newWeights = weights.map((weight, i) =>
        weight.sub(newMeans[i].ref.mul(scale.ref).div(np.sqrt(newSquares[i].ref).add(epsilon))),
      )
      scale.dispose()
      return [value, newWeights, newMeans, newSquares]
    })
    let weights = initial()
    let means = weights.map(({ shape }) => np.zeros(shape))
    let squares = weights.map(({ shape }) => np.zeros(shape))
    let steps = 0
    async function step() {
      steps++
      const scale = np.array([(rate * Math.sqrt(1 - beta2 ** steps)) / (1 - beta1 ** steps)])
      const x = input(work.images, count)
      const labels = new Float32Array(count * classes)
      for (let i = 0; i < count; i++) labels[i * classes + work.labels[i]] = 1
      const oneHot = np.array(labels).reshape([count, classes])
      let value
      ;[value, weights, means, squares] = adamStep(weights, means, squares, scale, x, oneHot)
      await blockUntilReady([weights, means, squares])
      return (await value.data())[0]
    }
    return { count, loss: step, run: async () => void (await step()) }
  }
}

const references = (arrays) => arrays.map((array) => array.ref)
