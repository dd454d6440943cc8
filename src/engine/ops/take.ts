import { ShapeError } from '../errors.ts'
import { apply, formatShape, type Operation, type Shape, sizeOf, type Tensor } from '../tensor.ts'

/**
 * Entries along any axis, picked by indices of any shape: NumPy's take and ONNX's Gather. Negative indices count from the end.
 * No device can raise an error for an index beyond the ends: there it gives zeros, and the gradient goes nowhere.
 */
interface TakeAttributes extends Readonly<Record<string, number>> {
  readonly axis: number
}

interface TakeGradientAttributes extends TakeAttributes {
  /** Of the data's axis. */
  readonly extent: number
}

/** [outer, extent, inner] of data that are picked from along an axis. */
export function takeExtents(data: Shape, axis: number): [number, number, number] {
  return [sizeOf(data.slice(0, axis)), data[axis], sizeOf(data.slice(axis + 1))]
}

/** Visits every number that is picked: where it lies in the data, or -1 beyond the ends, and in the result. */
function forEachTaken(
  data: Shape,
  axis: number,
  indices: Float64Array,
  visit: (inData: number, inResult: number) => void,
): void {
  const [outer, extent, inner] = takeExtents(data, axis)
  for (let o = 0, inResult = 0; o < outer; o++)
    for (const index of indices) {
      const entry = index < 0 ? index + extent : index
      const isInside = entry >= 0 && entry < extent
      for (let i = 0; i < inner; i++) visit(isInside ? (o * extent + entry) * inner + i : -1, inResult++)
    }
}

export const takeOperation: Operation<TakeAttributes> = {
  name: 'take',
  inputNames: ['data', 'indices'],
  infer([data, indices], { axis }) {
    if (data.dtype === 'u8' || indices.dtype !== 'i32')
      throw new ShapeError(
        `take: ${data.dtype} data and ${indices.dtype} indices given; expected f32 or i32 data and i32 indices`,
      )
    if (data.shape[axis] === 0) throw new ShapeError(`take: axis ${axis} of ${formatShape(data.shape)} is empty`)
    return {
      shape: [...data.shape.slice(0, axis), ...indices.shape, ...data.shape.slice(axis + 1)],
      dtype: data.dtype,
    }
  },
  gradient(node, dy, { axis }) {
    const [data, indices] = node.inputs
    return [
      () => apply<TakeGradientAttributes>(takeGradientOperation, [dy, indices], { axis, extent: data.shape[axis] }),
      null,
    ]
  },
  reference([data, indices], y, { axis }) {
    forEachTaken(data.shape, axis, indices.data, (inData, inResult) => {
      y.data[inResult] = inData < 0 ? 0 : data.data[inData]
    })
  },
  flops: () => 0,
}

/** dy, as take's result -> dx, as its data: what was taken more than once is added up. */
export const takeGradientOperation: Operation<TakeGradientAttributes> = {
  name: 'takeGradient',
  inputNames: ['dy', 'indices'],
  isGradient: true,
  infer: ([dy, indices], { axis, extent }) => ({
    shape: [...dy.shape.slice(0, axis), extent, ...dy.shape.slice(axis + indices.shape.length)],
    dtype: 'f32',
  }),
  gradient: (node, dz, { axis }) => [() => apply(takeOperation, [dz, node.inputs[1]], { axis }), null],
  reference([dy, indices], dx, { axis }) {
    dx.data.fill(0)
    forEachTaken(dx.shape, axis, indices.data, (inData, inResult) => {
      if (inData >= 0) dx.data[inData] += dy.data[inResult]
    })
  },
  flops: ([dy]) => sizeOf(dy.shape),
}

export interface TakeOptions {
  /** The axis of the data to pick along; negative ones count from the end; the first unless given. */
  readonly axis?: number
}

/**
 * Entries of `data` along an axis at i32 `indices` of any shape, which takes the axis's place: NumPy's take, ONNX's Gather.
 * Negative indices count from the end. An index beyond the ends gives zeros.
 * @throws ShapeError for an axis that there is not or that is empty, and for the wrong types
 */
export function take(data: Tensor, indices: Tensor, options: TakeOptions = {}): Tensor {
  const { axis = 0 } = options
  const rank = data.shape.length
  const positive = axis < 0 ? axis + rank : axis
  if (!Number.isInteger(positive) || positive < 0 || positive >= rank)
    throw new ShapeError(`take: axis ${axis} is not one of ${formatShape(data.shape)}`)
  return apply(takeOperation, [data, indices], { axis: positive })
}
