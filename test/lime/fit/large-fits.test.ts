import { afterEach, describe, expect, it, vi } from 'vitest'
import { factorPositive } from '../../../src/lime/fit/cholesky.ts'
import { estimatesOf } from '../../../src/lime/fit/confidence.ts'
import {
  bitsOfFeatures,
  bitsOfSamples,
  sharedOnes,
  sumRowsAtOnes,
  weightsOfPairs,
} from '../../../src/lime/fit/mask-products.ts'
import { range, SampleMoments, targetMomentsOf } from '../../../src/lime/fit/moments.ts'
import { ridge } from '../../../src/lime/fit/ridge.ts'
import { fitSurrogate } from '../../../src/lime/fit/surrogate.ts'
import { grid, LimeImageExplainer, type PredictFn, ShapleyImageExplainer } from '../../../src/lime/index.ts'
import { RandomState } from '../../../src/lime/random/random-state.ts'
import { inOneGo } from '../../../src/lime/steps.ts'
import { largestError } from '../../reference-tensors.ts'

/** The linear algebra that fits of many segments rest on, and that they can be stopped. */

function problemOf(seed: number, rows: number, columns: number) {
  const random = new RandomState(seed)
  const data = Uint8Array.from(random.randint(0, 2, rows * columns)).fill(1, 0, columns)
  const weights = Float64Array.from({ length: rows }, () => random.uniform(0.1, 1))
  const targets = Float64Array.from({ length: rows }, () => random.uniform(0, 1))
  return { data, rows, columns, weights, targets }
}

/** [n, n] of rank at most `rank`. */
function positive(seed: number, n: number, rank: number): Float64Array {
  const random = new RandomState(seed)
  const half = Array.from({ length: n }, () => Array.from({ length: rank }, () => random.normal()))
  return Float64Array.from({ length: n * n }, (_, at) =>
    half[Math.floor(at / n)].reduce((sum, value, k) => sum + value * half[at % n][k], 0),
  )
}

function product(a: Float64Array, b: Float64Array, n: number): Float64Array {
  return Float64Array.from({ length: n * n }, (_, at) =>
    range(n).reduce((sum, k) => sum + a[Math.floor(at / n) * n + k] * b[k * n + (at % n)], 0),
  )
}

const sizes = [1, 2, 3, 4, 5, 7, 8, 9, 17, 30]

describe('tiled Cholesky', () => {
  it.each(sizes)('of %d unknowns solves and inverts', async (n) => {
    const matrix = positive(n, n, n + 3)
    const factor = inOneGo(factorPositive(matrix.slice(), n))
    const inverse = inOneGo(factor.inverse())
    const unit = Float64Array.from({ length: n * n }, (_, at) => Number(Math.floor(at / n) === at % n))
    expect(largestError(product(matrix, inverse, n), unit)).toBeLessThan(1e-9)
    const random = new RandomState(n)
    const solution = Float64Array.from({ length: n }, () => random.normal())
    const right = solution.map((_, i) => range(n).reduce((sum, k) => sum + matrix[i * n + k] * solution[k], 0))
    expect(largestError(factor.solve(right), solution)).toBeLessThan(1e-9)
  })

  it.each([
    [5, 3],
    [9, 1],
    [12, 7],
    [6, 0],
  ])('of %d unknowns and rank %d has the inverse of Moore and Penrose', async (n, rank) => {
    const matrix = positive(n, n, rank)
    const factor = inOneGo(factorPositive(matrix.slice(), n))
    const inverse = inOneGo(factor.inverse())
    expect(largestError(product(product(matrix, inverse, n), matrix, n), matrix)).toBeLessThan(1e-9)
    expect(largestError(product(product(inverse, matrix, n), inverse, n), inverse)).toBeLessThan(1e-9)
    for (const both of [product(matrix, inverse, n), product(inverse, matrix, n)])
      for (const i of range(n)) for (const j of range(n)) expect(both[i * n + j]).toBeCloseTo(both[j * n + i], 9)
  })
})

describe('sums over masks by their bits', () => {
  it.each([
    [1, 1],
    [7, 3],
    [64, 9],
    [65, 33],
    [200, 70],
  ])('of %d samples and %d columns are those of plain loops', async (rows, columns) => {
    const { data, weights } = problemOf(rows, rows, columns)
    const features = range(columns).filter((i) => i % 3 !== 1)
    const n = features.length
    const hides = (row: number, i: number) => 1 - data[row * columns + features[i]]
    const over = (count: number, term: (k: number) => number) => range(count).reduce((sum, k) => sum + term(k), 0)
    const byFeature = inOneGo(bitsOfFeatures(data, rows, columns, features))
    const pairs = range(n * n).map((at) =>
      over(rows, (row) => weights[row] * hides(row, Math.floor(at / n)) * hides(row, at % n)),
    )
    expect(largestError(inOneGo(weightsOfPairs(byFeature, weights)), pairs)).toBeLessThan(1e-11)
    const bySample = inOneGo(bitsOfSamples(data, rows, columns, features))
    const shared = range(rows * rows).map((at) => over(n, (i) => hides(Math.floor(at / rows), i) * hides(at % rows, i)))
    expect([...inOneGo(sharedOnes(bySample))]).toEqual(shared)
    const width = 131
    const random = new RandomState(1)
    const matrix = Float64Array.from({ length: rows * width }, () => random.normal())
    let visited = 0
    inOneGo(
      sumRowsAtOnes(byFeature, matrix, width, (first, sums) => {
        expect(first).toBe(visited)
        for (let at = 0; at < sums.length; at += width) {
          const i = visited++
          const expected = range(width).map((c) => over(rows, (row) => hides(row, i) * matrix[row * width + c]))
          expect(largestError(sums.subarray(at, at + width), expected)).toBeLessThan(1e-11)
        }
      }),
    )
    expect(visited).toBe(n)
  })
})

describe('estimates of the limit', () => {
  /** The fit of all rows but one. */
  async function without(problem: ReturnType<typeof problemOf>, row: number, alpha: number): Promise<Float64Array> {
    const weights = problem.weights.slice()
    weights[row] = 0
    const moments = inOneGo(SampleMoments.of({ ...problem, weights }))
    return inOneGo(ridge(moments, inOneGo(targetMomentsOf(moments, problem.targets)), alpha, range(problem.columns)))
      .coefficients
  }

  // With 3 columns every mask comes several times, and what belongs to a mask is computed once.
  it.each([
    [40, 6],
    [60, 3],
  ])(
    'are the unpenalised fit to the samples drawn, and vary by what leaving one out moves it: %d of %d',
    async (rows, columns) => {
      const problem = problemOf(3, rows, columns)
      const moments = inOneGo(SampleMoments.of(problem))
      const [estimate] = inOneGo(estimatesOf(moments, [problem.targets], range(columns), 1, 'plain', true))
      expect(estimate.freedom).toBe(rows - 2 - columns)
      const drawn = await without(problem, 0, 0)
      expect(largestError(estimate.centres, drawn)).toBeLessThan(1e-10)
      const variances = new Float64Array(columns)
      const neighbours = new Float64Array(columns - 1)
      for (let row = 1; row < rows; row++) {
        const weights = problem.weights.slice()
        weights[0] = 0
        const moved = (await without({ ...problem, weights }, row, 0)).map((value, i) => value - drawn[i])
        for (const i of range(columns)) variances[i] += moved[i] ** 2
        for (const i of range(columns - 1)) neighbours[i] += moved[i] * moved[i + 1]
      }
      expect(largestError(estimate.variances, variances)).toBeLessThan(1e-10)
      expect(largestError(estimate.neighbours, neighbours)).toBeLessThan(1e-10)
    },
  )

  it.each([1, 0.1])('of hardly more samples than features are the ridge, and vary alike (alpha %d)', async (alpha) => {
    const problem = problemOf(4, 12, 30)
    const moments = inOneGo(SampleMoments.of(problem))
    const [estimate] = inOneGo(estimatesOf(moments, [problem.targets], range(30), alpha, 'plain'))
    expect(estimate.freedom).toBeLessThan(1)
    const whole = inOneGo(ridge(moments, inOneGo(targetMomentsOf(moments, problem.targets)), alpha, range(30)))
    expect(largestError(estimate.centres, whole.coefficients)).toBeLessThan(1e-10)
    const variances = new Float64Array(30)
    for (let row = 0; row < 12; row++) {
      const other = await without(problem, row, alpha)
      for (const i of range(30)) variances[i] += (other[i] - whole.coefficients[i]) ** 2
    }
    expect(largestError(estimate.variances, variances)).toBeLessThan(1e-10)
  })
})

describe('fits of many segments', () => {
  it('share the sums over samples and the factors of labels', async () => {
    for (const [rows, columns] of [
      [60, 20],
      [20, 60],
    ]) {
      const problem = problemOf(5, rows, columns)
      const moments = inOneGo(SampleMoments.of(problem))
      const gram = vi.spyOn(moments, 'gram')
      const settings = { numFeatures: 100, featureSelection: 'auto', alpha: 1 } as const
      const random = new RandomState(6)
      for (let label = 0; label < 5; label++) {
        const targets = Float64Array.from({ length: rows }, () => random.uniform(0, 1))
        inOneGo(fitSurrogate(moments, inOneGo(targetMomentsOf(moments, targets)), settings))
      }
      // One for each penalty, that which ranks and the surrogate's; where samples are fewer, none is as large as segments squared.
      expect(gram).toHaveBeenCalledTimes(rows < columns ? 0 : 2)
    }
  })

  const side = 40
  const image = { data: Float64Array.from({ length: side ** 2 }, (_, i) => Math.sin(i)), shape: [side, side, 1] }
  const predict: PredictFn = ({ data, shape: [count] }) =>
    Array.from({ length: count }, (_, sample) => {
      const pixels = Array.from(data.subarray(sample * side ** 2, (sample + 1) * side ** 2))
      const p = 1 / (1 + Math.exp(-pixels.reduce((sum, value, i) => sum + value * Math.cos(i * i), 0) / side))
      return [p, 1 - p]
    })
  /** Turns after which the fit is well under way. */
  const turns = 8

  /** Aborts in so many turns; each pause of what computes is one, as if it took long to get there. */
  function abortInTurns(stop: AbortController, reason: Error): void {
    let now = performance.now()
    vi.spyOn(performance, 'now').mockImplementation(() => {
      now += 60
      return now
    })
    const wait = (left: number): void => {
      if (left === 0) stop.abort(reason)
      else setTimeout(() => wait(left - 1), 1)
    }
    wait(turns)
  }
  afterEach(() => {
    vi.restoreAllMocks()
  })
  const many = { segmentationFn: grid({ rows: side, columns: side }), hideColor: 0, batchSize: 1000, topLabels: 1 }

  it.each([
    ['highest weights, more segments than samples', { numSamples: 400 }, 'auto'],
    ['highest weights, more samples', { numSamples: 1700 }, 'auto'],
    ['forward selection', { numSamples: 400, numFeatures: 1000 }, 'forwardSelection'],
    ['the lasso path', { numSamples: 400, numFeatures: 50 }, 'lassoPath'],
  ] as const)(
    'stop when they are told to while they compute: %s',
    { timeout: 120_000 },
    async (_, options, featureSelection) => {
      const stop = new AbortController()
      const reason = new Error('enough')
      let fitted = 0
      const explaining = new LimeImageExplainer({ randomState: 1, featureSelection }).explainInstance(image, predict, {
        ...many,
        ...options,
        signal: stop.signal,
        onProgress: ({ phase, done, total }) => {
          // The fit has the thread from here on: only by letting others run can it hear of this.
          if (phase === 'prediction' && done === total) abortInTurns(stop, reason)
          if (phase === 'fit' && done >= 1) fitted++
        },
      })
      await expect(explaining).rejects.toBe(reason)
      expect(fitted).toBe(0)
    },
  )

  it('tell how far they are, never less than before', { timeout: 120_000 }, async () => {
    const explainer = new LimeImageExplainer({ randomState: 1 })
    const shares: number[] = []
    const explanation = await explainer.explainInstance(image, predict, {
      ...many,
      numSamples: 400,
      onProgress: ({ phase, done, total }) => {
        if (phase === 'fit') shares.push(done / total)
      },
    })
    expect(shares.toSorted((a, b) => a - b)).toEqual(shares)
    expect(shares.at(-1)).toBe(1)
    expect(explanation.warnings.join()).toMatch(/400 samples are too few for 1600 segments/)
    expect(explanation.intervals(explanation.labels[0])).toHaveLength(side ** 2)
  })

  it('by KernelSHAP stop, too', { timeout: 120_000 }, async () => {
    const stop = new AbortController()
    const reason = new Error('enough')
    const explaining = new ShapleyImageExplainer({ randomState: 1 }).explainInstance(image, predict, {
      ...many,
      numSamples: 400,
      signal: stop.signal,
      onProgress: ({ phase, done, total }) => {
        if (phase === 'prediction' && done === total) abortInTurns(stop, reason)
      },
    })
    await expect(explaining).rejects.toBe(reason)
  })
})
