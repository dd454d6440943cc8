/**
 * Explains any image classifier, with the numbers of Python's lime.
 * @module limelight/lime
 */

export {
  type ExplainOptions,
  LimeImageExplainer,
  type LimeImageExplainerOptions,
} from './explainers/lime.ts'
export type { CallOptions, ExplainImage, RequestedSegmenter } from './explainers/method.ts'
export { type MethodName, methodNames } from './explainers/registry.ts'
export type { AutoSamples } from './explainers/settled-evidence.ts'
export { ShapleyImageExplainer, type ShapleyImageExplainerOptions, type ShapleyOptions } from './explainers/shapley.ts'
export type { Progress, SubjectOptions } from './explainers/subject.ts'
export { Attribution, type ImageAndMaskOptions, type ShownPicture } from './explanation/attribution.ts'
export type { AttributionJson } from './explanation/attribution-json.ts'
export { findBoundaries, markBoundaries } from './explanation/boundaries.ts'
export type { Provenance, Sampling, Timings } from './explanation/contents.ts'
export { Explanation } from './explanation/explanation.ts'
export type { ExplanationJson } from './explanation/explanation-json.ts'
export { type Curve, type Faithfulness, type FaithfulnessOptions, faithfulnessOf } from './explanation/faithfulness.ts'
export { heatmap, overlay, tinted, weightColour, weightLimit, weightMap } from './explanation/heatmap.ts'
export { attributionFromJson } from './explanation/saved-attribution.ts'
export { ShapleyAttribution } from './explanation/shapley-attribution.ts'
export { type Stability, stabilityOfRuns } from './explanation/stability.ts'
export type { WeightInterval } from './fit/confidence.ts'
export { type FeatureSelection, featureSelectionNamed } from './fit/feature-selection.ts'
export type { ModelRegressor, RegressionProblem, SegmentWeight } from './fit/surrogate.ts'
export { rgbToGray, rgbToLab } from './images/color.ts'
export { type HiddenFill, type HideColor, hiddenFills } from './images/fudged-image.ts'
export { type Image, type ImageInput, toImage } from './images/image.ts'
export { DefaultRng } from './random/default-rng.ts'
export { RandomState } from './random/random-state.ts'
export { type ExplanationRequest, explainerFor, explanationRequest, type RequestInput } from './request.ts'
export { type DistanceMetric, distanceMetrics } from './samples/distances.ts'
export type { Kernel } from './samples/kernel.ts'
export type { LogitTable, LogitTables } from './samples/logit-tables.ts'
export type { ImageBatch, PredictFn, Predictor, Probabilities, SegmentPredictor } from './samples/predictors.ts'
export { type Masks, type SamplingDesign, samplingDesigns } from './samples/sampling.ts'
export { defaultSegmenter } from './segmenters/default-segmenter.ts'
export { type FelzenszwalbOptions, felzenszwalb } from './segmenters/felzenszwalb.ts'
export { labelMapDigest, mapSegmenter } from './segmenters/given-segments.ts'
export { type GridOptions, grid } from './segmenters/grid.ts'
export {
  type LabelMap,
  type SegmentationContext,
  type SegmentationFn,
  type Segmenter,
  scaledLabelMap,
} from './segmenters/label-map.ts'
export { type QuickshiftOptions, quickshift } from './segmenters/quickshift.ts'
export { segmenterNamed, segmenterNames } from './segmenters/registry.ts'
export { type SlicOptions, slic } from './segmenters/slic.ts'
export { type WatershedOptions, watershed } from './segmenters/watershed.ts'
