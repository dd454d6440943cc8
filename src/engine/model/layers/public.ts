/** The layers that networks are written with, and what describes them. */

export { type ActivationLayer, activation } from './activation.ts'
export type { ActivationName } from './activations.ts'
export {
  type BatchNormalizationConfig,
  type BatchNormalizationLayer,
  batchNormalization,
} from './batch-normalization.ts'
export {
  type Borders,
  type Cropping2dConfig,
  type Cropping2dLayer,
  cropping2d,
  type ZeroPadding2dConfig,
  type ZeroPadding2dLayer,
  zeroPadding2d,
} from './borders2d.ts'
export { type Conv2dConfig, type Conv2dLayer, conv2d } from './conv2d.ts'
export { type Conv2dTransposeConfig, type Conv2dTransposeLayer, conv2dTranspose } from './conv2d-transpose.ts'
export type { ConvolutionConfig } from './convolution.ts'
export { type DenseConfig, type DenseLayer, dense } from './dense.ts'
export { type DepthwiseConv2dConfig, type DepthwiseConv2dLayer, depthwiseConv2d } from './depthwise-conv2d.ts'
export type { DotConfig, DotLayer } from './dot.ts'
export { type DropoutLayer, dropout, type SpatialDropout2dLayer, spatialDropout2d } from './dropout.ts'
export { type FlattenLayer, flatten } from './flatten.ts'
export { type GaussianDropoutLayer, type GaussianNoiseLayer, gaussianDropout, gaussianNoise } from './gaussian.ts'
export {
  type GlobalAveragePooling2dLayer,
  type GlobalMaxPooling2dLayer,
  globalAveragePooling2d,
  globalMaxPooling2d,
} from './global-pooling2d.ts'
export {
  type GroupNormalizationConfig,
  type GroupNormalizationLayer,
  groupNormalization,
} from './group-normalization.ts'
export type {
  BuiltLayer,
  CalledLayer,
  LayerContext,
  OutputWithChanges,
  StateChange,
  WeightDescription,
} from './layer.ts'
export { type LayerNormalizationLayer, layerNormalization } from './layer-normalization.ts'
export type { ConcatenateLayer, MergeLayer } from './merge.ts'
export {
  type MultiHeadAttentionConfig,
  type MultiHeadAttentionLayer,
  multiHeadAttention,
} from './multi-head-attention.ts'
export type { ModelLayer, SequentialLayer } from './nested.ts'
export { type NormalizationLayer, type NormalizationLayerConfig, normalization } from './normalization.ts'
export { type PermuteLayer, permute } from './permute.ts'
export {
  type AveragePooling2dLayer,
  averagePooling2d,
  type MaxPooling2dLayer,
  maxPooling2d,
  type Pooling2dConfig,
} from './pooling2d.ts'
export {
  type RandomCropConfig,
  type RandomCropLayer,
  type RandomFlipConfig,
  type RandomFlipLayer,
  type RandomTranslationConfig,
  type RandomTranslationLayer,
  randomCrop,
  randomFlip,
  randomTranslation,
} from './random-images.ts'
export {
  type ReLUConfig,
  type ReLULayer,
  reLU,
  type ThresholdedReLUConfig,
  type ThresholdedReLULayer,
  thresholdedReLU,
} from './rectifiers.ts'
export { buildLayer, type LayerDescription, type MergingDescription } from './registry.ts'
export { type RescalingConfig, type RescalingLayer, rescaling } from './rescaling.ts'
export { type ReshapeLayer, reshape } from './reshape.ts'
export { type ResizingConfig, type ResizingLayer, resizing } from './resizing.ts'
export type { NormalizationConfig } from './scale-and-center.ts'
export { type SeparableConv2dConfig, type SeparableConv2dLayer, separableConv2d } from './separable-conv2d.ts'
export {
  type EluConfig,
  type EluLayer,
  elu,
  type LeakyReLUConfig,
  type LeakyReLULayer,
  leakyReLU,
  type PReluConfig,
  type PReluLayer,
  prelu,
} from './sloped-activations.ts'
export { type SoftmaxConfig, type SoftmaxLayer, softmax } from './softmax.ts'
export { type UpSampling2dConfig, type UpSampling2dLayer, upSampling2d } from './up-sampling2d.ts'
