import { apply, type Operation, sizeOf, type Tensor } from '../tensor.ts'
import { add, div, equal, maximum, mul, neg } from './elementwise.ts'
import { normaliseAxes, type ReduceAttributes, type ReduceOptions, reduce, reduceOperation } from './reduction.ts'
import { broadcastTo, sum, sumOperation } from './sum-and-broadcast.ts'

/** Equal extrema share the gradient: the mean of the one-sided derivatives. */
const shareBetweenExtrema: Operation<ReduceAttributes>['gradient'] = (node, dy, { axis, count }) => [
  () => {
    const [x] = node.inputs
    const hits = equal(x, broadcastTo(node, x.shape))
    const share = div(dy, apply(sumOperation, [hits], { axis, count }))
    return mul(hits, broadcastTo(share, x.shape))
  },
]

export const maxOperation = reduceOperation(
  'max',
  'f32',
  (read, length) => {
    let best = read(0)
    for (let r = 1; r < length; r++) best = Math.max(best, read(r))
    return best
  },
  shareBetweenExtrema,
)

export const minOperation = reduceOperation(
  'min',
  'f32',
  (read, length) => {
    let best = read(0)
    for (let r = 1; r < length; r++) best = Math.min(best, read(r))
    return best
  },
  shareBetweenExtrema,
)

/**
 * An element's slope is the product of the others: of those that are not 0, p, over itself, or 0 where another is 0. Zeros
 * stand as ones in p and below the line, so nothing is divided by 0. As a function to be differentiated again that is right
 * wherever no element is 0.
 */
export const productOperation = reduceOperation(
  'product',
  'f32',
  (read, length) => {
    let product = 1
    for (let r = 0; r < length; r++) product *= read(r)
    return product
  },
  (node, dy, { axis, count }) => [
    () => {
      const [x] = node.inputs
      const isZero = equal(x, 0)
      const factors = add(x, isZero)
      const p = apply(productOperation, [factors], { axis, count })
      const zeros = apply(sumOperation, [isZero], { axis, count })
      // Without zeros everywhere, with one of them at its own place, with more nowhere.
      const othersAreNotZero = equal(zeros, isZero)
      return mul(div(mul(dy, p), factors), othersAreNotZero)
    },
  ],
)

/** The least normal float32: what l2 divides by where all elements are 0. */
const leastNormal = 2 ** -126

export const l2Operation = reduceOperation(
  'l2',
  'f32',
  (read, length) => {
    let total = 0
    for (let r = 0; r < length; r++) total += read(r) ** 2
    return Math.sqrt(total)
  },
  // x / y, and 0 (the least of the subgradients) at the kink, where all elements are 0.
  (node, dy) => [() => mul(div(node.inputs[0], maximum(node, leastNormal)), dy)],
)

export const argMaxOperation = reduceOperation(
  'argMax',
  'i32',
  (read, length) => {
    let best = 0
    for (let r = 1; r < length; r++) if (read(r) > read(best)) best = r
    return best
  },
  () => [null],
)

/** Means over axes. @throws ShapeError for an axis that `x` does not have */
export function mean(x: Tensor, options: ReduceOptions = {}): Tensor {
  const folded = sizeOf(normaliseAxes('mean', x.shape, options.axes).map((axis) => x.shape[axis]))
  return mul(sum(x, options), 1 / folded)
}

/** Maxima over axes. Equal ones share the gradient. @throws ShapeError for an axis that `x` does not have */
export function max(x: Tensor, options: ReduceOptions = {}): Tensor {
  return reduce(maxOperation, x, options)
}

/** Minima over axes. Equal ones share the gradient. @throws ShapeError for an axis that `x` does not have */
export function min(x: Tensor, options: ReduceOptions = {}): Tensor {
  return reduce(minOperation, x, options)
}

/**
 * Products over axes. The gradient is right where elements are 0, too; a gradient of the gradient is only where none is.
 * @throws ShapeError for an axis that `x` does not have
 */
export function product(x: Tensor, options: ReduceOptions = {}): Tensor {
  return reduce(productOperation, x, options)
}

/**
 * Lengths over axes: the square root of the sum of the squares. Its gradient is 0 where all elements are 0.
 * @throws ShapeError for an axis that `x` does not have
 */
export function l2(x: Tensor, options: ReduceOptions = {}): Tensor {
  return reduce(l2Operation, x, options)
}

interface IndexOptions {
  /** The axis to look along; the last unless given. */
  readonly axis?: number
  /** Keep it with extent 1. */
  readonly keepDims?: boolean
}

/** The index of the maximum along one axis (the first of equals), as i32. @throws ShapeError for an axis that `x` does not have */
export function argMax(x: Tensor, options: IndexOptions = {}): Tensor {
  return reduce(argMaxOperation, x, { axes: options.axis ?? -1, keepDims: options.keepDims })
}

/** The index of the minimum along one axis (the first of equals), as i32. @throws ShapeError for an axis that `x` does not have */
export function argMin(x: Tensor, options: IndexOptions = {}): Tensor {
  return argMax(neg(x), options)
}
