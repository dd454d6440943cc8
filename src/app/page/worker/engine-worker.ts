import * as Comlink from 'comlink'
import { LimelightError, type Model, modelToBytes, TrainingDivergedError } from '../../../engine/index.ts'
import type { Faithfulness, RequestInput, Stability } from '../../../lime/index.ts'
import imagesAddress from '../../data/fashion-mnist/t10k-images-idx3-ubyte.gz?url'
import labelsAddress from '../../data/fashion-mnist/t10k-labels-idx1-ubyte.gz?url'
import { task } from '../../tasks/chosen-task.ts'
import { readSplit } from '../../tasks/fashion-mnist/files.ts'
import { classNamesOf, samplesOf } from '../../tasks/task.ts'
import type {
  AverageEvidence,
  DeviceChoice,
  DeviceStatus,
  EngineApi,
  EngineListener,
  Evaluation,
  ExplanationProgress,
  ExplanationResult,
  ExportFormat,
  ExportSubject,
  ImageSet,
  InterruptedTraining,
  Loaded,
  NetworkChoice,
  NetworkName,
  NetworkOutline,
  RunName,
  ShippedNetwork,
  TrainingEvent,
  TrainingRecipe,
} from '../contract/engine-api.ts'
import type { PhotographApi } from '../contract/photograph-api.ts'
import type { Side } from '../contract/side.ts'
import { sides } from '../contract/side.ts'
import { count } from '../number-format.ts'
import { download } from './download.ts'
import { type Explained, explainPicture, faithfulness, predictWithout, resultOf, stability } from './explaining.ts'
import { forget, type KeptTraining, keep, kept, type NamedFiles } from './kept.ts'
import { Networks } from './networks.ts'
import type { PhotographEngine } from './photographs/photograph-engine.ts'
import { beatMs } from './pulse.ts'
import { Runs, told } from './runs.ts'
import type { TrainingRun } from './training-run.ts'

/**
 * The engine's side of the page: it computes here, in a Worker, so that the page never stands still. What neither the first view nor
 * the first explanation needs is loaded when it is asked for.
 */

/** Each epoch is validated on test images: as many for each training image as the data set has, but not too few to tell. */
const validationShare = 1 / 6
const minValidation = 1000

class Engine implements EngineApi {
  private readonly runs = new Runs()
  private readonly explained = new Map<Side, Explained>()
  private readonly networks = new Networks(
    {
      leave: async () => {
        this.stopAsking()
        this.photographEngine?.leave()
        await this.training?.leave()
      },
      arrive: async (device) => this.training?.arrive(device),
    },
    (status) => this.listener?.onDevice(status),
  )
  private listener: EngineListener | null = null
  private base = ''
  private testImages: ImageSet | null = null
  private training: TrainingRun | null = null
  private photographEngine: PhotographEngine | null = null
  /** Of the network of one's own. */
  private whyNotKept: string | null = null

  async load(base: string, choice: DeviceChoice, listener: EngineListener): Promise<Loaded> {
    this.base = base
    this.listener = listener
    listener.onAlive()
    const beats = setInterval(() => listener.onAlive(), beatMs)
    try {
      return await this.loadAll(choice)
    } finally {
      clearInterval(beats)
    }
  }

  private async loadAll(choice: DeviceChoice): Promise<Loaded> {
    const [images, labels, own, interrupted] = await Promise.all([
      download(imagesAddress, 'the test images'),
      download(labelsAddress, 'their labels'),
      kept('network'),
      this.keptTraining(),
      this.networks.get('tutorial'),
    ])
    const [set] = await Promise.all([readSplit('test', images, labels), this.networks.useDevice(choice)])
    this.testImages = set
    if (own) await this.takeKeptNetwork(own)
    return { images: set, interrupted: interrupted && interruptedOf(interrupted) }
  }

  /** What another version of the page kept may be of no use to this one: then it is as if there were none. */
  private async takeKeptNetwork(content: Uint8Array | NamedFiles): Promise<void> {
    let network: Model
    try {
      const { networkFrom } = await import('./own-network.ts')
      network = await networkFrom(content)
    } catch (error) {
      // What reads it may be what is missing this time.
      if (error instanceof LimelightError) await forget('network')
      return
    }
    await this.networks.add('own', network)
    this.tellOfOwnNetwork()
  }

  private async keptTraining(): Promise<KeptTraining | null> {
    const training = await kept('training')
    if (!training || training.checkpoint.step === 0 || training.checkpoint.sums.accuracy !== undefined) return training
    // Version 0.2 summed it up under another name.
    await forget('training')
    return null
  }

  useDevice(choice: DeviceChoice): Promise<DeviceStatus> {
    return this.networks.useDevice(choice)
  }

  async predict(name: NetworkName, pixels: Uint8Array): Promise<Float32Array> {
    const network = await this.networks.get(name)
    return (await network.predict(samplesOf(task, pixels))).data
  }

  explain(
    side: Side,
    name: NetworkName,
    pixels: Uint8Array,
    request: RequestInput,
    onProgress: (progress: ExplanationProgress) => void,
  ): Promise<ExplanationResult> {
    return this.runs.run(`explain-${side}`, async (signal) => {
      this.explained.delete(side)
      this.runs.stop(`faithfulness-${side}`)
      this.runs.stop(`stability-${side}`)
      const explained = await explainPicture(await this.networks.get(name), pixels, request, signal, onProgress)
      const result = await resultOf(explained, signal)
      signal.throwIfAborted()
      this.explained.set(side, explained)
      return result
    })
  }

  async predictWithout(side: Side, hidden: readonly number[]): Promise<Float32Array> {
    await this.networks.device()
    return predictWithout(this.explainedOn(side), hidden)
  }

  async asksSame(one: RequestInput, other: RequestInput): Promise<boolean> {
    const { asksSame } = await import('./equal-requests.ts')
    return asksSame(one, other)
  }

  faithfulness(side: Side, label: number): Promise<Faithfulness> {
    return this.runs.run(`faithfulness-${side}`, async (signal) => {
      await this.networks.device()
      return faithfulness(this.explainedOn(side), label, signal)
    })
  }

  stability(side: Side, label: number): Promise<Stability> {
    return this.runs.run(`stability-${side}`, async (signal) => {
      await this.networks.device()
      return stability(this.explainedOn(side), label, signal)
    })
  }

  async exported(side: Side, label: number, format: ExportFormat, subject: ExportSubject): Promise<Blob> {
    const explained = this.explainedOn(side)
    const { kind, adapter } = (await this.networks.device()).info
    const { exportExplanation } = await import('./export-explanation.ts')
    return exportExplanation(explained, { name: kind, adapter }, label, format, subject)
  }

  judge(name: NetworkName, onProgress: (done: number, total: number) => void): Promise<Evaluation> {
    return this.runs.run('judge', async (signal) => {
      const { evaluateModel } = await import('../../tasks/evaluation.ts')
      signal.throwIfAborted()
      return evaluateModel(task, await this.networks.get(name), this.testSet(), {
        signal,
        onProgress: told(onProgress),
      })
    })
  }

  averageEvidence(name: NetworkName, onProgress: (done: number, total: number) => void): Promise<AverageEvidence> {
    return this.runs.run('average', async (signal) => {
      const { averageEvidence } = await import('./average-evidence.ts')
      signal.throwIfAborted()
      return averageEvidence(await this.networks.get(name), this.testSet(), { signal, onProgress: told(onProgress) })
    })
  }

  async accuracy(name: ShippedNetwork): Promise<number | null> {
    const accuracy = Number((await this.networks.get(name)).metadata.test_accuracy)
    return accuracy > 0 ? accuracy : null
  }

  async outline(choice: NetworkChoice): Promise<NetworkOutline> {
    const { outlineOf } = await import('./untrained-networks.ts')
    return outlineOf(choice)
  }

  async train(
    asked: TrainingRecipe | 'interrupted',
    watched: readonly number[],
    onEvent: (event: TrainingEvent) => void,
  ): Promise<void> {
    // Events go to the page on a channel of their own, which answers when each is heard. The last is waited for: the training's
    // end would overtake it, and the page say "Training." for good.
    let heard: unknown
    try {
      await this.trainNetwork(asked, watched, (event) => {
        heard = onEvent(event)
      })
    } finally {
      await heard
    }
  }

  private trainNetwork(
    asked: TrainingRecipe | 'interrupted',
    watched: readonly number[],
    onEvent: (event: TrainingEvent) => void,
  ): Promise<void> {
    return this.runs.run('train', async (signal) => {
      const interrupted = asked === 'interrupted' ? await this.keptTraining() : null
      if (asked === 'interrupted' && !interrupted) throw new LimelightError('there is no training to go on with')
      const recipe = asked === 'interrupted' ? interrupted?.recipe : asked
      if (!recipe) return
      const [{ loadTrainingData }, { TrainingRun }, { untrained }] = await Promise.all([
        import('./training-data.ts'),
        import('./training-run.ts'),
        import('./untrained-networks.ts'),
      ])
      signal.throwIfAborted()
      const tellFetched = told((received, total) =>
        onEvent({ kind: 'fetching', received, total: Number.isFinite(total) ? total : null }),
      )
      const { set, source, reason } = await loadTrainingData({
        base: this.base,
        count: recipe.images,
        signal,
        onProgress: ({ received, total }) => tellFetched(received, total ?? Number.POSITIVE_INFINITY),
      })
      const test = this.testSet()
      if (interrupted && set.count < recipe.images)
        throw new LimelightError(
          `the training began with ${count(recipe.images)} images, and now there are ${count(set.count)}: ${reason ?? ''} Begin anew, or come back when the others can be had`,
        )
      const images = Math.min(recipe.images, set.count)
      const validation = Math.min(test.count, Math.max(minValidation, Math.round(images * validationShare)))
      const began = { ...recipe, images }
      const beginning = untrained(began)
      const { network } = beginning
      const soFar = interrupted ?? { checkpoint: null, log: [], points: [] }
      if (asked !== 'interrupted') await forget('training')
      onEvent({ kind: 'began', recipe: began, source: { kind: source, count: set.count, reason, validation } })
      const material = { training: set, test, validation }
      const training = new TrainingRun(beginning, material, began, watched, soFar, (event) => {
        onEvent(event)
        // It is another network by then, for whoever asks it.
        if (event.kind === 'epoch' || event.kind === 'paused') this.tellOfOwnNetwork()
      })
      const device = await this.networks.device()
      await training.arrive(device)
      this.stopAsking()
      this.networks.addCompiled('own', network)
      this.training = training
      this.whyNotKept = null
      this.tellOfOwnNetwork()
      let canGoOn = true
      try {
        await training.run(device, signal)
        canGoOn = false
      } catch (error) {
        // Whoever stops it is done with it, and where it diverged it would again; after another failure it can go on from
        // what was kept.
        canGoOn = !signal.aborted && !(error instanceof TrainingDivergedError)
        throw error
      } finally {
        this.training = null
        if (!canGoOn) await forget('training')
        this.whyNotKept = await keep('network', modelToBytes(network))
        this.stopAsking()
        // Without the optimizer's memory.
        await this.networks.add('own', network)
        this.tellOfOwnNetwork()
      }
    })
  }

  steer(how: 'pause' | 'resume' | 'step'): void {
    this.training?.steer(how)
  }

  async findInterrupted(): Promise<InterruptedTraining | null> {
    const training = await this.keptTraining()
    return training && interruptedOf(training)
  }

  discardInterrupted(): Promise<void> {
    return forget('training')
  }

  async saveNetwork(): Promise<Blob> {
    const network = await this.networks.get('own')
    if (!('architecture' in network.network))
      throw new LimelightError('it came from another program, in a file that still holds it; keep that file')
    return new Blob([modelToBytes(network)], { type: 'application/octet-stream' })
  }

  async openNetwork(files: readonly File[]): Promise<void> {
    const { checkSize, networkFrom } = await import('./own-network.ts')
    checkSize(files)
    const read = async (file: File) => [file.name, new Uint8Array(await file.arrayBuffer())] as const
    const content = new Map(await Promise.all(files.map(read)))
    const network = await networkFrom(content)
    if (this.training) throw new LimelightError('another is being trained; stop that first')
    this.stopAsking()
    await this.networks.add('own', network)
    this.whyNotKept = await keep('network', content)
    this.tellOfOwnNetwork()
  }

  async photographs(): Promise<PhotographApi & Comlink.ProxyMarked> {
    const { PhotographEngine } = await import('./photographs/photograph-engine.ts')
    this.photographEngine ??= new PhotographEngine(this.base, () => this.networks.device())
    return Comlink.proxy(this.photographEngine)
  }

  stop(run: RunName): void {
    this.runs.stop(run)
  }

  private tellOfOwnNetwork(): void {
    const network = this.networks.find('own')
    if (!network) return
    const { parameterCount, metadata } = network
    const epochs = Number(metadata.epochs)
    const accuracy = Number(metadata.test_accuracy)
    const title = this.training
      ? 'in training'
      : epochs > 0
        ? `${epochs} ${epochs === 1 ? 'epoch' : 'epochs'}${accuracy > 0 ? `, ${(100 * accuracy).toFixed(1)} % right` : ''}`
        : metadata.training_images
          ? 'less than an epoch'
          : 'from a file'
    this.listener?.onOwnNetwork({
      title,
      parameters: parameterCount,
      classNames: classNamesOf(task, network),
      isTraining: this.training !== null,
      whyNotKept: this.whyNotKept,
    })
  }

  /** Before a network changes under them: everything that asks one. */
  private stopAsking(): void {
    for (const run of ['judge', 'average']) this.runs.stop(run)
    for (const side of sides)
      for (const run of ['explain', 'faithfulness', 'stability']) this.runs.stop(`${run}-${side}`)
  }

  private explainedOn(side: Side): Explained {
    const explained = this.explained.get(side)
    if (!explained) throw new LimelightError('no picture is explained')
    return explained
  }

  private testSet(): ImageSet {
    if (!this.testImages) throw new LimelightError('the test images are not loaded yet')
    return this.testImages
  }
}

function interruptedOf({ recipe, checkpoint, log, points }: KeptTraining): InterruptedTraining {
  const { epoch, step } = checkpoint
  return { recipe, epoch, step, log, points }
}

Comlink.expose(new Engine())
