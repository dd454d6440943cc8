import { ShapeError } from '../errors.ts'
import { apply, constant, formatShape, type Operation, sizeOf, type Tensor, type TensorType } from '../tensor.ts'
import { mul, sub } from './elementwise.ts'
import { reshape } from './reshape.ts'
import { softmax, softmaxRow } from './softmax.ts'
import { sum } from './sum-and-broadcast.ts'

/** Cross-entropy of softmax(logits) against sparse labels: log Σ exp(logit) - logit[label], for each sample. */

function check(name: string, [logits, labels]: readonly TensorType[]): void {
  if (
    logits.shape.length !== 2 ||
    labels.shape.length !== 1 ||
    labels.shape[0] !== logits.shape[0] ||
    labels.dtype !== 'i32'
  )
    throw new ShapeError(
      `${name}: logits ${formatShape(logits.shape)} and ${labels.dtype} labels ${formatShape(labels.shape)}; expected [N,classes] and i32 [N]`,
    )
}

export const crossEntropyOperation: Operation = {
  name: 'softmaxCrossEntropy',
  inputNames: ['logits', 'labels'],
  infer([logits, labels]) {
    check('softmaxCrossEntropy', [logits, labels])
    return { shape: labels.shape, dtype: 'f32' }
  },
  gradient: (node, dy) => [() => apply(crossEntropyGradientOperation, [...node.inputs, dy], {}), null],
  reference([logits, labels], loss) {
    const classes = logits.shape[1]
    for (let n = 0; n < loss.data.length; n++) {
      const row = logits.data.subarray(n * classes, (n + 1) * classes)
      const largest = row.reduce((a, b) => Math.max(a, b))
      const total = row.reduce((running, logit) => running + Math.exp(logit - largest), 0)
      loss.data[n] = Math.log(total) + largest - row[labels.data[n]]
    }
  },
  flops: ([logits]) => 5 * sizeOf(logits.shape),
}

/** logits [N,classes], labels [N], dloss [N] -> (softmax(logits) - onehot(labels)) · dloss, [N,classes]. */
export const crossEntropyGradientOperation: Operation = {
  name: 'softmaxCrossEntropyGradient',
  inputNames: ['logits', 'labels', 'dloss'],
  isGradient: true,
  infer([logits, labels]) {
    check('softmaxCrossEntropyGradient', [logits, labels])
    return { shape: logits.shape, dtype: 'f32' }
  },
  gradient(node, dz) {
    const [logits, labels, dloss] = node.inputs
    const scaled = (x: Tensor) => mul(x, reshapeColumn(dloss))
    return [
      () => {
        const p = softmax(logits)
        return scaled(mul(sub(dz, sum(mul(dz, p), { axes: -1, keepDims: true })), p))
      },
      null,
      () =>
        sum(mul(dz, apply(crossEntropyGradientOperation, [logits, labels, constant(1, dloss.shape)], {})), { axes: 1 }),
    ]
  },
  reference([logits, labels, dloss], dlogits) {
    const classes = logits.shape[1]
    for (let n = 0; n < labels.data.length; n++) {
      softmaxRow(logits.data, dlogits.data, n * classes, classes)
      dlogits.data[n * classes + labels.data[n]] -= 1
      for (let c = 0; c < classes; c++) dlogits.data[n * classes + c] *= dloss.data[n]
    }
  },
  flops: ([logits]) => 7 * sizeOf(logits.shape),
}

function reshapeColumn(x: Tensor): Tensor {
  return reshape(x, [x.shape[0], 1])
}

/**
 * The loss of each sample, natural logarithm: logits [N,classes] and i32 labels [N] (each in 0..classes-1) -> [N].
 * @throws ShapeError when the shapes do not fit
 */
export function softmaxCrossEntropy(logits: Tensor, labels: Tensor): Tensor {
  return apply(crossEntropyOperation, [logits, labels], {})
}
