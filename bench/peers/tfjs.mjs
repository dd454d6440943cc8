/** The tutorial's network in TensorFlow.js's operations: what tfjs-webgpu.mjs, tfjs-wasm.mjs and tfjs-cpu.mjs have in common. */
import * as core from '@tensorflow/tfjs-core'
// Registers the operations' gradients, which core leaves out.
import '@tensorflow/tfjs-layers'
import { asNumbers, classes, convolutionInput, convolutionShape, keras } from '../work.mjs'

/** In Node the package is CommonJS. */
export const tf = core.default ?? core

export function network(work) {
  function variables() {
    const { convolutions, dense } = keras(work)
    const variable = ({ shape, data }) => tf.variable(tf.tensor(data, shape))
    const layers = convolutions.map(({ kernel, bias }) => ({ filter: variable(kernel), bias: variable(bias) }))
    return { layers, last: { kernel: variable(dense.kernel), bias: variable(dense.bias) } }
  }

  const convolve = ({ filter, bias }, x) =>
    tf.fused.conv2d({ x, filter, strides: 1, pad: 'same', bias, activation: 'relu' })

  /** [N, 28, 28, 1] -> [N, 10] */
  function logits({ layers, last }, x) {
    for (const layer of layers) x = convolve(layer, x)
    return tf.fused.matMul({ a: tf.reshape(x, [x.shape[0], -1]), b: last.kernel, bias: last.bias })
  }

  const input = (images, count) => tf.tensor4d(asNumbers(images, 0, count), [count, 28, 28, 1])
  const weights = variables()

  async function predict(images, count) {
    const result = tf.tidy(() => tf.softmax(logits(weights, input(images, count))))
    const probabilities = await result.data()
    result.dispose()
    return probabilities
  }

  /** The batch stays where it is computed on, which spares tfjs the gathering that ours does. The last loss is read. */
  function start(count) {
    const optimizer = tf.train.adam()
    const trained = variables()
    const x = input(work.images, count)
    const labels = tf.oneHot(tf.tensor1d(Int32Array.from(work.labels.subarray(0, count)), 'int32'), classes)
    const varList = [...trained.layers.flatMap(({ filter, bias }) => [filter, bias]), ...Object.values(trained.last)]
    async function steps(many) {
      let loss
      for (let i = 0; i < many; i++) {
        loss?.dispose()
        loss = optimizer.minimize(() => tf.losses.softmaxCrossEntropy(labels, logits(trained, x)), true, varList)
      }
      const [value] = await loss.data()
      loss.dispose()
      return value
    }
    return { first: () => steps(1), run: async (many) => void (await steps(many)) }
  }

  /** The second layer alone; what it is given stays where it is computed on. */
  function startConvolution(count) {
    const x = tf.tensor4d(convolutionInput(count), [count, ...convolutionShape])
    const once = () => convolve(weights.layers[1], x)
    return {
      async first() {
        const y = once()
        const values = await y.data()
        y.dispose()
        return values
      },
      async run(times) {
        let y
        for (let i = 0; i < times; i++) {
          y?.dispose()
          y = once()
        }
        // One number: to wait.
        const number = tf.slice(y, [0, 0, 0, 0], [1, 1, 1, 1])
        await number.data()
        tf.dispose([y, number])
      },
    }
  }

  return { predict, start, startConvolution }
}
