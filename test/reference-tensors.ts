import type { Safetensors, StoredTensor } from '../src/engine/formats/safetensors.ts'

/** A tensor that the test can't do without. */
export function tensorOf(file: Safetensors, name: string): StoredTensor {
  const tensor = file.tensors.get(name)
  if (!tensor) throw new Error(`the reference file has no tensor ${name}`)
  return tensor
}

/** The largest difference, relative to the expected value where that is larger than 1. */
export function largestError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY
  let worst = 0
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(actual[i] - expected[i]) / Math.max(1, Math.abs(expected[i]))
    if (!(error <= worst)) worst = Number.isNaN(error) ? Number.POSITIVE_INFINITY : error
  }
  return worst
}
