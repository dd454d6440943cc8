import type { OperatorSet } from '../operators/operator-call.ts'
import { elementwiseOperators } from './elementwise.ts'
import { operatorSet } from './operator-table.ts'
import { quantisedOperators } from './quantised.ts'
import { reductionOperators } from './reductions.ts'

/** ONNX's operators that Limelight runs: those of the default domain by their names, others with their domain's before it. */
export const onnxOperators: OperatorSet = operatorSet(
  'ONNX',
  elementwiseOperators,
  reductionOperators,
  quantisedOperators,
)
