import { factorPositive, type PositiveFactor } from './cholesky.ts'
import type { Moments, WeightedSamples } from './ridge.ts'
import { type SegmentWeight, type Surrogate, surrogateAlpha } from './surrogate.ts'

/** A weight and where, with 95 % confidence, it would be with endlessly many samples drawn like these. */
export interface WeightInterval {
  readonly segment: number
  readonly weight: number
  readonly low: number
  readonly high: number
}

/** Of the standard normal distribution, between which and its negative 95 % lie. */
const widthOf95 = 1.959963984540054

/**
 * The covariance of a surrogate's weights over draws of the samples, [n, n] in the order of `weights`. Residuals are what a
 * linear model can't say of the classifier, not noise of one size: their own squares are used (the "sandwich" of White,
 * Econometrica 1980), for a weighted ridge (A = XᵀWX + αI, X centred because the intercept is fitted too):
 * A⁻¹ (Σ w² e² x xᵀ) A⁻¹, times N / (N - n - 1).
 */
export function weightCovariance(
  { data, rows, columns, weights: rowWeights }: WeightedSamples,
  { means, gram }: Moments,
  targets: Float64Array,
  { weights, intercept }: Pick<Surrogate, 'weights' | 'intercept'>,
): Float64Array {
  const n = weights.length
  const features = weights.map(([segment]) => segment)
  const meat = new Float64Array(n * n)
  const x = new Float64Array(n)
  for (let row = 0; row < rows; row++) {
    let residual = targets[row] - intercept
    for (let i = 0; i < n; i++) {
      const value = data[row * columns + features[i]]
      residual -= weights[i][1] * value
      x[i] = value - means[features[i]]
    }
    const square = (rowWeights[row] * residual) ** 2
    for (let i = 0; i < n; i++) {
      const scaled = square * x[i]
      for (let j = 0; j <= i; j++) meat[i * n + j] += scaled * x[j]
    }
  }
  const bread = new Float64Array(n * n)
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) {
      bread[i * n + j] = gram[features[i] * columns + features[j]] + (i === j ? surrogateAlpha : 0)
      if (j > i) meat[i * n + j] = meat[j * n + i]
    }
  const factor = factorPositive(bread, n)
  const half = solveColumns(factor, meat, n)
  const covariance = solveColumns(factor, transposed(half, n), n)
  const correction = rows / Math.max(1, rows - n - 1)
  return covariance.map((value) => value * correction)
}

/** @param covariance null: of weights that no drawing decides */
export function weightIntervals(weights: readonly SegmentWeight[], covariance: Float64Array | null): WeightInterval[] {
  return weights.map(([segment, weight], i) => {
    const reach = covariance ? widthOf95 * Math.sqrt(Math.max(0, covariance[i * weights.length + i])) : 0
    return { segment, weight, low: weight - reach, high: weight + reach }
  })
}

/**
 * How likely it is that the order of the `count` largest |weights| is not what it seems: the sum over neighbours of the chance
 * that the smaller one is in truth the larger.
 */
export function chanceOfAnotherOrder(
  weights: readonly SegmentWeight[],
  covariance: Float64Array,
  count: number,
): number {
  const n = weights.length
  let chance = 0
  for (let i = 0; i < Math.min(count, n - 1); i++) {
    const [a, b] = [weights[i][1], weights[i + 1][1]]
    const same = Math.sign(a) * Math.sign(b)
    const variance = covariance[i * n + i] + covariance[(i + 1) * n + i + 1] - 2 * same * covariance[i * n + i + 1]
    const difference = Math.abs(a) - Math.abs(b)
    chance += variance > 0 ? normalTail(difference / Math.sqrt(variance)) : difference > 0 ? 0 : 0.5
  }
  return chance
}

/** P(Z > z) for z >= 0, within 8e-8 (Abramowitz and Stegun, 26.2.17). */
function normalTail(z: number): number {
  const t = 1 / (1 + 0.2316419 * z)
  const series = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
  return (series * Math.exp(-(z ** 2) / 2)) / Math.sqrt(2 * Math.PI)
}

/** A⁻¹ B. */
function solveColumns(factor: PositiveFactor, right: Float64Array, n: number): Float64Array {
  const result = new Float64Array(n * n)
  const column = new Float64Array(n)
  for (let j = 0; j < n; j++) {
    for (let i = 0; i < n; i++) column[i] = right[i * n + j]
    const solution = factor.solve(column)
    for (let i = 0; i < n; i++) result[i * n + j] = solution[i]
  }
  return result
}

function transposed(matrix: Float64Array, n: number): Float64Array {
  return matrix.map((_, at) => matrix[(at % n) * n + Math.floor(at / n)])
}
