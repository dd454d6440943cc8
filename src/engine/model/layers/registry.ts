import { check, shown } from '../../arguments.ts'
import { ArgumentError, ShapeError } from '../../errors.ts'
import type { Resident, Shape, Tensor } from '../../tensor.ts'
import { type ActivationLayer, activationKind } from './activation.ts'
import { type BatchNormalizationLayer, batchNormalizationKind } from './batch-normalization.ts'
import { type Cropping2dLayer, cropping2dKind, type ZeroPadding2dLayer, zeroPadding2dKind } from './borders2d.ts'
import { type Conv2dLayer, conv2dKind } from './conv2d.ts'
import { type Conv2dTransposeLayer, conv2dTransposeKind } from './conv2d-transpose.ts'
import { type DenseLayer, denseKind } from './dense.ts'
import { type DepthwiseConv2dLayer, depthwiseConv2dKind } from './depthwise-conv2d.ts'
import { type DropoutLayer, dropoutKind, type SpatialDropout2dLayer, spatialDropout2dKind } from './dropout.ts'
import { type FlattenLayer, flattenKind } from './flatten.ts'
import {
  type GlobalAveragePooling2dLayer,
  type GlobalMaxPooling2dLayer,
  globalAveragePooling2dKind,
  globalMaxPooling2dKind,
} from './global-pooling2d.ts'
import { type GroupNormalizationLayer, groupNormalizationKind } from './group-normalization.ts'
import type { BuiltLayer, LayerContext, LayerKind, MergingKind } from './layer.ts'
import { type LayerNormalizationLayer, layerNormalizationKind } from './layer-normalization.ts'
import {
  addKind,
  averageKind,
  type ConcatenateLayer,
  concatenateKind,
  type MergeLayer,
  maximumKind,
  multiplyKind,
  subtractKind,
} from './merge.ts'
import { type PermuteLayer, permuteKind } from './permute.ts'
import {
  type AveragePooling2dLayer,
  averagePooling2dKind,
  type MaxPooling2dLayer,
  maxPooling2dKind,
} from './pooling2d.ts'
import {
  type RandomFlipLayer,
  type RandomTranslationLayer,
  randomFlipKind,
  randomTranslationKind,
} from './random-images.ts'
import { type RescalingLayer, rescalingKind } from './rescaling.ts'
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

/** All layers of one input, as plain data. */
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
  | BatchNormalizationLayer
  | LayerNormalizationLayer
  | GroupNormalizationLayer
  | SpatialDropout2dLayer
  | RescalingLayer
  | RandomFlipLayer
  | RandomTranslationLayer

/** All layers of several inputs, as plain data. */
export type MergingDescription = MergeLayer | ConcatenateLayer

type LayerName = LayerDescription['layer']
type MergingName = MergingDescription['layer']
type Described<Name> = Extract<LayerDescription | MergingDescription, { readonly layer: Name }>

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
  batchNormalization: batchNormalizationKind,
  layerNormalization: layerNormalizationKind,
  groupNormalization: groupNormalizationKind,
  spatialDropout2d: spatialDropout2dKind,
  rescaling: rescalingKind,
  randomFlip: randomFlipKind,
  randomTranslation: randomTranslationKind,
}

const mergingKinds: { readonly [Name in MergingName]: MergingKind<MergingDescription> } = {
  add: addKind,
  multiply: multiplyKind,
  average: averageKind,
  maximum: maximumKind,
  subtract: subtractKind,
  concatenate: concatenateKind,
}

function isLayerName(name: unknown): name is LayerName {
  return typeof name === 'string' && Object.hasOwn(kinds, name)
}

function isMergingName(name: unknown): name is MergingName {
  return typeof name === 'string' && Object.hasOwn(mergingKinds, name)
}

/** What a description says that it is, where that is a layer: whatever people wrote. */
export function layerNameOf(description: LayerDescription | MergingDescription): LayerName | MergingName | null {
  const name: unknown = description?.layer
  return isLayerName(name) || isMergingName(name) ? name : null
}

/**
 * Prepares a layer for inputs of this shape (without the batch axis).
 * @param caller begins the messages
 * @throws ShapeError, ArgumentError, also for what is no layer of one input, or one with a wrong option
 */
export function buildLayer(caller: string, description: LayerDescription, input: Shape): BuiltLayer {
  const name: unknown = description?.layer
  if (isMergingName(name))
    throw new ArgumentError(`${caller}: ${name} makes one tensor of several, as in ${name}([a, b]); here is but one`)
  if (!isLayerName(name)) {
    const given = name === undefined ? description : name
    throw new ArgumentError(`${caller}: ${shown(given)} is no layer; there are ${Object.keys(kinds).join(', ')}`)
  }
  const kind: LayerKind<LayerDescription> = kinds[name]
  check(caller, kind.options, description)
  return kind.build(caller, description, input)
}

/** A layer of any number of inputs, prepared. */
export interface CalledLayer extends Omit<BuiltLayer, 'apply'> {
  apply(inputs: readonly Tensor[], weights: readonly Resident[], context: LayerContext): ReturnType<BuiltLayer['apply']>
}

/** A layer of one input, as one of any number. */
export function ofOneInput({ type, outputShape, weights, apply }: BuiltLayer): CalledLayer {
  return { type, outputShape, weights, apply: ([x], own, context) => apply(x, own, context) }
}

/**
 * Prepares a layer for inputs of these shapes (without the batch axis).
 * @throws ShapeError, ArgumentError, also where the layer takes fewer inputs, or more
 */
export function callLayer(
  caller: string,
  description: LayerDescription | MergingDescription,
  inputs: readonly Shape[],
): CalledLayer {
  if (isMerging(description)) {
    const kind = mergingKinds[description.layer]
    check(caller, kind.options, description)
    return { ...kind.build(caller, description, inputs), weights: [] }
  }
  if (inputs.length !== 1) throw new ShapeError(`${caller}: expected one input, not ${inputs.length}`)
  return ofOneInput(buildLayer(caller, description, inputs[0]))
}

function isMerging(description: LayerDescription | MergingDescription): description is MergingDescription {
  return isMergingName(description?.layer)
}
