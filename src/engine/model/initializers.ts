import seedrandom from 'seedrandom'
import type { Shape } from '../tensor.ts'
import { sizeOf } from '../tensor.ts'

/** How weights begin. `random` gives numbers in [0, 1). */
export type Initializer = 'glorotUniform' | 'zeros' | 'ones'

/**
 * Glorot & Bengio (2010): uniform in ±√(6 / (fan in + fan out)), the fans of a convolution counting its window. Keras's
 * default for kernels.
 */
function glorotUniform(shape: Shape, random: () => number): Float32Array<ArrayBuffer> {
  const window = sizeOf(shape.slice(0, -2))
  const [inputs, outputs] = shape.slice(-2)
  const limit = Math.sqrt(6 / (window * (inputs + outputs)))
  const values = new Float32Array(sizeOf(shape))
  // Float32Array.from() with a function takes several times as long.
  for (let i = 0; i < values.length; i++) values[i] = (2 * random() - 1) * limit
  return values
}

export function initialize(initializer: Initializer, shape: Shape, random: () => number): Float32Array<ArrayBuffer> {
  if (initializer === 'glorotUniform') return glorotUniform(shape, random)
  return new Float32Array(sizeOf(shape)).fill(initializer === 'ones' ? 1 : 0)
}

/** A stream of numbers in [0, 1) that depends on the seed and on what it is for. */
export function seededRandom(seed: number, purpose: string): () => number {
  return seedrandom(`${purpose}:${seed}`)
}
