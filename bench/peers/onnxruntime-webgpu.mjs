/** ONNX Runtime on WebGPU: its own build, of which only the WebGPU provider is allowed. It infers only. */
import * as ort from 'onnxruntime-web/webgpu'
import { asNumbers } from '../work.mjs'
import { tutorialModel } from './onnx-model.mjs'

export async function open(work, { modules }) {
  const inNode = typeof process === 'object' && process.versions?.node !== undefined
  ort.env.wasm.numThreads = 1
  if (modules.startsWith('http')) ort.env.wasm.wasmPaths = `${modules}/onnxruntime-web/dist/`
  if (inNode) acceptSharedMemory()
  const session = await ort.InferenceSession.create(tutorialModel(work), { executionProviders: ['webgpu'] })
  return {
    version: `onnxruntime-web ${ort.env.versions.web}`,
    how: `WebGPU, NCHW${inNode ? ', what it writes copied out of its shared memory' : ''}`,
    async predict(images, count) {
      const x = new ort.Tensor('float32', asNumbers(images, 0, count), [count, 1, 28, 28])
      return (await session.run({ x })).probabilities.data
    },
    forward: { batches: [32, 250, 1000] },
    training: { why: 'infers only' },
  }
}

/** Its memory is a SharedArrayBuffer, which browsers take and Dawn for Node does not. */
function acceptSharedMemory() {
  const { prototype } = GPUQueue
  const { writeBuffer } = prototype
  prototype.writeBuffer = function (buffer, offset, data, start = 0, size = undefined) {
    const bytes = new Uint8Array(data.buffer ?? data, data.byteOffset ?? 0, data.byteLength)
    const unit = data.BYTES_PER_ELEMENT ?? 1
    const end = size === undefined ? bytes.length : (start + size) * unit
    // slice() copies into memory of its own.
    return writeBuffer.call(this, buffer, offset, bytes.slice(start * unit, end))
  }
}
