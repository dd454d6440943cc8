import { isNode, nodeModule } from '../platform/node-module.ts'
import { ModuleBuilder } from '../wasm/emitter.ts'

/**
 * Relaxed SIMD (https://github.com/WebAssembly/relaxed-simd): multiply-adds in one instruction, 1.4 to 1.6 times as many a
 * second. Whether they are rounded once is up to the machine, so results may differ from one machine to another.
 */
export function hasRelaxedSimd(): boolean {
  if (validates()) return true
  if (!isNode) return false
  // Node 20 and 21 have it behind a flag, which counts for modules compiled from here on, in workers that start later, too.
  nodeModule('node:v8').setFlagsFromString('--experimental-wasm-relaxed-simd')
  return validates()
}

function validates(): boolean {
  const probe = new ModuleBuilder({ relaxed: true })
  probe.function('probe', ['i32'], (body, address) => {
    const value = body.local('v128')
    body.store(address, body.multiplyAdd(value, value, value))
  })
  return WebAssembly.validate(probe.encode())
}
