import { atOnce, type Pause, part } from './abort.ts'
import { factorPositive } from './cholesky.ts'
import { bitsOfSamples, sharedOnes } from './mask-products.ts'
import { type Moments, range, SampleMoments, type TargetMoments } from './moments.ts'

export interface LinearFit {
  /** One for each feature, in the features' order. */
  readonly coefficients: Float64Array
  readonly intercept: number
}

/** A ridge's coefficients for as many targets as there are, in the order of its features. */
type Solve = (target: TargetMoments) => Float64Array

/** The systems of all columns, by their penalty: the fits to several labels share them. */
const wholeSystems = new WeakMap<Moments, Map<number, Solve>>()

/**
 * Weighted ridge regression on some of the columns: minimises Σ w (y - b·x - intercept)² + alpha |b|². The intercept is not
 * penalised (both sides are centred) and the weights are not normalised, as in scikit-learn's Ridge. With alpha 0 the limit of
 * ever smaller penalties: of the coefficients that fit best, where samples leave a choice, the shortest.
 */
export async function ridge(
  moments: Moments,
  target: TargetMoments,
  alpha: number,
  features: ArrayLike<number>,
  pause: Pause = atOnce,
): Promise<LinearFit> {
  const { means } = moments
  const solved = await solveFor(moments, target, alpha, features, pause)
  let intercept = target.mean
  for (let i = 0; i < features.length; i++) intercept -= solved[i] * means[features[i]]
  return { coefficients: solved, intercept }
}

async function solveFor(
  moments: Moments,
  target: TargetMoments,
  alpha: number,
  features: ArrayLike<number>,
  pause: Pause,
): Promise<Float64Array> {
  if (target.square === 0) return new Float64Array(features.length)
  if (features.length < moments.columns) return (await systemOf(moments, alpha, features, pause))(target)
  const systems = wholeSystems.get(moments) ?? new Map<number, Solve>()
  wholeSystems.set(moments, systems)
  const solve = systems.get(alpha) ?? (await systemOf(moments, alpha, range(moments.columns), pause))
  systems.set(alpha, solve)
  const coefficients = solve(target)
  return Float64Array.from({ length: features.length }, (_, i) => coefficients[features[i]])
}

/** Normal equations of as many unknowns as there are features, or as there are samples if those are fewer. */
async function systemOf(moments: Moments, alpha: number, features: ArrayLike<number>, pause: Pause): Promise<Solve> {
  const n = features.length
  if (moments instanceof SampleMoments && moments.rows < n) return systemOfSamples(moments, alpha, features, pause)
  const matrix = await moments.gram(features, part(pause, 0, 0.5))
  for (let i = 0; i < n; i++) matrix[i * n + i] += alpha
  const factor = await factorPositive(matrix, n, part(pause, 0.5, 1))
  return ({ products }) => factor.solve(Float64Array.from({ length: n }, (_, i) => products[features[i]]))
}

/**
 * The dual system: with Z = √W (X - m), b = Zᵀ (Z Zᵀ + alpha I)⁻¹ √W (y - mean), of one unknown a sample (Saunders, Gammerman and
 * Vovk, "Ridge regression learning algorithm in dual variables", ICML 1998).
 */
async function systemOfSamples(
  moments: SampleMoments,
  alpha: number,
  features: ArrayLike<number>,
  pause: Pause,
): Promise<Solve> {
  const { data, rows, columns, weights, hidden, total } = moments
  const matrix = await sampleProducts(moments, features, part(pause, 0, 0.5))
  for (let row = 0; row < rows; row++) matrix[row * rows + row] += alpha
  const factor = await factorPositive(matrix, rows, part(pause, 0.5, 1))
  return ({ deviations }) => {
    const coefficients = new Float64Array(features.length)
    if (!deviations) return coefficients
    const dual = factor.solve(deviations.map((value, row) => (weights[row] > 0 ? value / Math.sqrt(weights[row]) : 0)))
    let sum = 0
    for (let row = 0, at = 0; row < rows; row++, at += columns) {
      const value = Math.sqrt(weights[row]) * dual[row]
      sum += value
      for (let i = 0; i < features.length; i++) coefficients[i] -= (1 - data[at + features[i]]) * value
    }
    return coefficients.map((value, i) => value + (hidden[features[i]] / total) * sum)
  }
}

/** Z Zᵀ, Z = √W (X - m), of some columns: [rows, rows]. */
export async function sampleProducts(
  { data, rows, columns, weights, hidden, total }: SampleMoments,
  features: ArrayLike<number>,
  pause: Pause,
): Promise<Float64Array> {
  const products = await sharedOnes(bitsOfSamples(data, rows, columns, features), pause)
  const centres = Float64Array.from({ length: features.length }, (_, i) => hidden[features[i]] / total)
  const square = centres.reduce((sum, value) => sum + value * value, 0)
  const shares = new Float64Array(rows)
  for (let row = 0, at = 0; row < rows; row++, at += columns)
    for (let i = 0; i < features.length; i++) shares[row] += (1 - data[at + features[i]]) * centres[i]
  const roots = weights.map(Math.sqrt)
  for (let r = 0; r < rows; r++)
    for (let s = 0; s < rows; s++)
      products[r * rows + s] = roots[r] * roots[s] * (products[r * rows + s] - shares[r] - shares[s] + square)
  return products
}

/**
 * The weighted R² of a fit on its own samples: 1 - Σ w (y - fit)² / Σ w (y - mean)². Where targets do not vary nothing is
 * explained: 0.
 * @param compatible what Python gives for constant targets: 1 for an exact fit
 */
export function weightedScore(
  moments: Moments,
  target: TargetMoments,
  { coefficients, intercept }: LinearFit,
  features: ArrayLike<number>,
  compatible = false,
): number {
  const { means, total } = moments
  // The fit's mean less the targets', whose square adds to what is unexplained around the means.
  let shift = intercept - target.mean
  let unexplained = target.square + moments.variation(features, coefficients)
  for (let i = 0; i < features.length; i++) {
    shift += coefficients[i] * means[features[i]]
    unexplained -= 2 * coefficients[i] * target.products[features[i]]
  }
  unexplained = Math.max(0, unexplained + total * shift ** 2)
  if (target.square === 0) return compatible && unexplained === 0 ? 1 : 0
  return 1 - unexplained / target.square
}
