import { check, type Expected, either, finiteNumber, flag, optionsOf, thatIs, wholeNumber } from '../arguments.ts'
import { ArgumentError } from '../errors.ts'
import { isShape, type Shape, Tensor } from '../tensor.ts'
import * as blends from './blend-by-segments.ts'
import * as convolutions from './conv2d.ts'
import * as elementwise from './elementwise.ts'
import * as gathers from './gather.ts'
import * as products from './matmul.ts'
import * as pools from './pool.ts'
import * as draws from './random.ts'
import * as folds from './reduce.ts'
import * as shapes from './reshape.ts'
import * as softmaxes from './softmax.ts'
import * as losses from './softmax-cross-entropy.ts'
import { pair } from './window.ts'

/** The operations as functions on lazy tensors. What people give them is looked at here; our own code calls them as they are. */

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
const folding = { x: aTensor, 'options?': optionsOf<folds.ReduceOptions>({ axes, keepDims: flag }) }
const pooling = { x: aTensor, 'options?': optionsOf<pools.PoolOptions>({ poolSize: pair, strides: pair, padding }) }

export const abs = checked(elementwise.abs, one)
export const exp = checked(elementwise.exp, one)
export const log = checked(elementwise.log, one)
export const neg = checked(elementwise.neg, one)
export const relu = checked(elementwise.relu, one)
export const sigmoid = checked(elementwise.sigmoid, one)
export const sign = checked(elementwise.sign, one)
export const sqrt = checked(elementwise.sqrt, one)
export const square = checked(elementwise.square, one)
export const step = checked(elementwise.step, one)
export const tanh = checked(elementwise.tanh, one)

export const add = checked(elementwise.add, two)
export const div = checked(elementwise.div, two)
export const equal = checked(elementwise.equal, two)
export const greaterEqual = checked(elementwise.greaterEqual, two)
export const maximum = checked(elementwise.maximum, two)
export const minimum = checked(elementwise.minimum, two)
export const mul = checked(elementwise.mul, two)
export const sub = checked(elementwise.sub, two)

export const broadcastTo = checked(elementwise.broadcastTo, { x: aTensor, shape })
export const reshape = checked(shapes.reshape, { x: aTensor, shape })
export const flatten = checked(shapes.flatten, one)

export const sum = checked(folds.sum, folding)
export const mean = checked(folds.mean, folding)
export const max = checked(folds.max, folding)
export const argMax = checked(folds.argMax, {
  x: aTensor,
  'options?': optionsOf<{ readonly axis?: number; readonly keepDims?: boolean }>({ axis, keepDims: flag }),
})

export const matmul = checked(products.matmul, {
  a: aTensor,
  b: aTensor,
  'options?': optionsOf<{ readonly transposeA?: boolean; readonly transposeB?: boolean }>({
    transposeA: flag,
    transposeB: flag,
  }),
})
export const dense = checked(products.dense, { x: aTensor, kernel: aTensor, 'bias?': aTensor })
export const conv2d = checked(convolutions.conv2d, {
  x: aTensor,
  kernel: aTensor,
  'options?': optionsOf<convolutions.Conv2dOptions>({ strides: pair, padding, bias: aTensor }),
})
export const maxPool = checked(pools.maxPool, pooling)
export const avgPool = checked(pools.avgPool, pooling)
export const softmax = checked(softmaxes.softmax, one)
export const softmaxCrossEntropy = checked(losses.softmaxCrossEntropy, { logits: aTensor, labels: aTensor })
export const gather = checked(gathers.gather, {
  data: aTensor,
  indices: aTensor,
  'options?': optionsOf<{ readonly scale?: number }>({ scale: finiteNumber }),
})
export const random = checked(draws.random, { position: aTensor, shape, seed: wholeNumber(0) })
export const blendBySegments = checked(blends.blendBySegments, {
  image: aTensor,
  fudged: aTensor,
  segments: aTensor,
  masks: aTensor,
})
