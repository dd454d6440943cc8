import type { AttributeValue } from '../operators/operator-graph.ts'
import type { FlatTable } from './flatbuffer.ts'
import { tensorTypes } from './tensors.ts'

/**
 * The options of TensorFlow Lite's operators, each a table of its own, as attributes under TensorFlow's names: the same functions
 * read both.
 */

type Attributes = Record<string, AttributeValue>
type Read = (options: FlatTable) => AttributeValue

const whole =
  (field: number, otherwise = 0): Read =>
  (options) =>
    options.number(field, 'int32', otherwise)
const real =
  (field: number): Read =>
  (options) =>
    options.number(field, 'float32')
const flag =
  (field: number): Read =>
  (options) =>
    options.number(field, 'int8') !== 0
const list =
  (field: number): Read =>
  (options) =>
    options.numbers(field, 'int32', 16)

/** By their numbers in files; 0 is none. */
const fusedActivations = ['', 'Relu', 'ReluN1To1', 'Relu6', 'Tanh', 'SignBit']
const activation =
  (field: number): Read =>
  (options) => {
    const number = options.number(field, 'int8')
    return fusedActivations[number] ?? `number ${number}`
  }
const padding: Read = (options) => (options.number(0, 'int8') === 0 ? 'SAME' : 'VALID')

/** A number for each axis of images: width comes first in files. */
const pair =
  (widthField: number, heightField: number, otherwise = 0): Read =>
  (options) => [1, options.number(heightField, 'int32', otherwise), options.number(widthField, 'int32', otherwise), 1]

const pooling = { padding, strides: pair(1, 2), ksize: pair(3, 4), activation: activation(5) }
const arithmetic = { activation: activation(0) }
const reducing = { keep_dims: flag(0) }
const splitting = { num_split: whole(0) }
const resizing = (first: number) => ({ align_corners: flag(first), half_pixel_centers: flag(first + 1) })

/** What each attribute is read from. */
const optionsOf: Readonly<Record<string, Readonly<Record<string, Read>>>> = {
  ADD: arithmetic,
  AVERAGE_POOL_2D: pooling,
  BATCH_MATMUL: { adj_x: flag(0), adj_y: flag(1) },
  CAST: { DstT: (options) => tensorTypes[options.number(1, 'int8')] ?? 'another' },
  CONCATENATION: { axis: whole(0), activation: activation(1) },
  CONV_2D: { padding, strides: pair(1, 2), activation: activation(3), dilations: pair(4, 5, 1) },
  DEPTHWISE_CONV_2D: { padding, strides: pair(1, 2), activation: activation(4), dilations: pair(5, 6, 1) },
  DEPTH_TO_SPACE: { block_size: whole(0) },
  DIV: arithmetic,
  FAKE_QUANT: { min: real(0), max: real(1) },
  FULLY_CONNECTED: { activation: activation(0), weights_format: whole(1), keep_num_dims: flag(2) },
  GATHER: { axis: whole(0), batch_dims: whole(1) },
  GELU: { approximate: flag(0) },
  L2_NORMALIZATION: { activation: activation(0) },
  L2_POOL_2D: pooling,
  LEAKY_RELU: { alpha: real(0) },
  LOCAL_RESPONSE_NORMALIZATION: { depth_radius: whole(0), bias: real(1), alpha: real(2), beta: real(3) },
  MAX_POOL_2D: pooling,
  MEAN: reducing,
  MIRROR_PAD: { mode: (options) => (options.number(0, 'int8') === 0 ? 'REFLECT' : 'SYMMETRIC') },
  MUL: arithmetic,
  ONE_HOT: { axis: whole(0) },
  PACK: { axis: whole(1) },
  REDUCE_ALL: reducing,
  REDUCE_ANY: reducing,
  REDUCE_MAX: reducing,
  REDUCE_MIN: reducing,
  REDUCE_PROD: reducing,
  RESHAPE: { shape: list(0) },
  RESIZE_BILINEAR: resizing(2),
  RESIZE_NEAREST_NEIGHBOR: resizing(0),
  SOFTMAX: { beta: real(0) },
  SPACE_TO_DEPTH: { block_size: whole(0) },
  SPLIT: splitting,
  SPLIT_V: splitting,
  SQUEEZE: { squeeze_dims: list(0) },
  STRIDED_SLICE: {
    begin_mask: whole(0),
    end_mask: whole(1),
    ellipsis_mask: whole(2),
    new_axis_mask: whole(3),
    shrink_axis_mask: whole(4),
    offset: flag(5),
  },
  SUB: arithmetic,
  SUM: reducing,
  TRANSPOSE_CONV: { padding, strides: pair(1, 2), activation: activation(3) },
  UNPACK: { axis: whole(1) },
}

/** The attributes of an operator's node. */
export function attributesOf(operator: string, options: FlatTable | undefined): Attributes {
  if (!options || !Object.hasOwn(optionsOf, operator)) return {}
  return Object.fromEntries(Object.entries(optionsOf[operator]).map(([name, read]) => [name, read(options)]))
}
