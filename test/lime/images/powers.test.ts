import { describe, expect, it } from 'vitest'
import { cubeRoot, sRgbPower } from '../../../src/lime/images/powers.ts'
import { RandomState } from '../../../src/lime/index.ts'

const one = 1n << 200n

/** A number in units of 2^-200; exactly, where it is no smaller than 2^-147. */
const fixed = (x: number) => BigInt(x * 2 ** 147) << 53n
const float = (x: bigint) => Number(x) / 2 ** 200
const times = (a: bigint, b: bigint) => (a * b) >> 200n

/** ln x = 2 artanh((x - 1) / (x + 1)) as a series. */
function logarithm(x: bigint): bigint {
  const ratio = ((x - one) << 200n) / (x + one)
  let sum = 0n
  for (let n = 1n, power = ratio; power / n !== 0n; n += 2n, power = times(times(power, ratio), ratio)) sum += power / n
  return 2n * sum
}

function exponential(x: bigint): bigint {
  let sum = one
  for (let n = 1n, term = x; term !== 0n && term !== -1n; n++, term = times(term, x) / n) sum += term
  return sum
}

/** Where the curve of sRGB takes a power, of values in [0, 1]. */
const base = (value: number) => (value + 0.055) / 1.055

describe('sRgbPower', () => {
  const rounded = (x: number) => float(exponential(times(fixed(2.4), logarithm(fixed(x)))))

  it('is the number nearest to x ** 2.4, for all bytes', () => {
    for (let byte = 11; byte < 256; byte++) expect(sRgbPower(base(byte / 255))).toBe(rounded(base(byte / 255)))
  })

  it('and for what is between them', () => {
    const random = new RandomState(3)
    for (let i = 0; i < 1000; i++) {
      const x = base(random.uniform(0.04, 1.1))
      expect(sRgbPower(x)).toBe(rounded(x))
    }
  })

  it('ends where numbers do', () => {
    expect([1, 1e200, Number.POSITIVE_INFINITY].map(sRgbPower)).toEqual([
      1,
      Number.POSITIVE_INFINITY,
      Number.POSITIVE_INFINITY,
    ])
  })
})

describe('cubeRoot', () => {
  const values = (random: RandomState) =>
    Array.from({ length: 100_000 }, (_, i) =>
      i % 2 === 0 ? random.uniform(0.008856, 1.1) : 10 ** random.uniform(-300, 300),
    )

  it("has V8's bits", () => {
    for (const x of [...values(new RandomState(1)), 1, 8, 1e-300, Number.MAX_VALUE, Number.POSITIVE_INFINITY])
      expect(cubeRoot(x)).toBe(Math.cbrt(x))
  })

  it('is within a unit of the last digit', () => {
    for (const x of values(new RandomState(2)).filter((value) => value > 0.001 && value < 2)) {
      const root = cubeRoot(x)
      const cube = (value: number) => times(times(fixed(value), fixed(value)), fixed(value))
      expect(cube(root * (1 - 2 ** -52)) <= fixed(x) && fixed(x) <= cube(root * (1 + 2 ** -52))).toBe(true)
    }
  })
})
