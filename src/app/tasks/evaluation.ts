import { LimelightError } from '../../engine/errors.ts'
import type { Model } from '../../engine/facade/model.ts'
import type { LongCallOptions } from '../../engine/model/compiled.ts'
import { formatShape } from '../../engine/tensor.ts'
import {
  accuracy,
  type ClassificationReport,
  classificationReport,
  confusionMatrix,
} from '../../engine/training/metrics.ts'
import { type ImageSet, pixelsOf } from '../data/image-set.ts'
import { samplesOf, type Task } from './task.ts'

/** How well a model does on labelled images: what the tutorial shows. */
export interface Evaluation {
  readonly count: number
  readonly accuracy: number
  /** Mean cross-entropy, natural logarithm. */
  readonly loss: number
  readonly predicted: readonly number[]
  /** The probability of each prediction. */
  readonly confidences: Float32Array
  /** [true][predicted] */
  readonly confusionMatrix: readonly (readonly number[])[]
  readonly report: ClassificationReport
  /** Indices of the images the model gets wrong, ascending. */
  readonly wrong: readonly number[]
}

/** Below this, float32 (on a device that flushes small numbers to 0, too) has lost digits of a probability, or all. */
const exactFrom = 1e-30

/**
 * Predicts every image and compares. The loss is the validation loss of training: of each probability the logarithm,
 * unbounded.
 * @throws LimelightError when the model does not give probabilities of the task's classes
 */
export async function evaluateModel(
  task: Task,
  model: Model,
  set: ImageSet,
  options: LongCallOptions = {},
): Promise<Evaluation> {
  const activation = model.outputActivation
  if (formatShape(model.outputShape) !== formatShape([task.classNames.length]) || activation !== 'softmax')
    throw new LimelightError(
      `evaluate: the model ends in ${formatShape(model.outputShape)} with ${activation ? `the activation ${activation}` : 'no activation'}; expected a softmax over the ${task.classNames.length} classes of ${task.name}`,
    )
  const { images, labels, count } = set
  const { data, shape } = await model.predict(samplesOf(task, images), options)
  const classes = shape[1]
  let loss = 0
  const lost: number[] = []
  const confidences = new Float32Array(count)
  const predicted = Array.from({ length: count }, (_, i) => {
    const row = data.subarray(i * classes, (i + 1) * classes)
    if (row[labels[i]] >= exactFrom) loss -= Math.log(row[labels[i]])
    else lost.push(i)
    const best = row.reduce((most, value, label) => (value > row[most] ? label : most), 0)
    confidences[i] = row[best]
    return best
  })
  if (lost.length > 0) {
    // These few again, from the logits: their losses are finite, and large enough to count.
    const size = images.length / count
    const pixels = new Uint8Array(lost.length * size)
    for (const [k, i] of lost.entries()) pixels.set(pixelsOf(set, i), k * size)
    const again = await model.evaluate(
      samplesOf(task, pixels),
      Uint8Array.from(lost, (i) => labels[i]),
      { signal: options.signal },
    )
    loss += again.loss * lost.length
  }
  return {
    count,
    accuracy: accuracy(labels, predicted),
    loss: loss / count,
    predicted,
    confidences,
    confusionMatrix: confusionMatrix(labels, predicted, classes),
    report: classificationReport(labels, predicted, { targetNames: task.classNames }),
    wrong: predicted.flatMap((label, i) => (label === labels[i] ? [] : [i])),
  }
}
