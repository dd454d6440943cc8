import { ShapeError } from '../errors.ts'
import { apply, formatShape, type Operation, sizeOf, type Tensor } from '../tensor.ts'

/** How batches are made: whole entries along the first axis, picked by index. */

interface GatherAttributes extends Readonly<Record<string, number>> {
  /** What the entries are multiplied by: stored pixels (u8) become numbers on the way. */
  readonly scale: number
}

export const gatherOperation: Operation<GatherAttributes> = {
  name: 'gather',
  inputNames: ['data', 'indices'],
  infer([data, indices], { scale }) {
    if (data.shape.length < 1 || indices.shape.length !== 1 || indices.dtype !== 'i32')
      throw new ShapeError(
        `gather: data ${formatShape(data.shape)} and ${indices.dtype} indices ${formatShape(indices.shape)}; expected [N,…] and i32 [count]`,
      )
    if (data.dtype === 'i32' && scale !== 1) throw new ShapeError('gather: i32 data can not be scaled')
    return { shape: [indices.shape[0], ...data.shape.slice(1)], dtype: data.dtype === 'u8' ? 'f32' : data.dtype }
  },
  gradient(node, dy, { scale }) {
    const [data, indices] = node.inputs
    return [() => apply(scatterOperation, [dy, indices], { rows: data.shape[0], scale }), null]
  },
  reference([data, indices], y, { scale }) {
    const length = sizeOf(data.shape.slice(1))
    indices.data.forEach((index, row) => {
      for (let i = 0; i < length; i++) y.data[row * length + i] = index < 0 ? 0 : data.data[index * length + i] * scale
    })
  },
  flops: () => 0,
}

interface ScatterAttributes extends GatherAttributes {
  readonly rows: number
}

/** dy [count,…], indices [count] -> [rows,…]: entries of equal index are added up. */
export const scatterOperation: Operation<ScatterAttributes> = {
  name: 'scatter',
  inputNames: ['dy', 'indices'],
  infer: ([dy], { rows }) => ({ shape: [rows, ...dy.shape.slice(1)], dtype: 'f32' }),
  gradient: (node, dz, { scale }) => [() => apply(gatherOperation, [dz, node.inputs[1]], { scale }), null],
  reference([dy, indices], dx, { scale }) {
    const length = sizeOf(dy.shape.slice(1))
    dx.data.fill(0)
    indices.data.forEach((index, row) => {
      if (index >= 0) for (let i = 0; i < length; i++) dx.data[index * length + i] += dy.data[row * length + i] * scale
    })
  },
}

/**
 * Entries of `data` [N,…] at i32 `indices` [count] (each in 0..N-1, or -1 for zeros), times `scale`: [count,…]. u8 data becomes f32.
 * @throws ShapeError when the shapes do not fit
 */
export function gather(data: Tensor, indices: Tensor, options: { readonly scale?: number } = {}): Tensor {
  return apply(gatherOperation, [data, indices], { scale: options.scale ?? 1 })
}
