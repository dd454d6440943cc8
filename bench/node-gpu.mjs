/** WebGPU in Node: Dawn, from the npm package `webgpu`, in the places where a browser has it. */
import { execFileSync } from 'node:child_process'
import { availableParallelism, getPriority, setPriority } from 'node:os'

/** navigator.gpu and the interfaces (GPUDevice, GPUBufferUsage, …) as globals. The instance stays referenced: Dawn needs that. */
export async function provideGPU() {
  if (globalThis.navigator?.gpu) return
  const { create, globals } = await import('webgpu')
  Object.assign(globalThis, globals)
  // Node has a navigator from 21 on.
  globalThis.navigator ??= {
    userAgent: `Node.js/${process.versions.node.split('.')[0]}`,
    hardwareConcurrency: availableParallelism(),
  }
  Object.defineProperty(navigator, 'gpu', { value: create([]) })
}

/**
 * Dawn's main thread spins while a promise is pending, which takes a core from an adapter that computes on the processor.
 * On Linux a priority is a thread's own: lowering the main thread's, after the device is made, leaves the driver's alone.
 * In a process that was started with a low priority only the idle class is lower.
 */
export function yieldToDriver() {
  if (process.platform !== 'linux') return
  try {
    if (getPriority() > 0) execFileSync('chrt', ['--idle', '--pid', '0', String(process.pid)], { stdio: 'ignore' })
    else setPriority(19)
  } catch {
    // Without it software adapters are slower, and everyone's alike.
  }
}
