import { flag, oneOf, wholeNumber } from '../arguments.ts'
import { type TuningMemory, tuningMemoryGiven } from '../platform/tuning-memory.ts'

/** Which algorithm computes convolutions: 'auto' takes Winograd's where it can be used and pays. */
export const convolutionChoices = ['auto', 'direct', 'winograd'] as const
export type ConvolutionChoice = (typeof convolutionChoices)[number]

export interface CpuDeviceOptions {
  /** How many threads compute, 128 at most; all the processor has unless given, 16 at most. One where memory can't be shared. */
  readonly threads?: number
  /**
   * Multiply-adds may be rounded once, where the engine has relaxed SIMD: this is faster on many processors, but does not give
   * the same bits everywhere.
   */
  readonly relaxed?: boolean
  /** How convolutions are computed; 'auto' unless given. Winograd's error is larger, up to 1e-5 of the largest number. */
  readonly convolution?: ConvolutionChoice
  /** Where the choices that suit this machine are kept; a file or the browser's database unless given. */
  readonly tuning?: TuningMemory
}

/** Each thread takes some 9 MB, and an engine that runs out of memory ends the process. */
const mostThreads = 128

/** @internal */
export const cpuOptions = {
  threads: wholeNumber(1, mostThreads),
  relaxed: flag,
  convolution: oneOf(...convolutionChoices),
  tuning: tuningMemoryGiven,
}
