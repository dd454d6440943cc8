import { check, shown } from '../../arguments.ts'
import { ArgumentError, ShapeError } from '../../errors.ts'
import type { Shape } from '../../tensor.ts'
import { type ActivationLayer, activationKind } from './activation.ts'
import { type BatchNormalizationLayer, batchNormalizationKind } from './batch-normalization.ts'
import { type Cropping2dLayer, cropping2dKind, type ZeroPadding2dLayer, zeroPadding2dKind } from './borders2d.ts'
import { type Conv2dLayer, conv2dKind } from './conv2d.ts'
import { type Conv2dTransposeLayer, conv2dTransposeKind } from './conv2d-transpose.ts'
import { type DenseLayer, denseKind } from './dense.ts'
import { type DepthwiseConv2dLayer, depthwiseConv2dKind } from './depthwise-conv2d.ts'
import { type DotLayer, dotKind } from './dot.ts'
import { type DropoutLayer, dropoutKind, type SpatialDropout2dLayer, spatialDropout2dKind } from './dropout.ts'
import { type FlattenLayer, flattenKind } from './flatten.ts'
import {
  type GaussianDropoutLayer,
  type GaussianNoiseLayer,
  gaussianDropoutKind,
  gaussianNoiseKind,
} from './gaussian.ts'
import {
  type GlobalAveragePooling2dLayer,
  type GlobalMaxPooling2dLayer,
  globalAveragePooling2dKind,
  globalMaxPooling2dKind,
} from './global-pooling2d.ts'
import { type GroupNormalizationLayer, groupNormalizationKind } from './group-normalization.ts'
import {
  type BuiltLayer,
  type CalledLayer,
  type InnerLayers,
  type LayerKind,
  type MergingKind,
  ofOneInput,
} from './layer.ts'
import { type LayerNormalizationLayer, layerNormalizationKind } from './layer-normalization.ts'
import {
  addKind,
  averageKind,
  type ConcatenateLayer,
  concatenateKind,
  type MergeLayer,
  maximumKind,
  minimumKind,
  multiplyKind,
  subtractKind,
} from './merge.ts'
import { type MultiHeadAttentionLayer, multiHeadAttentionKind } from './multi-head-attention.ts'
import { type ModelLayer, modelKind, type SequentialLayer, sequentialKind } from './nested.ts'
import { type NormalizationLayer, normalizationKind } from './normalization.ts'
import { type PermuteLayer, permuteKind } from './permute.ts'
import {
  type AveragePooling2dLayer,
  averagePooling2dKind,
  type MaxPooling2dLayer,
  maxPooling2dKind,
} from './pooling2d.ts'
import {
  type RandomCropLayer,
  type RandomFlipLayer,
  type RandomTranslationLayer,
  randomCropKind,
  randomFlipKind,
  randomTranslationKind,
} from './random-images.ts'
import { type ReLULayer, reLUKind, type ThresholdedReLULayer, thresholdedReLUKind } from './rectifiers.ts'
import { type RescalingLayer, rescalingKind } from './rescaling.ts'
import { type ReshapeLayer, reshapeKind } from './reshape.ts'
import { type ResizingLayer, resizingKind } from './resizing.ts'
import { type SeparableConv2dLayer, separableConv2dKind } from './separable-conv2d.ts'
import {
  type EluLayer,
  eluKind,
  type LeakyReLULayer,
  leakyReLUKind,
  type PReluLayer,
  preluKind,
} from './sloped-activations.ts'
import { type SoftmaxLayer, softmaxKind } from './softmax.ts'
import { type UpSampling2dLayer, upSampling2dKind } from './up-sampling2d.ts'

/** All layers of one input, as plain data. Some take several, too. */
export type LayerDescription =
  | OneInputDescription
  | MultiHeadAttentionLayer
  | ModelLayer<AnyLayerDescription>
  | SequentialLayer<LayerDescription>

type OneInputDescription =
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
  | SoftmaxLayer
  | ReLULayer
  | ThresholdedReLULayer
  | LeakyReLULayer
  | EluLayer
  | PReluLayer
  | BatchNormalizationLayer
  | LayerNormalizationLayer
  | GroupNormalizationLayer
  | SpatialDropout2dLayer
  | GaussianNoiseLayer
  | GaussianDropoutLayer
  | RescalingLayer
  | NormalizationLayer
  | ResizingLayer
  | RandomFlipLayer
  | RandomTranslationLayer
  | RandomCropLayer

/** All layers of several inputs, as plain data. */
export type MergingDescription =
  | MergeLayer
  | ConcatenateLayer
  | DotLayer
  | MultiHeadAttentionLayer
  | ModelLayer<AnyLayerDescription>
  | SequentialLayer<LayerDescription>

export type AnyLayerDescription = LayerDescription | MergingDescription

type LayerName = OneInputDescription['layer']
type MergingName = MergingDescription['layer']
type Described<Name> = Extract<AnyLayerDescription, { readonly layer: Name }>

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
  softmax: softmaxKind,
  reLU: reLUKind,
  thresholdedReLU: thresholdedReLUKind,
  leakyReLU: leakyReLUKind,
  elu: eluKind,
  prelu: preluKind,
  batchNormalization: batchNormalizationKind,
  layerNormalization: layerNormalizationKind,
  groupNormalization: groupNormalizationKind,
  spatialDropout2d: spatialDropout2dKind,
  gaussianNoise: gaussianNoiseKind,
  gaussianDropout: gaussianDropoutKind,
  rescaling: rescalingKind,
  normalization: normalizationKind,
  resizing: resizingKind,
  randomFlip: randomFlipKind,
  randomTranslation: randomTranslationKind,
  randomCrop: randomCropKind,
}

const mergingKinds: { readonly [Name in MergingName]: MergingKind<Described<Name>> } = {
  add: addKind,
  multiply: multiplyKind,
  average: averageKind,
  maximum: maximumKind,
  minimum: minimumKind,
  subtract: subtractKind,
  concatenate: concatenateKind,
  dot: dotKind,
  multiHeadAttention: multiHeadAttentionKind,
  model: modelKind,
  sequential: sequentialKind,
}

function isLayerName(name: unknown): name is LayerName {
  return typeof name === 'string' && Object.hasOwn(kinds, name)
}

function isMergingName(name: unknown): name is MergingName {
  return typeof name === 'string' && Object.hasOwn(mergingKinds, name)
}

/** What a description says that it is, where that is a layer: whatever people wrote. */
function layerNameOf(description: AnyLayerDescription): LayerName | MergingName | null {
  const name: unknown = description?.layer
  return isLayerName(name) || isMergingName(name) ? name : null
}

/**
 * Prepares a layer for inputs of these shapes (without the batch axis).
 * @param caller begins the messages
 * @throws ShapeError, ArgumentError, also for what is no layer, one with a wrong option, or one that takes fewer inputs, or more
 */
export function callLayer(caller: string, description: AnyLayerDescription, inputs: readonly Shape[]): CalledLayer {
  return callAt(0, caller, description, inputs)
}

/** Models inside models: a hostile file may hold more than the stack of calls takes. */
const deepest = 20

/** Prepares layers, and those inside them. @param depth of models around them */
function layersAt(depth: number): InnerLayers<AnyLayerDescription> {
  return {
    call: (caller, description, inputs) => callAt(depth, caller, description, inputs),
    nameOf: layerNameOf,
  }
}

/** @internal */
export const allLayers = layersAt(0)

function callAt(
  depth: number,
  caller: string,
  description: AnyLayerDescription,
  inputs: readonly Shape[],
): CalledLayer {
  if (depth > deepest) throw new ArgumentError(`models stand inside models ${deepest} deep; no more can be`)
  const name: unknown = description?.layer
  if (isMergingName(name)) {
    const kind: MergingKind<AnyLayerDescription> = mergingKinds[name]
    if (inputs.length === 1 && !kind.takesOne)
      throw new ArgumentError(`${caller}: ${name} makes one tensor of several, as in ${name}([a, b]); here is but one`)
    check(caller, kind.options, description)
    return kind.build(caller, description, inputs, layersAt(depth + 1))
  }
  if (!isLayerName(name)) {
    const given = name === undefined ? description : name
    throw new ArgumentError(
      `${caller}: ${shown(given)} is no layer; there are ${[...Object.keys(kinds), ...Object.keys(mergingKinds)].join(', ')}`,
    )
  }
  const kind: LayerKind<AnyLayerDescription> = kinds[name]
  check(caller, kind.options, description)
  if (inputs.length !== 1) throw new ShapeError(`${caller}: expected one input, not ${inputs.length}`)
  return ofOneInput(kind.build(caller, description, inputs[0]))
}

/**
 * Prepares a layer for inputs of this shape (without the batch axis).
 * @param caller begins the messages
 * @throws ShapeError, ArgumentError, also for what is no layer of one input, or one with a wrong option
 */
export function buildLayer(caller: string, description: LayerDescription, input: Shape): BuiltLayer {
  const layer = callLayer(caller, description, [input])
  return { ...layer, apply: (x, weights, context) => layer.apply([x], weights, context) }
}
