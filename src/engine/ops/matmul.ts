import { ShapeError } from '../errors.ts'
import { apply, formatShape, type Operation, requireFloat, type Shape, sizeOf, type Tensor } from '../tensor.ts'
import { broadcastIndices, broadcastShapes, broadcastStrides } from './broadcasting.ts'
import { add } from './elementwise.ts'
import { reshape } from './reshape.ts'
import { sumTo } from './sum-and-broadcast.ts'

export interface MatmulAttributes extends Readonly<Record<string, boolean>> {
  readonly transposeA: boolean
  readonly transposeB: boolean
}

/** Rows, inner extent and columns of one product. */
export function matmulExtents(a: Shape, b: Shape, { transposeA, transposeB }: MatmulAttributes) {
  const [aRows, aColumns] = a.slice(-2)
  const [bRows, bColumns] = b.slice(-2)
  return {
    m: transposeA ? aColumns : aRows,
    k: transposeA ? aRows : aColumns,
    n: transposeB ? bRows : bColumns,
  }
}

/** How many products there are, and which matrix of `a` and of `b` each takes: strides along the axes of `shape`, in matrices. */
export function matmulBatches(a: Shape, b: Shape) {
  const [own, other] = [a.slice(0, -2), b.slice(0, -2)]
  const shape = broadcastShapes('matmul', own, other)
  return { shape, count: sizeOf(shape), a: broadcastStrides(own, shape), b: broadcastStrides(other, shape) }
}

/** A […,M,K] times B […,K,N], each optionally given transposed; the axes before the last two are broadcast together. */
export const matmulOperation: Operation<MatmulAttributes> = {
  name: 'matmul',
  inputNames: ['a', 'b'],
  infer([a, b], attributes) {
    requireFloat('matmul', [a, b])
    const { m, k, n } = matmulExtents(a.shape, b.shape, attributes)
    const inner = b.shape[b.shape.length - (attributes.transposeB ? 1 : 2)]
    if (a.shape.length < 2 || b.shape.length < 2 || k !== inner)
      throw new ShapeError(
        `matmul: ${formatShape(a.shape)}${attributes.transposeA ? ' transposed' : ''} times ${formatShape(b.shape)}${attributes.transposeB ? ' transposed' : ''}: expected […,M,K] and […,K,N]`,
      )
    return { shape: [...matmulBatches(a.shape, b.shape).shape, m, n], dtype: 'f32' }
  },
  gradient(node, dy, { transposeA, transposeB }) {
    const [a, b] = node.inputs
    return [
      () =>
        sumTo(
          transposeA
            ? matmul(b, dy, { transposeA: transposeB, transposeB: true })
            : matmul(dy, b, { transposeB: !transposeB }),
          a.shape,
        ),
      () =>
        sumTo(
          transposeB
            ? matmul(dy, a, { transposeA: true, transposeB: transposeA })
            : matmul(a, dy, { transposeA: !transposeA }),
          b.shape,
        ),
    ]
  },
  reference([a, b], y, attributes) {
    const { m, k, n } = matmulExtents(a.shape, b.shape, attributes)
    const [aRow, aColumn] = attributes.transposeA ? [1, m] : [k, 1]
    const [bRow, bColumn] = attributes.transposeB ? [1, k] : [n, 1]
    const { shape, count } = matmulBatches(a.shape, b.shape)
    const matrixOfA = broadcastIndices(a.shape.slice(0, -2), shape)
    const matrixOfB = broadcastIndices(b.shape.slice(0, -2), shape)
    for (let batch = 0; batch < count; batch++) {
      const [left, right] = [matrixOfA(batch) * m * k, matrixOfB(batch) * k * n]
      for (let i = 0; i < m; i++)
        for (let j = 0; j < n; j++) {
          let total = 0
          for (let l = 0; l < k; l++)
            total += a.data[left + i * aRow + l * aColumn] * b.data[right + l * bRow + j * bColumn]
          y.data[(batch * m + i) * n + j] = total
        }
    }
  },
  flops([a, b], _y, attributes) {
    const { m, k, n } = matmulExtents(a.shape, b.shape, attributes)
    return 2 * m * k * n * matmulBatches(a.shape, b.shape).count
  },
}

/**
 * The matrix product of `a` […,M,K] and `b` […,K,N] (or their transposes): […,M,N], by NumPy's rules. The axes before the last two
 * are broadcast together; a vector is one row at the left and one column at the right, and the result goes without that axis.
 * Where all rows of `a` meet the same `b` [K,N], they are multiplied at once.
 * @throws ShapeError when the inner extents differ, the axes before them do not broadcast, or one of the two is a number
 */
export function matmul(
  a: Tensor,
  b: Tensor,
  options: { readonly transposeA?: boolean; readonly transposeB?: boolean } = {},
): Tensor {
  const { transposeA = false, transposeB = false } = options
  const { shape } = b
  // A vector's transpose is itself.
  if (a.shape.length === 1) {
    const y = matmul(reshape(a, [1, a.shape[0]]), b, { transposeB })
    return reshape(y, y.shape.toSpliced(shape.length === 1 ? -1 : -2, 1))
  }
  if (shape.length === 1) {
    const y = matmul(a, reshape(b, [shape[0], 1]), { transposeA })
    return reshape(y, y.shape.slice(0, -1))
  }
  if (a.shape.length <= 2 || shape.length !== 2 || transposeA)
    return apply(matmulOperation, [a, b], { transposeA, transposeB })
  const product = apply(matmulOperation, [rowsOf(a), b], { transposeA, transposeB })
  return reshape(product, [...a.shape.slice(0, -1), product.shape[1]])
}

/** […,K] as [rows,K]. */
function rowsOf(x: Tensor): Tensor {
  return reshape(x, [sizeOf(x.shape.slice(0, -1)), ...x.shape.slice(-1)])
}

/** Keras's dense layer without activation: x […,in] · kernel [in,out] + bias [out]. */
export function dense(x: Tensor, kernel: Tensor, bias?: Tensor): Tensor {
  const product = matmul(x, kernel)
  return bias ? add(product, bias) : product
}
