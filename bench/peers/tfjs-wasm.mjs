/** TensorFlow.js on WebAssembly: XNNPACK's kernels, one thread or its own pool. */
import * as wasm from '@tensorflow/tfjs-backend-wasm'
import { network, tf } from './tfjs.mjs'
import { networkFromFile } from './tfjs-networks.mjs'

const { getThreadsCount, setThreadsCount, setWasmPaths, version_wasm: version } = wasm.default ?? wasm

export async function open(work, options) {
  await startBackend(options)
  const { predict, start } = network(work)
  return {
    ...about,
    predict,
    forward: { batches: [32, 100, 500] },
    training: await trainingIfPossible(start),
  }
}

export async function openNetwork(work, options) {
  await startBackend(options)
  return { ...about, ...(await networkFromFile(work)) }
}

const about = { version: `tfjs-backend-wasm ${version}`, how: 'XNNPACK, NHWC' }

async function startBackend({ threads, modules }) {
  setWasmPaths(`${modules}/@tensorflow/tfjs-backend-wasm/dist/`)
  // With one thread the build without threads, which has no atomics.
  if (threads === 1) tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false)
  else if (!(await tf.env().getAsync('WASM_HAS_MULTITHREAD_SUPPORT')))
    throw new Error('has threads in browsers only (tfjs issue 3830)')
  else {
    // It takes no more threads than half the cores it sees; here it shall have as many as everyone.
    Object.defineProperty(navigator, 'hardwareConcurrency', { value: 2 * threads })
    setThreadsCount(threads)
  }
  await tf.setBackend('wasm')
  await tf.ready()
  if (tf.getBackend() !== 'wasm') throw new Error('the wasm backend did not start')
  if (threads > 1 && getThreadsCount() !== threads)
    throw new Error(`asked for ${threads} threads, it runs ${getThreadsCount()}`)
}

/** It has no kernel for the gradient of a convolution's filter; asked, not assumed. */
async function trainingIfPossible(start) {
  const most = 8
  try {
    await start(most).first()
    return { most, start }
  } catch (error) {
    return { why: `cannot train convolutions: ${error.message.split('\n')[0].slice(0, 90)}` }
  }
}
