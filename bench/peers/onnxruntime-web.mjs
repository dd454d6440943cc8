/** ONNX Runtime on WebAssembly (MLAS kernels). It infers only: its training build has no convolution gradients for the web. */
import * as ort from 'onnxruntime-web'
import { asNumbers } from '../work.mjs'
import { tutorialModel } from './onnx-model.mjs'
import { networkOf, startSession } from './onnx-session.mjs'

export async function open(work, options) {
  const run = await start(tutorialModel(work), options)
  return {
    ...about(),
    predict: (images, count) => run(asNumbers(images, 0, count), [count, 1, 28, 28]),
    forward: { batches: [32, 100, 500] },
    training: { why: 'infers only' },
  }
}

export async function openNetwork(work, options) {
  return { ...about(), ...(await networkOf(work, (bytes) => start(bytes, options))) }
}

async function start(bytes, { threads, modules }) {
  ort.env.wasm.numThreads = threads
  if (modules.startsWith('http')) ort.env.wasm.wasmPaths = `${modules}/onnxruntime-web/dist/`
  const run = await startSession(ort, bytes, { executionProviders: ['wasm'] })
  // It falls back to fewer threads in silence where it can't start them.
  if (threads > 1 && ort.env.wasm.numThreads !== threads)
    throw new Error(`asked for ${threads} threads, it runs ${ort.env.wasm.numThreads}`)
  return run
}

const about = () => ({ version: `onnxruntime-web ${ort.env.versions.web}`, how: 'MLAS, NCHW' })
