import type { DeviceInfo } from '../../engine/device.ts'
import type { EpochLog } from '../../engine/training/fit-options.ts'
import { task } from '../tasks/chosen-task.ts'

/** How a model was made. */
export interface TrainingFacts {
  /** Training images. */
  readonly images: number
  readonly batchSize: number
  readonly learningRate: number
  readonly seed: number
  readonly device: DeviceInfo
  /** Of the processor's device: how it convolves. */
  readonly convolution?: string
  readonly log: readonly EpochLog[]
}

/** What a model file says of its own making. */
export function trainingRecord(facts: TrainingFacts): Record<string, string> {
  const { images, batchSize, learningRate, seed, device, convolution, log } = facts
  const last = log.at(-1)
  return {
    data: task.name,
    training_images: String(images),
    epochs: String(log.length),
    batch_size: String(batchSize),
    optimizer: `Adam lr=${learningRate.toExponential().replace('+', '')} beta1=0.9 beta2=0.999 eps=1e-7`,
    seed: String(seed),
    device: device.kind,
    adapter: device.adapter,
    ...(device.kind === 'cpu' && convolution !== undefined && { convolution }),
    ...(last && { test_accuracy: String(last.valAccuracy), val_loss: String(last.valLoss) }),
    log: JSON.stringify(log.map(logEntry)),
  }
}

/** An epoch under Keras's names. */
export function logEntry({ epoch, loss, accuracy, valLoss, valAccuracy, msPerStep, seconds }: EpochLog) {
  return {
    epoch,
    loss,
    accuracy,
    val_loss: valLoss,
    val_accuracy: valAccuracy,
    ms_per_step: Math.round(msPerStep * 10) / 10,
    seconds: Math.round(seconds * 10) / 10,
  }
}
