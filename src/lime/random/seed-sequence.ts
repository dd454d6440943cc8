import { ArgumentError } from '../../engine/errors.ts'

/**
 * NumPy's SeedSequence (after O'Neill's seed_seq_fe, 2015): spreads one integer over a pool of four 32-bit words so that
 * neighbouring seeds give unrelated streams.
 */

const poolWords = 4

/** One running multiplier: each use of hash() moves it on. */
function hasher(start: number, factor: number): (value: number) => number {
  let multiplier = start
  return (value) => {
    const mixed = value ^ multiplier
    multiplier = Math.imul(multiplier, factor)
    const product = Math.imul(mixed, multiplier)
    return (product ^ (product >>> 16)) >>> 0
  }
}

function mix(x: number, y: number): number {
  const mixed = Math.imul(0xca01f9dd, x) - Math.imul(0x4973f715, y)
  return (mixed ^ (mixed >>> 16)) >>> 0
}

/**
 * `SeedSequence(seed).generate_state(count)` as 32-bit words.
 * @param seed an integer in [0, 2^53)
 * @throws ArgumentError for any other seed
 */
export function generateState(seed: number, count: number): Uint32Array {
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new ArgumentError(`the seed must be an integer from 0 to 2^53 - 1, not ${seed}`)
  const entropy = [seed >>> 0, Math.floor(seed / 2 ** 32)]

  const absorb = hasher(0x43b0d7e5, 0x931e8875)
  const pool = Uint32Array.from({ length: poolWords }, (_, i) => absorb(entropy[i] ?? 0))
  for (let from = 0; from < poolWords; from++)
    for (let to = 0; to < poolWords; to++) if (from !== to) pool[to] = mix(pool[to], absorb(pool[from]))

  const emit = hasher(0x8b51f9dd, 0x58f38ded)
  return Uint32Array.from({ length: count }, (_, i) => emit(pool[i % poolWords]))
}
