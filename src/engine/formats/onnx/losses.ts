import * as ops from '../../ops/operations.ts'
import { constant, formatShape, type Tensor } from '../../tensor.ts'
import type { OperatorCall } from '../operators/operator-call.ts'
import { DeviceValue, type Value } from '../operators/value.ts'
import type { OperatorTable } from './operator-table.ts'

/** Losses: files that were written for training have them as outputs beside the probabilities. Classes are the second axis. */

/** Minus the log-probability of each label, folded as the node says. Labels of `ignore_index` count for nothing. */
function negativeLogLikelihood(call: OperatorCall, logProbabilities: Tensor): DeviceValue {
  const { shape } = logProbabilities
  if (shape.length < 2) call.invalid(`its input is ${formatShape(shape)}; expected [N,C,…]`)
  const along = (x: Tensor, extent: number) => ops.reshape(x, [1, extent, ...shape.slice(2).map(() => 1)])
  const labels = ops.reshape(call.tensor(call.value(1)), shape.with(1, 1))
  const classes = along(
    constant(
      Float32Array.from({ length: shape[1] }, (_, i) => i),
      [shape[1]],
    ),
    shape[1],
  )
  const hits = ops.equal(labels, classes)
  const ignored = call.optionalNumber('ignore_index')
  const isLabel = ignored === undefined ? hits : ops.where(ops.equal(labels, ignored), 0, hits)
  const weights = call.has(2) ? ops.mul(isLabel, along(call.tensor(call.value(2)), shape[1])) : isLabel
  const losses = ops.neg(ops.sum(ops.where(isLabel, ops.mul(logProbabilities, weights), 0), { axes: 1 }))
  switch (call.choice('reduction', ['none', 'sum', 'mean'], 'mean')) {
    case 'none':
      return new DeviceValue(losses)
    case 'sum':
      return new DeviceValue(ops.sum(losses))
    case 'mean':
      return new DeviceValue(ops.div(ops.sum(losses), ops.sum(weights)))
  }
}

/** Its second output are the log-probabilities. */
function softmaxCrossEntropy(call: OperatorCall): readonly Value[] {
  const logProbabilities = ops.logSoftmax(call.tensor(call.value(0)), { axis: 1 })
  return [negativeLogLikelihood(call, logProbabilities), new DeviceValue(logProbabilities)]
}

export const lossOperators: OperatorTable = {
  NegativeLogLikelihoodLoss: (call) => negativeLogLikelihood(call, call.tensor(call.value(0))),
  SoftmaxCrossEntropyLoss: softmaxCrossEntropy,
}
