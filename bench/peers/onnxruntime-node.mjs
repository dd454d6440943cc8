/** ONNX Runtime as native code, with whatever vectors the processor has: Node only. */
import * as ort from 'onnxruntime-node'
import { networkOf, startSession } from './onnx-session.mjs'

export async function openNetwork(work, { threads }) {
  const start = (bytes) => startSession(ort, bytes, { intraOpNumThreads: threads })
  return {
    version: `onnxruntime-node ${ort.env.versions.node}`,
    how: 'MLAS, native',
    ...(await networkOf(work, start)),
  }
}
