import { type BatchSource, batchSource } from './batch-source.ts'
import type { CompiledModel } from './compiled-model.ts'
import type { Device, HostArray, Memory, Place } from './device.ts'
import { ArgumentError, DeviceLostError, LimelightError } from './errors.ts'
import { gradients } from './gradients.ts'
import { seededRandom } from './initializers.ts'
import type { Sequential } from './model.ts'
import { equal } from './ops/elementwise.ts'
import { gather } from './ops/gather.ts'
import { argMax, mean } from './ops/reduce.ts'
import { softmaxCrossEntropy } from './ops/softmax-cross-entropy.ts'
import type { Optimizer } from './optimizers.ts'
import { describePlan, makePlan, type Plan } from './plan.ts'
import type { Labels, Samples } from './samples.ts'
import { Input, Resident, type Tensor } from './tensor.ts'
import { recordUpdate } from './updates/record.ts'
import { yieldToEvents } from './yield.ts'

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
  readonly onBatchEnd?: (log: BatchLog) => void
  readonly onEpochEnd?: (log: EpochLog) => void | Promise<void>
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

/** Steps whose losses the ring holds, and how long it may go unread: a read makes the host wait for the device. */
const ringRows = 256
const readEveryMs = 100

/** What training keeps on the device between calls of fit(): the optimizer's moments, the ring, the step's number. */
interface TrainingState {
  readonly slots: readonly { readonly block: string; readonly memory: Memory }[]
  readonly ring: Memory
  step: number
}

const states = new WeakMap<CompiledModel, TrainingState>()

function trainingState(compiled: CompiledModel, optimizer: Optimizer): TrainingState {
  const known = states.get(compiled)
  if (known) return known
  const { device, parameterElements } = compiled
  const state: TrainingState = {
    slots: optimizer.slots.map((block) => ({ block, memory: compiled.own(device.allocate('f32', parameterElements)) })),
    ring: compiled.own(device.allocate('f32', ringRows * 2)),
    step: 0,
  }
  states.set(compiled, state)
  return state
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

function checkOptions({ batchSize = 32, epochs = 1 }: FitOptions): { batchSize: number; epochs: number } {
  for (const [name, value] of Object.entries({ batchSize, epochs }))
    if (!Number.isInteger(value) || value < 1)
      throw new ArgumentError(`fit: ${name} is ${value}; expected a positive integer`)
  return { batchSize, epochs }
}

/** Reads the losses of steps that have run since the last read, and reports them. */
class LossReader {
  private lossSum = 0
  private hitSum = 0
  private seen = 0
  private readonly pending: { batch: number; row: number; step: number; elapsed: number }[] = []
  private lastRead = performance.now()

  constructor(
    private readonly compiled: CompiledModel,
    private readonly ring: Memory,
    private readonly report: (
      step: number,
      elapsed: number,
      batchLoss: number,
      batchAccuracy: number,
      means: { loss: number; accuracy: number },
    ) => void,
  ) {}

  get means(): { loss: number; accuracy: number } {
    return { loss: this.lossSum / this.seen, accuracy: this.hitSum / this.seen }
  }

  async afterStep(
    entry: { batch: number; row: number; step: number; elapsed: number },
    isLast: boolean,
  ): Promise<void> {
    this.pending.push(entry)
    const isDue = performance.now() - this.lastRead >= readEveryMs
    if (isLast || isDue || this.pending.length === ringRows) await this.read()
  }

  private async read(): Promise<void> {
    const place: Place = { memory: this.ring, operand: { shape: [ringRows, 2], dtype: 'f32', offset: 0 } }
    const values = await this.compiled.exclusive(() => this.compiled.device.read(place))
    for (const { batch, row, step, elapsed } of this.pending.splice(0)) {
      const [loss, accuracy] = [values[2 * row], values[2 * row + 1]]
      this.lossSum += loss * batch
      this.hitSum += accuracy * batch
      this.seen += batch
      this.report(step, elapsed, loss, accuracy, this.means)
    }
    this.lastRead = performance.now()
  }
}

/** What the host keeps at the end of an epoch, to begin the next one again should the device be lost in it. */
interface Checkpoint {
  readonly step: number
  readonly weights: readonly Float32Array[]
  readonly slots: readonly HostArray[]
}

async function takeCheckpoint(model: Sequential, compiled: CompiledModel, state: TrainingState): Promise<Checkpoint> {
  await compiled.downloadWeights()
  const operand = { shape: [compiled.parameterElements], dtype: 'f32', offset: 0 } as const
  const slots: HostArray[] = []
  for (const { memory } of state.slots)
    slots.push(await compiled.exclusive(() => compiled.device.read({ memory, operand })))
  return { step: state.step, weights: model.weights.map(({ data }) => data.slice()), slots }
}

/** Brings a model that moved to a new device back to a checkpoint. */
function restore(model: Sequential, compiled: CompiledModel, state: TrainingState, checkpoint: Checkpoint): void {
  model.weights.forEach(({ data }, i) => data.set(checkpoint.weights[i]))
  compiled.uploadWeights()
  state.slots.forEach(({ memory }, i) => compiled.device.write(memory, checkpoint.slots[i]))
  state.step = checkpoint.step
}

/**
 * @param moveTo compiles the model for another device
 * @throws the signal's reason on abort; the weights are then those of the last whole step, on the host too
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
  const { batchSize, epochs } = checkOptions(options)
  if (compiled.isTraining) throw new LimelightError('fit: the model is being trained already; wait for that to end')
  const { onDeviceLost } = options
  const history: EpochLog[] = []
  let state = trainingState(compiled, optimizer)
  let source = sourceFor(compiled, optimizer, state, samples, labels)
  let checkpoint: Checkpoint | null = null
  compiled.isTraining = true
  try {
    if (onDeviceLost) checkpoint = await takeCheckpoint(model, compiled, state)
    while (history.length < epochs) {
      try {
        const place = { epoch: history.length + 1, epochs, batchSize }
        const log = await trainEpoch(model, compiled, optimizer, state, source, samples.shape[0], place, options)
        if (onDeviceLost) checkpoint = await takeCheckpoint(model, compiled, state)
        history.push(log)
      } catch (error) {
        if (!(error instanceof DeviceLostError && onDeviceLost && checkpoint)) throw error
        source.dispose()
        compiled = await moveTo(await onDeviceLost(error))
        compiled.isTraining = true
        state = trainingState(compiled, optimizer)
        restore(model, compiled, state, checkpoint)
        source = sourceFor(compiled, optimizer, state, samples, labels)
        continue
      }
      await options.onEpochEnd?.(history[history.length - 1])
    }
  } catch (error) {
    // The device has newer weights than the host, unless it is what failed: then the host keeps its own.
    await compiled.downloadWeights().catch(() => {})
    throw error
  } finally {
    compiled.isTraining = false
    source.dispose()
  }
  return { epochs: history }
}

async function trainEpoch(
  model: Sequential,
  compiled: CompiledModel,
  optimizer: Optimizer,
  state: TrainingState,
  source: BatchSource,
  count: number,
  { epoch, epochs, batchSize }: { readonly epoch: number; readonly epochs: number; readonly batchSize: number },
  options: FitOptions,
): Promise<EpochLog> {
  const steps = Math.ceil(count / batchSize)
  const started = performance.now()
  const random = seededRandom(model.seed, `order of step ${state.step}`)
  const order = options.shuffle === false ? Int32Array.from({ length: count }, (_, i) => i) : permutation(count, random)
  const reader = new LossReader(compiled, state.ring, (step, elapsed, batchLoss, batchAccuracy, means) => {
    const msPerStep = elapsed / step
    const etaSeconds = (msPerStep * (steps - step)) / 1000
    options.onBatchEnd?.({ epoch, epochs, step, steps, batchLoss, batchAccuracy, ...means, msPerStep, etaSeconds })
  })
  for (let step = 1; step <= steps; step++) {
    options.signal?.throwIfAborted()
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
  const msPerStep = (performance.now() - started) / steps
  await compiled.downloadWeights()
  const validation =
    options.validationData && (await model.evaluate(...options.validationData, { signal: options.signal }))
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
