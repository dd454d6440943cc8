import { type MatmulAttributes, matmulBatches } from '../../ops/matmul.ts'
import type { StepTypes } from '../../plan/arrange-weights.ts'
import { sizeOf } from '../../tensor.ts'
import { type I32, i32 } from '../../wasm/instructions.ts'
import type { CpuKernel } from '../kernel.ts'
import { epilogueOf } from './epilogue.ts'
import { emitPackedProduct } from './packed-product.ts'
import { inPanels, type Matrices, panelBytes, panelsOf, type RightMatrix } from './panels.ts'
import { packedWidth } from './register-block.ts'
import { indexAlong } from './walk.ts'

/** With fewer rows of A, copying B in every run takes longer than reading it as it lies. */
const leastRowsToPack = 8

/** All matrices that are B. Where it was arranged before there is one, whose extents A and Y tell. */
export function rightMatrices({ inputs: { a, b }, outputs: [y], attributes }: StepTypes): Matrices {
  const { transposeA, transposeB } = attributes as unknown as MatmulAttributes
  return {
    inner: a.shape[a.shape.length - (transposeA ? 2 : 1)],
    columns: y.shape[y.shape.length - 1],
    isTransposed: transposeB,
    count: 'arranged' in attributes ? 1 : sizeOf(b.shape.slice(0, -2)),
  }
}

/** y = A · B, for every batch. A is read one number at a time along whatever strides its transposition gives. */
export const matmul: CpuKernel = (step, emitter) => {
  const { a, b } = step.inputs
  const [y] = step.outputs
  const { transposeA, transposeB } = step.attributes as unknown as MatmulAttributes
  const matrices = rightMatrices(step)
  const { inner: k, columns: n } = matrices
  const m = y.shape[y.shape.length - 2]
  const isArranged = 'arranged' in step.attributes
  const batches = matmulBatches(a.shape, isArranged ? [k, n] : b.shape)
  const [rowStride, innerStride] = transposeA ? [4, m * 4] : [k * 4, 4]
  const mayStay = !isArranged && !transposeB && packedWidth(n) === n && m < leastRowsToPack
  const right: RightMatrix = mayStay ? { ...inPanels(matrices), layout: 'rows' } : inPanels(matrices)
  const address = mayStay ? b.address : panelsOf(step, 'b', matrices, emitter)
  const product = {
    rows: m,
    inner: k,
    columns: n,
    rowStride,
    innerStride,
    right,
    output: y.address,
    epilogue: epilogueOf(step, emitter),
    batches: batches.count,
  }
  emitPackedProduct(emitter, product, 0, (body, { batch, firstRow }) => {
    const matrix = (index: I32, bytes: number): I32 =>
      batches.count > 1 ? body.local('i32', i32.mul(index, i32.const(bytes))) : i32.const(0)
    const matrixOfA = matrix(indexAlong(batch, batches.shape, batches.a), m * k * 4)
    const matrixOfB = matrix(indexAlong(batch, batches.shape, batches.b), panelBytes(right))
    const matrixOfY = matrix(batch, m * n * 4)
    return {
      left: i32.add(i32.add(i32.const(a.address), i32.mul(firstRow, i32.const(rowStride))), matrixOfA),
      right: i32.add(i32.const(address), matrixOfB),
      output: i32.add(i32.mul(firstRow, i32.const(n * 4)), matrixOfY),
    }
  })
}
