import { abortSignal, callback, optionsOf, thatIs, wholeNumber } from '../arguments.ts'
import type { Device, MeasurementOptions } from '../device.ts'
import { lossOption, metricsOption, type Objective } from '../training/objective.ts'
import type { Optimizer } from '../training/optimizers.ts'

/** Where the model is to be, and what evaluate() and fit() compute. */
export interface CompileOptions extends Objective {
  readonly device: Device
  /** Needed for fit(). */
  readonly optimizer?: Optimizer
}

/** What a device and an optimizer are told by. */
const aDevice = thatIs<Device>(
  'a device, as openDevice() gives it',
  (value) => typeof value === 'object' && value !== null && 'lower' in value && 'allocate' in value,
)
const anOptimizer = thatIs<Optimizer>(
  'an optimizer: adam(), adamW() or sgd()',
  (value) => typeof value === 'object' && value !== null && 'slots' in value && 'update' in value,
)

/** @internal */
export const compileOptions = optionsOf<CompileOptions>(
  {
    device: aDevice,
    optimizer: anOptimizer,
    loss: lossOption,
    metrics: metricsOption,
  },
  'device',
)

export interface BatchMeasurementOptions extends MeasurementOptions {
  /** Samples of a training step. */
  readonly batchSize?: number
}

/** Samples of one pass, in one plan. @internal */
export const batchOf = wholeNumber(1, 2 ** 20)

/** @internal */
export const measurementOptions = optionsOf<BatchMeasurementOptions>({
  batchSize: batchOf,
  signal: abortSignal,
  onProgress: callback,
})
