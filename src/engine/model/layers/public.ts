/** The layers that networks are written with, and what describes them. */

export { type ActivationLayer, activation } from './activation.ts'
export type { ActivationName } from './activations.ts'
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
export { type DenseConfig, type DenseLayer, dense } from './dense.ts'
export { type DropoutLayer, dropout } from './dropout.ts'
export { type FlattenLayer, flatten } from './flatten.ts'
export type { BuiltLayer, LayerContext, WeightDescription } from './layer.ts'
export { type PermuteLayer, permute } from './permute.ts'
export {
  type AveragePooling2dLayer,
  averagePooling2d,
  type MaxPooling2dLayer,
  maxPooling2d,
  type Pooling2dConfig,
} from './pooling2d.ts'
export { buildLayer, type LayerDescription } from './registry.ts'
export { type ReshapeLayer, reshape } from './reshape.ts'
