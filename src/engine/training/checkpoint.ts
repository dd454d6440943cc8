import type { HostArray, Place } from '../device.ts'
import { ArgumentError, ShapeError } from '../errors.ts'
import type { CompiledModel } from '../model/compiled.ts'
import type { GoodWeights } from './good-weights.ts'
import { type Objective, scoreNames } from './objective.ts'
import type { Optimizer, OptimizerSettings } from './optimizers.ts'
import type { TrainingPlace, TrainingState } from './state.ts'

/** A copy of what training keeps between its steps, from which it can go on elsewhere, or another day. */

/**
 * All that training needs to go on as if it had not been interrupted, as plain data that can be stored. Made by fit(), and
 * good for a model of the same layers, with the same samples, batch size, seed and optimizer.
 */
export interface Checkpoint extends TrainingPlace {
  /** Of the optimizer, with its schedule of learning rates. Checkpoints of version 0.2 have none. */
  readonly optimizer?: OptimizerSettings
  /** Steps done since the model was compiled: what Adam's corrections and the order of the samples depend on. */
  readonly steps: number
  /** One array a weight, in the model's order. */
  readonly weights: readonly Float32Array[]
  /** What the optimizer keeps: one array each, all weights that it trains one behind the other, each at a multiple of 64 numbers. */
  readonly moments: readonly HostArray[]
}

/**
 * Brings the host's weights up to date on the way. Between two steps only: what a step changes must not be read in parts.
 * @throws TrainingDivergedError when they are not finite
 */
export async function takeCheckpoint(
  compiled: CompiledModel,
  { settings: optimizer }: Optimizer,
  state: TrainingState,
  good: GoodWeights,
  place: TrainingPlace,
): Promise<Checkpoint> {
  await takeWeights(compiled, state, good, place)
  const operand = { shape: [compiled.trainedElements], dtype: 'f32', offset: 0 } as const
  const moments: HostArray[] = []
  for (const { memory } of state.slots) {
    const place: Place = { memory, operand }
    // A copy: what a device gives may be a view of its memory, which the next step changes.
    moments.push((await compiled.exclusive(() => compiled.device.read(place))).slice())
  }
  const { epoch, step, sums } = place
  return {
    optimizer,
    epoch,
    step,
    sums,
    steps: state.step,
    weights: compiled.network.parameters.map(({ data }) => data.slice()),
    moments,
  }
}

/**
 * Whether a training that is set up like this can go on from a checkpoint.
 * @throws ArgumentError where it was made with another optimizer, or tells of what was not summed up
 */
export function checkMadeBy(
  { settings }: Optimizer,
  objective: Objective,
  { optimizer, step, sums }: Checkpoint,
): void {
  const [made, given] = [JSON.stringify(optimizer), JSON.stringify(settings)]
  if (optimizer && made !== given)
    throw new ArgumentError(
      `fit: the checkpoint was made with the optimizer ${made}, the model is compiled with ${given}; optimizerFrom(checkpoint.optimizer) gives the checkpoint's`,
    )
  const missing = scoreNames(objective).filter((name) => sums[name] === undefined)
  if (step > 0 && missing.length > 0)
    throw new ArgumentError(
      `fit: the checkpoint was taken in the middle of an epoch without the metric ${missing.join(', ')}; compile the model with the metrics that it was made with`,
    )
}

/**
 * Brings the host's weights up to date.
 * @throws TrainingDivergedError when they are not finite; the model has the last good ones then
 */
export async function takeWeights(
  compiled: CompiledModel,
  state: TrainingState,
  good: GoodWeights,
  place: Pick<TrainingPlace, 'epoch' | 'step'>,
): Promise<void> {
  if (await good.take(compiled, state, place)) return
  good.goBack(compiled, state)
  throw good.error(`the weights are not finite after step ${place.step} of epoch ${place.epoch}`, place)
}

/**
 * Brings a model back to a checkpoint, on whatever device it is now.
 * @throws ShapeError when the checkpoint is of other layers or another optimizer
 */
export function restoreCheckpoint(
  compiled: CompiledModel,
  state: TrainingState,
  good: GoodWeights,
  { epoch, step, steps, weights, moments }: Checkpoint,
): void {
  const sizes = compiled.network.parameters.map(({ data }) => data.length)
  if (weights.length !== sizes.length || weights.some(({ length }, i) => length !== sizes[i]))
    throw new ShapeError(
      `fit: the checkpoint has weights of ${weights.map(({ length }) => length).join(', ')} numbers; the model's have ${sizes.join(', ')}`,
    )
  const { trainedElements } = compiled
  if (moments.length !== state.slots.length || moments.some(({ length }) => length !== trainedElements))
    throw new ShapeError(
      `fit: the checkpoint has optimizer arrays of ${moments.map(({ length }) => length).join(', ')} numbers; expected ${state.slots.length} of ${trainedElements}`,
    )
  compiled.network.parameters.forEach(({ data }, i) => data.set(weights[i]))
  compiled.uploadWeights()
  state.slots.forEach(({ memory }, i) => compiled.device.write(memory, moments[i]))
  state.step = steps
  good.restored(steps, { epoch, step })
}
