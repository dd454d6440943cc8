import { clip } from '../../ops/elementwise.ts'
import type { OperatorCall, OperatorFunction, OperatorSet } from '../operators/operator-call.ts'
import { DeviceValue, HostValue, type Value } from '../operators/value.ts'
import { activated } from '../tensorflow/activations.ts'
import { convolution, depthwiseConvolution, transposedConvolution } from '../tensorflow/convolution.ts'
import { fullyConnected } from '../tensorflow/matrices.ts'
import { tensorFlowOperators as tensorFlow } from '../tensorflow/operators.ts'
import { concatenated } from '../tensorflow/shapes.ts'

/** A node that makes what can't be read: `why` says why not. */
export const unreadTensor = 'TENSOR'

/** The attribute of nodes whose output saturates: the least number and the largest. */
export const saturation = 'saturation'

/** What a node's options say of its result, and what its output can hold, if that is given. */
function finished(call: OperatorCall, made: Value, limits?: readonly number[]): Value {
  const value = call.onDevice(made)
  const name = call.text('activation', '')
  if (!limits) return name === '' ? made : activated(call, value, name)
  const [least, most] = limits
  if (name === '' || name === 'Relu') return value.with(clip(value.tensor, { min: least, max: most }))
  if (name === 'Relu6') return value.with(clip(value.tensor, { min: least, max: Math.min(most, 6) }))
  const active = activated(call, value, name)
  return active.with(clip(active.tensor, { min: least, max: most }))
}

/** An operator that passes numbers on, or means of them: what comes in is cut off already. */
function passing(operator: OperatorFunction): OperatorFunction {
  return (call) => {
    const made = operator(call)
    return isOne(made) ? finished(call, made) : made
  }
}

/** An operator that computes: what its output can't hold is cut off. */
function computing(operator: OperatorFunction): OperatorFunction {
  return (call) => {
    const made = operator(call)
    return isOne(made) ? finished(call, made, call.optionalNumbers(saturation)) : made
  }
}

function isOne(made: Value | readonly Value[]): made is Value {
  return made instanceof HostValue || made instanceof DeviceValue
}

const bias = (call: OperatorCall, index: number) => (call.has(index) ? call.tensor(call.value(index)) : undefined)

/** Kernels are [out,KH,KW,in] in these files. */
function convolved(call: OperatorCall): DeviceValue {
  return convolution(call, call.tensor(kernelOf(call), [1, 2, 3, 0]), bias(call, 2))
}

/** [1,KH,KW,in · multiplier]: the channels that are made of one lie side by side. */
function depthwiseConvolved(call: OperatorCall): DeviceValue {
  const kernel = kernelOf(call)
  const [, height, width, all] = kernel.shape
  const channels = call.value(0).shape[3]
  if (kernel.shape[0] !== 1 || all % channels !== 0)
    call.invalid(`its weights are [${kernel.shape}] for ${channels} channels`)
  const perChannel = call.reshaped(kernel, [height, width, channels, all / channels])
  return depthwiseConvolution(call, call.tensor(perChannel), bias(call, 2))
}

/** [out,KH,KW,in] as the others. */
function transposedConvolved(call: OperatorCall): DeviceValue {
  const kernel = call.tensor(kernelOf(call), [1, 2, 0, 3])
  return transposedConvolution(call, call.value(2), kernel, call.hostIntegers(0) ?? [], bias(call, 3))
}

function kernelOf(call: OperatorCall): Value {
  const kernel = call.value(1)
  if (kernel.shape.length !== 4) call.invalid(`its weights have ${kernel.shape.length} axes; expected 4`)
  return kernel
}

function dense(call: OperatorCall): DeviceValue {
  if (call.number('weights_format', 0) !== 0) call.unsupported('weights that are shuffled')
  return fullyConnected(call, bias(call, 2))
}

function clipped(call: OperatorCall): DeviceValue {
  const [min, max] = [call.number('min'), call.number('max')]
  return call.elementwise([call.value(0)], 'float', (x) => clip(x, { min, max }))
}

const joined: OperatorFunction = (call) =>
  concatenated(
    call,
    call.node.inputs.map((_, i) => call.value(i)),
    call.number('axis', 0),
  )

/** Operators by the names that TensorFlow Lite's schema gives them. */
const operators: Readonly<Record<string, OperatorFunction>> = {
  ABS: tensorFlow.Abs,
  ADD: computing(tensorFlow.AddV2),
  ADD_N: computing(tensorFlow.AddN),
  ARG_MAX: tensorFlow.ArgMax,
  ARG_MIN: tensorFlow.ArgMin,
  AVERAGE_POOL_2D: passing(tensorFlow.AvgPool),
  BATCH_MATMUL: computing(tensorFlow.BatchMatMul),
  BATCH_TO_SPACE_ND: tensorFlow.BatchToSpaceND,
  BROADCAST_TO: tensorFlow.BroadcastTo,
  CAST: tensorFlow.Cast,
  CEIL: tensorFlow.Ceil,
  CONCATENATION: passing(joined),
  CONV_2D: computing(convolved),
  COS: tensorFlow.Cos,
  DEPTHWISE_CONV_2D: computing(depthwiseConvolved),
  DEPTH_TO_SPACE: tensorFlow.DepthToSpace,
  DEQUANTIZE: tensorFlow.Identity,
  DIV: computing(tensorFlow.Div),
  ELU: tensorFlow.Elu,
  EQUAL: tensorFlow.Equal,
  EXP: tensorFlow.Exp,
  EXPAND_DIMS: tensorFlow.ExpandDims,
  FAKE_QUANT: clipped,
  FILL: tensorFlow.Fill,
  FLOOR: tensorFlow.Floor,
  FLOOR_DIV: tensorFlow.FloorDiv,
  FLOOR_MOD: tensorFlow.FloorMod,
  FULLY_CONNECTED: computing(dense),
  GATHER: tensorFlow.Gather,
  GELU: tensorFlow.Gelu,
  GREATER: tensorFlow.Greater,
  GREATER_EQUAL: tensorFlow.GreaterEqual,
  HARD_SWISH: tensorFlow.HardSwish,
  L2_NORMALIZATION: passing(tensorFlow.L2Normalization),
  L2_POOL_2D: passing(tensorFlow.L2Pool),
  LEAKY_RELU: tensorFlow.LeakyRelu,
  LESS: tensorFlow.Less,
  LESS_EQUAL: tensorFlow.LessEqual,
  LOCAL_RESPONSE_NORMALIZATION: tensorFlow.LRN,
  LOG: tensorFlow.Log,
  LOGICAL_AND: tensorFlow.LogicalAnd,
  LOGICAL_NOT: tensorFlow.LogicalNot,
  LOGICAL_OR: tensorFlow.LogicalOr,
  LOGISTIC: tensorFlow.Sigmoid,
  LOG_SOFTMAX: tensorFlow.LogSoftmax,
  MAXIMUM: tensorFlow.Maximum,
  MAX_POOL_2D: passing(tensorFlow.MaxPool),
  MEAN: tensorFlow.Mean,
  MINIMUM: tensorFlow.Minimum,
  MIRROR_PAD: tensorFlow.MirrorPad,
  MUL: computing(tensorFlow.Mul),
  NEG: tensorFlow.Neg,
  NOT_EQUAL: tensorFlow.NotEqual,
  ONE_HOT: tensorFlow.OneHot,
  PACK: tensorFlow.Pack,
  PAD: tensorFlow.Pad,
  PADV2: tensorFlow.PadV2,
  POW: tensorFlow.Pow,
  PRELU: tensorFlow.Prelu,
  QUANTIZE: computing(tensorFlow.Identity),
  RANGE: tensorFlow.Range,
  RANK: tensorFlow.Rank,
  REDUCE_ALL: tensorFlow.All,
  REDUCE_ANY: tensorFlow.Any,
  REDUCE_MAX: tensorFlow.Max,
  REDUCE_MIN: tensorFlow.Min,
  REDUCE_PROD: tensorFlow.Prod,
  RELU: tensorFlow.Relu,
  RELU6: tensorFlow.Relu6,
  RELU_0_TO_1: tensorFlow.Relu0To1,
  RELU_N1_TO_1: tensorFlow.ReluN1To1,
  RESHAPE: tensorFlow.Reshape,
  RESIZE_BILINEAR: tensorFlow.ResizeBilinear,
  RESIZE_NEAREST_NEIGHBOR: tensorFlow.ResizeNearestNeighbor,
  REVERSE_V2: tensorFlow.ReverseV2,
  ROUND: tensorFlow.Round,
  RSQRT: tensorFlow.Rsqrt,
  SELECT: tensorFlow.Select,
  SELECT_V2: tensorFlow.SelectV2,
  SHAPE: tensorFlow.Shape,
  SIGN: tensorFlow.Sign,
  SIN: tensorFlow.Sin,
  SLICE: tensorFlow.Slice,
  SOFTMAX: tensorFlow.Softmax,
  SPACE_TO_BATCH_ND: tensorFlow.SpaceToBatchND,
  SPACE_TO_DEPTH: tensorFlow.SpaceToDepth,
  SPLIT: tensorFlow.Split,
  SPLIT_V: tensorFlow.SplitV,
  SQRT: tensorFlow.Sqrt,
  SQUARE: tensorFlow.Square,
  SQUARED_DIFFERENCE: computing(tensorFlow.SquaredDifference),
  SQUEEZE: tensorFlow.Squeeze,
  STRIDED_SLICE: tensorFlow.StridedSlice,
  SUB: computing(tensorFlow.Sub),
  SUM: computing(tensorFlow.Sum),
  TANH: tensorFlow.Tanh,
  TILE: tensorFlow.Tile,
  TRANSPOSE: tensorFlow.Transpose,
  TRANSPOSE_CONV: computing(transposedConvolved),
  UNPACK: tensorFlow.Unpack,
  ZEROS_LIKE: tensorFlow.ZerosLike,
  [unreadTensor]: (call) => call.unsupported(call.text('why')),
}

export const tfliteOperators: OperatorSet = {
  name: 'TensorFlow Lite',
  find: ({ operator }) => (Object.hasOwn(operators, operator) ? operators[operator] : undefined),
}
