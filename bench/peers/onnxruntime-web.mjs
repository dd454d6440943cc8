/** ONNX Runtime on WebAssembly (MLAS kernels). It infers only: its training build has no convolution gradients for the web. */
import * as ort from 'onnxruntime-web'
import { asNumbers } from '../work.mjs'
import { tutorialModel } from './onnx-model.mjs'

export async function open(work, { threads, modules }) {
  ort.env.wasm.numThreads = threads
  if (modules.startsWith('http')) ort.env.wasm.wasmPaths = `${modules}/onnxruntime-web/dist/`
  const session = await ort.InferenceSession.create(tutorialModel(work), { executionProviders: ['wasm'] })
  // It falls back to fewer threads in silence where it can't start them.
  if (threads > 1 && ort.env.wasm.numThreads !== threads)
    throw new Error(`asked for ${threads} threads, it runs ${ort.env.wasm.numThreads}`)
  return {
    version: `onnxruntime-web ${ort.env.versions.web}`,
    how: 'MLAS, NCHW',
    async predict(images, count) {
      const x = new ort.Tensor('float32', asNumbers(images, 0, count), [count, 1, 28, 28])
      return (await session.run({ x })).probabilities.data
    },
    forward: { batches: [32, 100, 500] },
    training: { why: 'infers only' },
  }
}
