import { abortSignal, callback, oneOf, optionsOf, thatIs, wholeNumber } from '../arguments.ts'
import type { Device, MeasurementOptions } from '../device.ts'
import type { Optimizer } from '../training/optimizers.ts'

export interface CompileOptions {
  readonly device: Device
  /** Needed for fit(). */
  readonly optimizer?: Optimizer
  /** The loss of evaluate() and fit(); the last layer must be a softmax. */
  readonly loss?: 'sparseCategoricalCrossentropy'
  readonly metrics?: readonly 'accuracy'[]
}

/** What a device and an optimizer are told by. */
const aDevice = thatIs<Device>(
  'a device, as openDevice() gives it',
  (value) => typeof value === 'object' && value !== null && 'lower' in value && 'allocate' in value,
)
const anOptimizer = thatIs<Optimizer>(
  'an optimizer: adam() or sgd()',
  (value) => typeof value === 'object' && value !== null && 'slots' in value && 'update' in value,
)

/** @internal */
export const compileOptions = optionsOf<CompileOptions>(
  {
    device: aDevice,
    optimizer: anOptimizer,
    loss: oneOf('sparseCategoricalCrossentropy'),
    metrics: thatIs(
      "a list of 'accuracy'",
      (value) => Array.isArray(value) && value.every((name) => name === 'accuracy'),
    ),
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
