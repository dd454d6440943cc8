/** A contender as a process of Node's: a message a line on stdin, an answer a line on file descriptor 3. */
import { readFileSync, writeSync } from 'node:fs'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import v8 from 'node:v8'
import { contender } from './contender.mjs'
import { provideGPU, yieldToDriver } from './node-gpu.mjs'

// Node 20 has relaxed SIMD behind a flag, which must be set before the first module is compiled.
if (process.argv[2] === 'relaxed') v8.setFlagsFromString('--experimental-wasm-relaxed-simd')

const repository = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url))
let onWebGPU = false
const answer = contender(async (path) => new Uint8Array(readFileSync(resolve(repository(''), path))), {
  peers: { 'onnxruntime-node': () => import('./peers/onnxruntime-node.mjs') },
  async prepare({ device }) {
    onWebGPU = device === 'webgpu'
    if (onWebGPU) await provideGPU()
  },
  opened() {
    if (onWebGPU) yieldToDriver()
  },
  // Kilobytes, whatever the platform.
  peakMemory: () => process.resourceUsage().maxRSS * 1024,
  // TypeScript that is in no build of the package. Loaded late: only this needs the bundler.
  adapterCeilings: async () =>
    (await (await import('vite')).runnerImport(repository('src/app/benchmark/adapter-ceilings.ts'))).module,
})

for await (const line of createInterface({ input: process.stdin }))
  writeSync(3, `${JSON.stringify(await answer(JSON.parse(line)))}\n`)
process.exit(0)
