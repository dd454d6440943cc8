/** TensorFlow.js on WebGPU. */
import * as webgpu from '@tensorflow/tfjs-backend-webgpu'
import { network, tf } from './tfjs.mjs'
import { networkFromFile } from './tfjs-networks.mjs'

// The package does not say.
const version = '4.22.0'

const about = { version: `tfjs-backend-webgpu ${version}`, how: 'WebGPU, NHWC' }

export async function open(work) {
  await startBackend()
  const { predict, start, startConvolution } = network(work)
  return {
    ...about,
    predict,
    forward: { batches: [32, 250, 1000] },
    training: { start },
    convolution: { start: startConvolution },
  }
}

export async function openNetwork(work) {
  await startBackend()
  return { ...about, ...(await networkFromFile(work)) }
}

async function startBackend() {
  if (!(await tf.setBackend('webgpu'))) throw new Error('the webgpu backend did not start')
  await tf.ready()
  const { WebGPUBackend } = webgpu.default ?? webgpu
  if (!(tf.backend() instanceof WebGPUBackend)) throw new Error('the webgpu backend did not start')
}
