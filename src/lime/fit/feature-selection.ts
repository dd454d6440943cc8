import { shown } from '../../engine/arguments.ts'
import { ArgumentError } from '../../engine/errors.ts'
import { rowsAStep, type Steps } from '../steps.ts'
import { lassoPath } from './lars.ts'
import { type Moments, range, type TargetMoments } from './moments.ts'
import { ridge } from './ridge.ts'

export type FeatureSelection = 'auto' | 'none' | 'highestWeights' | 'forwardSelection' | 'lassoPath'

/** Up to this many features 'auto' takes forward selection, which costs a fit for each candidate. */
const mostForForwardSelection = 6

/** The penalty of the ridge fit that ranks the features, as a share of the surrogate's: lime has 0.01 and 1. */
const rankingShare = 0.01

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
  if (typeof name === 'string' && Object.hasOwn(names, name)) return names[name]
  throw new ArgumentError(`there is no feature selection ${shown(name)}; valid are ${Object.keys(names).join(', ')}`)
}

/** What 'auto' takes for so many features at most. */
export function selectionFor(method: FeatureSelection, count: number): Exclude<FeatureSelection, 'auto'> {
  if (method !== 'auto') return method
  return count <= mostForForwardSelection ? 'forwardSelection' : 'highestWeights'
}

/**
 * All features, by descending |coefficient| of a ridge fit (lime multiplies by the values in row 0, which are ones); the first of
 * equals first.
 */
function* highestWeights(moments: Moments, target: TargetMoments, count: number, alpha: number): Steps<number[]> {
  const features = range(moments.columns)
  const { coefficients } = yield* ridge(moments, target, rankingShare * alpha, features)
  const importance = coefficients.map(Math.abs)
  return features.sort((a, b) => importance[b] - importance[a]).slice(0, count)
}

/** A feature of which less than this share is independent of the chosen ones has only rounding left: it gains nothing. */
const leastIndependent = 1e-12

/**
 * Each round takes the feature that raises the weighted R² of the unpenalised fit most; the first of equals. Instead of a fit
 * for each candidate, what the chosen features explain is taken out of the moments (Cholesky's decomposition, a column a round),
 * and the gain of a candidate is what is left of its product with the target, squared, over what is left of its own length.
 */
function* forwardSelection(moments: Moments, target: TargetMoments, count: number): Steps<number[]> {
  const { columns, hidden, total } = moments
  // A mask's square is itself.
  const lengths = hidden.map((weight) => weight - weight ** 2 / total)
  const left = lengths.slice()
  const products = target.products.slice()
  /** What each chosen feature explains of all features, [columns] each. */
  const explained: Float64Array[] = []
  const chosen: number[] = []
  const isChosen = new Uint8Array(columns)
  const step = rowsAStep(columns)
  while (chosen.length < Math.min(count, columns)) {
    yield chosen.length / count
    let best = -1
    let bestGain = Number.NEGATIVE_INFINITY
    for (let i = 0; i < columns; i++) {
      if (isChosen[i]) continue
      const gain = left[i] > leastIndependent * lengths[i] ? products[i] ** 2 / left[i] : 0
      if (gain > bestGain) {
        best = i
        bestGain = gain
      }
    }
    chosen.push(best)
    isChosen[best] = 1
    if (bestGain === 0) continue
    const own = (yield* moments.column(best)).slice()
    for (const [round, earlier] of explained.entries()) {
      if (round % step === step - 1) yield chosen.length / count
      const share = earlier[best]
      if (share !== 0) for (let i = 0; i < columns; i++) own[i] -= share * earlier[i]
    }
    const root = Math.sqrt(own[best])
    const gained = products[best] / root
    for (let i = 0; i < columns; i++) {
      own[i] /= root
      left[i] -= own[i] ** 2
      products[i] -= own[i] * gained
    }
    explained.push(own)
  }
  return chosen
}

/** Walks back from the end of the lasso path to the first step with at most `count` coefficients that are not 0. */
function* lassoSelection(moments: Moments, target: TargetMoments, count: number): Steps<number[]> {
  const { coefficients } = yield* lassoPath(moments, target.products)
  // A path that never left the empty model selects nothing by itself: lime then keeps all features.
  let nonzero = range(moments.columns)
  for (let step = coefficients.length - 1; step > 0; step--) {
    nonzero = range(moments.columns).filter((i) => coefficients[step][i] !== 0)
    if (nonzero.length <= count) break
  }
  return nonzero
}

/**
 * The features that the surrogate may use, in the order of the selection.
 * @param count how many at most
 * @param alpha the surrogate's penalty
 */
export function* selectFeatures(
  method: FeatureSelection,
  moments: Moments,
  target: TargetMoments,
  count: number,
  alpha: number,
): Steps<number[]> {
  const selection = selectionFor(method, count)
  if (selection === 'highestWeights') return yield* highestWeights(moments, target, count, alpha)
  if (selection === 'forwardSelection') return yield* forwardSelection(moments, target, count)
  if (selection === 'lassoPath') return yield* lassoSelection(moments, target, count)
  return range(moments.columns)
}
