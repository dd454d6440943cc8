/** TensorFlow.js on WebGPU. */
import * as webgpu from '@tensorflow/tfjs-backend-webgpu'
import { network, tf } from './tfjs.mjs'

// The package does not say.
const version = '4.22.0'

export async function open(work) {
  if (!(await tf.setBackend('webgpu'))) throw new Error('the webgpu backend did not start')
  await tf.ready()
  const { WebGPUBackend } = webgpu.default ?? webgpu
  if (!(tf.backend() instanceof WebGPUBackend)) throw new Error('the webgpu backend did not start')
  const { predict, start, startConvolution } = network(work)
  return {
    version: `tfjs-backend-webgpu ${version}`,
    how: 'WebGPU, NHWC',
    predict,
    forward: { batches: [32, 250, 1000] },
    training: { start },
    convolution: { start: startConvolution },
  }
}
