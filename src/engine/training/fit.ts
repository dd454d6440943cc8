import { abortSignal, callback, flag, optionsOf, thatIs, wholeNumber } from '../arguments.ts'
import type { Device } from '../device.ts'
import { DeviceLostError, LimelightError, TrainingDivergedError } from '../errors.ts'
import { gradients } from '../gradients.ts'
import type { CompiledModel } from '../model/compiled.ts'
import { seededRandom } from '../model/initializers.ts'
import type { Labels, Samples } from '../model/samples.ts'
import type { Sequential } from '../model/sequential.ts'
import { equal } from '../ops/elementwise.ts'
import { gather } from '../ops/gather.ts'
import { argMax, mean } from '../ops/reduce.ts'
import { softmaxCrossEntropy } from '../ops/softmax-cross-entropy.ts'
import { describePlan, makePlan, type Plan } from '../plan/plan.ts'
import type { AbortSignal } from '../platform/types.ts'
import { yieldToEvents } from '../platform/yield.ts'
import { Input, Resident, type Tensor } from '../tensor.ts'
import { recordUpdate } from '../updates/record.ts'
import { type BatchSource, batchSource } from './batch-source.ts'
import {
  type Checkpoint,
  noLosses,
  restoreCheckpoint,
  ringRows,
  type TrainingPlace,
  type TrainingState,
  takeCheckpoint,
  takeWeights,
  trainingState,
} from './checkpoint.ts'
import { GoodWeights } from './good-weights.ts'
import { LossReader } from './loss-reader.ts'
import type { Optimizer } from './optimizers.ts'

/**
 * Training. One step is one replay of one program: gather the batch from the data set on the device, forward, gradients,
 * update, record the loss in a ring. The host gives it the batch's indices and the step's number, and reads the ring from
 * time to time.
 */

export interface FitOptions {
  /** 32 unless given. */
  readonly batchSize?: number
  /** 1 unless given. */
  readonly epochs?: number
  readonly validationData?: readonly [Samples, Labels]
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
  validationData: thatIs<readonly [Samples, Labels]>(
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

export interface BatchLog {
  /** From 1. */
  readonly epoch: number
  readonly epochs: number
  /** Steps done in this epoch, of how many. */
  readonly step: number
  readonly steps: number
  /** Of this batch, before its update. */
  readonly batchLoss: number
  readonly batchAccuracy: number
  /** Means over the epoch's samples so far: what Keras shows. */
  readonly loss: number
  readonly accuracy: number
  readonly msPerStep: number
  /** Until the epoch's last step. */
  readonly etaSeconds: number
}

export interface EpochLog {
  readonly epoch: number
  readonly epochs: number
  readonly steps: number
  readonly loss: number
  readonly accuracy: number
  readonly valLoss?: number
  readonly valAccuracy?: number
  readonly msPerStep: number
  /** Validation included. */
  readonly seconds: number
}

export interface History {
  readonly epochs: readonly EpochLog[]
}

/** One step as a graph: updates of the parameters and of the ring, from a batch of `x` and labels. */
function stepUpdates(compiled: CompiledModel, optimizer: Optimizer, x: Tensor, labels: Tensor) {
  const position = new Input('position', [1], 'i32')
  const stepSize = new Input('stepSize', [1])
  const logits = compiled.logits(x, true, position)
  const loss = mean(softmaxCrossEntropy(logits, labels))
  const accuracy = mean(equal(argMax(logits), labels))
  const slopes = gradients(loss, compiled.parameters)
  const updates = compiled.parameters.map((parameter, i) => {
    const slots = optimizer.slots.map((block) => new Resident(block, parameter.offset, parameter.shape))
    return optimizer.update(parameter, slots, slopes[i], stepSize)
  })
  return [...updates, recordUpdate(new Resident('ring', 0, [ringRows, 2]), position, [loss, accuracy])]
}

/** The plan of a training step on a data set that lives on the device. */
export function trainingStepPlan(compiled: CompiledModel, optimizer: Optimizer, samples: Samples, batch: number): Plan {
  const indices = new Input('indices', [batch], 'i32')
  const data = new Resident('samples', 0, samples.shape, samples.data instanceof Uint8Array ? 'u8' : 'f32')
  const labels = new Resident('labels', 0, [samples.shape[0]], 'i32')
  const x = gather(data, indices, { scale: samples.scale ?? 1 })
  const updates = stepUpdates(compiled, optimizer, x, gather(labels, indices))
  return makePlan({ outputs: {}, updates }, compiled.device.fusions)
}

/** The plan of a training step whose batches the host sends: for data sets larger than the device takes. */
function streamedPlan(compiled: CompiledModel, optimizer: Optimizer, batch: number): Plan {
  const x = new Input('x', [batch, ...compiled.model.inputShape])
  const updates = stepUpdates(compiled, optimizer, x, new Input('labels', [batch], 'i32'))
  return makePlan({ outputs: {}, updates }, compiled.device.fusions)
}

/** The training step's plan as text. */
export function describeTrainingStep(
  compiled: CompiledModel,
  optimizer: Optimizer,
  samples: Samples,
  batch: number,
): string {
  return describePlan(trainingStepPlan(compiled, optimizer, samples, batch))
}

function sourceFor(
  compiled: CompiledModel,
  optimizer: Optimizer,
  { slots, ring }: TrainingState,
  samples: Samples,
  labels: Labels,
): BatchSource {
  const blocks = { ...Object.fromEntries(slots.map(({ block, memory }) => [block, memory])), ring }
  const plans = {
    resident: (batch: number) => trainingStepPlan(compiled, optimizer, samples, batch),
    streamed: (batch: number) => streamedPlan(compiled, optimizer, batch),
  }
  return batchSource(compiled, blocks, plans, samples, labels)
}

/** Fisher-Yates: the order in which an epoch takes the samples. */
function permutation(count: number, random: () => number): Int32Array {
  const order = Int32Array.from({ length: count }, (_, i) => i)
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    const moved = order[i]
    order[i] = order[j]
    order[j] = moved
  }
  return order
}

/**
 * @param moveTo compiles the model for another device
 * @throws the signal's reason on abort; the weights are then those of the last whole step, on the host too
 * @throws TrainingDivergedError at the first loss that is no number, as soon as it is read; the weights are then the last
 * good ones that the host had: those of an epoch's end or of a checkpoint, and the optimizer begins anew
 */
export async function fitModel(
  model: Sequential,
  compiled: CompiledModel,
  samples: Samples,
  labels: Labels,
  options: FitOptions,
  moveTo: (device: Device) => Promise<CompiledModel>,
): Promise<History> {
  const { optimizer } = compiled.options
  if (!optimizer)
    throw new LimelightError('fit: the model was compiled without an optimizer; compile it with one, say adam()')
  const { batchSize = 32, epochs = 1 } = options
  if (compiled.isTraining) throw new LimelightError('fit: the model is being trained already; wait for that to end')
  const { onDeviceLost, from } = options
  const history: EpochLog[] = []
  let state = trainingState(compiled, optimizer)
  let source = sourceFor(compiled, optimizer, state, samples, labels)
  let start: TrainingPlace = from ?? { epoch: 1, step: 0, sums: noLosses }
  let checkpoint: Checkpoint | null = null
  const good = new GoodWeights(model, state.step)
  compiled.isTraining = true
  try {
    if (from) restoreCheckpoint(model, compiled, state, good, from)
    if (onDeviceLost) checkpoint = await takeCheckpoint(model, compiled, state, good, start)
    while (start.epoch <= epochs) {
      try {
        const training = { model, compiled, optimizer, state, good, source, count: samples.shape[0], epochs, batchSize }
        const log = await trainEpoch(training, start, options)
        start = { epoch: start.epoch + 1, step: 0, sums: noLosses }
        if (onDeviceLost) checkpoint = await takeCheckpoint(model, compiled, state, good, start)
        history.push(log)
      } catch (error) {
        if (!(error instanceof DeviceLostError && onDeviceLost && checkpoint)) throw error
        source.dispose()
        compiled = await moveTo(await onDeviceLost(error))
        compiled.isTraining = true
        state = trainingState(compiled, optimizer)
        restoreCheckpoint(model, compiled, state, good, checkpoint)
        start = checkpoint
        source = sourceFor(compiled, optimizer, state, samples, labels)
        continue
      }
      await options.onEpochEnd?.(history[history.length - 1])
    }
  } catch (error) {
    // The device has newer weights than the host, unless it is what failed, or they are no numbers: then the host keeps its own.
    if (!(error instanceof TrainingDivergedError)) await takeLastWeights(compiled, state, good, start)
    throw error
  } finally {
    compiled.isTraining = false
    source.dispose()
  }
  return { epochs: history }
}

/** After an abort or a failure. */
async function takeLastWeights(
  compiled: CompiledModel,
  state: TrainingState,
  good: GoodWeights,
  place: TrainingPlace,
): Promise<void> {
  const areFinite = await good.take(compiled, state, place).catch(() => true)
  if (!areFinite) good.goBack(compiled, state)
}

/** What all epochs of a training have in common. */
interface Training {
  readonly model: Sequential
  readonly compiled: CompiledModel
  readonly optimizer: Optimizer
  readonly state: TrainingState
  readonly good: GoodWeights
  readonly source: BatchSource
  /** Samples. */
  readonly count: number
  readonly epochs: number
  readonly batchSize: number
}

/** Trains an epoch from `start` on. */
async function trainEpoch(training: Training, start: TrainingPlace, options: FitOptions): Promise<EpochLog> {
  const { model, compiled, optimizer, state, good, source, count, epochs, batchSize } = training
  const { epoch } = start
  const stepsBefore = state.step - start.step
  const steps = Math.ceil(count / batchSize)
  const random = seededRandom(model.seed, `order of step ${stepsBefore}`)
  const order = options.shuffle === false ? Int32Array.from({ length: count }, (_, i) => i) : permutation(count, random)
  let started = performance.now()
  const reader = new LossReader(compiled, state.ring, start.sums, (entry, batchLoss, batchAccuracy, means) => {
    const { step, elapsed } = entry
    if (!Number.isFinite(batchLoss)) {
      good.goBack(compiled, state, stepsBefore + step - 1)
      throw good.error(`the loss of step ${step} of ${steps} in epoch ${epoch} is ${batchLoss}`, { epoch, step })
    }
    const msPerStep = elapsed / (step - start.step)
    const etaSeconds = (msPerStep * (steps - step)) / 1000
    options.onBatchEnd?.({ epoch, epochs, step, steps, batchLoss, batchAccuracy, ...means, msPerStep, etaSeconds })
  })
  for (let step = start.step + 1; step <= steps; step++) {
    options.signal?.throwIfAborted()
    const place = { epoch, step: step - 1 }
    const checkpoint = async () => {
      await reader.read()
      return takeCheckpoint(model, compiled, state, good, { ...place, sums: reader.total })
    }
    const pause = options.beforeStep?.({ ...place, epochs, steps, checkpoint })
    if (pause) {
      // It is awaited only afterwards, and may fail meanwhile.
      pause.catch(() => {})
      await reader.read()
      const paused = performance.now()
      await pause
      // A pause is nobody's step.
      started += performance.now() - paused
      options.signal?.throwIfAborted()
    }
    const indices = order.slice((step - 1) * batchSize, step * batchSize)
    const program = await source.program(indices.length)
    const row = state.step % ringRows
    const inputs = {
      ...source.inputs(indices),
      position: Int32Array.of(state.step),
      stepSize: Float64Array.of(optimizer.stepSize(state.step + 1)),
    }
    await compiled.exclusive(() => compiled.device.run(program, inputs))
    state.step++
    await reader.afterStep({ batch: indices.length, row, step, elapsed: performance.now() - started }, step === steps)
    await yieldToEvents()
  }
  const msPerStep = (performance.now() - started) / Math.max(1, steps - start.step)
  const end = { epoch, step: steps }
  await takeWeights(compiled, state, good, end)
  const validation =
    options.validationData && (await model.evaluate(...options.validationData, { signal: options.signal }))
  if (validation && !Number.isFinite(validation.loss)) {
    good.goBack(compiled, state, state.step)
    throw good.error(`the validation loss after epoch ${epoch} is ${validation.loss}`, end)
  }
  return {
    epoch,
    epochs,
    steps,
    ...reader.means,
    ...(validation && { valLoss: validation.loss, valAccuracy: validation.accuracy }),
    msPerStep,
    seconds: (performance.now() - started) / 1000,
  }
}
