/** limelight/lime: explains any image classifier, with the numbers of Python's lime. */
export { findBoundaries, markBoundaries } from './boundaries.ts'
export { rgbToGray, rgbToLab } from './color.ts'
export { DefaultRng } from './default-rng.ts'
export { defaultSegmenter } from './default-segmenter.ts'
export { type DistanceMetric, distanceMetrics } from './distances.ts'
export {
  type ExplainOptions,
  LimeImageExplainer,
  type LimeImageExplainerOptions,
  type Progress,
} from './explainer.ts'
export { Explanation, type ImageAndMaskOptions, type Timings } from './explanation.ts'
export { type FeatureSelection, featureSelectionNamed } from './feature-selection.ts'
export { type FelzenszwalbOptions, felzenszwalb } from './felzenszwalb.ts'
export type { HideColor } from './fudged-image.ts'
export { type Image, type ImageInput, toImage } from './image.ts'
export type { Kernel } from './kernel.ts'
export type { LabelMap, SegmentationFn, Segmenter } from './label-map.ts'
export type { ImageBatch, PredictFn, Predictor, Probabilities, SegmentPredictor } from './predictors.ts'
export { type QuickshiftOptions, quickshift } from './quickshift.ts'
export { RandomState } from './random-state.ts'
export type { Masks } from './sampling.ts'
export { segmenterNamed, segmenterNames } from './segmenter-registry.ts'
export { type SlicOptions, slic } from './slic.ts'
export type { ModelRegressor, RegressionProblem, SegmentWeight } from './surrogate.ts'
