import {
  check,
  type Expected,
  either,
  finiteNumber,
  flag,
  isListOf,
  oneOf,
  optionsOf,
  thatIs,
  wholeNumber,
} from '../arguments.ts'
import { ArgumentError } from '../errors.ts'
import { isShape, type Shape, Tensor } from '../tensor.ts'
import type { Conv2dOptions } from './conv2d.ts'
import * as operations from './operations.ts'
import type { Margin, PadOptions } from './pad.ts'
import type { PoolOptions } from './pool.ts'
import type { ReduceOptions } from './reduction.ts'
import type { SliceOptions } from './slice-and-pad.ts'
import { pair } from './window.ts'

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
const alongAxis = optionsOf<{ readonly axis?: number }>({ axis })
const parts = thatIs<readonly Tensor[]>('a list of tensors', (value) => isListOf(value, (one) => one instanceof Tensor))
const padding = thatIs<string>("'same' or 'valid'", (value) => value === 'same' || value === 'valid')

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
const folding = { x: aTensor, 'options?': optionsOf<ReduceOptions>({ axes, keepDims: flag }) }
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
  expand: checked(operations.expand, { x: aTensor, shape }),
  reshape: checked(operations.reshape, { x: aTensor, shape }),
  flatten: checked(operations.flatten, one),
  squeeze: checked(operations.squeeze, { x: aTensor, 'options?': optionsOf<{ readonly axes?: number }>({ axes }) }),
  expandDims: checked(operations.expandDims, { x: aTensor, axis }),
  transpose: checked(operations.transpose, { x: aTensor, 'axes?': integers }),
  concat: checked(operations.concat, { parts, 'options?': alongAxis }),
  stack: checked(operations.stack, { parts, 'options?': alongAxis }),
  split: checked(operations.split, {
    x: aTensor,
    parts: either('a positive integer or a list of sizes', wholeNumber(1), shape),
    'options?': alongAxis,
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
    'options?': optionsOf<Conv2dOptions>({ strides: pair, padding, bias: aTensor }),
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
