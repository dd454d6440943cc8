import { check, type Expected, either, finiteNumber, flag, optionsOf, thatIs, wholeNumber } from '../arguments.ts'
import { ArgumentError } from '../errors.ts'
import { isShape, type Shape, Tensor } from '../tensor.ts'
import type { Conv2dOptions } from './conv2d.ts'
import type { Conv2dTransposeOptions } from './conv2d-transpose.ts'
import type { DepthwiseConv2dOptions } from './depthwise-conv2d.ts'
import * as operations from './operations.ts'
import type { PoolOptions } from './pool.ts'
import type { ReduceOptions } from './reduction.ts'
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
  thatIs('', (value) => Array.isArray(value) && value.every(Number.isSafeInteger)),
)
const padding = thatIs<string>("'same' or 'valid'", (value) => value === 'same' || value === 'valid')

/** An operation that looks at its arguments first, by their names in order; those with a question mark may be left out. */
function checked<Given extends unknown[]>(
  operation: (...given: Given) => Tensor,
  expected: Readonly<Record<string, Expected>>,
): (...given: Given) => Tensor {
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
const folding = { x: aTensor, 'options?': optionsOf<ReduceOptions>({ axes, keepDims: flag }) }
const convolving = { strides: pair, padding: anyPadding, dilation: pair, bias: aTensor }
const pooling = { x: aTensor, 'options?': optionsOf<PoolOptions>({ poolSize: pair, strides: pair, padding }) }

/** Each is documented where it is written. All throw an ArgumentError, too, for what is no tensor, option, shape or axis. */
export const ops: typeof operations = {
  abs: checked(operations.abs, one),
  exp: checked(operations.exp, one),
  log: checked(operations.log, one),
  neg: checked(operations.neg, one),
  reciprocal: checked(operations.reciprocal, one),
  relu: checked(operations.relu, one),
  sigmoid: checked(operations.sigmoid, one),
  sign: checked(operations.sign, one),
  sqrt: checked(operations.sqrt, one),
  square: checked(operations.square, one),
  step: checked(operations.step, one),
  tanh: checked(operations.tanh, one),

  add: checked(operations.add, two),
  div: checked(operations.div, two),
  equal: checked(operations.equal, two),
  greaterEqual: checked(operations.greaterEqual, two),
  maximum: checked(operations.maximum, two),
  minimum: checked(operations.minimum, two),
  mul: checked(operations.mul, two),
  sub: checked(operations.sub, two),

  broadcastTo: checked(operations.broadcastTo, { x: aTensor, shape }),
  reshape: checked(operations.reshape, { x: aTensor, shape }),
  flatten: checked(operations.flatten, one),

  sum: checked(operations.sum, folding),
  mean: checked(operations.mean, folding),
  max: checked(operations.max, folding),
  argMax: checked(operations.argMax, {
    x: aTensor,
    'options?': optionsOf<{ readonly axis?: number; readonly keepDims?: boolean }>({ axis, keepDims: flag }),
  }),

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
  maxPool: checked(operations.maxPool, pooling),
  avgPool: checked(operations.avgPool, pooling),
  softmax: checked(operations.softmax, one),
  softmaxCrossEntropy: checked(operations.softmaxCrossEntropy, { logits: aTensor, labels: aTensor }),
  gather: checked(operations.gather, {
    data: aTensor,
    indices: aTensor,
    'options?': optionsOf<{ readonly scale?: number }>({ scale: finiteNumber }),
  }),
  random: checked(operations.random, { position: aTensor, shape, seed: wholeNumber(0) }),
  blendBySegments: checked(operations.blendBySegments, {
    image: aTensor,
    fudged: aTensor,
    segments: aTensor,
    masks: aTensor,
  }),
}
