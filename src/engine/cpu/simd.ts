import { ModuleBuilder } from '../wasm/emitter.ts'

/** WebAssembly SIMD: in all browsers since 2023, unless WebAssembly is switched off (Safari's Lockdown Mode). */
export function hasSimd(): boolean {
  if (typeof WebAssembly === 'undefined') return false
  const probe = new ModuleBuilder()
  probe.function('probe', [], (body) => void body.local('v128'))
  return WebAssembly.validate(probe.encode())
}
