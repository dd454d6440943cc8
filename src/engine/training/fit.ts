import type { Device } from '../device.ts'
import { DeviceLostError, LimelightError, TrainingDivergedError } from '../errors.ts'
import type { CompiledModel } from '../model/compiled.ts'
import { seededRandom } from '../model/initializers.ts'
import { type Labels, type Samples, type SamplesByInput, samplesInOrder, type Targets } from '../model/samples.ts'
import { yieldToEvents } from '../platform/yield.ts'
import { type BatchSource, batchSource } from './batch-source.ts'
import { type Checkpoint, checkMadeBy, restoreCheckpoint, takeCheckpoint, takeWeights } from './checkpoint.ts'
import { evaluate } from './evaluate.ts'
import type { EpochLog, FitOptions, History } from './fit-options.ts'
import { GoodWeights } from './good-weights.ts'
import { LossReader } from './loss-reader.ts'
import { type Objective, prefixed, scoreNames } from './objective.ts'
import type { Optimizer } from './optimizers.ts'
import { noScores, ringRows, type TrainingPlace, type TrainingState, trainingState } from './state.ts'
import { streamedStepPlan, trainingStepPlan } from './step-plan.ts'

/**
 * Training. One step is one replay of one program: gather the batch from the data set on the device, forward, gradients,
 * update, record the loss and the metrics in a ring. The host gives it the batch's indices and the step's number, and reads the ring from
 * time to time.
 */

function sourceFor(
  compiled: CompiledModel,
  { optimizer, objective, samples, labels }: FitRequest,
  { slots, ring }: TrainingState,
): BatchSource {
  const blocks = { ...Object.fromEntries(slots.map(({ block, memory }) => [block, memory])), ring }
  const plans = {
    resident: (batch: number) => trainingStepPlan(compiled, optimizer, samples, batch, objective),
    streamed: (batch: number) => streamedStepPlan(compiled, optimizer, batch, objective),
  }
  return batchSource(compiled, blocks, plans, samples, labels)
}

/** Fisher-Yates, in place. */
function shuffle(order: Int32Array, random: () => number): void {
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    const moved = order[i]
    order[i] = order[j]
    order[j] = moved
  }
}

/** What is trained, and on what. */
export interface FitRequest {
  /** A network of one output. */
  readonly compiled: CompiledModel
  readonly optimizer: Optimizer
  readonly objective?: Objective
  /** Decides the order of the samples. */
  readonly seed: number
  /** By the inputs' names, where there are several. */
  readonly samples: Samples | SamplesByInput
  /** Whichever the objective's loss takes. */
  readonly labels: Labels | Targets
  /** Compiles the network for another device. */
  readonly moveTo: (device: Device) => Promise<CompiledModel>
}

/**
 * @throws the signal's reason on abort; the weights are then those of the last whole step, on the host too
 * @throws TrainingDivergedError at the first loss that is no number, as soon as it is read; the weights are then the last
 * good ones that the host had: those of an epoch's end or of a checkpoint, and the optimizer begins anew
 */
export async function fit(request: FitRequest, options: FitOptions): Promise<History> {
  const { optimizer, objective = {}, seed, samples, moveTo } = request
  let { compiled } = request
  const { batchSize = 32, epochs = 1 } = options
  if (compiled.isTraining) throw new LimelightError('fit: the model is being trained already; wait for that to end')
  const { onDeviceLost, from } = options
  const history: EpochLog[] = []
  let state = trainingState(compiled, optimizer, objective)
  let source = sourceFor(compiled, request, state)
  let start: TrainingPlace = from ?? { epoch: 1, step: 0, sums: noScores }
  let checkpoint: Checkpoint | null = null
  const good = new GoodWeights(compiled.network.parameters, state.step)
  compiled.isTraining = true
  try {
    if (from) {
      checkMadeBy(optimizer, objective, from)
      restoreCheckpoint(compiled, state, good, from)
    }
    if (onDeviceLost) checkpoint = await takeCheckpoint(compiled, optimizer, state, good, start)
    while (start.epoch <= epochs) {
      try {
        const count = samplesInOrder(samples, compiled.network.inputs)[0].shape[0]
        const training = { compiled, optimizer, objective, seed, state, good, source, count, epochs, batchSize }
        const log = await trainEpoch(training, start, options)
        start = { epoch: start.epoch + 1, step: 0, sums: noScores }
        if (onDeviceLost) checkpoint = await takeCheckpoint(compiled, optimizer, state, good, start)
        history.push(log)
      } catch (error) {
        if (!(error instanceof DeviceLostError && onDeviceLost && checkpoint)) throw error
        source.dispose()
        compiled = await moveTo(await onDeviceLost(error))
        compiled.isTraining = true
        state = trainingState(compiled, optimizer, objective)
        restoreCheckpoint(compiled, state, good, checkpoint)
        start = checkpoint
        source = sourceFor(compiled, request, state)
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
  readonly compiled: CompiledModel
  readonly optimizer: Optimizer
  readonly objective: Objective
  readonly seed: number
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
  const { compiled, optimizer, objective, seed, state, good, source, count, epochs, batchSize } = training
  const { epoch } = start
  const stepsBefore = state.step - start.step
  const steps = Math.ceil(count / batchSize)
  const order = Int32Array.from({ length: count }, (_, i) => i)
  if (options.shuffle !== false) shuffle(order, seededRandom(seed, `order of step ${stepsBefore}`))
  let started = performance.now()
  const rateAfter = (step: number) => scheduledRate(optimizer, stepsBefore + step)
  const names = scoreNames(objective)
  const reader = new LossReader(compiled, state.ring, names, start.sums, ({ step, elapsed }, batch, means) => {
    if (!Number.isFinite(batch.loss)) {
      good.goBack(compiled, state, stepsBefore + step - 1)
      throw good.error(`the loss of step ${step} of ${steps} in epoch ${epoch} is ${batch.loss}`, { epoch, step })
    }
    const msPerStep = elapsed / (step - start.step)
    const etaSeconds = (msPerStep * (steps - step)) / 1000
    const scores = { ...prefixed('batch', batch), ...means, ...rateAfter(step) }
    options.onBatchEnd?.({ epoch, epochs, step, steps, ...scores, msPerStep, etaSeconds })
  })
  for (let step = start.step + 1; step <= steps; step++) {
    options.signal?.throwIfAborted()
    const place = { epoch, step: step - 1 }
    const checkpoint = async () => {
      await reader.read()
      return takeCheckpoint(compiled, optimizer, state, good, { ...place, sums: reader.total })
    }
    const pause = options.beforeStep?.({ ...place, epochs, steps, checkpoint })
    if (pause) {
      const paused = await pauseFor(pause, reader)
      // A pause is nobody's step.
      started += paused
      options.signal?.throwIfAborted()
    }
    const indices = order.slice((step - 1) * batchSize, step * batchSize)
    const program = await source.program(indices.length)
    const row = state.step % ringRows
    const inputs = {
      ...source.inputs(indices),
      position: Int32Array.of(state.step),
      stepSize: Float64Array.of(optimizer.stepSize(state.step + 1)),
      ...(optimizer.decay && { decay: Float64Array.of(optimizer.decay(state.step + 1)) }),
    }
    await compiled.run(program, inputs)
    state.step++
    await reader.afterStep({ batch: indices.length, row, step, elapsed: performance.now() - started }, step === steps)
    await yieldToEvents()
  }
  const msPerStep = (performance.now() - started) / Math.max(1, steps - start.step)
  const end = { epoch, step: steps }
  await takeWeights(compiled, state, good, end)
  const validation =
    options.validationData &&
    (await evaluate(compiled, ...options.validationData, { signal: options.signal }, objective))
  if (validation && !Number.isFinite(validation.loss)) {
    good.goBack(compiled, state, state.step)
    throw good.error(`the validation loss after epoch ${epoch} is ${validation.loss}`, end)
  }
  return {
    epoch,
    epochs,
    steps,
    ...reader.means,
    ...(validation && prefixed('val', validation)),
    ...rateAfter(steps),
    msPerStep,
    seconds: (performance.now() - started) / 1000,
  }
}

/** The rate of step t, from 1, where it is not always the same. */
function scheduledRate({ settings, learningRate }: Optimizer, t: number): { learningRate?: number } {
  return typeof settings.learningRate === 'number' ? {} : { learningRate: learningRate(t) }
}

/** Reports the losses so far, and waits. @returns the milliseconds of the pause alone */
async function pauseFor(pause: Promise<void>, reader: LossReader): Promise<number> {
  // It is awaited only afterwards, and may fail meanwhile.
  pause.catch(() => {})
  await reader.read()
  const began = performance.now()
  await pause
  return performance.now() - began
}
