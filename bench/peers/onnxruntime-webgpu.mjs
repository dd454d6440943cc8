/** ONNX Runtime on WebGPU: its own build, of which only the WebGPU provider is allowed. It infers only. */
import * as ort from 'onnxruntime-web/webgpu'
import { asNumbers } from '../work.mjs'
import { tutorialModel } from './onnx-model.mjs'
import { networkOf, startSession } from './onnx-session.mjs'

const inNode = typeof process === 'object' && process.versions?.node !== undefined

export async function open(work, options) {
  const run = await start(tutorialModel(work), options)
  return {
    ...about(),
    predict: (images, count) => run(asNumbers(images, 0, count), [count, 1, 28, 28]),
    forward: { batches: [32, 250, 1000] },
    training: { why: 'infers only' },
  }
}

export async function openNetwork(work, options) {
  return { ...about(), ...(await networkOf(work, (bytes) => start(bytes, options))) }
}

function start(bytes, { modules }) {
  ort.env.wasm.numThreads = 1
  if (modules.startsWith('http')) ort.env.wasm.wasmPaths = `${modules}/onnxruntime-web/dist/`
  if (inNode) acceptSharedMemory()
  return startSession(ort, bytes, { executionProviders: ['webgpu'] })
}

const about = () => ({
  version: `onnxruntime-web ${ort.env.versions.web}`,
  how: `WebGPU, NCHW${inNode ? ', what it writes copied out of its shared memory' : ''}`,
})

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
