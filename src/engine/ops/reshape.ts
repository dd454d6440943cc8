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
import { axisOf } from './axes.ts'

/** The same numbers in the same row-major order under another shape. */
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
  viewOffset: () => 0,
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

/**
 * `x` without these axes, whose extents must be 1; without all such axes unless given. Negative ones count from the end.
 * @throws ShapeError for an axis that there is not, or of another extent
 */
export function squeeze(x: Tensor, options: { readonly axes?: number | readonly number[] } = {}): Tensor {
  const { axes = x.shape.flatMap((extent, axis) => (extent === 1 ? [axis] : [])) } = options
  const dropped = [axes].flat().map((axis) => axisOf('squeeze', x.shape, axis))
  for (const axis of dropped)
    if (x.shape[axis] !== 1)
      throw new ShapeError(`squeeze: axis ${axis} of ${formatShape(x.shape)} is ${x.shape[axis]} long; expected 1`)
  return reshape(
    x,
    x.shape.filter((_, axis) => !dropped.includes(axis)),
  )
}

/** `x` with a new axis of extent 1 at `axis` of the result; a negative one counts from the end. @throws ShapeError for an axis that there can't be */
export function expandDims(x: Tensor, axis: number): Tensor {
  return reshape(x, x.shape.toSpliced(axisOf('expandDims', [...x.shape, 1], axis), 0, 1))
}
