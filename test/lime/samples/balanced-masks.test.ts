import { describe, expect, it } from 'vitest'
import { grid, LimeImageExplainer, type PredictFn } from '../../../src/lime/index.ts'
import { RandomState } from '../../../src/lime/random/random-state.ts'
import { drawBalancedMasks, pairsABlock } from '../../../src/lime/samples/balanced-masks.ts'
import { sampleMasks } from '../../../src/lime/samples/sampling.ts'
import { inOneGo } from '../../../src/lime/steps.ts'

const drawn = (seed: number, rows: number, segments: number) =>
  inOneGo(drawBalancedMasks(new RandomState(seed), rows, segments))

describe('balanced masks', () => {
  it('show every three segments of a block in each of their eight combinations equally often', () => {
    for (const segments of [3, 4, 5, 8, 9, 13, 16, 17]) {
      const rows = 2 * pairsABlock(segments)
      for (let seed = 0; seed < 5; seed++) {
        const masks = drawn(seed, rows, segments)
        for (let a = 0; a < segments; a++)
          for (let b = 0; b < a; b++)
            for (let c = 0; c < b; c++) {
              const counts = new Int32Array(8)
              for (let row = 0; row < rows; row++) {
                const at = row * segments
                counts[masks[at + a] + 2 * masks[at + b] + 4 * masks[at + c]]++
              }
              expect([...new Set(counts)], `${segments} segments, seed ${seed}`).toEqual([rows / 8])
            }
      }
    }
  })

  it('come in pairs, each mask and its complement, in other blocks and orders for every seed and block', () => {
    const segments = 10
    const rows = 4 * pairsABlock(segments)
    const masks = drawn(3, rows, segments)
    for (let row = 0; row < rows; row += 2)
      for (let s = 0; s < segments; s++) expect(masks[row * segments + s] + masks[(row + 1) * segments + s]).toBe(1)
    expect(drawn(3, rows, segments)).toEqual(masks)
    expect(drawn(4, rows, segments)).not.toEqual(masks)
    const half = masks.length / 2
    expect(masks.slice(half)).not.toEqual(masks.slice(0, half))
  })

  it('are cut off where the budget ends: its first rows are those of any larger budget', () => {
    for (const rows of [0, 1, 2, 31, 32, 33, 77, 200])
      expect(drawn(1, rows, 12)).toEqual(drawn(1, 1000, 12).slice(0, rows * 12))
    const { data, shape } = inOneGo(sampleMasks(new RandomState(1), 78, 12, 'balanced'))
    expect(shape).toEqual([78, 12])
    expect(data.slice(0, 12)).toEqual(new Uint8Array(12).fill(1))
    expect(data.slice(12)).toEqual(drawn(1, 77, 12))
  })

  it('are each as likely as any other, alone and in a first part of a block', () => {
    const [segments, rows, seeds] = [4, 5, 4000]
    const counts = Array.from({ length: rows }, () => new Int32Array(2 ** segments))
    for (let seed = 0; seed < seeds; seed++) {
      const masks = drawn(seed, rows, segments)
      for (let row = 0; row < rows; row++) {
        let number = 0
        for (let s = 0; s < segments; s++) number += masks[row * segments + s] << s
        counts[row][number]++
      }
    }
    const expected = seeds / 2 ** segments
    for (const own of counts) {
      const chiSquare = own.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
      // Of 15 degrees of freedom: by chance one in 1,000 goes beyond 37.7.
      expect(chiSquare).toBeLessThan(37.7)
    }
  })

  it('find the weights of what three segments at a time decide without any error, in one block', async () => {
    // Every sample weighs the same, so that nothing but the balance of the masks counts.
    const side = 4
    const image = { data: new Float64Array(side ** 2).fill(1), shape: [side, side, 1] }
    const predict: PredictFn = ({ data, shape: [count] }) =>
      Array.from({ length: count }, (_, sample) => {
        const x = (i: number) => data[sample * side ** 2 + i]
        const p = 0.2 + 0.1 * x(0) * x(5) + 0.2 * x(1) * x(2) - 0.1 * x(3) + 0.05 * x(7)
        return [p, 1 - p]
      })
    const explained = (sampling: 'plain' | 'balanced', numSamples: number | 'exact') =>
      new LimeImageExplainer({ randomState: 4, kernel: () => 1 }).explainInstance(image, predict, {
        segmentationFn: grid({ rows: side, columns: side }),
        hideColor: 0,
        labels: [0],
        randomSeed: 1,
        alpha: 0,
        sampling,
        numSamples,
      })
    const limits = new Map([
      [0, 0.05],
      [5, 0.05],
      [1, 0.1],
      [2, 0.1],
      [3, -0.1],
      [7, 0.05],
    ])
    const errorsOf = async (sampling: 'plain' | 'balanced') => {
      const explanation = await explained(sampling, 1 + 4 * 2 * pairsABlock(side ** 2))
      return explanation
        .intervals(0)
        .map(({ segment, low, high }) => Math.abs((low + high) / 2 - (limits.get(segment) ?? 0)))
    }
    expect(Math.max(...(await errorsOf('balanced')))).toBeLessThan(1e-12)
    expect(Math.max(...(await errorsOf('plain')))).toBeGreaterThan(1e-3)
  })
})
