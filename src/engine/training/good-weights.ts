import { TrainingDivergedError } from '../errors.ts'
import type { CompiledModel } from '../model/compiled.ts'
import type { Parameter } from '../model/network.ts'
import { areFinite } from '../model/parameters.ts'
import type { TrainingPlace, TrainingState } from './state.ts'

/**
 * The weights that a training goes back to when its loss is no number any more: the host's, which are brought up to date
 * after every epoch and at every checkpoint. That weights are finite does not make them good: the loss that they give may
 * still be no number. It is the next step's, so weights are known to be good one step after they were taken; until then
 * those before them are kept, too. Nothing is read for this that is not read anyway.
 */
export class GoodWeights {
  /** Known to be good, or what the training began with. */
  private before: Weights
  private taken: Taken

  constructor(
    private readonly parameters: readonly Parameter[],
    steps: number,
  ) {
    this.taken = { steps, place: null }
    this.before = { values: parameters.map(({ data }) => data.slice()), place: null }
  }

  /** The host's weights are those of a checkpoint now. */
  restored(steps: number, place: Place): void {
    this.taken = { steps, place }
  }

  /**
   * Brings the host's weights up to date.
   * @returns whether the device's are finite; if not, the host keeps its own
   */
  async take(compiled: CompiledModel, { step: steps }: TrainingState, { epoch, step }: Place): Promise<boolean> {
    const values = await compiled.readWeights()
    if (!values.every(areFinite)) return false
    // Between two steps they may be taken several times.
    if (steps !== this.taken.steps) {
      this.before = { values: this.parameters.map(({ data }) => data.slice()), place: this.taken.place }
      this.taken = { steps, place: { epoch, step } }
    }
    this.parameters.forEach(({ data }, i) => data.set(values[i]))
    return true
  }

  /**
   * Gives the device the last good weights, and an optimizer that begins anew: its moments are no numbers, either.
   * @param badSteps after how many steps the weights were those that gave no loss; unless given, the host's are good
   */
  goBack(compiled: CompiledModel, state: TrainingState, badSteps?: number): void {
    if (badSteps === this.taken.steps) {
      this.parameters.forEach(({ data }, i) => data.set(this.before.values[i]))
      this.taken = { steps: 0, place: this.before.place }
    }
    compiled.uploadWeights()
    for (const { memory } of state.slots) compiled.device.write(memory, new Float32Array(compiled.trainedElements))
    state.step = 0
  }

  /** @param what is no number */
  error(what: string, { epoch, step }: Place): TrainingDivergedError {
    const { place } = this.taken
    const which = place
      ? `that it had after step ${place.step} of epoch ${place.epoch}`
      : 'that this training began with'
    return new TrainingDivergedError(
      `fit: ${what}: the steps are too large. Compile the model with a smaller learning rate; it has the weights again ${which}`,
      epoch,
      step,
    )
  }
}

type Place = Pick<TrainingPlace, 'epoch' | 'step'>

interface Weights {
  readonly values: readonly Float32Array[]
  /** After which step; null for those that the training began with. */
  readonly place: Place | null
}

interface Taken {
  /** Steps done since the model was compiled. */
  readonly steps: number
  readonly place: Place | null
}
