import { describe, expect, it } from 'vitest'
import { EveryMaskTargets, masksFrom, momentsOfEveryMask } from '../../../src/lime/fit/every-mask.ts'
import { range, SampleMoments, targetMomentsOf } from '../../../src/lime/fit/moments.ts'
import { kernelShap, sampleCoalitions, shapleyOfTables, shapleyShares } from '../../../src/lime/fit/shapley-values.ts'
import { RandomState } from '../../../src/lime/random/random-state.ts'
import { distancesByCount, distancesToFirst } from '../../../src/lime/samples/distances.ts'
import { exponentialKernel, kernelWeights } from '../../../src/lime/samples/kernel.ts'
import { extremeLogits, type LogitTables, visitEveryMask } from '../../../src/lime/samples/logit-tables.ts'
import { inOneGo } from '../../../src/lime/steps.ts'
import { largestError } from '../../reference-tensors.ts'

const everySize = [0, 1, 2, 3, 6, 9]

/** A few tables over random sets of segments. */
function randomTables(seed: number, segments: number, classes: number): LogitTables {
  const random = new RandomState(seed)
  const tables = Array.from({ length: 4 }, () => {
    const known = Array.from({ length: segments }, (_, s) => s).filter(() => random.randint(0, 2) === 1)
    return {
      segments: known,
      values: Float64Array.from({ length: 2 ** known.length * classes }, () => random.uniform(-2, 2)),
    }
  })
  return { classes, tables }
}

/** The logits of one mask of shown segments, one table after the other. */
function logitsOf({ classes, tables }: LogitTables, shown: (segment: number) => boolean): number[] {
  return Array.from({ length: classes }, (_, c) =>
    tables.reduce((sum, { segments, values }) => {
      const row = segments.reduce((bits, segment, j) => bits | (Number(shown(segment)) << j), 0)
      return sum + values[row * classes + c]
    }, 0),
  )
}

function softmax(logits: readonly number[]): number[] {
  const total = logits.reduce((sum, logit) => sum + Math.exp(logit), 0)
  return logits.map((logit) => Math.exp(logit) / total)
}

describe('every mask', () => {
  it.each(everySize)('of %d segments comes by once, with the probabilities of its tables', async (segments) => {
    const tables = randomTables(segments, segments, 3)
    let next = 0
    inOneGo(
      visitEveryMask(tables, segments, (probabilities, mask) => {
        expect(mask).toBe(next++)
        const expected = softmax(logitsOf(tables, (segment) => ((mask >> segment) & 1) === 0))
        expect(largestError(probabilities, expected)).toBeLessThan(1e-14)
      }),
    )
    expect(next).toBe(2 ** segments)
  })

  it.each(everySize)('of %d segments has the moments of a sample of them all', async (segments) => {
    const random = new RandomState(segments)
    const rows = 2 ** segments
    const data = masksFrom(0, rows, segments)
    const masks = { data, shape: [rows, segments] } as const
    const weights = kernelWeights(inOneGo(distancesToFirst(masks, 'cosine')), exponentialKernel, 0.25)
    const byCount = kernelWeights(distancesByCount(segments, 'cosine'), exponentialKernel, 0.25)
    const probabilities = Float64Array.from({ length: rows * 4 }, () => random.uniform(0, 1))
    const labels = [2, 0]
    const sums = new EveryMaskTargets(segments, byCount, labels)
    for (let row = 0; row < rows; row++) sums.add(probabilities, row * 4)
    const sampled = inOneGo(SampleMoments.of({ data, rows, columns: segments, weights }))
    const closed = momentsOfEveryMask(segments, byCount)
    expect(closed.total).toBeCloseTo(sampled.total, 10)
    expect(largestError(closed.means, sampled.means)).toBeLessThan(1e-12)
    const [gram, expectedGram] = [inOneGo(closed.gram(range(segments))), inOneGo(sampled.gram(range(segments)))]
    expect(largestError(gram, expectedGram)).toBeLessThan(1e-10)
    labels.forEach((label, index) => {
      const targets = Float64Array.from({ length: rows }, (_, row) => probabilities[row * 4 + label])
      const expected = inOneGo(targetMomentsOf(sampled, targets))
      const actual = sums.target(index, closed)
      expect(actual.mean).toBeCloseTo(expected.mean, 12)
      expect(largestError(actual.products, expected.products)).toBeLessThan(1e-11)
      expect(Math.abs(actual.square - expected.square)).toBeLessThan(1e-11)
    })
  })
})

describe('Shapley values', () => {
  /** By their definition: the mean over all orders of what a segment adds. */
  function byOrders(segments: number, value: (shown: ReadonlySet<number>) => number): number[] {
    const sums = new Array<number>(segments).fill(0)
    let orders = 0
    const visit = (order: readonly number[]) => {
      if (order.length === segments) {
        orders++
        const shown = new Set<number>()
        let before = value(shown)
        for (const segment of order) {
          shown.add(segment)
          const after = value(shown)
          sums[segment] += after - before
          before = after
        }
        return
      }
      for (let s = 0; s < segments; s++) if (!order.includes(s)) visit([...order, s])
    }
    visit([])
    return sums.map((sum) => sum / orders)
  }

  it.each([1, 2, 3, 5])('of tables are the means over all orders of %d segments, and add up', (segments) => {
    const tables = randomTables(7 + segments, segments, 2)
    const values = shapleyOfTables(tables, segments)
    for (const c of [0, 1]) {
      const expected = byOrders(segments, (shown) => logitsOf(tables, (segment) => shown.has(segment))[c])
      const own = expected.map((_, segment) => values[segment * 2 + c])
      expect(largestError(own, expected)).toBeLessThan(1e-12)
      const whole = extremeLogits(tables, true)[c] - extremeLogits(tables, false)[c]
      expect(own.reduce((sum, value) => sum + value, 0)).toBeCloseTo(whole, 12)
    }
  })

  it('are sums over all masks by their shares', () => {
    const segments = 4
    const random = new RandomState(1)
    const worth = Array.from({ length: 16 }, () => random.uniform(0, 1))
    const { within, without } = shapleyShares(segments)
    const expected = byOrders(segments, (shown) => worth[[...shown].reduce((bits, s) => bits | (1 << s), 0)])
    for (let s = 0; s < segments; s++) {
      const value = worth.reduce((sum, v, mask) => {
        const shown = [0, 1, 2, 3].filter((i) => (mask >> i) & 1).length
        return sum + v * ((mask >> s) & 1 ? within[shown] : -without[shown])
      }, 0)
      expect(value).toBeCloseTo(expected[s], 12)
    }
  })

  it('are found by KernelSHAP: exactly of a sum, closely of anything, always adding up', async () => {
    const segments = 5
    const random = new RandomState(2)
    const worth = Array.from({ length: 32 }, () => random.uniform(0, 1))
    const masks = inOneGo(sampleCoalitions(random, 40_000, segments))
    const maskOf = (row: number) => [0, 1, 2, 3, 4].reduce((bits, s) => bits | (masks.data[row * segments + s] << s), 0)
    expect(maskOf(0)).toBe(31)
    expect(maskOf(1)).toBe(0)
    const answers = (value: (mask: number) => number) =>
      Float64Array.from({ length: masks.shape[0] }, (_, row) => value(maskOf(row)))
    const solve = inOneGo(kernelShap(masks))
    const additive = inOneGo(solve(answers((mask) => 3 + (mask & 1 ? 2 : 0) - (mask & 8 ? 1 : 0))))
    expect(largestError(additive, [2, 0, 0, -1, 0])).toBeLessThan(1e-10)
    const found = inOneGo(solve(answers((mask) => worth[mask])))
    const expected = byOrders(segments, (shown) => worth[[...shown].reduce((bits, s) => bits | (1 << s), 0)])
    expect(largestError(found, expected)).toBeLessThan(0.01)
    expect(found.reduce((sum, value) => sum + value, 0)).toBeCloseTo(worth[31] - worth[0], 10)
  })
})
