import type { OperatorFunction } from '../operators/operator-call.ts'
import { blockOperators } from './blocks.ts'
import { convolutionOperators } from './convolution.ts'
import { elementwiseOperators } from './elementwise.ts'
import { matrixOperators } from './matrices.ts'
import { poolingOperators } from './pooling.ts'
import { reductionOperators } from './reductions.ts'
import { shapeOperators } from './shapes.ts'
import { sliceOperators } from './slices.ts'

/** Nothing is done, or nothing that a network in use has of it. */
const passedOn: OperatorFunction = (call) => call.value(0)

/** TensorFlow's operators by their names; TensorFlow Lite's are the same under other names, nearly all. */
export const tensorFlowOperators: Readonly<Record<string, OperatorFunction>> = {
  ...blockOperators,
  ...convolutionOperators,
  ...elementwiseOperators,
  ...matrixOperators,
  ...poolingOperators,
  ...reductionOperators,
  ...shapeOperators,
  ...sliceOperators,
  CheckNumerics: passedOn,
  EnsureShape: passedOn,
  Identity: passedOn,
  PreventGradient: passedOn,
  Snapshot: passedOn,
  StopGradient: passedOn,
}
