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

/** Samples whose rows are masks, and the number of each row's mask where there are far fewer masks than rows. */
export interface SampleMoments extends Moments, WeightedSamples {
  /** Bit i of row r's number is data[r, i]; null where rows are rarely equal. */
  readonly maskNumbers: Int32Array | null
}

/** Rows for each mask there can be, from which on equal rows are added up first. */
const rowsAMask = 4

function maskNumbersOf({ data, rows, columns }: WeightedSamples): Int32Array | null {
  if (!(data instanceof Uint8Array) || rows < rowsAMask * 2 ** columns) return null
  const numbers = new Int32Array(rows)
  for (let row = 0, at = 0; row < rows; row++) for (let i = 0; i < columns; i++, at++) numbers[row] |= data[at] << i
  return numbers
}

/** All masks there are, each with what the rows of its number add up to. */
function addedUp(numbers: Int32Array, columns: number, values: Float64Array): WeightedSamples {
  const masks = 2 ** columns
  const weights = new Float64Array(masks)
  for (let row = 0; row < numbers.length; row++) weights[numbers[row]] += values[row]
  const data = new Uint8Array(masks * columns)
  for (let number = 0, at = 0; number < masks; number++)
    for (let i = 0; i < columns; i++, at++) data[at] = (number >> i) & 1
  return { data, rows: masks, columns, weights }
}

/** Centres the columns by their weighted means and sums their weighted products. */
export function momentsOf(samples: WeightedSamples): SampleMoments {
  const maskNumbers = maskNumbersOf(samples)
  const sums = maskNumbers ? addedUp(maskNumbers, samples.columns, samples.weights) : samples
  return { ...samples, maskNumbers, ...centredSums(sums) }
}

function centredSums({ data, rows, columns, weights }: WeightedSamples): Pick<Moments, 'total' | 'means' | 'gram'> {
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
  return { total, means, gram }
}

/** @param targets [rows] */
export function targetMomentsOf(moments: SampleMoments, targets: Float64Array): TargetMoments {
  const { rows, columns, weights, means, total, maskNumbers } = moments
  let sum = 0
  for (let row = 0; row < rows; row++) sum += weights[row] * targets[row]
  const mean = sum / total
  const weighted = new Float64Array(rows)
  let square = 0
  for (let row = 0; row < rows; row++) {
    weighted[row] = weights[row] * (targets[row] - mean)
    square += weighted[row] * (targets[row] - mean)
  }
  const shares = maskNumbers ? addedUp(maskNumbers, columns, weighted) : { ...moments, weights: weighted }
  const { products, left } = weightedSums(shares)
  // Around their mean the targets add up to next to nothing: so much the columns are still to be centred for.
  for (let i = 0; i < columns; i++) products[i] -= means[i] * left
  return withoutRounding({ mean, products, square }, moments)
}

/** Σ w x, [columns], and Σ w. */
function weightedSums({ data, rows, columns, weights }: WeightedSamples): { products: Float64Array; left: number } {
  const products = new Float64Array(columns)
  let left = 0
  for (let row = 0, at = 0; row < rows; row++) {
    const weight = weights[row]
    left += weight
    for (let i = 0; i < columns; i++, at++) products[i] += weight * data[at]
  }
  return { products, left }
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
