import { ShapeError } from '../errors.ts'
import { apply, formatShape, type Operation, requireFloat, type Tensor } from '../tensor.ts'
import { add } from './elementwise.ts'

export interface MatmulAttributes extends Readonly<Record<string, boolean>> {
  readonly transposeA: boolean
  readonly transposeB: boolean
}

/** Rows, inner extent and columns of the product. */
export function matmulExtents(
  a: readonly number[],
  b: readonly number[],
  { transposeA, transposeB }: MatmulAttributes,
) {
  return { m: a[transposeA ? 1 : 0], k: a[transposeA ? 0 : 1], n: b[transposeB ? 0 : 1] }
}

/** A [M,K] times B [K,N], each optionally given transposed. */
export const matmulOperation: Operation<MatmulAttributes> = {
  name: 'matmul',
  inputNames: ['a', 'b'],
  infer([a, b], attributes) {
    requireFloat('matmul', [a, b])
    const inner = b.shape[attributes.transposeB ? 1 : 0]
    if (a.shape.length !== 2 || b.shape.length !== 2 || a.shape[attributes.transposeA ? 0 : 1] !== inner)
      throw new ShapeError(
        `matmul: ${formatShape(a.shape)}${attributes.transposeA ? ' transposed' : ''} times ${formatShape(b.shape)}${attributes.transposeB ? ' transposed' : ''}: expected [M,K] and [K,N]`,
      )
    const { m, n } = matmulExtents(a.shape, b.shape, attributes)
    return { shape: [m, n], dtype: 'f32' }
  },
  gradient(node, dy, { transposeA, transposeB }) {
    const [a, b] = node.inputs
    return [
      () =>
        transposeA
          ? matmul(b, dy, { transposeA: transposeB, transposeB: true })
          : matmul(dy, b, { transposeB: !transposeB }),
      () =>
        transposeB
          ? matmul(dy, a, { transposeA: true, transposeB: transposeA })
          : matmul(a, dy, { transposeA: !transposeA }),
    ]
  },
  reference([a, b], y, attributes) {
    const { m, k, n } = matmulExtents(a.shape, b.shape, attributes)
    const [aRow, aColumn] = attributes.transposeA ? [1, m] : [k, 1]
    const [bRow, bColumn] = attributes.transposeB ? [1, k] : [n, 1]
    for (let i = 0; i < m; i++)
      for (let j = 0; j < n; j++) {
        let total = 0
        for (let l = 0; l < k; l++) total += a.data[i * aRow + l * aColumn] * b.data[l * bRow + j * bColumn]
        y.data[i * n + j] = total
      }
  },
  flops([a, b], _y, attributes) {
    const { m, k, n } = matmulExtents(a.shape, b.shape, attributes)
    return 2 * m * k * n
  },
}

/** The matrix product of `a` [M,K] and `b` [K,N] (or their transposes): [M,N]. @throws ShapeError when the inner extents differ */
export function matmul(
  a: Tensor,
  b: Tensor,
  options: { readonly transposeA?: boolean; readonly transposeB?: boolean } = {},
): Tensor {
  return apply(matmulOperation, [a, b], {
    transposeA: options.transposeA ?? false,
    transposeB: options.transposeB ?? false,
  })
}

/** Keras's dense layer without activation: x [N,in] · kernel [in,out] + bias [out]. */
export function dense(x: Tensor, kernel: Tensor, bias?: Tensor): Tensor {
  const product = matmul(x, kernel)
  return bias ? add(product, bias) : product
}
