import type { DeviceInfo } from '../../engine/device.ts'
import type { EpochLog } from '../../engine/training/fit-options.ts'
import type { OptimizerSettings } from '../../engine/training/optimizers.ts'
import { task } from '../tasks/chosen-task.ts'

/** How a model was made. */
export interface TrainingFacts {
  /** Training images. */
  readonly images: number
  readonly batchSize: number
  readonly optimizer: OptimizerSettings
  readonly seed: number
  readonly device: DeviceInfo
  /** Of the processor's device: how it convolves. */
  readonly convolution?: string
  readonly log: readonly EpochLog[]
}

/** What a model file says of its own making. */
export function trainingRecord(facts: TrainingFacts): Record<string, string> {
  const { images, batchSize, optimizer, seed, device, convolution, log } = facts
  const last = log.at(-1)
  return {
    data: task.name,
    training_images: String(images),
    epochs: String(log.length),
    batch_size: String(batchSize),
    optimizer: inWords(optimizer),
    seed: String(seed),
    device: device.kind,
    adapter: device.adapter,
    ...(device.kind === 'cpu' && convolution !== undefined && { convolution }),
    ...(last && { test_accuracy: String(last.valAccuracy), val_loss: String(last.valLoss) }),
    log: JSON.stringify(log.map(logEntry)),
  }
}

/** `adam learningRate=0.001 beta1=0.9 …`; what is not one number is written as JSON. */
function inWords({ optimizer, ...settings }: OptimizerSettings): string {
  const told = Object.entries(settings).map(([name, value]) => `${name}=${JSON.stringify(value)}`)
  return [optimizer, ...told].join(' ')
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
