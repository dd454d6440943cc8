import seedrandom from 'seedrandom'
import { expect, it } from 'vitest'
import { LimelightError } from '../../src/engine/errors.ts'

/**
 * Input that is wrong in ways nobody thought of: made at random from seeds, so that a case that failed comes again. A case is
 * refused with a typed error, or taken and then looked at by a check that knows nothing of the code under test.
 *
 * `npm run fuzz` tries 10,000 of each kind, `npm test` a few hundred of the same. Memory is the process's own peak
 * (resourceUsage().maxRSS): how much it grew from the first case to the last.
 */

export const casesOfEach = Number(process.env.LIMELIGHT_FUZZ_CASES ?? 300)
const longestMs = 2000
const mostGrowthMB = 512

export type Random = () => number

export interface Kind {
  /** Tries a case. Throws what the code under test throws; says in words what is wrong with an answer that is none. */
  attempt(random: Random): unknown
  /** Errors of other libraries that are the right answer, too. */
  readonly isRefusal?: (error: unknown) => boolean
  /** Of all cases, at least this share is taken and at least this share refused: else nothing was tried. */
  readonly taken?: number
  readonly refused?: number
}

/** What a check found wrong with an answer: no error of ours, so that it counts as one that is not typed. */
export class WrongAnswer extends Error {}

export function must(holds: boolean, what: string): void {
  if (!holds) throw new WrongAnswer(`taken wrongly: ${what}`)
}

export function fuzz(name: string, { attempt, isRefusal = () => false, taken = 0, refused = 0.01 }: Kind): void {
  it(`${name}: refused with a typed error, or rightly taken`, { timeout: 3_600_000 }, async () => {
    const counts = { taken: 0, refused: 0 }
    const faults: string[] = []
    const before = process.resourceUsage().maxRSS
    for (let i = 0; i < casesOfEach && faults.length < 10; i++) {
      const started = process.cpuUsage()
      try {
        await attempt(seedrandom(`${name} ${i}`))
        counts.taken++
      } catch (error) {
        if (error instanceof LimelightError || isRefusal(error)) counts.refused++
        else faults.push(`case ${i}: ${error instanceof Error ? error.stack : String(error)}`)
        if (error instanceof LimelightError && error.message.length > 2000) faults.push(`case ${i}: an endless message`)
      }
      // The processor's time: a busy machine is no hang.
      const { user, system } = process.cpuUsage(started)
      const ms = (user + system) / 1000
      if (ms > longestMs) faults.push(`case ${i}: ${Math.round(ms)} ms`)
    }
    const growthMB = (process.resourceUsage().maxRSS - before) / 1024
    console.info(`${name}: ${counts.taken} taken, ${counts.refused} refused, ${Math.round(growthMB)} MB more at most`)
    expect(faults).toEqual([])
    expect(growthMB).toBeLessThan(mostGrowthMB)
    expect(counts.taken).toBeGreaterThanOrEqual(taken * casesOfEach)
    expect(counts.refused).toBeGreaterThanOrEqual(refused * casesOfEach)
  })
}

export function pick<T>(random: Random, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)]
}

export function whole(random: Random, below: number): number {
  return Math.floor(random() * below)
}

/** Values that nobody means, and some that look right. */
export function strangeValue(random: Random): unknown {
  return pick<() => unknown>(random, [
    () => undefined,
    () => null,
    () => Number.NaN,
    () => Number.POSITIVE_INFINITY,
    () => -1,
    () => -0,
    () => 0.5,
    () => whole(random, 4),
    () => whole(random, 1000),
    () => 1e9,
    () => 1e12,
    () => 2 ** 53,
    () => 1e300,
    () => 5n,
    () => Symbol('strange'),
    () => '',
    () => '5',
    () => 'abc',
    () => '1e400',
    () => 'x'.repeat(100_000),
    () => true,
    () => [],
    () => [1],
    () => [null],
    () => [1n],
    () => [1, 2, 3],
    () => new Array(5),
    () => ({}),
    () => ({ length: 1e8 }),
    () => ({ data: null, shape: null }),
    () => Object.create(null),
    () => new Map(),
    () => new Date(0),
    () => new Float64Array(3),
    () => new Int32Array(2),
    () => new BigInt64Array(2),
    () => new ArrayBuffer(8),
    () => () => undefined,
    () => () => 5,
    () => () => null,
    () => async () => [[1n]],
  ])()
}

/** A copy of bytes with some changed, cut off, put in, doubled or taken out. */
export function mutated(random: Random, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  let result = bytes.slice()
  for (let change = 0; change <= whole(random, 4); change++) {
    const at = whole(random, result.length + 1)
    const count = whole(random, 1 + Math.min(64, result.length))
    switch (whole(random, 6)) {
      case 0:
        if (at < result.length) result[at] ^= 1 << whole(random, 8)
        break
      case 1:
        if (at < result.length) result[at] = pick(random, [0, 1, 0x7f, 0x80, 0xff, whole(random, 256)])
        break
      case 2:
        result = result.slice(0, at)
        break
      case 3:
        result = joined(
          result.subarray(0, at),
          Uint8Array.from({ length: count }, () => whole(random, 256)),
          result.subarray(at),
        )
        break
      case 4:
        result = joined(result.subarray(0, at), result.subarray(Math.max(0, at - count)))
        break
      default:
        result = joined(result.subarray(0, at), result.subarray(at + count))
    }
  }
  return result
}

export function joined(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const result = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    result.set(part, at)
    at += part.length
  }
  return result
}

/** A copy of plain data in which some values are others, gone, doubled or moved. */
export function mutatedJson(random: Random, value: unknown): unknown {
  const copy: unknown = JSON.parse(JSON.stringify(value))
  for (let change = 0; change <= whole(random, 3); change++) {
    const [holder, key] = placeIn(random, copy)
    if (!holder) return plainValue(random)
    const held: unknown = Reflect.get(holder, key)
    switch (whole(random, 6)) {
      case 0:
        Reflect.set(holder, key, plainValue(random))
        break
      case 1:
        Reflect.deleteProperty(holder, key)
        break
      case 2:
        Reflect.set(
          holder,
          key,
          typeof held === 'number' ? held * pick(random, [-1, 0, 1e-300, 1.5, 2, 1e300]) : plainValue(random),
        )
        break
      case 3:
        if (Array.isArray(holder)) holder.splice(whole(random, holder.length), 1)
        break
      case 4:
        if (Array.isArray(holder)) holder.push(held)
        break
      default: {
        const [other, otherKey] = placeIn(random, copy)
        if (other) Reflect.set(holder, key, Reflect.get(other, otherKey))
      }
    }
    // What was moved into itself is no JSON any more.
    if (isCircular(copy)) return null
  }
  return copy
}

function isCircular(value: unknown): boolean {
  try {
    return JSON.stringify(value).length > 1e7
  } catch {
    return true
  }
}

function placeIn(random: Random, root: unknown): readonly [object | null, string] {
  let holder: object | null = null
  let key = ''
  let value = root
  while (typeof value === 'object' && value !== null && (holder === null || random() < 0.7)) {
    const keys = Object.keys(value)
    if (keys.length === 0) break
    holder = value
    key = pick(random, keys)
    value = Reflect.get(value, key)
  }
  return [holder, key]
}

/** Anything that JSON can hold. */
function plainValue(random: Random): unknown {
  return pick(random, [
    null,
    true,
    0,
    1,
    -1,
    0.5,
    2 ** 31,
    2 ** 53,
    1e300,
    -1e-300,
    '',
    '0',
    '1',
    '111',
    'x',
    [],
    [0],
    [[0, 0]],
    [null],
    {},
    { length: 1e8 },
    { 0: 1 },
  ])
}
