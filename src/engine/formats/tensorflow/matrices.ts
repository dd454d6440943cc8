import { dense, matmul } from '../../ops/matmul.ts'
import { sizeOf, type Tensor } from '../../tensor.ts'
import type { OperatorCall, OperatorFunction } from '../operators/operator-call.ts'
import { DeviceValue, HostValue } from '../operators/value.ts'
import { withFusedOperations } from './activations.ts'

/** Products of matrices. */

function product(call: OperatorCall, bias?: Tensor): DeviceValue {
  const [a, b] = [call.value(0), call.value(1)]
  const [transposeA, transposeB] = [call.flag('transpose_a'), call.flag('transpose_b')]
  if (a.shape.length !== 2 || b.shape.length !== 2)
    call.invalid(`its matrices have ${a.shape.length} and ${b.shape.length} axes; expected 2`)
  if (transposeA || !(b instanceof HostValue)) call.noteMixing()
  const left = call.tensor(a, transposeA ? [1, 0] : [0, 1])
  return new DeviceValue(dense(left, call.tensor(b, transposeB ? [1, 0] : [0, 1]), bias))
}

/** A product for each place of the axes before the last two. */
function batchProduct(call: OperatorCall): DeviceValue {
  const [a, b] = [call.value(0), call.value(1)]
  const [transposeA, transposeB] = [call.flag('adj_x'), call.flag('adj_y')]
  const rank = Math.max(a.shape.length, b.shape.length)
  // Samples are added up where the first axis is one of a matrix, and meet one another where the axes are not one to one.
  if (b instanceof DeviceValue && (b.shape.length < 3 || b.shape.length < rank)) call.noteMixing()
  if (a instanceof DeviceValue && (a.shape.length < 3 ? transposeA || b.shape.length > 2 : a.shape.length < rank))
    call.noteMixing()
  return new DeviceValue(matmul(call.tensor(a), call.tensor(b), { transposeA, transposeB }))
}

/**
 * TensorFlow Lite's dense layer: all numbers of the input as rows, times a matrix [units,in].
 * @param bias [units]
 */
export function fullyConnected(call: OperatorCall, bias?: Tensor): DeviceValue {
  const [x, kernel] = [call.onDevice(call.value(0)), call.value(1)]
  if (kernel.shape.length !== 2) call.invalid(`its weights have ${kernel.shape.length} axes; expected 2`)
  if (!(kernel instanceof HostValue)) call.noteMixing()
  const [units, inner] = kernel.shape
  const rows = sizeOf(x.shape) / inner
  if (!Number.isInteger(rows)) call.invalid(`${sizeOf(x.shape)} numbers are no rows of ${inner}`)
  const keepsAxes = call.flag('keep_num_dims') && x.shape.at(-1) === inner
  const y = dense(x.reshaped([rows, inner]).asSpoken(), call.tensor(kernel, [1, 0]), bias)
  const value = new DeviceValue(y)
  return keepsAxes ? value.reshaped([...x.shape.slice(0, -1), units]) : value
}

const fusedProduct = withFusedOperations(product)

/** Under TensorFlow's names. */
export const matrixOperators: Readonly<Record<string, OperatorFunction>> = {
  BatchMatMul: batchProduct,
  BatchMatMulV2: batchProduct,
  BatchMatMulV3: batchProduct,
  MatMul: fusedProduct,
  FusedMatMul: fusedProduct,
  _FusedMatMul: fusedProduct,
}
