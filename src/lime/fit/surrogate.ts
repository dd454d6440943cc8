import { ArgumentError } from '../../engine/errors.ts'
import { part, type Steps } from '../steps.ts'
import { type FeatureSelection, selectFeatures } from './feature-selection.ts'
import type { Moments, TargetMoments, WeightedSamples } from './moments.ts'
import { type LinearFit, ridge, weightedScore } from './ridge.ts'

/** What a model regressor fits: data [samples, features] of 0/1, one target and one weight a sample. */
export interface RegressionProblem {
  readonly data: Float64Array
  readonly shape: readonly [number, number]
  readonly targets: Float64Array
  readonly weights: Float64Array
}

/** A linear model to use in place of lime's ridge: returns one coefficient a feature, and the intercept. */
export type ModelRegressor = (problem: RegressionProblem) => {
  readonly coefficients: ArrayLike<number>
  readonly intercept: number
}

/** A segment and its weight in the surrogate. */
export type SegmentWeight = readonly [segment: number, weight: number]

/** The linear model that stands for the classifier around one image, for one label. */
export interface Surrogate {
  readonly intercept: number
  /** Largest |weight| first. */
  readonly weights: readonly SegmentWeight[]
  /** In-sample weighted R²; 0 where nothing varied. */
  readonly score: number
  /** The surrogate's value at row 0, the image itself. */
  readonly localPrediction: number
}

export interface SurrogateSettings {
  readonly numFeatures: number
  readonly featureSelection: FeatureSelection
  /** The ridge's penalty; 0 for the limit of ever smaller ones. */
  readonly alpha: number
  /** Python's score of 1 where nothing varied. */
  readonly compatible?: boolean
  /** In place of the ridge: it fits the samples themselves. */
  readonly regression?: {
    readonly regressor: ModelRegressor
    readonly samples: WeightedSamples
    readonly targets: Float64Array
  }
}

function fitWith(
  { regressor, samples, targets }: NonNullable<SurrogateSettings['regression']>,
  features: number[],
): LinearFit {
  const { data, rows, columns, weights } = samples
  const chosen = new Float64Array(rows * features.length)
  for (let row = 0; row < rows; row++)
    for (let i = 0; i < features.length; i++) chosen[row * features.length + i] = data[row * columns + features[i]]
  // They are the regressor's to change.
  const own = { targets: targets.slice(), weights: weights.slice() }
  const fit = regressor({ data: chosen, shape: [rows, features.length], ...own })
  const coefficients = Array.from(fit?.coefficients ?? [])
  if (coefficients.length !== features.length || ![...coefficients, fit.intercept].every(Number.isFinite))
    throw new ArgumentError(
      `modelRegressor must return ${features.length} finite coefficients and a finite intercept, not ${coefficients.length} and ${String(fit?.intercept)}`,
    )
  return { coefficients: Float64Array.from(coefficients), intercept: fit.intercept }
}

/** Selects features and fits the surrogate: a weighted ridge, or the caller's regressor. */
export function* fitSurrogate(
  moments: Moments,
  target: TargetMoments,
  { numFeatures, featureSelection, alpha, compatible, regression }: SurrogateSettings,
): Steps<Surrogate> {
  const features = yield* part(selectFeatures(featureSelection, moments, target, numFeatures, alpha), 0, 0.5)
  const fit = regression ? fitWith(regression, features) : yield* part(ridge(moments, target, alpha, features), 0.5, 1)
  const weights = features.map((feature, i): SegmentWeight => [feature, fit.coefficients[i]])
  return {
    intercept: fit.intercept,
    weights: weights.sort(([, a], [, b]) => Math.abs(b) - Math.abs(a)),
    score: yield* weightedScore(moments, target, fit, features, compatible),
    // At row 0 all segments are shown.
    localPrediction: fit.coefficients.reduce((sum, coefficient) => sum + coefficient, fit.intercept),
  }
}
