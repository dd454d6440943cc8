import { check, shown } from '../../arguments.ts'
import { ArgumentError } from '../../errors.ts'
import type { Shape } from '../../tensor.ts'
import { type ActivationLayer, activationKind } from './activation.ts'
import { type Cropping2dLayer, cropping2dKind, type ZeroPadding2dLayer, zeroPadding2dKind } from './borders2d.ts'
import { type Conv2dLayer, conv2dKind } from './conv2d.ts'
import { type Conv2dTransposeLayer, conv2dTransposeKind } from './conv2d-transpose.ts'
import { type DenseLayer, denseKind } from './dense.ts'
import { type DepthwiseConv2dLayer, depthwiseConv2dKind } from './depthwise-conv2d.ts'
import { type DropoutLayer, dropoutKind } from './dropout.ts'
import { type FlattenLayer, flattenKind } from './flatten.ts'
import {
  type GlobalAveragePooling2dLayer,
  type GlobalMaxPooling2dLayer,
  globalAveragePooling2dKind,
  globalMaxPooling2dKind,
} from './global-pooling2d.ts'
import type { BuiltLayer, LayerKind } from './layer.ts'
import { type PermuteLayer, permuteKind } from './permute.ts'
import {
  type AveragePooling2dLayer,
  averagePooling2dKind,
  type MaxPooling2dLayer,
  maxPooling2dKind,
} from './pooling2d.ts'
import { type ReshapeLayer, reshapeKind } from './reshape.ts'
import { type SeparableConv2dLayer, separableConv2dKind } from './separable-conv2d.ts'
import {
  type EluLayer,
  eluKind,
  type LeakyReLULayer,
  leakyReLUKind,
  type PReluLayer,
  preluKind,
} from './sloped-activations.ts'
import { type UpSampling2dLayer, upSampling2dKind } from './up-sampling2d.ts'

/** All layers there are, as plain data. */
export type LayerDescription =
  | Conv2dLayer
  | DepthwiseConv2dLayer
  | SeparableConv2dLayer
  | Conv2dTransposeLayer
  | DenseLayer
  | MaxPooling2dLayer
  | AveragePooling2dLayer
  | GlobalMaxPooling2dLayer
  | GlobalAveragePooling2dLayer
  | UpSampling2dLayer
  | FlattenLayer
  | ReshapeLayer
  | PermuteLayer
  | ZeroPadding2dLayer
  | Cropping2dLayer
  | DropoutLayer
  | ActivationLayer
  | LeakyReLULayer
  | EluLayer
  | PReluLayer

type LayerName = LayerDescription['layer']
type Described<Name extends LayerName> = Extract<LayerDescription, { readonly layer: Name }>

const kinds: { readonly [Name in LayerName]: LayerKind<Described<Name>> } = {
  conv2d: conv2dKind,
  depthwiseConv2d: depthwiseConv2dKind,
  separableConv2d: separableConv2dKind,
  conv2dTranspose: conv2dTransposeKind,
  dense: denseKind,
  maxPooling2d: maxPooling2dKind,
  averagePooling2d: averagePooling2dKind,
  globalMaxPooling2d: globalMaxPooling2dKind,
  globalAveragePooling2d: globalAveragePooling2dKind,
  upSampling2d: upSampling2dKind,
  flatten: flattenKind,
  reshape: reshapeKind,
  permute: permuteKind,
  zeroPadding2d: zeroPadding2dKind,
  cropping2d: cropping2dKind,
  dropout: dropoutKind,
  activation: activationKind,
  leakyReLU: leakyReLUKind,
  elu: eluKind,
  prelu: preluKind,
}

function isLayerName(name: unknown): name is LayerName {
  return typeof name === 'string' && Object.hasOwn(kinds, name)
}

/** What a description says that it is, where that is a layer: whatever people wrote. */
export function layerNameOf(description: LayerDescription): LayerName | null {
  const name: unknown = description?.layer
  return isLayerName(name) ? name : null
}

/**
 * Prepares a layer for inputs of this shape (without the batch axis).
 * @param caller begins the messages
 * @throws ShapeError, ArgumentError, also for what is no layer, or one with a wrong option
 */
export function buildLayer(caller: string, description: LayerDescription, input: Shape): BuiltLayer {
  const name = layerNameOf(description)
  if (name === null) {
    const given: unknown = description?.layer
    throw new ArgumentError(
      `${caller}: ${shown(given === undefined ? description : given)} is no layer; there are ${Object.keys(kinds).join(', ')}`,
    )
  }
  const kind: LayerKind<LayerDescription> = kinds[name]
  check(caller, kind.options, description)
  return kind.build(caller, description, input)
}
