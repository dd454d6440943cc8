/** A contender as a worker: a message in, an answer out. */
import { contender } from '../contender.mjs'

async function readBytes(path) {
  const response = await fetch(new URL(path, `${location.origin}/`))
  if (!response.ok) throw new Error(`${path}: ${response.status}`)
  return new Uint8Array(await response.arrayBuffer())
}

const answer = contender(readBytes, {
  adapterCeilings: () => import('../../src/app/benchmark/adapter-ceilings.ts'),
})

self.onmessage = async ({ data }) => self.postMessage(await answer(data))
