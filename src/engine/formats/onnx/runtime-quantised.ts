import type { OperatorFunction } from '../operators/operator-call.ts'
import type { OperatorTable } from './operator-table.ts'
import { biasOf, quantisation, quantised, real } from './quantised.ts'

/**
 * Operators that the standard does not have, and that ONNX Runtime's quantiser writes: the standard's own, with a scale and a zero
 * point behind each input, and those of the output after all (ContribOperators.md of ONNX Runtime).
 */

/** @param count of inputs */
function ofQuantised(operator: string, count: number): OperatorFunction {
  return (call) => {
    if (call.flag('channels_last')) call.unsupported('channels_last is on')
    const inputs = Array.from({ length: count }, (_, i) => real(call, 3 * i, quantisation(call, 3 * i + 1)))
    return quantised(call, call.as(operator, inputs), quantisation(call, 3 * count))
  }
}

/** Its output's scale comes first. */
const quantisedConcat: OperatorFunction = (call) => {
  const count = Math.floor((call.inputs.length - 2) / 3)
  const parts = Array.from({ length: count }, (_, i) => real(call, 3 * i + 2, quantisation(call, 3 * i + 3)))
  return quantised(call, call.as('Concat', parts), quantisation(call, 0))
}

/** Real numbers come out where the output has no scale. */
const quantisedGemm: OperatorFunction = (call) => {
  if (call.number('alpha', 1) !== 1) call.unsupported(`alpha ${call.number('alpha')}`)
  const [rows, columns] = [quantisation(call, 1), quantisation(call, 4, call.flag('transB') ? 0 : -1)]
  const made = call.as('Gemm', [real(call, 0, rows), real(call, 3, columns), biasOf(call, 6, rows, columns)])
  return call.has(7) ? quantised(call, made, quantisation(call, 7)) : made
}

export const runtimeQuantisedOperators: OperatorTable = {
  'com.microsoft.QLinearAdd': ofQuantised('Add', 2),
  'com.microsoft.QLinearMul': ofQuantised('Mul', 2),
  'com.microsoft.QLinearSigmoid': ofQuantised('Sigmoid', 1),
  'com.microsoft.QLinearLeakyRelu': ofQuantised('LeakyRelu', 1),
  'com.microsoft.QLinearAveragePool': ofQuantised('AveragePool', 1),
  'com.microsoft.QLinearGlobalAveragePool': ofQuantised('GlobalAveragePool', 1),
  'com.microsoft.QLinearConcat': quantisedConcat,
  'com.microsoft.QGemm': quantisedGemm,
}
