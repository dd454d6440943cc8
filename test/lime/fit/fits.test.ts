import { describe, expect, it } from 'vitest'
import { ArgumentError } from '../../../src/engine/errors.ts'
import { solvePositive } from '../../../src/lime/fit/cholesky.ts'
import { featureSelectionNamed, selectFeatures } from '../../../src/lime/fit/feature-selection.ts'
import { lassoPath } from '../../../src/lime/fit/lars.ts'
import { range, SampleMoments, targetMomentsOf } from '../../../src/lime/fit/moments.ts'
import { ridge, weightedScore } from '../../../src/lime/fit/ridge.ts'
import { fitSurrogate } from '../../../src/lime/fit/surrogate.ts'
import { RandomState } from '../../../src/lime/random/random-state.ts'
import {
  checkDistanceMetric,
  type DistanceMetric,
  distanceMetrics,
  distancesToFirst,
} from '../../../src/lime/samples/distances.ts'
import { exponentialKernel, kernelWeights } from '../../../src/lime/samples/kernel.ts'
import { inOneGo } from '../../../src/lime/steps.ts'
import { largestError } from '../../reference-tensors.ts'

/** Solves a dense system by Gaussian elimination with pivoting: the oracle. */
function solveDense(matrix: number[][], right: number[]): number[] {
  const a = matrix.map((row, i) => [...row, right[i]])
  const n = right.length
  for (let k = 0; k < n; k++) {
    let pivot = k
    for (let i = k + 1; i < n; i++) if (Math.abs(a[i][k]) > Math.abs(a[pivot][k])) pivot = i
    ;[a[k], a[pivot]] = [a[pivot], a[k]]
    for (let i = k + 1; i < n; i++) {
      const factor = a[i][k] / a[k][k]
      for (let j = k; j <= n; j++) a[i][j] -= factor * a[k][j]
    }
  }
  const x = new Array<number>(n).fill(0)
  for (let i = n - 1; i >= 0; i--) {
    x[i] = a[i][n] / a[i][i]
    for (let j = i + 1; j < n; j++) x[i] -= (a[i][j] * x[j]) / a[i][i]
  }
  return x
}

function randomProblem(seed: number, rows: number, columns: number) {
  const random = new RandomState(seed)
  const data = Uint8Array.from(random.randint(0, 2, rows * columns)).fill(1, 0, columns)
  const weights = Float64Array.from({ length: rows }, () => random.uniform(0.01, 1))
  const targets = Float64Array.from({ length: rows }, () => random.normal())
  return { data, rows, columns, weights, targets }
}

/** Ridge with an explicit column of ones that alpha does not touch. */
function ridgeByNormalEquations(problem: ReturnType<typeof randomProblem>, alpha: number, features: number[]) {
  const { data, rows, columns, weights, targets } = problem
  const n = features.length + 1
  const matrix = Array.from({ length: n }, () => new Array<number>(n).fill(0))
  const right = new Array<number>(n).fill(0)
  for (let row = 0; row < rows; row++) {
    const x = [...features.map((feature) => data[row * columns + feature]), 1]
    for (let i = 0; i < n; i++) {
      right[i] += weights[row] * x[i] * targets[row]
      for (let j = 0; j < n; j++) matrix[i][j] += weights[row] * x[i] * x[j]
    }
  }
  for (let i = 0; i < n - 1; i++) matrix[i][i] += alpha
  return solveDense(matrix, right)
}

const seeds = Array.from({ length: 12 }, (_, i) => i)

describe('ridge', () => {
  it.each(seeds)('equals dense normal equations with an unpenalised intercept (seed %d)', async (seed) => {
    const random = new RandomState(1000 + seed)
    const columns = random.randint(1, 12)
    const problem = randomProblem(seed, random.randint(columns + 2, 80), columns)
    const features = Array.from(random.permutation(columns)).slice(0, random.randint(1, columns + 1))
    const alpha = [1, 0.01, 5][seed % 3]
    const moments = inOneGo(SampleMoments.of(problem))
    const fit = inOneGo(ridge(moments, inOneGo(targetMomentsOf(moments, problem.targets)), alpha, features))
    const expected = ridgeByNormalEquations(problem, alpha, features)
    const actual = [...fit.coefficients, fit.intercept]
    actual.forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i], 9)
    })
  })

  it.each([400, 63])(
    'sums %d rows as a double loop does, equal ones added up first where there are many',
    async (rows) => {
      const problem = randomProblem(5, rows, 4)
      const moments = inOneGo(SampleMoments.of(problem))
      expect(moments.maskNumbers !== null).toBe(rows === 400)
      const { data, weights, targets } = problem
      const { total, means } = moments
      const mean = targets.reduce((sum, target, row) => sum + (weights[row] * target) / total, 0)
      const over = (term: (row: number) => number) =>
        range(rows).reduce((sum, row) => sum + weights[row] * term(row), 0)
      const x = (row: number, i: number) => data[row * 4 + i] - means[i]
      const gram = range(16).map((k) => over((row) => x(row, k >> 2) * x(row, k & 3)))
      const b = Float64Array.of(1, -2, 0.5, 3)
      const modelled = over((row) => range(4).reduce((sum, i) => sum + b[i] * x(row, i), 0) ** 2)
      // By rows, and once there are sums over pairs by those.
      expect(inOneGo(moments.variation(range(4), b))).toBeCloseTo(modelled, 9)
      expect(largestError(inOneGo(moments.gram(range(4))), gram)).toBeLessThan(1e-12)
      for (const i of range(4))
        expect(largestError(inOneGo(moments.column(i)), gram.slice(4 * i, 4 * i + 4))).toBeLessThan(1e-12)
      expect(inOneGo(moments.variation(range(4), b))).toBeCloseTo(modelled, 9)
      const target = inOneGo(targetMomentsOf(moments, targets))
      const products = range(4).map((i) => over((row) => x(row, i) * (targets[row] - mean)))
      expect(largestError(target.products, products)).toBeLessThan(1e-12)
      expect(target.square).toBeCloseTo(
        over((row) => (targets[row] - mean) ** 2),
        10,
      )
    },
  )

  it('is stable with more features than samples', async () => {
    const problem = randomProblem(3, 15, 60)
    const moments = inOneGo(SampleMoments.of(problem))
    const features = Array.from({ length: 60 }, (_, i) => i)
    const fit = inOneGo(ridge(moments, inOneGo(targetMomentsOf(moments, problem.targets)), 1, features))
    const expected = ridgeByNormalEquations(problem, 1, features)
    features.forEach((i) => {
      expect(fit.coefficients[i]).toBeCloseTo(expected[i], 10)
    })
  })

  it('without penalty is the limit of ever smaller ones: copies of a column share its coefficient', async () => {
    const problem = randomProblem(4, 40, 3)
    const doubled = { ...problem, columns: 6, data: new Uint8Array(240) }
    for (let row = 0; row < 40; row++)
      for (let i = 0; i < 6; i++) doubled.data[row * 6 + i] = problem.data[row * 3 + (i % 3)]
    const moments = inOneGo(SampleMoments.of(doubled))
    const target = inOneGo(targetMomentsOf(moments, problem.targets))
    const fit = inOneGo(ridge(moments, target, 0, range(6)))
    const expected = ridgeByNormalEquations(problem, 0, [0, 1, 2])
    for (const i of range(6)) expect(fit.coefficients[i]).toBeCloseTo(expected[i % 3] / 2, 9)
    const nearly = inOneGo(ridge(moments, target, 1e-7, range(6)))
    for (const i of range(6)) expect(fit.coefficients[i]).toBeCloseTo(nearly.coefficients[i], 6)
  })

  it('without penalty and with more features than samples is the shortest of the exact fits', async () => {
    const problem = randomProblem(6, 12, 40)
    const moments = inOneGo(SampleMoments.of(problem))
    const target = inOneGo(targetMomentsOf(moments, problem.targets))
    const fit = inOneGo(ridge(moments, target, 0, range(40)))
    expect(inOneGo(weightedScore(moments, target, fit, range(40)))).toBeCloseTo(1, 9)
    const nearly = ridgeByNormalEquations(problem, 1e-7, range(40))
    for (const i of range(40)) expect(fit.coefficients[i]).toBeCloseTo(nearly[i], 5)
  })
})

describe('solvePositive', () => {
  it.each(seeds)('solves random positive definite systems (seed %d)', async (seed) => {
    const random = new RandomState(seed)
    const n = random.randint(1, 15)
    const factor = Array.from({ length: n }, () => Array.from({ length: n }, () => random.normal()))
    const matrix = factor.map((a, i) =>
      factor.map((b, j) => a.reduce((sum, value, k) => sum + value * b[k], i === j ? 1 : 0)),
    )
    const right = Array.from({ length: n }, () => random.normal())
    const solution = inOneGo(solvePositive(Float64Array.from(matrix.flat()), Float64Array.from(right)))
    solveDense(matrix, right).forEach((value, i) => {
      expect(solution[i]).toBeCloseTo(value, 9)
    })
  })
})

describe('weightedScore', () => {
  it('is 1 for an exact fit, 0 for the mean, negative for worse; constant targets have nothing to explain: 0', () => {
    const problem = { data: [1, 0, 1, 0], rows: 4, columns: 1, weights: Float64Array.of(1, 2, 1, 2) }
    const moments = inOneGo(SampleMoments.of(problem))
    const score = (targets: number[], coefficient: number, intercept: number, compatible = false) => {
      const target = inOneGo(targetMomentsOf(moments, Float64Array.from(targets)))
      return inOneGo(
        weightedScore(moments, target, { coefficients: Float64Array.of(coefficient), intercept }, [0], compatible),
      )
    }
    expect(score([3, 1, 3, 1], 2, 1)).toBeCloseTo(1, 14)
    expect(score([3, 0, 3, 0], 0, 1)).toBe(0)
    expect(score([3, 0, 3, 0], 0, 5)).toBeLessThan(0)
    expect(score([2, 2, 2, 2], 0, 2)).toBe(0)
    expect(score([2, 2, 2, 2], 1, 2)).toBe(0)
    expect(score([2, 2, 2, 2], 0, 2, true)).toBe(1)
    expect(score([2, 2, 2, 2], 1, 2, true)).toBe(0)
  })
})

describe('feature selection', () => {
  /** lime's own way: fit every candidate, keep the best score. */
  function forwardByFits(problem: ReturnType<typeof randomProblem>, count: number): number[] {
    const moments = inOneGo(SampleMoments.of(problem))
    const target = inOneGo(targetMomentsOf(moments, problem.targets))
    const chosen: number[] = []
    while (chosen.length < Math.min(count, problem.columns)) {
      let best = -1
      let bestScore = Number.NEGATIVE_INFINITY
      for (let feature = 0; feature < problem.columns; feature++) {
        if (chosen.includes(feature)) continue
        const solution = ridgeByNormalEquations(problem, 0, [...chosen, feature])
        const fit = { coefficients: Float64Array.from(solution.slice(0, -1)), intercept: solution[chosen.length + 1] }
        const score = inOneGo(weightedScore(moments, target, fit, [...chosen, feature]))
        if (score > bestScore) {
          best = feature
          bestScore = score
        }
      }
      chosen.push(best)
    }
    return chosen
  }

  it.each(seeds)('forward selection chooses what fitting every candidate chooses (seed %d)', async (seed) => {
    const problem = randomProblem(seed, 60, 9)
    const moments = inOneGo(SampleMoments.of(problem))
    const target = inOneGo(targetMomentsOf(moments, problem.targets))
    expect(inOneGo(selectFeatures('forwardSelection', moments, target, 9, 1))).toEqual(forwardByFits(problem, 9))
  })

  it('forward selection takes the first of equals, and copes with copies and with constant targets', async () => {
    const problem = randomProblem(1, 30, 4)
    for (let row = 0; row < 30; row++) problem.data[row * 4 + 3] = problem.data[row * 4 + 1]
    const moments = inOneGo(SampleMoments.of(problem))
    const targets = Float64Array.from({ length: 30 }, (_, row) => 5 * problem.data[row * 4 + 3])
    const selected = inOneGo(
      selectFeatures('forwardSelection', moments, inOneGo(targetMomentsOf(moments, targets)), 4, 1),
    )
    expect(selected[0]).toBe(1)
    expect([...selected].sort()).toEqual([0, 1, 2, 3])
    const flat = inOneGo(targetMomentsOf(moments, new Float64Array(30)))
    expect(inOneGo(selectFeatures('forwardSelection', moments, flat, 3, 1))).toEqual([0, 1, 2])
  })

  it('auto is forward selection up to six features and highest weights beyond', async () => {
    const problem = randomProblem(2, 50, 10)
    const moments = inOneGo(SampleMoments.of(problem))
    const target = inOneGo(targetMomentsOf(moments, problem.targets))
    for (const count of [1, 6])
      expect(inOneGo(selectFeatures('auto', moments, target, count, 1))).toEqual(
        inOneGo(selectFeatures('forwardSelection', moments, target, count, 1)),
      )
    expect(inOneGo(selectFeatures('auto', moments, target, 7, 1))).toEqual(
      inOneGo(selectFeatures('highestWeights', moments, target, 7, 1)),
    )
    expect(inOneGo(selectFeatures('highestWeights', moments, target, 7, 1))).toHaveLength(7)
    expect(inOneGo(selectFeatures('none', moments, target, 2, 1))).toHaveLength(10)
  })

  it("has our names and Python's", () => {
    expect(featureSelectionNamed('lasso_path')).toBe('lassoPath')
    expect(featureSelectionNamed('lassoPath')).toBe('lassoPath')
    expect(featureSelectionNamed('highest_weights')).toBe('highestWeights')
    expect(featureSelectionNamed('forward_selection')).toBe('forwardSelection')
    expect(() => featureSelectionNamed('toString')).toThrow(ArgumentError)
  })
})

describe('lassoPath', () => {
  it.each(seeds)('meets the optimality conditions of the lasso at every step (seed %d)', async (seed) => {
    const problem = randomProblem(seed, 50, 8)
    const moments = inOneGo(SampleMoments.of(problem))
    const { products } = inOneGo(targetMomentsOf(moments, problem.targets))
    const { alphas, coefficients } = inOneGo(lassoPath(moments, products))
    const gram = inOneGo(moments.gram(range(8)))
    expect(alphas.length).toBeGreaterThan(8)
    alphas.forEach((alpha, step) => {
      if (step > 0) expect(alpha).toBeLessThan(alphas[step - 1])
      for (let i = 0; i < 8; i++) {
        const fitted = coefficients[step].reduce((sum, value, j) => sum + gram[i * 8 + j] * value, 0)
        const correlation = products[i] - fitted
        expect(Math.abs(correlation)).toBeLessThanOrEqual(alpha * 50 + 1e-9)
        const coefficient = coefficients[step][i]
        if (coefficient !== 0) expect(correlation).toBeCloseTo(Math.sign(coefficient) * alpha * 50, 8)
      }
    })
    const last = coefficients[coefficients.length - 1]
    ridgeByNormalEquations(problem, 0, [0, 1, 2, 3, 4, 5, 6, 7])
      .slice(0, 8)
      .forEach((value, i) => {
        expect(last[i]).toBeCloseTo(value, 8)
      })
  })

  it('ends with copies of columns and with more columns than rows', async () => {
    const problem = randomProblem(1, 12, 30)
    for (let row = 0; row < 12; row++) problem.data[row * 30 + 7] = problem.data[row * 30 + 2]
    const moments = inOneGo(SampleMoments.of(problem))
    const { coefficients } = inOneGo(lassoPath(moments, inOneGo(targetMomentsOf(moments, problem.targets)).products))
    for (const step of coefficients) expect(step.every(Number.isFinite)).toBe(true)
  })
})

describe('fitSurrogate', () => {
  it('recovers a linear model where the penalty is small against the samples', async () => {
    const problem = randomProblem(9, 4000, 5)
    const truth = [0.5, -0.25, 0, 1, -2]
    const targets = Float64Array.from({ length: 4000 }, (_, row) =>
      truth.reduce((sum, value, i) => sum + value * problem.data[row * 5 + i], 0.125),
    )
    const settings = { numFeatures: 100, featureSelection: 'auto', alpha: 1 } as const
    const moments = inOneGo(SampleMoments.of(problem))
    const target = inOneGo(targetMomentsOf(moments, targets))
    const { weights, score, localPrediction, intercept } = inOneGo(fitSurrogate(moments, target, settings))
    expect(weights.map(([segment]) => segment)).toEqual([4, 3, 0, 1, 2])
    for (const [segment, weight] of weights) expect(weight).toBeCloseTo(truth[segment], 1)
    expect(score).toBeGreaterThan(0.999)
    expect(localPrediction).toBeCloseTo(
      weights.reduce((sum, [, weight]) => sum + weight, intercept),
      12,
    )
  })
})

describe('distances', () => {
  /** The definitions on real vectors, as scikit-learn and SciPy document them. */
  const definitions: Record<DistanceMetric, (x: number[], y: number[]) => number> = {
    cosine: (x, y) => {
      const norm = Math.hypot(...x) * Math.hypot(...y)
      return norm === 0 ? 1 : 1 - sum(x, y, (a, b) => a * b) / norm
    },
    euclidean: (x, y) => Math.sqrt(sum(x, y, (a, b) => (a - b) ** 2)),
    l2: (x, y) => Math.sqrt(sum(x, y, (a, b) => (a - b) ** 2)),
    minkowski: (x, y) => Math.sqrt(sum(x, y, (a, b) => (a - b) ** 2)),
    sqeuclidean: (x, y) => sum(x, y, (a, b) => (a - b) ** 2),
    manhattan: (x, y) => sum(x, y, (a, b) => Math.abs(a - b)),
    cityblock: (x, y) => sum(x, y, (a, b) => Math.abs(a - b)),
    l1: (x, y) => sum(x, y, (a, b) => Math.abs(a - b)),
    canberra: (x, y) => sum(x, y, (a, b) => (a + b === 0 ? 0 : Math.abs(a - b) / (a + b))),
    chebyshev: (x, y) => Math.max(...x.map((a, i) => Math.abs(a - y[i]))),
    hamming: (x, y) => sum(x, y, (a, b) => Number(a !== b)) / x.length,
    jaccard: (x, y) =>
      ratio(
        sum(x, y, (a, b) => Number(a !== b)),
        sum(x, y, (a, b) => Number(a + b > 0)),
      ),
    dice: (x, y) =>
      ratio(
        sum(x, y, (a, b) => Number(a !== b)),
        sum(x, y, (a, b) => a + b),
      ),
    braycurtis: (x, y) =>
      ratio(
        sum(x, y, (a, b) => Math.abs(a - b)),
        sum(x, y, (a, b) => Math.abs(a + b)),
      ),
    russellrao: (x, y) => (x.length - sum(x, y, (a, b) => a * b)) / x.length,
    rogerstanimoto: (x, y) => {
      const unequal = 2 * sum(x, y, (a, b) => Number(a !== b))
      return unequal / (sum(x, y, (a, b) => Number(a === b)) + unequal)
    },
    sokalmichener: (x, y) => {
      const unequal = 2 * sum(x, y, (a, b) => Number(a !== b))
      return unequal / (sum(x, y, (a, b) => Number(a === b)) + unequal)
    },
    sokalsneath: (x, y) => {
      const unequal = 2 * sum(x, y, (a, b) => Number(a !== b))
      return ratio(unequal, sum(x, y, (a, b) => a * b) + unequal)
    },
  }

  function sum(x: number[], y: number[], term: (a: number, b: number) => number): number {
    return x.reduce((total, a, i) => total + term(a, y[i]), 0)
  }

  function ratio(part: number, whole: number): number {
    return whole === 0 ? 0 : part / whole
  }

  it.each(distanceMetrics)('%s is its definition, whatever row 0 is', (metric) => {
    for (const seed of seeds) {
      const random = new RandomState(seed)
      const columns = random.randint(1, 9)
      const data = Uint8Array.from(random.randint(0, 2, 20 * columns))
      if (seed % 2) data.fill(1, 0, columns)
      data.fill(0, columns, 2 * columns)
      const row = (i: number) => Array.from(data.slice(i * columns, (i + 1) * columns))
      const distances = inOneGo(distancesToFirst({ data, shape: [20, columns] }, metric))
      distances.forEach((distance, i) => {
        expect(distance).toBeCloseTo(definitions[metric](row(i), row(0)), 12)
      })
    }
  })

  it('refuse unknown metrics, listing the known', () => {
    expect(() => checkDistanceMetric('hasOwnProperty')).toThrow(ArgumentError)
    expect(() => checkDistanceMetric('nearness')).toThrow(/cosine, euclidean/)
    expect(() => checkDistanceMetric('yule')).toThrow(/all ones/)
  })
})

describe('kernelWeights', () => {
  it('are sqrt(exp(-d^2 / width^2))', () => {
    const weights = kernelWeights(Float64Array.of(0, 0.25, 1), exponentialKernel, 0.5)
    ;[1, Math.exp(-0.125), Math.exp(-2)].forEach((expected, i) => {
      expect(weights[i]).toBeCloseTo(expected, 14)
    })
  })
})
