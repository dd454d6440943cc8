import { solvePositive } from './cholesky.ts'

/** Samples to fit: data [rows, columns] row-major, and the rows' weights. */
export interface WeightedSamples {
  readonly data: ArrayLike<number>
  readonly rows: number
  readonly columns: number
  readonly weights: Float64Array
}

/** What every fit to the same samples shares, whatever its targets: computed once an explanation. */
export interface Moments {
  /** How many samples. */
  readonly rows: number
  readonly columns: number
  /** Σ w */
  readonly total: number
  /** The columns' weighted means m, [columns]. */
  readonly means: Float64Array
  /** Σ w (x - m)(x - m)ᵀ, [columns, columns]. */
  readonly gram: Float64Array
}

/** What a fit needs of its targets. */
export interface TargetMoments {
  /** The targets' weighted mean. */
  readonly mean: number
  /** Σ w (x - m)(y - mean), [columns]. */
  readonly products: Float64Array
  /** Σ w (y - mean)² */
  readonly square: number
}

export interface LinearFit {
  /** One for each feature, in the features' order. */
  readonly coefficients: Float64Array
  readonly intercept: number
}

/** Centres the columns by their weighted means and sums their weighted products. */
export function momentsOf(samples: WeightedSamples): Moments & WeightedSamples {
  const { data, rows, columns, weights } = samples
  const means = new Float64Array(columns)
  let total = 0
  for (let row = 0; row < rows; row++) {
    total += weights[row]
    for (let i = 0; i < columns; i++) means[i] += weights[row] * data[row * columns + i]
  }
  for (let i = 0; i < columns; i++) means[i] /= total

  const gram = new Float64Array(columns * columns)
  const centred = new Float64Array(columns)
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < columns; i++) centred[i] = data[row * columns + i] - means[i]
    for (let i = 0; i < columns; i++) {
      const weighted = weights[row] * centred[i]
      for (let j = 0; j <= i; j++) gram[i * columns + j] += weighted * centred[j]
    }
  }
  for (let i = 0; i < columns; i++) for (let j = 0; j < i; j++) gram[j * columns + i] = gram[i * columns + j]
  return { ...samples, total, means, gram }
}

/** @param targets [rows] */
export function targetMomentsOf(moments: Moments & WeightedSamples, targets: Float64Array): TargetMoments {
  const { data, rows, columns, weights, means, total } = moments
  let sum = 0
  for (let row = 0; row < rows; row++) sum += weights[row] * targets[row]
  const mean = sum / total
  const products = new Float64Array(columns)
  let square = 0
  for (let row = 0; row < rows; row++) {
    const weighted = weights[row] * (targets[row] - mean)
    square += weighted * (targets[row] - mean)
    for (let i = 0; i < columns; i++) products[i] += weighted * (data[row * columns + i] - means[i])
  }
  return withoutRounding({ mean, products, square }, moments)
}

/** Targets that are all the same differ from their mean by rounding only: what is left of that explains nothing. */
export function withoutRounding(target: TargetMoments, { rows, total }: Moments): TargetMoments {
  const rounding = total * (target.mean * Number.EPSILON) ** 2 * rows
  if (target.square > rounding) return target
  return { mean: target.mean, products: new Float64Array(target.products.length), square: 0 }
}

/**
 * Weighted ridge regression on some of the columns: minimises Σ w (y - b·x - intercept)² + alpha |b|². The intercept is not
 * penalised (both sides are centred) and the weights are not normalised, as in scikit-learn's Ridge. For alpha 0, columns that
 * depend on earlier ones get 0.
 */
export function ridge(moments: Moments, target: TargetMoments, alpha: number, features: ArrayLike<number>): LinearFit {
  const { columns, gram, means } = moments
  const n = features.length
  const matrix = new Float64Array(n * n)
  const right = new Float64Array(n)
  for (let i = 0; i < n; i++) {
    right[i] = target.products[features[i]]
    for (let j = 0; j < n; j++) matrix[i * n + j] = gram[features[i] * columns + features[j]] + (i === j ? alpha : 0)
  }
  const coefficients = solvePositive(matrix, right)
  let intercept = target.mean
  for (let i = 0; i < n; i++) intercept -= coefficients[i] * means[features[i]]
  return { coefficients, intercept }
}

/**
 * The weighted R² of a fit on its own samples: 1 - Σ w (y - fit)² / Σ w (y - mean)². With constant targets 1 for an exact fit
 * and 0 otherwise.
 */
export function weightedScore(
  { columns, gram, means, total }: Moments,
  target: TargetMoments,
  { coefficients, intercept }: LinearFit,
  features: ArrayLike<number>,
): number {
  // The fit's mean less the targets', whose square adds to what is unexplained around the means.
  let shift = intercept - target.mean
  let unexplained = target.square
  for (let i = 0; i < features.length; i++) {
    shift += coefficients[i] * means[features[i]]
    unexplained -= 2 * coefficients[i] * target.products[features[i]]
    for (let j = 0; j < features.length; j++)
      unexplained += coefficients[i] * coefficients[j] * gram[features[i] * columns + features[j]]
  }
  unexplained = Math.max(0, unexplained + total * shift ** 2)
  if (target.square === 0) return unexplained === 0 ? 1 : 0
  return 1 - unexplained / target.square
}
