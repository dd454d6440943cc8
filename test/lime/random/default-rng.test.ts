import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { ArgumentError } from '../../../src/engine/errors.ts'
import { DefaultRng } from '../../../src/lime/random/default-rng.ts'
import { generateState } from '../../../src/lime/random/seed-sequence.ts'
import { heights, inside, tailStart, widths } from '../../../src/lime/random/ziggurat.ts'

interface Streams {
  seed_sequence_generate_state_4_uint64: string[]
  pcg64_initial_state: string
  pcg64_inc: string
  raw_uint64_first10: string[]
  random_10: number[]
  standard_normal_20: number[]
  standard_normal_200000_last5: number[]
  standard_normal_200000_sum: number
  standard_normal_200000_max_abs: number
  'standard_normal_200000_count_abs_above_3.6541528853610088': number
  'normal_scale_1e-5_size_3x4': number[][]
}

const reference = JSON.parse(readFileSync(new URL('../../reference/numpy-random.json', import.meta.url), 'utf8'))
const streams = Object.entries(reference.default_rng as Record<string, Streams>)

function times<T>(count: number, draw: () => T): T[] {
  return Array.from({ length: count }, draw)
}

describe.each(streams)('default_rng(%s) draws what NumPy draws', (seedText, expected) => {
  const seed = Number(seedText)
  const fresh = () => new DefaultRng(seed)

  it('the seed sequence', () => {
    const words = generateState(seed, 8)
    const longs = [0, 2, 4, 6].map((i) => String((BigInt(words[i + 1]) << 32n) | BigInt(words[i])))
    expect(longs).toEqual(expected.seed_sequence_generate_state_4_uint64)
  })

  it('64-bit words', () => {
    const rng = fresh()
    expect(times(10, () => String(rng.nextUint64()))).toEqual(expected.raw_uint64_first10)
  })

  it("PCG64's definition in big integers, from the recorded state", () => {
    const rng = fresh()
    let state = BigInt(expected.pcg64_initial_state)
    const bits = (1n << 64n) - 1n
    for (let i = 0; i < 1000; i++) {
      state = BigInt.asUintN(128, state * 0x2360ed051fc65da44385df649fccf645n + BigInt(expected.pcg64_inc))
      const mixed = (state >> 64n) ^ (state & bits)
      const rotation = state >> 122n
      const output = ((mixed >> rotation) | (mixed << (64n - rotation))) & bits
      expect(rng.nextUint64()).toBe(output)
    }
  })

  it('floats', () => {
    const rng = fresh()
    expect(times(10, () => rng.random())).toEqual(expected.random_10)
  })

  it("200,000 normals, the ziggurat's tail included", () => {
    const rng = fresh()
    const normals = times(200_000, () => rng.standardNormal())
    expect(normals.slice(0, 20)).toEqual(expected.standard_normal_20)
    expect(normals.slice(-5)).toEqual(expected.standard_normal_200000_last5)
    // NumPy sums pairwise, so the sums agree only up to rounding.
    expect(normals.reduce((sum, x) => sum + x)).toBeCloseTo(expected.standard_normal_200000_sum, 8)
    const sizes = normals.map(Math.abs)
    expect(sizes.reduce((most, x) => Math.max(most, x))).toBe(expected.standard_normal_200000_max_abs)
    expect(sizes.filter((x) => x > 3.6541528853610088).length).toBe(
      expected['standard_normal_200000_count_abs_above_3.6541528853610088'],
    )
  })

  it('scaled normals', () => {
    const rng = fresh()
    const rows = times(3, () => times(4, () => rng.normal(0, 1e-5)))
    expect(rows).toEqual(expected['normal_scale_1e-5_size_3x4'])
  })
})

describe('DefaultRng', () => {
  it('refuses seeds that are no integers from 0 on', () => {
    for (const seed of [-1, 1.5, Number.NaN, 2 ** 60]) expect(() => new DefaultRng(seed)).toThrow(ArgumentError)
  })
})

describe("the ziggurat's tables", () => {
  const edges = widths.map((width) => width * 2 ** 52)

  it('hold the edges, heights and ratios they are defined by', () => {
    expect(edges[255]).toBe(tailStart)
    for (let i = 1; i < 256; i++) expect(heights[i]).toBeCloseTo(Math.exp(-0.5 * edges[i] ** 2), 14)
    for (let i = 1; i < 255; i++) expect(inside[i + 1] / 2 ** 52).toBeCloseTo(edges[i] / edges[i + 1], 14)
  })

  it('have layers of equal area', () => {
    const area = edges[0] * heights[255]
    for (let i = 1; i < 255; i++) expect(edges[i + 1] * (heights[i] - heights[i + 1])).toBeCloseTo(area, 14)
  })
})
