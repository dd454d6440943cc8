import { ArgumentError } from '../errors.ts'
import { isSoftmax } from '../model/output-activation.ts'
import { equal } from '../ops/elementwise.ts'
import { argMax } from '../ops/reduce.ts'
import { softmaxCrossEntropy } from '../ops/softmax-cross-entropy.ts'
import type { Tensor } from '../tensor.ts'

/** How wrong a network is, of each sample [N] by itself. Outputs are [N, classes], labels i32 [N]. */

/**
 * Keras's sparse categorical cross-entropy: minus the logarithm of the label's probability. It is computed from what the last
 * softmax is given, where small probabilities have not lost their digits.
 * @throws ArgumentError for an output that is no softmax's
 */
export function sparseCategoricalCrossentropy(output: Tensor, labels: Tensor): Tensor {
  return softmaxCrossEntropy(logitsOf(output), labels)
}

/** 1 where the most probable class is the label, else 0: its mean is the accuracy. */
export function hits(output: Tensor, labels: Tensor): Tensor {
  return equal(argMax(logitsOf(output)), labels)
}

function logitsOf(output: Tensor): Tensor {
  if (!isSoftmax(output))
    throw new ArgumentError('sparseCategoricalCrossentropy: the last layer must have the activation softmax')
  return output.inputs[0]
}
