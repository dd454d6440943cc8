import { apply, type Operation, type Shape, sizeOf, type Tensor } from '../tensor.ts'

/**
 * Uniform random numbers in [0, 1) without a state: element i of run `position` is a hash of (seed, position, i), so every
 * device draws the same ones, in any order, and a step can be repeated. 24 bits: exact in f32.
 */
interface RandomAttributes extends Readonly<Record<string, number | readonly number[]>> {
  readonly shape: Shape
  readonly seed: number
}

export const randomOperation: Operation<RandomAttributes> = {
  name: 'random',
  inputNames: ['position'],
  infer: (_inputs, { shape }) => ({ shape, dtype: 'f32' }),
  gradient: () => [null],
  reference([position], y, { seed }) {
    const stream = randomStream(seed, position.data[0])
    for (let i = 0; i < y.data.length; i++) y.data[i] = (pcgHash(i ^ stream) >>> 8) / 0x1000000
  },
  flops: (_inputs, y) => 8 * sizeOf(y.shape),
}

/** The PCG hash (Jarzynski & Olano, "Hash Functions for GPU Rendering", JCGT 2020): u32 -> u32, in wrapping arithmetic. */
export function pcgHash(value: number): number {
  const state = (Math.imul(value, 747796405) + 2891336453) >>> 0
  const word = Math.imul((state >>> ((state >>> 28) + 4)) ^ state, 277803737) >>> 0
  return ((word >>> 22) ^ word) >>> 0
}

/** What distinguishes the numbers of one seed and one run; xor-ed into the index before hashing. */
export function randomStream(seed: number, position: number): number {
  return pcgHash((seed + pcgHash(position)) >>> 0)
}

/** Uniform numbers in [0, 1) of `shape`; another draw for every value of the i32 scalar `position` [1]. */
export function random(position: Tensor, shape: Shape, seed: number): Tensor {
  return apply(randomOperation, [position], { shape, seed: seed >>> 0 })
}
