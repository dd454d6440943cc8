/** Limelight's engine: tensors, layers, devices. LIME is `limelight/lime`. */

export type { BlendTables } from './blend/predict-factored.ts'
export { compute } from './compute.ts'
export type { CpuDeviceOptions } from './cpu/device-options.ts'
export type {
  Device,
  DeviceInfo,
  DeviceKind,
  HostArray,
  Measurement,
  MeasurementOptions,
  Memory,
  Place,
  Program,
} from './device.ts'
export * from './errors.ts'
export { loadModel, modelFromBytes } from './formats/model-file.ts'
export { type Architecture, modelToBytes } from './formats/model-format.ts'
export { formatSafetensors, parseSafetensors, type Safetensors } from './formats/safetensors.ts'
export { gradients } from './gradients.ts'
export type { CompileOptions, LongCallOptions, Predictions } from './model/compiled.ts'
export * from './model/layers.ts'
export type { Labels, Samples } from './model/samples.ts'
export type { BatchMeasurementOptions, BlendOptions, BlendRequest, SequentialOptions } from './model/sequential.ts'
export { Sequential, sequential } from './model/sequential.ts'
export { type DeviceName, deviceNames, type OpenDeviceOptions, openDevice } from './open-device.ts'
export { packMasks } from './ops/blend-by-segments.ts'
export { ops } from './ops/public.ts'
export { describePlan, makePlan, type Plan } from './plan/plan.ts'
export { Constant, constant, Input, Resident, Tensor } from './tensor.ts'
export type { Checkpoint } from './training/checkpoint.ts'
export type { BatchLog, BeforeStep, EpochLog, FitOptions, History } from './training/fit.ts'
export { accuracy, classificationReport, confusionMatrix } from './training/metrics.ts'
export { adam, type Optimizer, sgd } from './training/optimizers.ts'
export { batchLine, epochLine } from './training/progress-line.ts'
