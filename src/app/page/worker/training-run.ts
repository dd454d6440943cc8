import {
  type BatchLog,
  type BeforeStep,
  type Checkpoint,
  type Device,
  DeviceLostError,
  type EpochLog,
  type Model,
  modelToBytes,
} from '../../../engine/index.ts'
import { felzenszwalb, LimeImageExplainer } from '../../../lime/index.ts'
import { trainingRecord } from '../../batch/training-record.ts'
import { firstOf, type ImageSet, pixelsOf } from '../../data/image-set.ts'
import { task } from '../../tasks/chosen-task.ts'
import { pictureOf, samplesOf } from '../../tasks/task.ts'
import type { TrainingEvent, TrainingPoint, TrainingRecipe, WatchedPicture } from '../contract/engine-api.ts'
import { keep } from './kept.ts'
import type { Untrained } from './untrained-networks.ts'

/**
 * A training on the page. Between its steps it can be held, taken step by step, moved to another device; it explains the
 * pictures that are watched, and keeps in the browser what it needs to go on after a reload.
 */

/** How often, in ms of training: pictures are watched, and what is learned is kept. */
const watchEveryMs = 2000
/** A network whose samples share nothing takes long to explain: the training has so many times as long in between. */
const trainingPerWatching = 9
const keepEveryMs = 10_000
/** Samples of a watched picture's explanation: it is looked at, not measured. */
const watchSamples = 500

/** Why fit() ends although the training goes on. */
const leaving = new Error('the training leaves its device')

export interface TrainingMaterial {
  readonly training: ImageSet
  readonly test: ImageSet
  /** Test images that each epoch is validated on, the first so many. */
  readonly validation: number
}

/** Where it goes on from. */
export interface TrainingSoFar {
  readonly checkpoint: Checkpoint | null
  readonly log: readonly EpochLog[]
  readonly points: readonly TrainingPoint[]
}

export class TrainingRun {
  private isPaused = false
  /** How many were asked for in the pause and are still to be done. */
  private stepsAsked = 0
  private wake: (() => void) | null = null
  private isLeaving = false
  /** Settled when no step runs and none will before arrive(). */
  private left: Promise<void> = Promise.resolve()
  private arrived: ((device: Promise<Device>) => void) | null = null
  private checkpoint: Checkpoint | null
  private readonly log: EpochLog[]
  private readonly points: TrainingPoint[]
  /** The last of them, which nobody has heard of yet. */
  private untold: TrainingPoint[] = []
  /** When pictures are watched again. */
  private watchDue = Number.NEGATIVE_INFINITY
  /** At once, before the first step: there is always something to go back to. */
  private keptAt = Number.NEGATIVE_INFINITY
  private cannotKeep = false

  constructor(
    private readonly beginning: Untrained,
    private readonly material: TrainingMaterial,
    private readonly recipe: TrainingRecipe,
    /** Numbers of test images. */
    private readonly watched: readonly number[],
    soFar: TrainingSoFar,
    private readonly onEvent: (event: TrainingEvent) => void,
  ) {
    this.checkpoint = soFar.checkpoint
    this.log = [...soFar.log]
    this.points = [...soFar.points]
  }

  private get network(): Model {
    return this.beginning.network
  }

  steer(how: 'pause' | 'resume' | 'step'): void {
    this.isPaused = how !== 'resume'
    this.stepsAsked = how === 'step' ? this.stepsAsked + 1 : 0
    this.wake?.()
  }

  /** Before the device changes: ends after the step under way. The rest is trained where arrive() finds the networks. */
  leave(): Promise<void> {
    this.isLeaving = true
    this.wake?.()
    return this.left
  }

  /** Puts the network on a device, ready to train: at the beginning, and whenever the device changes. */
  async arrive(device: Device): Promise<void> {
    const compiled = this.network.compile({
      device,
      optimizer: this.beginning.optimizer,
      loss: 'sparseCategoricalCrossentropy',
      metrics: ['accuracy'],
    })
    this.isLeaving = false
    this.arrived?.(compiled.then(() => device))
    await compiled.catch(() => {})
  }

  /**
   * Trains to the end.
   * @param device on which the network has arrived
   * @throws the signal's reason when it is stopped; the network is then as the last whole step made it
   * @throws TrainingDivergedError when the loss is no number any more
   */
  async run(device: Device, signal: AbortSignal): Promise<void> {
    const stopped = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => {
        this.wake?.()
        reject(signal.reason)
      })
    })
    // It is waited for only between two devices.
    stopped.catch(() => {})
    for (;;) {
      const next = new Promise<Device>((resolve) => {
        this.arrived = resolve
      })
      const fitting = this.fitOn(device, signal)
      this.left = fitting.then(
        () => {},
        () => {},
      )
      try {
        await fitting
        return
      } catch (error) {
        if (signal.aborted) throw signal.reason
        if (error !== leaving && !(error instanceof DeviceLostError)) {
          // The steps up to a loss that is no number, say.
          this.tell()
          throw error
        }
        if (error !== leaving) this.goBack()
        device = await Promise.race([next, stopped])
      }
    }
  }

  private async fitOn(device: Device, signal: AbortSignal): Promise<void> {
    const { recipe, material } = this
    const { batchSize, epochs } = recipe
    const ended = new AbortController()
    const training = firstOf(material.training, recipe.images)
    const heldOut = firstOf(material.test, material.validation)
    const record = () =>
      trainingRecord({
        ...recipe,
        optimizer: this.beginning.optimizer.settings,
        images: training.count,
        device: device.info,
        log: this.log,
      })
    this.network.metadata = record()
    await this.network.fit(samplesOf(task, training.images), training.labels, {
      batchSize,
      epochs,
      validationData: [samplesOf(task, heldOut.images), heldOut.labels],
      signal: AbortSignal.any([signal, ended.signal]),
      ...(this.checkpoint && { from: this.checkpoint }),
      beforeStep: (at) => {
        this.tell()
        const now = performance.now()
        const isDue = now >= this.watchDue || now - this.keptAt >= keepEveryMs
        if (!this.isPaused && !this.isLeaving && !isDue) return undefined
        return this.between(at, signal, ended)
      },
      onBatchEnd: (batch) => {
        const point = pointOf(batch)
        this.untold.push(point)
        this.points.push(point)
        if (batch.step < batch.steps) return
        this.tell()
        this.onEvent({ kind: 'validating', epoch: batch.epoch })
      },
      onEpochEnd: async (epoch) => {
        this.log.push(epoch)
        this.network.metadata = record()
        this.onEvent({ kind: 'epoch', log: epoch })
        this.watchDue = Number.NEGATIVE_INFINITY
        this.keptAt = Number.NEGATIVE_INFINITY
        if (epoch.epoch < epochs) return
        await this.watch(epoch.epoch, epoch.steps)
        this.noteUnkept(await keep('network', modelToBytes(this.network)))
      },
    })
  }

  /** To the last checkpoint: the device is lost, and what came after it. */
  private goBack(): void {
    const { epoch, step } = this.checkpoint ?? { epoch: 1, step: 0 }
    const isKept = (point: { readonly epoch: number; readonly step: number }) =>
      point.epoch < epoch || (point.epoch === epoch && point.step <= step)
    this.untold = []
    this.points.splice(0, this.points.length, ...this.points.filter(isKept))
    this.log.splice(0, this.log.length, ...this.log.filter((done) => done.epoch < epoch))
    this.onEvent({ kind: 'back', epoch, step })
    this.onEvent({
      kind: 'note',
      text: `The device was lost: the training goes on from step ${step} of epoch ${epoch} on another.`,
    })
  }

  private tell(): void {
    if (this.untold.length > 0) this.onEvent({ kind: 'steps', points: this.untold })
    this.untold = []
  }

  /** Between two steps. */
  private async between(at: BeforeStep, signal: AbortSignal, ended: AbortController): Promise<void> {
    if (performance.now() >= this.watchDue) await this.watch(at.epoch, at.step)
    if (performance.now() - this.keptAt >= keepEveryMs) await this.keepAll(at)
    const isHeld = () => this.isPaused && this.stepsAsked === 0 && !signal.aborted && !this.isLeaving
    if (isHeld()) {
      await this.keepAll(at)
      await this.watch(at.epoch, at.step)
      this.tell()
      // Keeping and watching take their time: whoever has let it go on meanwhile must not hear that it is held.
      if (isHeld()) this.onEvent({ kind: 'paused', epoch: at.epoch, step: at.step })
      while (isHeld())
        await new Promise<void>((resolve) => {
          this.wake = resolve
        })
      this.wake = null
    }
    if (this.isLeaving) {
      this.checkpoint = await at.checkpoint()
      ended.abort(leaving)
    } else if (this.stepsAsked > 0) this.stepsAsked--
  }

  /** Everything that going on after a reload takes, and the network as it is now. */
  private async keepAll(at: BeforeStep): Promise<void> {
    this.checkpoint = await at.checkpoint()
    const { recipe, checkpoint, log, points } = this
    this.noteUnkept(
      (await keep('training', { recipe, checkpoint, log, points })) ??
        (await keep('network', modelToBytes(this.network))),
    )
    this.keptAt = performance.now()
  }

  private noteUnkept(reason: string | null): void {
    if (reason === null || this.cannotKeep) return
    this.cannotKeep = true
    this.onEvent({
      kind: 'note',
      text: `This browser can't keep the training (${reason}): after a reload it begins anew. Save the network before you leave.`,
    })
  }

  /** Explains the watched pictures, with the network as it is. */
  private async watch(epoch: number, step: number): Promise<void> {
    const began = performance.now()
    const pictures: WatchedPicture[] = []
    // What computes no probabilities can't be explained.
    try {
      for (const index of this.watched) pictures.push(await this.look(index))
    } catch (error) {
      // The weights may be no numbers before the loss says so: fit() ends at the next step then.
      if (error instanceof DeviceLostError || (await this.isFinite())) throw error
    }
    if (pictures.length > 0) this.onEvent({ kind: 'watched', moment: { epoch, step, pictures } })
    const ended = performance.now()
    this.watchDue = ended + Math.max(watchEveryMs, trainingPerWatching * (ended - began))
  }

  private async isFinite(): Promise<boolean> {
    const [height, width] = task.inputShape
    const { data } = await this.network.predict(samplesOf(task, new Uint8Array(height * width)))
    return data.every(Number.isFinite)
  }

  private async look(index: number): Promise<WatchedPicture> {
    const { test } = this.material
    const label = test.labels[index]
    const explainer = new LimeImageExplainer({ randomState: 0 })
    const explanation = await explainer.explainInstance(pictureOf(task, pixelsOf(test, index)), this.network, {
      segmentationFn: felzenszwalb(),
      numSamples: watchSamples,
      labels: [label],
      keepSamples: false,
    })
    const probabilities = explanation.probabilities.data
    const predicted = probabilities.indexOf(Math.max(...probabilities))
    return {
      index,
      predicted,
      probability: probabilities[predicted],
      trueProbability: probabilities[label],
      segments: explanation.segments.data,
      weights: explanation.localExp[label],
    }
  }
}

function pointOf({ epoch, step, steps, batchLoss, loss, accuracy, msPerStep }: BatchLog): TrainingPoint {
  return { epoch, step, steps, batchLoss, loss, accuracy, msPerStep }
}
