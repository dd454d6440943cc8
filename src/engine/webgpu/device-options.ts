import { flag } from '../arguments.ts'
import { type TuningMemory, tuningMemoryGiven } from '../platform/tuning-memory.ts'

export interface WebGPUOptions {
  /** Take a software adapter where there is no other; true unless given. */
  readonly allowFallbackAdapter?: boolean
  /**
   * Predict and explain with 16-bit products in convolutions, where the adapter has `shader-f16`; false unless given. Some
   * GPUs are twice as fast so. Probabilities differ in their third digit; inputs and activations must stay below 65,504. Training
   * is never concerned. `info.halfPrecision` says whether it is so.
   */
  readonly halfPrecision?: boolean
  /** Where the choices of tune() are kept; a file in Node, IndexedDB in browsers unless given. */
  readonly tuningMemory?: TuningMemory
}

/** @internal */
export const webgpuOptions = {
  allowFallbackAdapter: flag,
  halfPrecision: flag,
  tuningMemory: tuningMemoryGiven,
}
