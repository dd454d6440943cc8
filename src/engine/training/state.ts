import type { Memory } from '../device.ts'
import type { CompiledModel } from '../model/compiled.ts'
import { type Objective, type Scores, scoreNames } from './objective.ts'
import type { Optimizer } from './optimizers.ts'

/** Where a training stands: what it keeps on the device between its steps, and how far it is. */

/** Steps whose losses and metrics the ring holds. */
export const ringRows = 256

/** What training keeps on the device between calls of fit(): the optimizer's moments, the ring of scores; and its step's number. */
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
  /** Over the samples of these steps. */
  readonly sums: ScoreSums
}

/** What an epoch's mean loss and metrics are made of: the sum of each, and of how many samples. */
export type ScoreSums = Scores & { readonly samples: number }

/** Before the first step: what is not there yet is 0. */
export const noScores: ScoreSums = { loss: 0, samples: 0 }

const states = new WeakMap<CompiledModel, TrainingState>()

/** The state of a compiled model's training; made at its first use. */
export function trainingState(compiled: CompiledModel, optimizer: Optimizer, objective: Objective = {}): TrainingState {
  const known = states.get(compiled)
  if (known) return known
  const { device, trainedElements } = compiled
  const state: TrainingState = {
    slots: optimizer.slots.map((block) => ({ block, memory: compiled.own(device.allocate('f32', trainedElements)) })),
    ring: compiled.own(device.allocate('f32', ringRows * scoreNames(objective).length)),
    step: 0,
  }
  states.set(compiled, state)
  return state
}
