/** The tutorial's network in TensorFlow.js's operations: what tfjs-wasm.mjs and tfjs-cpu.mjs have in common. */
import * as core from '@tensorflow/tfjs-core'
// Registers the operations' gradients, which core leaves out.
import '@tensorflow/tfjs-layers'
import { asNumbers, classes, keras } from '../work.mjs'

/** In Node the package is CommonJS. */
export const tf = core.default ?? core

export function network(work) {
  const { convolutions, dense } = keras(work)
  const variable = ({ shape, data }) => tf.variable(tf.tensor(data, shape))
  const layers = convolutions.map(({ kernel, bias }) => ({ filter: variable(kernel), bias: variable(bias) }))
  const last = { kernel: variable(dense.kernel), bias: variable(dense.bias) }

  /** [N, 28, 28, 1] -> [N, 10] */
  function logits(x) {
    for (const { filter, bias } of layers)
      x = tf.fused.conv2d({ x, filter, strides: 1, pad: 'same', bias, activation: 'relu' })
    return tf.fused.matMul({ a: tf.reshape(x, [x.shape[0], -1]), b: last.kernel, bias: last.bias })
  }

  const input = (images, count) => tf.tensor4d(asNumbers(images, 0, count), [count, 28, 28, 1])

  async function predict(images, count) {
    const result = tf.tidy(() => tf.softmax(logits(input(images, count))))
    const probabilities = await result.data()
    result.dispose()
    return probabilities
  }

  function training(count) {
    const optimizer = tf.train.adam()
    async function step() {
      const loss = optimizer.minimize(() => {
        const labels = tf.oneHot(tf.tensor1d(Int32Array.from(work.labels.subarray(0, count)), 'int32'), classes)
        return tf.losses.softmaxCrossEntropy(labels, logits(input(work.images, count)))
      }, true)
      const [value] = await loss.data()
      loss.dispose()
      return value
    }
    return { count, loss: step, run: async () => void (await step()) }
  }

  return { predict, training }
}
