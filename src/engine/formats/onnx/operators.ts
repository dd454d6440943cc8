import type { OperatorSet } from '../operators/operator-call.ts'
import { constantOperators } from './constants.ts'
import { convolutionOperators } from './convolution.ts'
import { elementwiseOperators } from './elementwise.ts'
import { lossOperators } from './losses.ts'
import { matrixOperators } from './matrix.ts'
import { moveOperators } from './moves.ts'
import { normalizationOperators } from './normalization.ts'
import { operatorSet } from './operator-table.ts'
import { poolingOperators } from './pooling.ts'
import { quantisedOperators } from './quantised.ts'
import { reductionOperators } from './reductions.ts'
import { resizeOperators } from './resize.ts'
import { runtimeQuantisedOperators } from './runtime-quantised.ts'
import { shapeOperators } from './shapes.ts'

/** ONNX's operators that Limelight runs: those of the default domain by their names, others with their domain's before it. */
export const onnxOperators: OperatorSet = operatorSet(
  'ONNX',
  shapeOperators,
  constantOperators,
  moveOperators,
  elementwiseOperators,
  reductionOperators,
  matrixOperators,
  convolutionOperators,
  poolingOperators,
  normalizationOperators,
  resizeOperators,
  lossOperators,
  quantisedOperators,
  runtimeQuantisedOperators,
)
