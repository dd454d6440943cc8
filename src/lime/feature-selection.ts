import { ArgumentError } from '../engine/errors.ts'
import { lassoPath } from './lars.ts'
import { type Moments, ridge, type TargetMoments } from './ridge.ts'

export type FeatureSelection = 'auto' | 'none' | 'highestWeights' | 'forwardSelection' | 'lassoPath'

/** Up to this many features 'auto' takes forward selection, which costs a fit for each candidate. */
const mostForForwardSelection = 6

/** The penalty of the ridge fit that ranks the features. */
const rankingAlpha = 0.01

const names: Readonly<Record<string, FeatureSelection>> = {
  auto: 'auto',
  none: 'none',
  highestWeights: 'highestWeights',
  highest_weights: 'highestWeights',
  forwardSelection: 'forwardSelection',
  forward_selection: 'forwardSelection',
  lassoPath: 'lassoPath',
  lasso_path: 'lassoPath',
}

/**
 * A feature selection by our name or by Python lime's (highest_weights, …).
 * @throws ArgumentError for another name, listing the valid ones
 */
export function featureSelectionNamed(name: string): FeatureSelection {
  if (Object.hasOwn(names, name)) return names[name]
  throw new ArgumentError(`there is no feature selection "${name}"; valid are ${Object.keys(names).join(', ')}`)
}

/**
 * All features, by descending |coefficient| of a ridge fit (lime multiplies by the values in row 0, which are ones); the first of
 * equals first.
 */
function highestWeights(moments: Moments, target: TargetMoments, count: number): number[] {
  const features = Array.from({ length: moments.columns }, (_, i) => i)
  const { coefficients } = ridge(moments, target, rankingAlpha, features)
  const importance = features.map((i) => Math.abs(coefficients[i]))
  return features.sort((a, b) => importance[b] - importance[a]).slice(0, count)
}

/**
 * Each round takes the feature that raises the weighted R² of the unpenalised fit most; the first of equals. Instead of a fit
 * for each candidate, what the chosen features explain is swept out of the moments (Gauss-Jordan), and the gain of a candidate
 * is what is left of its product with the target, squared, over what is left of its own length.
 */
function forwardSelection(moments: Moments, target: TargetMoments, count: number): number[] {
  const { columns } = moments
  const gram = moments.gram.slice()
  const products = target.products.slice()
  const chosen: number[] = []
  while (chosen.length < Math.min(count, columns)) {
    let best = -1
    let bestGain = Number.NEGATIVE_INFINITY
    for (let i = 0; i < columns; i++) {
      if (chosen.includes(i)) continue
      // A feature that depends on the chosen ones has only rounding left: it gains nothing.
      const independent = gram[i * columns + i] > 1e-12 * moments.gram[i * columns + i]
      const gain = independent ? products[i] ** 2 / gram[i * columns + i] : 0
      if (gain > bestGain) {
        best = i
        bestGain = gain
      }
    }
    chosen.push(best)
    if (bestGain === 0) continue
    const pivot = gram[best * columns + best]
    const pivotRow = gram.slice(best * columns, (best + 1) * columns)
    for (let i = 0; i < columns; i++) {
      const factor = pivotRow[i] / pivot
      if (i === best || factor === 0) continue
      products[i] -= factor * products[best]
      for (let j = 0; j < columns; j++) gram[i * columns + j] -= factor * pivotRow[j]
    }
  }
  return chosen
}

/** Walks back from the end of the lasso path to the first step with at most `count` coefficients that are not 0. */
function lassoSelection(moments: Moments, target: TargetMoments, count: number): number[] {
  const { coefficients } = lassoPath(moments.gram, target.products, moments.rows)
  // A path that never left the empty model selects nothing by itself: lime then keeps all features.
  let nonzero = Array.from({ length: moments.columns }, (_, i) => i)
  for (let step = coefficients.length - 1; step > 0; step--) {
    nonzero = Array.from(coefficients[step].keys()).filter((i) => coefficients[step][i] !== 0)
    if (nonzero.length <= count) break
  }
  return nonzero
}

/**
 * The features that the surrogate may use, in the order of the selection.
 * @param count how many at most
 */
export function selectFeatures(
  method: FeatureSelection,
  moments: Moments,
  target: TargetMoments,
  count: number,
): number[] {
  if (method === 'auto')
    return selectFeatures(
      count <= mostForForwardSelection ? 'forwardSelection' : 'highestWeights',
      moments,
      target,
      count,
    )
  if (method === 'highestWeights') return highestWeights(moments, target, count)
  if (method === 'forwardSelection') return forwardSelection(moments, target, count)
  if (method === 'lassoPath') return lassoSelection(moments, target, count)
  return Array.from({ length: moments.columns }, (_, i) => i)
}
