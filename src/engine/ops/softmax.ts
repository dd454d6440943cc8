import { type Attributes, apply, type Operation, requireFloat, type Shape, sizeOf, type Tensor } from '../tensor.ts'
import { exp, mul, sub } from './elementwise.ts'
import { normaliseAxes, reduceExtents } from './reduction.ts'
import { sum } from './sum-and-broadcast.ts'

/**
 * Probabilities along one axis, and their logarithms. The axis is an attribute only where it is not the last one, and steps see
 * [outer, classes, inner].
 */

/** [outer, classes, inner] of a softmax. */
export function softmaxExtents(shape: Shape, { axis }: Attributes): [number, number, number] {
  return reduceExtents(shape, { axis: axis === undefined ? shape.length - 1 : Number(axis), count: 1 })
}

function alongAxis(
  name: string,
  gradient: (y: Tensor, dy: Tensor, sumOver: (x: Tensor) => Tensor) => Tensor,
  line: typeof softmaxRow,
): Operation {
  return {
    name,
    inputNames: ['x'],
    infer([x]) {
      requireFloat(name, [x])
      return { shape: x.shape, dtype: 'f32' }
    },
    gradient: (node, dy, { axis }) => [
      () => gradient(node, dy, (x) => sum(x, { axes: Number(axis ?? -1), keepDims: true })),
    ],
    reference([x], y, attributes) {
      const [outer, classes, inner] = softmaxExtents(x.shape, attributes)
      for (let o = 0; o < outer; o++)
        for (let i = 0; i < inner; i++) line(x.data, y.data, o * classes * inner + i, classes, inner)
    },
    flops: (_inputs, y) => 5 * sizeOf(y.shape),
  }
}

/** exp(x - max) / Σ exp(x - max): the maximum is subtracted, so no exponential overflows. */
export const softmaxOperation = alongAxis(
  'softmax',
  (y, dy, sumOver) => mul(sub(dy, sumOver(mul(dy, y))), y),
  softmaxRow,
)

/** x - max - log Σ exp(x - max). */
export const logSoftmaxOperation = alongAxis(
  'logSoftmax',
  (y, dy, sumOver) => sub(dy, mul(exp(y), sumOver(dy))),
  (x, y, start, classes, stride = 1) => {
    const { largest, end } = extentOf(x, start, classes, stride)
    let total = 0
    for (let i = start; i < end; i += stride) total += Math.exp(x[i] - largest)
    for (let i = start; i < end; i += stride) y[i] = x[i] - largest - Math.log(total)
  },
)

/** The softmax of `classes` numbers that begin at `start` and are `stride` apart. */
export function softmaxRow(x: Float64Array, y: Float64Array, start: number, classes: number, stride = 1): void {
  const { largest, end } = extentOf(x, start, classes, stride)
  let total = 0
  for (let i = start; i < end; i += stride) total += y[i] = Math.exp(x[i] - largest)
  for (let i = start; i < end; i += stride) y[i] /= total
}

function extentOf(x: Float64Array, start: number, classes: number, stride: number) {
  const end = start + classes * stride
  let largest = Number.NEGATIVE_INFINITY
  for (let i = start; i < end; i += stride) largest = Math.max(largest, x[i])
  return { largest, end }
}

interface SoftmaxOptions {
  /** Negative ones count from the end; the last one unless given. */
  readonly axis?: number
}

function applyAlong(operation: Operation, x: Tensor, { axis = -1 }: SoftmaxOptions): Tensor {
  const [own] = normaliseAxes(operation.name, x.shape, axis)
  return apply(operation, [x], own === x.shape.length - 1 ? {} : { axis: own })
}

/** Softmax along an axis, the last one unless given. @throws ShapeError for an axis that `x` does not have */
export function softmax(x: Tensor, options: SoftmaxOptions = {}): Tensor {
  return applyAlong(softmaxOperation, x, options)
}

/**
 * The logarithm of softmax along an axis, the last one unless given: small probabilities keep their digits.
 * @throws ShapeError for an axis that `x` does not have
 */
export function logSoftmax(x: Tensor, options: SoftmaxOptions = {}): Tensor {
  return applyAlong(logSoftmaxOperation, x, options)
}
