import { part, rowsAStep, type Steps } from '../steps.ts'
import { factorPositive, type PositiveFactor } from './cholesky.ts'
import { bitsOfSamples, sharedOnes } from './mask-products.ts'
import { type Moments, range, SampleMoments, type TargetMoments } from './moments.ts'

export interface LinearFit {
  /** One for each feature, in the features' order. */
  readonly coefficients: Float64Array
  readonly intercept: number
}

/** What fits to several labels share: the two systems of all columns, by their penalty, and the products of the samples. */
interface Shared {
  readonly factors: Map<number, PositiveFactor>
  readonly factorsOfSamples: Map<number, PositiveFactor>
  sampleProducts: Float64Array | null
}

const sharedBy = new WeakMap<Moments, Shared>()

function sharedOf(moments: Moments): Shared {
  const shared = sharedBy.get(moments) ?? { factors: new Map(), factorsOfSamples: new Map(), sampleProducts: null }
  sharedBy.set(moments, shared)
  return shared
}

/**
 * Weighted ridge regression on some of the columns: minimises Σ w (y - b·x - intercept)² + alpha |b|². The intercept is not
 * penalised (both sides are centred) and the weights are not normalised, as in scikit-learn's Ridge. With alpha 0 the limit of
 * ever smaller penalties: of the coefficients that fit best, where samples leave a choice, the shortest.
 */
export function* ridge(
  moments: Moments,
  target: TargetMoments,
  alpha: number,
  features: ArrayLike<number>,
): Steps<LinearFit> {
  const coefficients = yield* coefficientsOf(moments, target, alpha, features)
  let intercept = target.mean
  for (let i = 0; i < features.length; i++) intercept -= coefficients[i] * moments.means[features[i]]
  return { coefficients, intercept }
}

function* coefficientsOf(
  moments: Moments,
  target: TargetMoments,
  alpha: number,
  features: ArrayLike<number>,
): Steps<Float64Array> {
  const n = features.length
  if (target.square === 0) return new Float64Array(n)
  if (n === moments.columns) {
    // In the columns' own order the system is the same for all labels.
    const solution = yield* solved(moments, target, alpha, range(n))
    return Float64Array.from({ length: n }, (_, i) => solution[features[i]])
  }
  return yield* solved(moments, target, alpha, features)
}

function* solved(
  moments: Moments,
  target: TargetMoments,
  alpha: number,
  features: ArrayLike<number>,
): Steps<Float64Array> {
  if (moments instanceof SampleMoments && moments.rows < features.length) {
    const factor = yield* factorOfSamples(moments, alpha, features)
    return yield* fromDual(moments, factor, target, features)
  }
  const factor = yield* factorOf(moments, alpha, features)
  return factor.solve(Float64Array.from({ length: features.length }, (_, i) => target.products[features[i]]))
}

/** Of the normal equations, of one unknown a feature. */
function factorOf(moments: Moments, alpha: number, features: ArrayLike<number>): Steps<PositiveFactor> {
  return onceForAll('factors', moments, alpha, features, function* () {
    const matrix = yield* part(moments.gram(features), 0, 0.5)
    return yield* part(factorPositive(penalised(matrix, features.length, alpha), features.length), 0.5, 1)
  })
}

/**
 * Of the dual system: with Z = √W (X - m), b = Zᵀ (Z Zᵀ + alpha I)⁻¹ √W (y - mean), of one unknown a sample (Saunders, Gammerman and
 * Vovk, "Ridge regression learning algorithm in dual variables", ICML 1998).
 */
export function factorOfSamples(
  moments: SampleMoments,
  alpha: number,
  features: ArrayLike<number>,
): Steps<PositiveFactor> {
  const { rows } = moments
  return onceForAll('factorsOfSamples', moments, alpha, features, function* () {
    const matrix = yield* part(sampleProducts(moments, features), 0, 0.5)
    return yield* part(factorPositive(penalised(matrix, rows, alpha), rows), 0.5, 1)
  })
}

function* onceForAll(
  system: 'factors' | 'factorsOfSamples',
  moments: Moments,
  alpha: number,
  features: ArrayLike<number>,
  factor: () => Steps<PositiveFactor>,
): Steps<PositiveFactor> {
  if (features.length < moments.columns) return yield* factor()
  const factors = sharedOf(moments)[system]
  const made = factors.get(alpha) ?? (yield* factor())
  factors.set(alpha, made)
  return made
}

function penalised(matrix: Float64Array, n: number, alpha: number): Float64Array {
  for (let i = 0; i < n; i++) matrix[i * n + i] += alpha
  return matrix
}

function* fromDual(
  { data, rows, columns, weights, hidden, total }: SampleMoments,
  factor: PositiveFactor,
  { deviations }: TargetMoments,
  features: ArrayLike<number>,
): Steps<Float64Array> {
  const coefficients = new Float64Array(features.length)
  if (!deviations) return coefficients
  const dual = factor.solve(deviations.map((value, row) => (weights[row] > 0 ? value / Math.sqrt(weights[row]) : 0)))
  const step = rowsAStep(features.length)
  let sum = 0
  for (let row = 0, at = 0; row < rows; row++, at += columns) {
    if (row % step === 0) yield 1
    const value = Math.sqrt(weights[row]) * dual[row]
    sum += value
    for (let i = 0; i < features.length; i++) coefficients[i] -= (1 - data[at + features[i]]) * value
  }
  return coefficients.map((value, i) => value + (hidden[features[i]] / total) * sum)
}

/** Z Zᵀ of some columns, [rows, rows]: the caller's to keep. */
function* sampleProducts(moments: SampleMoments, features: ArrayLike<number>): Steps<Float64Array> {
  const shared = sharedOf(moments)
  const isWhole = features.length === moments.columns
  const products = (isWhole && shared.sampleProducts) || (yield* computedProducts(moments, features))
  if (isWhole) shared.sampleProducts = products
  return isWhole ? products.slice() : products
}

function* computedProducts(
  { data, rows, columns, weights, hidden, total }: SampleMoments,
  features: ArrayLike<number>,
): Steps<Float64Array> {
  const bits = yield* part(bitsOfSamples(data, rows, columns, features), 0, 0.1)
  const products = yield* part(sharedOnes(bits), 0.1, 0.8)
  const centres = Float64Array.from({ length: features.length }, (_, i) => hidden[features[i]] / total)
  const square = centres.reduce((sum, value) => sum + value * value, 0)
  const shares = new Float64Array(rows)
  const step = rowsAStep(Math.max(rows, features.length))
  for (let row = 0, at = 0; row < rows; row++, at += columns) {
    if (row % step === 0) yield 0.8 + (0.1 * row) / rows
    for (let i = 0; i < features.length; i++) shares[row] += (1 - data[at + features[i]]) * centres[i]
  }
  const roots = weights.map(Math.sqrt)
  for (let r = 0; r < rows; r++) {
    if (r % step === 0) yield 0.9 + (0.1 * r) / rows
    for (let s = 0; s < rows; s++)
      products[r * rows + s] = roots[r] * roots[s] * (products[r * rows + s] - shares[r] - shares[s] + square)
  }
  return products
}

/**
 * The weighted R² of a fit on its own samples: 1 - Σ w (y - fit)² / Σ w (y - mean)². Where targets do not vary nothing is
 * explained: 0.
 * @param compatible what Python gives for constant targets: 1 for an exact fit
 */
export function* weightedScore(
  moments: Moments,
  target: TargetMoments,
  { coefficients, intercept }: LinearFit,
  features: ArrayLike<number>,
  compatible = false,
): Steps<number> {
  const { means, total } = moments
  // The fit's mean less the targets', whose square adds to what is unexplained around the means.
  let shift = intercept - target.mean
  let unexplained = target.square + (yield* moments.variation(features, coefficients))
  for (let i = 0; i < features.length; i++) {
    shift += coefficients[i] * means[features[i]]
    unexplained -= 2 * coefficients[i] * target.products[features[i]]
  }
  unexplained = Math.max(0, unexplained + total * shift ** 2)
  if (target.square === 0) return compatible && unexplained === 0 ? 1 : 0
  return 1 - unexplained / target.square
}
