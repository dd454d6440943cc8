import { abortSignal, callback, flag, optionsOf, thatIs, wholeNumber } from '../arguments.ts'
import type { Device } from '../device.ts'
import type { DeviceLostError } from '../errors.ts'
import type { Labels, Samples, SamplesByInput, Targets } from '../model/samples.ts'
import type { AbortSignal } from '../platform/types.ts'
import type { Checkpoint } from './checkpoint.ts'
import type { Prefixed, Scores } from './objective.ts'

/** What fit() may be told, and what it tells. */

export interface FitOptions {
  /** 32 unless given. */
  readonly batchSize?: number
  /** 1 unless given. */
  readonly epochs?: number
  /** Samples as fit() takes them, and labels or targets, whichever the loss takes. */
  readonly validationData?: readonly [Samples | SamplesByInput, Labels | Targets]
  /** A new order every epoch; true unless given. */
  readonly shuffle?: boolean
  readonly signal?: AbortSignal
  /**
   * Gives the device to go on with when the model's own is lost: a new one, or the processor (`() => openDevice('cpu')`).
   * The model moves there and the epoch begins again from what the host kept of the last one, in the same order. Without it
   * fit() throws the DeviceLostError; the weights are then those of the last whole epoch.
   */
  readonly onDeviceLost?: (error: DeviceLostError) => Device | Promise<Device>
  /**
   * A checkpoint to go on from, in the middle of an epoch too: the rest is trained as if nothing had come between. Samples,
   * batch size, seed and optimizer must be those it was made with; `epochs` counts from the very beginning.
   */
  readonly from?: Checkpoint
  /**
   * Called before each step. Where it returns a promise, the losses so far are reported and training pauses until that is
   * settled: to pause, to go step by step, or to use the model as it is then.
   */
  readonly beforeStep?: (at: BeforeStep) => undefined | Promise<void>
  readonly onBatchEnd?: (log: BatchLog) => void
  readonly onEpochEnd?: (log: EpochLog) => void | Promise<void>
}

/** @internal */
export const fitOptions = optionsOf<FitOptions>({
  batchSize: wholeNumber(1),
  epochs: wholeNumber(1),
  validationData: thatIs<readonly [Samples | SamplesByInput, Labels | Targets]>(
    'samples and their labels, [samples, labels]',
    (value) => Array.isArray(value) && value.length === 2,
  ),
  shuffle: flag,
  signal: abortSignal,
  onDeviceLost: callback,
  from: thatIs<Checkpoint>(
    'a checkpoint, as beforeStep gives it',
    (value) =>
      typeof value === 'object' &&
      value !== null &&
      'weights' in value &&
      Array.isArray(value.weights) &&
      'moments' in value &&
      Array.isArray(value.moments),
  ),
  beforeStep: callback,
  onBatchEnd: callback,
  onEpochEnd: callback,
})

/** A moment between two steps. */
export interface BeforeStep {
  readonly epoch: number
  readonly epochs: number
  /** Steps done in this epoch, of how many. */
  readonly step: number
  readonly steps: number
  /** What fit() can go on from later. Only until the promise that beforeStep returned is settled. */
  checkpoint(): Promise<Checkpoint>
}

/**
 * After a step. Scores are means over the epoch's samples so far, what Keras shows; those that begin with `batch` (batchLoss,
 * batchAccuracy) are of this batch alone, before its update.
 */
export interface BatchLog extends Scores, Prefixed<'batch'> {
  /** From 1. */
  readonly epoch: number
  readonly epochs: number
  /** Steps done in this epoch, of how many. */
  readonly step: number
  readonly steps: number
  /** Of this step, where a schedule changes it. */
  readonly learningRate?: number
  readonly msPerStep: number
  /** Until the epoch's last step. */
  readonly etaSeconds: number
}

/** After an epoch. Scores are means over its samples; those that begin with `val` are of the validation data. */
export interface EpochLog extends Scores, Partial<Prefixed<'val'>> {
  readonly epoch: number
  readonly epochs: number
  readonly steps: number
  /** Of its last step, where a schedule changes it. */
  readonly learningRate?: number
  readonly msPerStep: number
  /** Validation included. */
  readonly seconds: number
}

export interface History {
  readonly epochs: readonly EpochLog[]
}
