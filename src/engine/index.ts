/** Limelight's engine: tensors, layers, devices. LIME is `limelight/lime`. */
export type { Checkpoint } from './checkpoint.ts'
export type { CompileOptions, LongCallOptions, Predictions } from './compiled-model.ts'
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
export type { BlendTables } from './factored/predict-factored.ts'
export type { BatchLog, BeforeStep, EpochLog, FitOptions, History } from './fit.ts'
export { gradients } from './gradients.ts'
export * from './layers.ts'
export { accuracy, classificationReport, confusionMatrix } from './metrics.ts'
export type { BatchMeasurementOptions, BlendOptions, BlendRequest, SequentialOptions } from './model.ts'
export { Sequential, sequential } from './model.ts'
export { loadModel, modelFromBytes } from './model-file.ts'
export { type Architecture, modelToBytes } from './model-format.ts'
export { type DeviceName, deviceNames, type OpenDeviceOptions, openDevice } from './open-device.ts'
export { packMasks } from './ops/blend-by-segments.ts'
export { ops } from './ops/public.ts'
export { adam, type Optimizer, sgd } from './optimizers.ts'
export { describePlan, makePlan, type Plan } from './plan.ts'
export { batchLine, epochLine } from './progress-line.ts'
export { formatSafetensors, parseSafetensors, type Safetensors } from './safetensors.ts'
export type { Labels, Samples } from './samples.ts'
export { Constant, constant, Input, Resident, Tensor } from './tensor.ts'
