import { apply, sizeOf, type Tensor } from '../tensor.ts'
import { div, equal, mul } from './elementwise.ts'
import { normaliseAxes, type ReduceAttributes, type ReduceOptions, reduce, reduceOperation } from './reduction.ts'
import { broadcastTo, sum, sumOperation } from './sum-and-broadcast.ts'

export const maxOperation = reduceOperation(
  'max',
  'f32',
  (read, length) => {
    let best = read(0)
    for (let r = 1; r < length; r++) best = Math.max(best, read(r))
    return best
  },
  // Equal maxima share the gradient: the mean of the one-sided derivatives.
  (node, dy) => [
    () => {
      const [x] = node.inputs
      const hits = equal(x, broadcastTo(node, x.shape))
      const { axis, count } = node.attributes as ReduceAttributes
      const share = div(dy, apply(sumOperation, [hits], { axis, count }))
      return mul(hits, broadcastTo(share, x.shape))
    },
  ],
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

/** Maxima over axes. @throws ShapeError for an axis that `x` does not have */
export function max(x: Tensor, options: ReduceOptions = {}): Tensor {
  return reduce(maxOperation, x, options)
}

/**
 * The index of the maximum along one axis (the first of equals), as i32. The last axis unless given.
 * @throws ShapeError for an axis that `x` does not have
 */
export function argMax(x: Tensor, options: { readonly axis?: number; readonly keepDims?: boolean } = {}): Tensor {
  return reduce(argMaxOperation, x, { axes: options.axis ?? -1, keepDims: options.keepDims })
}
