import { apply, type Operation, requireFloat, sizeOf, type Tensor } from '../tensor.ts'
import { mul, sub } from './elementwise.ts'
import { sum } from './sum-and-broadcast.ts'

/** exp(x - max) / Σ exp(x - max) over the last axis: the maximum is subtracted, so no exponential overflows. */
export const softmaxOperation: Operation = {
  name: 'softmax',
  inputNames: ['x'],
  infer([x]) {
    requireFloat('softmax', [x])
    return { shape: x.shape, dtype: 'f32' }
  },
  gradient: (node, dy) => [() => mul(sub(dy, sum(mul(dy, node), { axes: -1, keepDims: true })), node)],
  reference([x], y) {
    const classes = x.shape[x.shape.length - 1]
    for (let row = 0; row < y.data.length; row += classes) softmaxRow(x.data, y.data, row, classes)
  },
  flops: (_inputs, y) => 5 * sizeOf(y.shape),
}

export function softmaxRow(x: Float64Array, y: Float64Array, start: number, classes: number): void {
  let largest = Number.NEGATIVE_INFINITY
  for (let i = start; i < start + classes; i++) largest = Math.max(largest, x[i])
  let total = 0
  for (let i = start; i < start + classes; i++) total += y[i] = Math.exp(x[i] - largest)
  for (let i = start; i < start + classes; i++) y[i] /= total
}

/** Softmax over the last axis. */
export function softmax(x: Tensor): Tensor {
  return apply(softmaxOperation, [x], {})
}
