import { ShapeError } from '../errors.ts'
import {
  apply,
  constant,
  formatShape,
  type Operation,
  type Shape,
  sameShape,
  sizeOf,
  type Tensor,
  uniformValue,
} from '../tensor.ts'

/** The same numbers in the same row-major order under another shape. Free: a plan makes it a view. */
export const reshapeOperation: Operation<{ shape: Shape }> = {
  name: 'reshape',
  inputNames: ['x'],
  infer([x], { shape }) {
    if (sizeOf(x.shape) !== sizeOf(shape))
      throw new ShapeError(
        `reshape: ${formatShape(x.shape)} has ${sizeOf(x.shape)} elements, ${formatShape(shape)} ${sizeOf(shape)}`,
      )
    return { shape, dtype: x.dtype }
  },
  gradient: (node, dy) => [() => reshape(dy, node.inputs[0].shape)],
  reference([x], y) {
    y.data.set(x.data)
  },
  flops: () => 0,
}

/** `x` under another shape of as many elements. @throws ShapeError when the sizes differ */
export function reshape(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x
  const value = uniformValue(x)
  return value === null || sizeOf(shape) !== sizeOf(x.shape)
    ? apply(reshapeOperation, [x], { shape })
    : constant(value, shape)
}

/** [N, …] -> [N, the product of the rest], in row-major (for images: NHWC) order. */
export function flatten(x: Tensor): Tensor {
  return reshape(x, [x.shape[0], sizeOf(x.shape.slice(1))])
}
