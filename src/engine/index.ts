/**
 * Limelight's engine: tensors, layers, devices. LIME is `limelight/lime`.
 * @module limelight
 */

export type { BlendOptions, BlendRequest } from './blend/blend-request.ts'
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
export { exportOnnx } from './facade/export-onnx.ts'
export { type LoadOptions, loadModel } from './facade/load-model.ts'
export { type LoadWeightsOptions, loadWeights } from './facade/load-weights.ts'
export { Model, model } from './facade/model.ts'
export { modelFromBytes } from './facade/model-from-bytes.ts'
export type { BatchMeasurementOptions, CompileOptions } from './facade/options.ts'
export { Sequential, sequential } from './facade/sequential.ts'
export type { ModelFiles } from './formats/model-files.ts'
export type { ModelOrigin, Stated, StatedImages } from './formats/opened-model.ts'
export { formatSafetensors, parseSafetensors, type Safetensors } from './formats/safetensors.ts'
export { modelToBytes } from './formats/write-model.ts'
export { gradients } from './gradients.ts'
export type { LayeredModel } from './model/callable.ts'
export type { LongCallOptions, Predictions } from './model/compiled.ts'
export type { GraphOf, NamedLayer, StackOf } from './model/connections.ts'
export {
  add,
  average,
  concatenate,
  dot,
  type GraphArchitecture,
  type GraphNetwork,
  type GraphOptions,
  type InputOptions,
  input,
  maximum,
  minimum,
  multiply,
  SymbolicTensor,
  subtract,
  through,
} from './model/graph.ts'
export { type LayerCall, type LayeredNetwork, type LayerOutline, weightsOf } from './model/layered.ts'
export * from './model/layers/public.ts'
export type { Applied, Network, NetworkContext, Parameter, Port } from './model/network.ts'
export type { OutputKind, PictureConventions } from './model/picture-network.ts'
export type { Labels, Samples, SamplesByInput, Targets } from './model/samples.ts'
export {
  type Architecture,
  type SequentialNetwork,
  type SequentialOptions,
  stackLayers,
} from './model/sequential.ts'
export { type DeviceName, deviceNames, type OpenDeviceOptions, openDevice } from './open-device.ts'
export { packMasks } from './ops/blend-by-segments.ts'
export { ops } from './ops/public.ts'
export { describePlan, makePlan, type Plan, type Preparation } from './plan/plan.ts'
export { Constant, constant, Input, Resident, Tensor } from './tensor.ts'
export type { Checkpoint } from './training/checkpoint.ts'
export type { BatchLog, BeforeStep, EpochLog, FitOptions, History } from './training/fit-options.ts'
export {
  type CosineDecay,
  cosineDecay,
  type ExponentialDecay,
  exponentialDecay,
  type LearningRate,
  type LinearWarmup,
  linearWarmup,
  type PiecewiseConstantDecay,
  piecewiseConstantDecay,
  type Schedule,
} from './training/learning-rates.ts'
export type { LossName } from './training/losses.ts'
export { accuracy, classificationReport, confusionMatrix } from './training/metrics.ts'
export type { MetricName, Objective, Scores } from './training/objective.ts'
export {
  type AdamConfig,
  type AdamWConfig,
  adam,
  adamW,
  type Optimizer,
  type OptimizerSettings,
  optimizerFrom,
  type SgdConfig,
  sgd,
} from './training/optimizers.ts'
export { batchLine, epochLine } from './training/progress-line.ts'
