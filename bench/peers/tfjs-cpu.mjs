/** TensorFlow.js in plain JavaScript. So slow that it gets a little of the work; rates are compared. */
import * as cpu from '@tensorflow/tfjs-backend-cpu'
import { network, tf } from './tfjs.mjs'

const { version_cpu: version } = cpu.default ?? cpu

export async function open(work) {
  await tf.setBackend('cpu')
  await tf.ready()
  const { predict, start } = network(work)
  return {
    version: `tfjs-backend-cpu ${version}`,
    how: 'plain JavaScript',
    predict,
    forward: { most: 8, batches: [8] },
    training: { most: 1, start },
  }
}
