import { describe, expect, it } from 'vitest'
import { estimatesOf, freedomOf } from '../../../src/lime/fit/confidence.ts'
import { choose } from '../../../src/lime/fit/every-mask.ts'
import { range, SampleMoments } from '../../../src/lime/fit/moments.ts'
import { grid, LimeImageExplainer, type PredictFn, type SegmentPredictor } from '../../../src/lime/index.ts'
import { RandomState } from '../../../src/lime/random/random-state.ts'
import { pairsABlock } from '../../../src/lime/samples/balanced-masks.ts'
import { distancesByCount, distancesToFirst } from '../../../src/lime/samples/distances.ts'
import { exponentialKernel, kernelWeights } from '../../../src/lime/samples/kernel.ts'
import { sampleMasks } from '../../../src/lime/samples/sampling.ts'
import { inOneGo } from '../../../src/lime/steps.ts'
import { largestError } from '../../reference-tensors.ts'

/** Variances of weights from balanced samples, beside the same sandwich worked out with whole matrices. */

type Matrix = readonly (readonly number[])[]

const times = (a: Matrix, b: Matrix) =>
  a.map((row) => b[0].map((_, j) => row.reduce((sum, value, k) => sum + value * b[k][j], 0)))
const transposed = (a: Matrix) => a[0].map((_, j) => a.map((row) => row[j]))

/** By Gauss and Jordan. */
function inverted(a: Matrix): number[][] {
  const n = a.length
  const work = a.map((row, i) => [...row, ...range(n).map((j) => (i === j ? 1 : 0))])
  for (let c = 0; c < n; c++) {
    const pivot = range(n).reduce((best, r) => (r >= c && Math.abs(work[r][c]) > Math.abs(work[best][c]) ? r : best), c)
    ;[work[c], work[pivot]] = [work[pivot], work[c]]
    const own = work[c].map((value) => value / work[c][c])
    for (let r = 0; r < n; r++) work[r] = r === c ? own : work[r].map((value, j) => value - work[r][c] * own[j])
  }
  return work.map((row) => row.slice(n))
}

/** Of a symmetric matrix, 2 x 2 or a single number, by its eigenvectors. */
function inverseRoot(matrix: Matrix): Matrix {
  if (matrix.length === 1) return [[1 / Math.sqrt(matrix[0][0])]]
  const [[a, b], [, d]] = matrix
  const angle = Math.atan2(2 * b, a - d) / 2
  const [c, s] = [Math.cos(angle), Math.sin(angle)]
  const vectors = [
    [c, -s],
    [s, c],
  ]
  const values = [a * c * c + 2 * b * c * s + d * s * s, a * s * s - 2 * b * c * s + d * c * c]
  const roots = values.map((value, i) => [i === 0 ? 1 / Math.sqrt(value) : 0, i === 1 ? 1 / Math.sqrt(value) : 0])
  return times(times(vectors, roots), transposed(vectors))
}

function problemOf(segments: number, samples: number) {
  const masks = inOneGo(sampleMasks(new RandomState(segments + samples), samples, segments, 'balanced'))
  const weights = kernelWeights(inOneGo(distancesToFirst(masks, 'cosine')), exponentialKernel, 0.5)
  const targets = Float64Array.from({ length: samples }, (_, row) => {
    const shown = (s: number) => masks.data[row * segments + s]
    let logit = -1
    for (let s = 0; s < segments; s++)
      logit += Math.sin(s + 1) * shown(s) + 0.8 * Math.cos(3 * s) * shown(s) * shown((s + 1) % segments)
    return 1 / (1 + Math.exp(-logit))
  })
  return { masks, weights, targets }
}

describe('errors of balanced samples', () => {
  it.each([
    [5, 65, [0, 1, 2, 3, 4]],
    [9, 200, [0, 1, 2, 3, 4, 5, 6, 7, 8]],
    [9, 129, [8, 2, 5]],
    [12, 1001, [3, 0, 7, 11, 5, 1]],
    [6, 400, [5, 4, 3, 2, 1, 0]],
  ])(
    'of %d segments and %d samples are those of pairs, or of blocks where there are six',
    (segments, samples, features) => {
      const { masks, weights, targets } = problemOf(segments, samples)
      const moments = inOneGo(SampleMoments.of({ data: masks.data, rows: samples, columns: segments, weights }))
      const [estimate] = inOneGo(estimatesOf(moments, [targets], features, 1, 'balanced', true))

      const rows = range(samples - 1).map((row) => row + 1)
      const roots = rows.map((row) => Math.sqrt(weights[row]))
      const design = rows.map((row, r) =>
        [1, ...features.map((f) => masks.data[row * segments + f])].map((value) => roots[r] * value),
      )
      const inverse = inverted(times(transposed(design), design))
      const solution = times(
        inverse,
        times(
          transposed(design),
          rows.map((row, r) => [roots[r] * targets[row]]),
        ),
      )
      const residuals = rows.map(
        (row, r) => roots[r] * targets[row] - design[r].reduce((sum, value, i) => sum + value * solution[i][0], 0),
      )
      const influences = times(design, inverse)
      const blocks = Math.ceil((samples - 1) / 2) / pairsABlock(segments)
      const byBlocks = blocks >= 6
      const clusters = new Map<number, number[]>()
      for (let r = 0; r < rows.length; r += 2) {
        const own = [r, r + 1].filter((row) => row < rows.length)
        const hat = own.map((i) =>
          own.map((j) => (i === j ? 1 : 0) - influences[i].reduce((sum, value, k) => sum + value * design[j][k], 0)),
        )
        const scaled = byBlocks
          ? own.map((i) => residuals[i])
          : times(
              inverseRoot(hat),
              own.map((i) => [residuals[i]]),
            ).flat()
        const cluster = byBlocks ? Math.floor(r / 2 / pairsABlock(segments)) : r
        const sums = clusters.get(cluster) ?? features.map(() => 0)
        own.forEach((i, at) => {
          features.forEach((_, f) => {
            sums[f] += influences[i][f + 1] * scaled[at]
          })
        })
        clusters.set(cluster, sums)
      }
      const scale = byBlocks ? blocks / (blocks - 1) : 1
      const over = (from: (sums: number[], f: number) => number, count: number) =>
        Float64Array.from(
          { length: count },
          (_, f) => scale * [...clusters.values()].reduce((sum, sums) => sum + from(sums, f), 0),
        )
      const n = features.length
      expect(largestError(estimate.centres, Float64Array.from(solution.slice(1).flat()))).toBeLessThan(1e-11)
      expect(
        largestError(
          estimate.variances,
          over((sums, f) => sums[f] ** 2, n),
        ),
      ).toBeLessThan(1e-12)
      expect(
        largestError(
          estimate.neighbours,
          over((sums, f) => sums[f] * sums[f + 1], n - 1),
        ),
      ).toBeLessThan(1e-12)
      expect(Math.min(...estimate.variances)).toBeGreaterThan(1e-7)
      expect(estimate.freedom).toBe(byBlocks ? blocks - 1 : Math.floor((samples - 1) / 2) - n)
    },
  )

  it('are left open with no more pairs than segments: each pair tells of the weights once', () => {
    expect(freedomOf(33, 16, 'balanced')).toBe(0)
    expect(freedomOf(33, 16, 'plain')).toBe(15)
    const { masks, weights, targets } = problemOf(16, 33)
    const moments = inOneGo(SampleMoments.of({ data: masks.data, rows: 33, columns: 16, weights }))
    const [estimate] = inOneGo(estimatesOf(moments, [targets], range(16), 1, 'balanced'))
    expect(estimate.freedom).toBe(0)
    expect(estimate.variances.every(Number.isFinite)).toBe(true)
  })

  it('cover what three segments decide together, which makes whole blocks wrong about a fourth', async () => {
    const [segments, samples, runs] = [20, 449, 150]
    const image = { data: new Float64Array(segments).fill(1), shape: [1, segments, 1] }
    const predictor: SegmentPredictor = {
      inputShape: [1, segments, 1],
      predictBlended: async ({ masks, count }) => ({
        data: Float32Array.from({ length: count }, (_, row) => {
          const at = row * segments
          return 0.1 + 0.5 * masks[at] * masks[at + 1] * masks[at + 2]
        }),
        shape: [count, 1],
      }),
    }
    // How much masks weigh on average that show so many given segments.
    const kernel = kernelWeights(distancesByCount(segments, 'cosine'), exponentialKernel, 0.25)
    const weighed = (given: number) =>
      kernel.reduce(
        (sum, weight, shown) =>
          shown < given ? sum : sum + (weight * choose(segments - given, shown - given)) / 2 ** segments,
        0,
      )
    const unknowns = range(segments + 1)
    const shownBy = (i: number) => (i === 0 ? [] : [i - 1])
    const weighedOf = (...shown: number[][]) => weighed(new Set(shown.flat()).size)
    const limits = times(
      inverted(unknowns.map((i) => unknowns.map((j) => weighedOf(shownBy(i), shownBy(j))))),
      unknowns.map((i) => [0.1 * weighedOf(shownBy(i)) + 0.5 * weighedOf(shownBy(i), [0, 1, 2])]),
    )
    let [inside, all] = [0, 0]
    for (let randomState = 0; randomState < runs; randomState++) {
      const explanation = await new LimeImageExplainer({ randomState }).explainInstance(image, predictor, {
        segmentationFn: grid({ rows: 1, columns: segments }),
        hideColor: 0,
        labels: [1],
        randomSeed: 1,
        numSamples: samples,
        sampling: 'balanced',
      })
      for (const { segment, low, high } of explanation.intervals(1)) {
        if (segment < 3) continue
        const [limit] = limits[segment + 1]
        all++
        if (low - 1e-7 <= limit && limit <= high + 1e-7) inside++
      }
    }
    expect(all).toBe(runs * (segments - 3))
    expect(inside / all).toBeGreaterThan(0.93)
  })

  it('are finite, and around the weights, of samples that leave the limit open', async () => {
    const segments = 9
    const predict: PredictFn = ({ data, shape: [count] }) =>
      Array.from({ length: count }, (_, sample) => [
        0.5 +
          0.4 *
            Math.tanh(range(segments).reduce((sum, s) => sum + Math.sin(s + 1) * data[3 * (sample * segments + s)], 0)),
      ])
    for (const [sampling, most] of [
      ['plain', segments + 2],
      ['balanced', 2 * segments + 2],
    ] as const)
      for (const alpha of [0, 1])
        for (let numSamples = 2; numSamples <= most; numSamples++) {
          const explanation = await new LimeImageExplainer({ randomState: numSamples }).explainInstance(
            { data: new Float64Array(segments).fill(1), shape: [1, segments] },
            predict,
            {
              segmentationFn: grid({ rows: 1, columns: segments }),
              hideColor: 0,
              labels: [1],
              randomSeed: 1,
              numSamples,
              sampling,
              alpha,
            },
          )
          expect(explanation.warnings.join()).toMatch(/too few for 9 segments|next to no weight/)
          for (const { weight, low, high } of explanation.intervals(1)) {
            expect(high, `${numSamples} ${sampling} samples, alpha ${alpha}`).toBeGreaterThanOrEqual(low)
            if (alpha > 0) expect((low + high) / 2).toBeCloseTo(weight, 9)
          }
        }
  })
})
