import { readFileSync } from 'node:fs'
import { parseSafetensors, type Safetensors } from '../../src/engine/safetensors.ts'

/** A file of test/reference/, from a plain Uint8Array: a Buffer's `slice` is a view, not a copy. */
export function readReference(name: string): Safetensors {
  return parseSafetensors(new Uint8Array(readFileSync(new URL(`../reference/${name}`, import.meta.url))))
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
