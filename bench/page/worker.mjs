/** A contender as a worker: a message in, an answer out. */
import { contender } from '../contender.mjs'
import { loadWork } from '../work.mjs'

async function readBytes(path) {
  const response = await fetch(`/${path}`)
  if (!response.ok) throw new Error(`${path}: ${response.status}`)
  return new Uint8Array(await response.arrayBuffer())
}

const peers = {
  ours: () => import('../peers/ours.mjs'),
  'tfjs-wasm': () => import('../peers/tfjs-wasm.mjs'),
  'tfjs-cpu': () => import('../peers/tfjs-cpu.mjs'),
  'tfjs-webgpu': () => import('../peers/tfjs-webgpu.mjs'),
  'onnxruntime-web': () => import('../peers/onnxruntime-web.mjs'),
  'onnxruntime-webgpu': () => import('../peers/onnxruntime-webgpu.mjs'),
  'jax-js': () => import('../peers/jax-js.mjs'),
}
const answer = contender(() => loadWork(readBytes), peers, {
  adapterCeilings: () => import('../../src/app/benchmark/adapter-ceilings.ts'),
})

self.onmessage = async ({ data }) => self.postMessage(await answer(data))
