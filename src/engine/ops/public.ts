import {
  check,
  type Expected,
  either,
  finiteNumber,
  flag,
  isListOf,
  numberFrom,
  oneOf,
  optionsOf,
  positiveNumber,
  thatIs,
  wholeNumber,
} from '../arguments.ts'
import { ArgumentError } from '../errors.ts'
import { isShape, type Shape, Tensor } from '../tensor.ts'
import type { Conv2dOptions } from './conv2d.ts'
import type { Conv2dTransposeOptions } from './conv2d-transpose.ts'
import type { DepthwiseConv2dOptions } from './depthwise-conv2d.ts'
import type { BatchNormOptions, LocalResponseNormOptions, NormOptions } from './normalization.ts'
import * as operations from './operations.ts'
import type { Margin, PadOptions } from './pad.ts'
import type { AvgPoolOptions, GlobalPoolOptions, MaxPoolOptions } from './pool.ts'
import type { ReduceOptions } from './reduction.ts'
import { coordinateModes, modes, type ResizeOptions, roundings } from './resize.ts'
import type { SliceOptions } from './slice-and-pad.ts'
import type { TakeOptions } from './take.ts'
import { amounts, anyPadding, pair } from './window.ts'

/**
 * The operations as people call them: what they give is looked at here. Our own code calls them as they are. The type is that of the
 * operations themselves, which brings their documentation along.
 */

const aTensor = thatIs<Tensor>('a tensor', (value) => value instanceof Tensor)
const operand = either(
  'a tensor or a number',
  aTensor,
  thatIs('', (value) => typeof value === 'number'),
)
const shape = thatIs<Shape>('a list of whole numbers', isShape)
const axis = thatIs<number>('a whole number', Number.isSafeInteger)
const axes = either(
  'an axis or a list of axes',
  axis,
  thatIs('', (value) => isListOf(value, Number.isSafeInteger)),
)
const integers = thatIs<readonly number[]>('a list of whole numbers, negative ones too', (value) =>
  isListOf(value, Number.isSafeInteger),
)
const byAxis = optionsOf<{ readonly axis?: number }>({ axis })
const parts = thatIs<readonly Tensor[]>('a list of tensors', (value) => isListOf(value, (one) => one instanceof Tensor))

/** An operation that looks at its arguments first, by their names in order; those with a question mark may be left out. */
function checked<Given extends unknown[], Result>(
  operation: (...given: Given) => Result,
  expected: Readonly<Record<string, Expected>>,
): (...given: Given) => Result {
  const { name } = operation
  const parameters = Object.entries(expected)
  return (...given) => {
    if (given.length > parameters.length)
      throw new ArgumentError(
        `ops.${name}: ${given.length} arguments given; expected ${Object.keys(expected).join(', ')}`,
      )
    for (const [i, [parameter, schema]] of parameters.entries()) {
      if (given[i] === undefined && parameter.endsWith('?')) continue
      check(`ops.${name}`, schema, given[i], parameter.replace('?', ''))
    }
    return operation(...given)
  }
}

const one = { x: aTensor }
const two = { a: operand, b: operand }
const norm = { gamma: aTensor, beta: aTensor, epsilon: positiveNumber() }
const normalising = { x: aTensor, 'options?': optionsOf<NormOptions>(norm) }
const folding = { x: aTensor, 'options?': optionsOf<ReduceOptions>({ axes, keepDims: flag }) }
const alongAxis = { x: aTensor, 'options?': byAxis }
const finding = {
  x: aTensor,
  'options?': optionsOf<{ readonly axis?: number; readonly keepDims?: boolean }>({ axis, keepDims: flag }),
}
const pooling = { poolSize: pair, strides: pair, padding: anyPadding, ceilMode: flag }
const isPositive = (value: unknown) => typeof value === 'number' && value > 0
const resizing = optionsOf<ResizeOptions>({
  size: pair,
  scales: either(
    'a number > 0 or two, [vertical, horizontal]',
    positiveNumber(),
    thatIs('', (value) => Array.isArray(value) && value.length === 2 && value.every(isPositive)),
  ),
  mode: oneOf(...modes),
  coordinates: oneOf(...coordinateModes),
  rounding: oneOf(...roundings),
  cubicCoefficient: finiteNumber,
  excludeOutside: flag,
})
const poolingGlobally = { x: aTensor, 'options?': optionsOf<GlobalPoolOptions>({ keepDims: flag }) }
const convolving = { strides: pair, padding: anyPadding, dilation: pair, bias: aTensor }

/** Each is documented where it is written. All throw an ArgumentError, too, for what is no tensor, option, shape or axis. */
export const ops: typeof operations = {
  abs: checked(operations.abs, one),
  ceil: checked(operations.ceil, one),
  cos: checked(operations.cos, one),
  erf: checked(operations.erf, one),
  exp: checked(operations.exp, one),
  floor: checked(operations.floor, one),
  log: checked(operations.log, one),
  mish: checked(operations.mish, one),
  neg: checked(operations.neg, one),
  not: checked(operations.not, one),
  reciprocal: checked(operations.reciprocal, one),
  relu: checked(operations.relu, one),
  relu6: checked(operations.relu6, one),
  round: checked(operations.round, one),
  rsqrt: checked(operations.rsqrt, one),
  sigmoid: checked(operations.sigmoid, one),
  sign: checked(operations.sign, one),
  silu: checked(operations.silu, one),
  sin: checked(operations.sin, one),
  softplus: checked(operations.softplus, one),
  sqrt: checked(operations.sqrt, one),
  square: checked(operations.square, one),
  step: checked(operations.step, one),
  tanh: checked(operations.tanh, one),
  gelu: checked(operations.gelu, {
    x: aTensor,
    'options?': optionsOf<{ readonly approximate?: boolean }>({ approximate: flag }),
  }),
  hardSwish: checked(operations.hardSwish, one),
  hardSigmoid: checked(operations.hardSigmoid, {
    x: aTensor,
    'options?': optionsOf<{ readonly alpha?: number; readonly beta?: number }>({
      alpha: finiteNumber,
      beta: finiteNumber,
    }),
  }),
  clip: checked(operations.clip, {
    x: aTensor,
    'options?': optionsOf<{ readonly min?: number; readonly max?: number }>({ min: finiteNumber, max: finiteNumber }),
  }),
  leakyRelu: checked(operations.leakyRelu, {
    x: aTensor,
    'options?': optionsOf<{ readonly alpha?: number }>({ alpha: finiteNumber }),
  }),
  elu: checked(operations.elu, {
    x: aTensor,
    'options?': optionsOf<{ readonly alpha?: number }>({ alpha: finiteNumber }),
  }),
  selu: checked(operations.selu, {
    x: aTensor,
    'options?': optionsOf<{ readonly alpha?: number; readonly gamma?: number }>({
      alpha: finiteNumber,
      gamma: finiteNumber,
    }),
  }),

  add: checked(operations.add, two),
  and: checked(operations.and, two),
  div: checked(operations.div, two),
  equal: checked(operations.equal, two),
  greater: checked(operations.greater, two),
  greaterEqual: checked(operations.greaterEqual, two),
  less: checked(operations.less, two),
  lessEqual: checked(operations.lessEqual, two),
  maximum: checked(operations.maximum, two),
  minimum: checked(operations.minimum, two),
  mul: checked(operations.mul, two),
  notEqual: checked(operations.notEqual, two),
  or: checked(operations.or, two),
  pow: checked(operations.pow, two),
  sub: checked(operations.sub, two),
  xor: checked(operations.xor, two),
  prelu: checked(operations.prelu, { x: aTensor, slope: operand }),
  where: checked(operations.where, { condition: aTensor, a: operand, b: operand }),

  broadcastTo: checked(operations.broadcastTo, { x: aTensor, shape }),
  expand: checked(operations.expand, { x: aTensor, shape }),
  reshape: checked(operations.reshape, { x: aTensor, shape }),
  flatten: checked(operations.flatten, one),
  squeeze: checked(operations.squeeze, { x: aTensor, 'options?': optionsOf<{ readonly axes?: number }>({ axes }) }),
  expandDims: checked(operations.expandDims, { x: aTensor, axis }),
  transpose: checked(operations.transpose, { x: aTensor, 'axes?': integers }),
  concat: checked(operations.concat, { parts, 'options?': byAxis }),
  stack: checked(operations.stack, { parts, 'options?': byAxis }),
  split: checked(operations.split, {
    x: aTensor,
    parts: either('a positive integer or a list of sizes', wholeNumber(1), shape),
    'options?': byAxis,
  }),
  slice: checked(operations.slice, {
    x: aTensor,
    options: optionsOf<SliceOptions>({ begin: integers, end: integers, size: integers, steps: integers }),
  }),
  pad: checked(operations.pad, {
    x: aTensor,
    margins: thatIs<readonly Margin[]>('a list of margins, [before, after] for each axis', (value) =>
      isListOf(value, (margin) => isListOf(margin, Number.isSafeInteger) && margin.length === 2),
    ),
    'options?': optionsOf<PadOptions>({ mode: oneOf('constant', 'reflect', 'edge'), value: finiteNumber }),
  }),

  sum: checked(operations.sum, folding),
  mean: checked(operations.mean, folding),
  max: checked(operations.max, folding),
  min: checked(operations.min, folding),
  product: checked(operations.product, folding),
  l2: checked(operations.l2, folding),
  argMax: checked(operations.argMax, finding),
  argMin: checked(operations.argMin, finding),

  matmul: checked(operations.matmul, {
    a: aTensor,
    b: aTensor,
    'options?': optionsOf<{ readonly transposeA?: boolean; readonly transposeB?: boolean }>({
      transposeA: flag,
      transposeB: flag,
    }),
  }),
  dense: checked(operations.dense, { x: aTensor, kernel: aTensor, 'bias?': aTensor }),
  conv2d: checked(operations.conv2d, {
    x: aTensor,
    kernel: aTensor,
    'options?': optionsOf<Conv2dOptions>({ ...convolving, groups: wholeNumber(1) }),
  }),
  depthwiseConv2d: checked(operations.depthwiseConv2d, {
    x: aTensor,
    kernel: aTensor,
    'options?': optionsOf<DepthwiseConv2dOptions>(convolving),
  }),
  conv2dTranspose: checked(operations.conv2dTranspose, {
    x: aTensor,
    kernel: aTensor,
    'options?': optionsOf<Conv2dTransposeOptions>({ ...convolving, groups: wholeNumber(1), outputPadding: amounts }),
  }),
  softmax: checked(operations.softmax, alongAxis),
  logSoftmax: checked(operations.logSoftmax, alongAxis),
  maxPool: checked(operations.maxPool, {
    x: aTensor,
    'options?': optionsOf<MaxPoolOptions>({ ...pooling, dilation: pair }),
  }),
  avgPool: checked(operations.avgPool, {
    x: aTensor,
    'options?': optionsOf<AvgPoolOptions>({ ...pooling, countIncludePad: flag }),
  }),
  globalAveragePool: checked(operations.globalAveragePool, poolingGlobally),
  globalMaxPool: checked(operations.globalMaxPool, poolingGlobally),
  batchNorm: checked(operations.batchNorm, {
    x: aTensor,
    'options?': optionsOf<BatchNormOptions>({ ...norm, mean: aTensor, variance: aTensor }),
  }),
  layerNorm: checked(operations.layerNorm, normalising),
  groupNorm: checked(operations.groupNorm, {
    x: aTensor,
    groups: wholeNumber(1),
    'options?': optionsOf<NormOptions>(norm),
  }),
  instanceNorm: checked(operations.instanceNorm, normalising),
  localResponseNorm: checked(operations.localResponseNorm, {
    x: aTensor,
    'options?': optionsOf<LocalResponseNormOptions>({
      size: wholeNumber(1),
      alpha: numberFrom(0),
      beta: numberFrom(0),
      bias: positiveNumber(),
    }),
  }),
  softmaxCrossEntropy: checked(operations.softmaxCrossEntropy, { logits: aTensor, labels: aTensor }),
  gather: checked(operations.gather, {
    data: aTensor,
    indices: aTensor,
    'options?': optionsOf<{ readonly scale?: number }>({ scale: finiteNumber }),
  }),
  take: checked(operations.take, {
    data: aTensor,
    indices: aTensor,
    'options?': optionsOf<TakeOptions>({ axis }),
  }),
  resize: checked(operations.resize, { x: aTensor, options: resizing }),
  random: checked(operations.random, { position: aTensor, shape, seed: wholeNumber(0) }),
  blendBySegments: checked(operations.blendBySegments, {
    image: aTensor,
    fudged: aTensor,
    segments: aTensor,
    masks: aTensor,
  }),
}
