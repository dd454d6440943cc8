import { ArgumentError } from '../errors.ts'
import { isSigmoid, isSoftmax } from '../model/output-activation.ts'
import { abs, equal, mul, neg, softplus, square, step, sub } from '../ops/elementwise.ts'
import { argMax, mean } from '../ops/reduce.ts'
import { logSoftmax } from '../ops/softmax.ts'
import { softmaxCrossEntropy } from '../ops/softmax-cross-entropy.ts'
import { sum } from '../ops/sum-and-broadcast.ts'
import type { Tensor } from '../tensor.ts'

/**
 * Losses: how wrong a network is, and which shares of its answers are right, of each sample by itself, [N]. They are Keras's, and
 * have its names. Those of probabilities are computed from what the last activation is given, where small probabilities have
 * not lost their digits.
 */
export interface Loss {
  /**
   * What it compares outputs with. `classes`: class numbers, i32 [N]. `probabilities`, `numbers`: targets of the output's
   * shape, f32 [N, …]; probabilities lie between 0 and 1.
   */
  readonly labels: 'classes' | 'probabilities' | 'numbers'
  /** output [N, …], labels -> [N]. @throws ArgumentError for an output that it can't stand on */
  of(output: Tensor, labels: Tensor): Tensor
  /** output [N, …], labels -> [N], 0 to 1; null where nothing is right or wrong. */
  readonly accuracy: ((output: Tensor, labels: Tensor) => Tensor) | null
}

export const losses = {
  /** Minus the logarithm of the label's probability. */
  sparseCategoricalCrossentropy: {
    labels: 'classes',
    of: (output, labels) => softmaxCrossEntropy(softmaxLogits('sparseCategoricalCrossentropy', output), labels),
    accuracy: (output, labels) => equal(argMax(softmaxLogits('accuracy', output)), labels),
  },
  /** -Σ target · log(probability) over the last axis: targets are one-hot, or probabilities themselves. */
  categoricalCrossentropy: {
    labels: 'probabilities',
    of(output, targets) {
      const logits = softmaxLogits('categoricalCrossentropy', output)
      return meanOfSample(neg(sum(mul(targets, logSoftmax(logits)), { axes: -1 })))
    },
    accuracy: (output, targets) => meanOfSample(equal(argMax(softmaxLogits('accuracy', output)), argMax(targets))),
  },
  /** -target · log(p) - (1 - target) · log(1 - p), the mean over a sample's outputs: each is a question by itself. */
  binaryCrossentropy: {
    labels: 'probabilities',
    of(output, targets) {
      const logits = sigmoidLogits('binaryCrossentropy', output)
      return meanOfSample(sub(softplus(logits), mul(logits, targets)))
    },
    /** The threshold is 0.5: a logit above 0. */
    accuracy: (output, targets) => meanOfSample(equal(step(sigmoidLogits('accuracy', output)), targets)),
  },
  /** (output - target)², the mean over a sample's outputs. */
  meanSquaredError: {
    labels: 'numbers',
    of: (output, targets) => meanOfSample(square(sub(output, targets))),
    accuracy: null,
  },
} satisfies Record<string, Loss>

export type LossName = keyof typeof losses

/** |output - target|, the mean over a sample's outputs. */
export function meanAbsoluteError(output: Tensor, targets: Tensor): Tensor {
  return meanOfSample(abs(sub(output, targets)))
}

/** [N, …] -> [N] */
function meanOfSample(values: Tensor): Tensor {
  const axes = values.shape.slice(1).map((_, axis) => axis + 1)
  return axes.length === 0 ? values : mean(values, { axes })
}

function softmaxLogits(loss: string, output: Tensor): Tensor {
  if (!isSoftmax(output)) throw new ArgumentError(`${loss}: the last layer must have the activation softmax`)
  return output.inputs[0]
}

function sigmoidLogits(loss: string, output: Tensor): Tensor {
  if (!isSigmoid(output)) throw new ArgumentError(`${loss}: the last layer must have the activation sigmoid`)
  return output.inputs[0]
}
