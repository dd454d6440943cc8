import { accuracy, type ClassificationReport, classificationReport, confusionMatrix } from '../engine/metrics.ts'
import type { LongCallOptions, Sequential } from '../engine/model.ts'
import { classNames, type ImageSet } from './data/fashion-mnist.ts'

/** How well a model does on labelled images: what the tutorial shows. */
export interface Evaluation {
  readonly count: number
  readonly accuracy: number
  /** Mean cross-entropy, natural logarithm. */
  readonly loss: number
  readonly predicted: readonly number[]
  /** [true][predicted] */
  readonly confusionMatrix: readonly (readonly number[])[]
  readonly report: ClassificationReport
  /** Indices of the images the model gets wrong, ascending. */
  readonly wrong: readonly number[]
}

/** Keras's bound on probabilities inside a logarithm. */
const smallest = 1e-7

export async function evaluateModel(
  model: Sequential,
  set: ImageSet,
  options: LongCallOptions = {},
): Promise<Evaluation> {
  const { images, labels, count, height, width } = set
  const samples = { data: images, shape: [count, height, width, 1], scale: 1 / 255 }
  const { data, shape } = await model.predict(samples, options)
  const classes = shape[1]
  let loss = 0
  const predicted = Array.from({ length: count }, (_, i) => {
    const row = data.subarray(i * classes, (i + 1) * classes)
    loss -= Math.log(Math.max(row[labels[i]], smallest))
    return row.reduce((best, value, label) => (value > row[best] ? label : best), 0)
  })
  return {
    count,
    accuracy: accuracy(labels, predicted),
    loss: loss / count,
    predicted,
    confusionMatrix: confusionMatrix(labels, predicted, classes),
    report: classificationReport(labels, predicted, { targetNames: classNames }),
    wrong: predicted.flatMap((label, i) => (label === labels[i] ? [] : [i])),
  }
}
