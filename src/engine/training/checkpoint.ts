import type { HostArray, Memory, Place } from '../device.ts'
import { ShapeError } from '../errors.ts'
import type { CompiledModel } from '../model/compiled.ts'
import type { Sequential } from '../model/sequential.ts'
import type { GoodWeights } from './good-weights.ts'
import type { Optimizer } from './optimizers.ts'

/** What training keeps between its steps: on the device, and as a copy from which it can go on elsewhere, or another day. */

/** Steps whose losses the ring holds. */
export const ringRows = 256

/** What training keeps on the device between calls of fit(): the optimizer's moments, the ring of losses; and its step's number. */
export interface TrainingState {
  readonly slots: readonly { readonly block: string; readonly memory: Memory }[]
  readonly ring: Memory
  step: number
}

/** Where in its epochs a training stands. */
export interface TrainingPlace {
  /** The epoch that is trained, from 1. */
  readonly epoch: number
  /** Steps of it that are done. */
  readonly step: number
  /** Sums over the samples of these steps. */
  readonly sums: LossSums
}

/** What an epoch's mean loss and accuracy are made of. */
export interface LossSums {
  readonly loss: number
  readonly hits: number
  readonly samples: number
}

export const noLosses: LossSums = { loss: 0, hits: 0, samples: 0 }

/**
 * All that training needs to go on as if it had not been interrupted, as plain data that can be stored. Made by fit(), and
 * good for a model of the same layers, with the same samples, batch size, seed and optimizer.
 */
export interface Checkpoint extends TrainingPlace {
  /** Steps done since the model was compiled: what Adam's corrections and the order of the samples depend on. */
  readonly steps: number
  /** One array a weight, in the model's order. */
  readonly weights: readonly Float32Array[]
  /** What the optimizer keeps: one array each, all weights one behind the other, each at a multiple of 64 numbers. */
  readonly moments: readonly HostArray[]
}

const states = new WeakMap<CompiledModel, TrainingState>()

/** The state of a compiled model's training; made at its first use. */
export function trainingState(compiled: CompiledModel, optimizer: Optimizer): TrainingState {
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

/**
 * Brings the host's weights up to date on the way. Between two steps only: what a step changes must not be read in parts.
 * @throws TrainingDivergedError when they are not finite
 */
export async function takeCheckpoint(
  model: Sequential,
  compiled: CompiledModel,
  state: TrainingState,
  good: GoodWeights,
  place: TrainingPlace,
): Promise<Checkpoint> {
  await takeWeights(compiled, state, good, place)
  const operand = { shape: [compiled.parameterElements], dtype: 'f32', offset: 0 } as const
  const moments: HostArray[] = []
  for (const { memory } of state.slots) {
    const place: Place = { memory, operand }
    // A copy: what a device gives may be a view of its memory, which the next step changes.
    moments.push((await compiled.exclusive(() => compiled.device.read(place))).slice())
  }
  const { epoch, step, sums } = place
  return { epoch, step, sums, steps: state.step, weights: model.weights.map(({ data }) => data.slice()), moments }
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
  model: Sequential,
  compiled: CompiledModel,
  state: TrainingState,
  good: GoodWeights,
  { epoch, step, steps, weights, moments }: Checkpoint,
): void {
  const sizes = model.weights.map(({ data }) => data.length)
  if (weights.length !== sizes.length || weights.some(({ length }, i) => length !== sizes[i]))
    throw new ShapeError(
      `fit: the checkpoint has weights of ${weights.map(({ length }) => length).join(', ')} numbers; the model's have ${sizes.join(', ')}`,
    )
  const { parameterElements } = compiled
  if (moments.length !== state.slots.length || moments.some(({ length }) => length !== parameterElements))
    throw new ShapeError(
      `fit: the checkpoint has optimizer arrays of ${moments.map(({ length }) => length).join(', ')} numbers; expected ${state.slots.length} of ${parameterElements}`,
    )
  model.weights.forEach(({ data }, i) => data.set(weights[i]))
  compiled.uploadWeights()
  state.slots.forEach(({ memory }, i) => compiled.device.write(memory, moments[i]))
  state.step = steps
  good.restored(steps, { epoch, step })
}
