import { ShapeError } from '../errors.ts'
import {
  apply,
  constant,
  formatShape,
  type Operation,
  type ReferenceOperand,
  requireFloat,
  type Shape,
  sameShape,
  sizeOf,
  type Tensor,
  uniformValue,
} from '../tensor.ts'
import { broadcastIndices, broadcastShapes } from './broadcasting.ts'
import { type ReduceOptions, reduce, reduceOperation } from './reduction.ts'
import { reshape } from './reshape.ts'

/** Sums over axes and stretching along axes are in one file, because each is the other's gradient. */

export const sumOperation = reduceOperation(
  'sum',
  'f32',
  (read, length) => {
    let total = 0
    for (let r = 0; r < length; r++) total += read(r)
    return total
  },
  (node, dy) => [() => broadcastTo(dy, node.inputs[0].shape)],
)

/** Sums over axes. @throws ShapeError for an axis that `x` does not have */
export function sum(x: Tensor, options: ReduceOptions = {}): Tensor {
  return reduce(sumOperation, x, options)
}

/** Stretches to a larger shape by NumPy's rules. */
export const broadcastOperation: Operation<{ shape: Shape }> = {
  name: 'broadcast',
  inputNames: ['x'],
  infer([x], { shape }) {
    if (x.dtype === 'u8') requireFloat('broadcast', [x])
    if (!sameShape(broadcastShapes('broadcast', x.shape, shape), shape))
      throw new ShapeError(`broadcast: ${formatShape(x.shape)} does not stretch to ${formatShape(shape)}`)
    return { shape, dtype: x.dtype }
  },
  gradient: (node, dy) => [() => sumTo(dy, node.inputs[0].shape)],
  reference([x]: readonly ReferenceOperand[], y) {
    const index = broadcastIndices(x.shape, y.shape)
    for (let i = 0; i < y.data.length; i++) y.data[i] = x.data[index(i)]
  },
  flops: () => 0,
}

/** Stretches `x` to `shape` by NumPy's broadcasting rules. @throws ShapeError where they have none */
export function broadcastTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x
  const value = uniformValue(x)
  return value === null ? apply(broadcastOperation, [x], { shape }) : constant(value, shape)
}

/**
 * `x` stretched by what `shape` asks for: both are broadcast together, so an extent of 1 in `shape` leaves that of `x`. ONNX's Expand.
 * @throws ShapeError where they do not broadcast
 */
export function expand(x: Tensor, shape: Shape): Tensor {
  return broadcastTo(x, broadcastShapes('expand', x.shape, shape))
}

/** Adds up what broadcasting from `shape` had stretched: broadcastTo's gradient. */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x
  const value = uniformValue(x)
  if (value !== null) return constant((value * sizeOf(x.shape)) / sizeOf(shape), shape)
  const lead = x.shape.length - shape.length
  const axes = x.shape.flatMap((extent, axis) =>
    axis < lead || (shape[axis - lead] === 1 && extent !== 1) ? [axis] : [],
  )
  return reshape(sum(x, { axes, keepDims: true }), shape)
}
