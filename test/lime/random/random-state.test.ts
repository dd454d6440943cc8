import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { ArgumentError } from '../../../src/engine/errors.ts'
import { RandomState } from '../../../src/lime/random/random-state.ts'

interface LegacyStreams {
  uint32_raw_first10: number[]
  random_sample_10: number[]
  randint_0_2_10: number[]
  randint_0_10000_10: number[]
  randint_0_1000_10: number[]
  normal_10: number[]
  'uniform_-1_2_10': number[]
  permutation_20: number[]
  shuffle_range20: number[]
  choice_10000_single: number
  choice_10000_size10: number[]
  randint_0_2_100000: { sum: number; last32: number[] }
  random_sample_100000_last3: number[]
  mixed_calls_one_stream: [string, number | number[]][]
}

const reference = JSON.parse(readFileSync(new URL('../../reference/numpy-random.json', import.meta.url), 'utf8'))
const streams = Object.entries(reference.RandomState as Record<string, LegacyStreams>)

function times<T>(count: number, draw: () => T): T[] {
  return Array.from({ length: count }, draw)
}

describe.each(streams)('RandomState(%s) draws what NumPy draws', (seedText, expected) => {
  const seed = Number(seedText)
  const fresh = () => new RandomState(seed)

  it('32-bit words', () => {
    const random = fresh()
    expect(times(10, () => random.nextUint32())).toEqual(expected.uint32_raw_first10)
  })

  it('randint', () => {
    expect([...fresh().randint(0, 2, 10)]).toEqual(expected.randint_0_2_10)
    expect([...fresh().randint(0, 1000, 10)]).toEqual(expected.randint_0_1000_10)
    const random = fresh()
    expect(times(10, () => random.randint(0, 10000))).toEqual(expected.randint_0_10000_10)
  })

  it('100,000 bits', () => {
    const bits = fresh().randint(0, 2, 100_000)
    expect(bits.reduce((sum, bit) => sum + bit)).toBe(expected.randint_0_2_100000.sum)
    expect([...bits.slice(-32)]).toEqual(expected.randint_0_2_100000.last32)
  })

  it('bits as bytes: the lowest of each word, wherever in a state they begin and end', () => {
    for (const [before, size] of [
      [0, 10],
      [3, 624],
      [620, 4],
      [621, 1300],
      [624, 0],
    ]) {
      const [random, words] = [fresh(), fresh()]
      for (const each of [random, words]) times(before, () => each.nextUint32())
      expect([...random.bits(size)]).toEqual(times(size, () => words.nextUint32() & 1))
      expect(random.nextUint32()).toBe(words.nextUint32())
    }
  })

  it('floats', () => {
    let random = fresh()
    expect(times(10, () => random.randomSample())).toEqual(expected.random_sample_10)
    random = fresh()
    expect(times(10, () => random.uniform(-1, 2))).toEqual(expected['uniform_-1_2_10'])
    random = fresh()
    expect(times(100_000, () => random.randomSample()).slice(-3)).toEqual(expected.random_sample_100000_last3)
  })

  it('normals', () => {
    const random = fresh()
    expect(times(10, () => random.normal())).toEqual(expected.normal_10)
  })

  it('permutations, shuffles and choices', () => {
    expect([...fresh().permutation(20)]).toEqual(expected.permutation_20)
    const items = times(20, () => 0).map((_, i) => i)
    fresh().shuffle(items)
    expect(items).toEqual(expected.shuffle_range20)
    expect(fresh().choice(10000)).toBe(expected.choice_10000_single)
    const random = fresh()
    expect(times(10, () => random.choice(10000))).toEqual(expected.choice_10000_size10)
  })

  it('different calls one after another on one stream', () => {
    const random = fresh()
    const calls: Record<string, () => unknown> = {
      'randint(0,1000)': () => random.randint(0, 1000),
      'random_sample()': () => random.randomSample(),
      'normal()': () => random.normal(),
      'randint(0,2,5)': () => [...random.randint(0, 2, 5)],
      'choice(10000)': () => random.choice(10000),
      'permutation(5)': () => [...random.permutation(5)],
    }
    const drawn = expected.mixed_calls_one_stream.map(([call]) => {
      if (!calls[call]) throw new Error(`the test does not know the call ${call}`)
      return [call, calls[call]()]
    })
    expect(drawn).toEqual(expected.mixed_calls_one_stream)
  })
})

describe('RandomState', () => {
  it("chooses the tutorial's image", () => {
    const indices = times(10000, () => 0).map((_, i) => i)
    expect(new RandomState(42).choice(indices)).toBe(reference.tutorial['RandomState(42).choice(range(10000))'])
  })

  it('restores a snapshot, the saved normal included', () => {
    const random = new RandomState(7)
    random.normal()
    const snapshot = random.snapshot()
    const first = times(1000, () => random.normal())
    expect(random.standsAt(snapshot)).toBe(false)
    random.restore(snapshot)
    expect(random.standsAt(snapshot)).toBe(true)
    expect(times(1000, () => random.normal())).toEqual(first)
  })

  it('refuses seeds and bounds that NumPy has no meaning for', () => {
    for (const seed of [-1, 0.5, 2 ** 32, Number.NaN]) expect(() => new RandomState(seed)).toThrow(ArgumentError)
    const random = new RandomState(0)
    expect(() => random.randint(3, 3)).toThrow(ArgumentError)
    expect(() => random.randint(0, 0.5)).toThrow(ArgumentError)
    expect(() => random.choice([])).toThrow(ArgumentError)
    expect(() => random.choice(0)).toThrow(ArgumentError)
    expect(() => random.permutation(-1)).toThrow(ArgumentError)
  })
})
