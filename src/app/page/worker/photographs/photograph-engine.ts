import type { StatedImages } from '../../../../engine/formats/opened-model.ts'
import { type Device, LimelightError, type Model } from '../../../../engine/index.ts'
import { askedPicture, type Fit } from '../../../photographs/framing.ts'
import type { Picture } from '../../../pictures/picture.ts'
import { topAnswers } from '../../../tasks/answers.ts'
import { parseClassNames } from '../../../tasks/class-names.ts'
import type { PictureTask } from '../../../tasks/picture-task.ts'
import type { ExplanationProgress } from '../../contract/engine-api.ts'
import type {
  Fetched,
  NetworkOffer,
  Photograph,
  PhotographApi,
  PhotographFormat,
  PhotographNetwork,
  PhotographQuestion,
  PhotographResult,
  PhotographRun,
} from '../../contract/photograph-api.ts'
import type { PixelNumbers } from '../../contract/pixel-numbers.ts'
import type { Side } from '../../contract/side.ts'
import { Runs, told } from '../runs.ts'
import {
  explainAsked,
  type PhotographExplained,
  photographResultOf,
  predictWithoutIds,
  roughResultOf,
} from './explaining-photographs.ts'
import { OpenedPhotographs } from './opened-photographs.ts'
import { PhotographNetworks } from './photograph-networks.ts'

/** Of the classes the most probable, of values the first are explained at once: looking at another of them then costs nothing. */
const maxLabels = 20

/** The engine's side of photographs. It is loaded when somebody comes to them. */
export class PhotographEngine implements PhotographApi {
  private readonly runs = new Runs()
  private readonly networks: PhotographNetworks
  private readonly photographs = new OpenedPhotographs()
  private readonly explained = new Map<Side, PhotographExplained>()

  /** @param base the page's own address */
  constructor(
    base: string,
    private readonly device: () => Promise<Device>,
  ) {
    this.networks = new PhotographNetworks(base, device)
  }

  /** Before the device goes. */
  leave(): void {
    this.runs.stopAll()
    this.networks.leave()
  }

  offers(): Promise<readonly NetworkOffer[]> {
    return this.networks.offers()
  }

  openNetwork(side: Side, id: string, onFetched: (fetched: Fetched) => void): Promise<PhotographNetwork> {
    return this.runs.run(`network-${side}`, (signal) => {
      const tell = told((received, total) => onFetched({ received, total }))
      return this.networks.open(id, { signal, onFetched: ({ received, total }) => tell(received, total) })
    })
  }

  async openNetworkFiles(files: readonly File[]): Promise<PhotographNetwork> {
    const read = async (file: File) => [file.name, new Uint8Array(await file.arrayBuffer())] as const
    return this.networks.openFiles(new Map(await Promise.all(files.map(read))))
  }

  describeNetwork(id: string, said: StatedImages, pixels: PixelNumbers | null): Promise<PhotographNetwork> {
    return this.networks.describe(id, said, pixels)
  }

  async readClassNames(file: File): Promise<readonly string[]> {
    return parseClassNames(await file.text())
  }

  openPhotograph(picture: Blob, name: string, id: string | null): Promise<Photograph> {
    return this.photographs.open(picture, name, id)
  }

  keptPhotograph(id: string): Promise<Photograph | null> {
    return this.photographs.kept(id)
  }

  async predict(network: string, photograph: string, fit: Fit): Promise<Float32Array> {
    const { model, task } = await this.networks.on(network)
    return answerOf(model, task, this.photographs.find(photograph), fit)
  }

  explain(
    side: Side,
    { network, photograph, fit, label, settings, own }: PhotographQuestion,
    onProgress: (progress: ExplanationProgress) => void,
    onRough: (rough: PhotographResult) => void,
  ): Promise<PhotographResult> {
    return this.runs.run(`explain-${side}`, async (signal) => {
      this.explained.delete(side)
      const picture = this.photographs.find(photograph)
      const { model, task, classNames } = await this.networks.on(network)
      const numbers = await answerOf(model, task, picture, fit)
      signal.throwIfAborted()
      const top = topAnswers(numbers, maxLabels, task).map((answer) => answer.label)
      const labels = label === null || top.includes(label) ? top : [...top, label]
      const asking = { id: network, model, task, classNames, picture, fit, settings, own, labels }
      const explained = await explainAsked(asking, signal, onProgress, (rough) => {
        if (signal.aborted) return
        // It can be asked what is hidden, too.
        this.explained.set(side, rough)
        onRough(roughResultOf(rough))
      })
      const result = await photographResultOf(explained, signal)
      signal.throwIfAborted()
      this.explained.set(side, explained)
      return result
    })
  }

  async predictWithout(side: Side, hidden: readonly number[]): Promise<Float32Array> {
    const explained = this.explainedOn(side)
    // It may be on another device by now.
    const { model } = await this.networks.on(explained.asking.id)
    return predictWithoutIds({ ...explained, network: model }, hidden)
  }

  async exported(side: Side, label: number, format: PhotographFormat, title: string): Promise<Blob> {
    const { kind, adapter } = (await this.device()).info
    const { exportPhotograph } = await import('./export-photograph.ts')
    return exportPhotograph(this.explainedOn(side), { name: kind, adapter }, label, format, title)
  }

  private explainedOn(side: Side): PhotographExplained {
    const explained = this.explained.get(side)
    if (!explained) throw new LimelightError('no picture is explained')
    return explained
  }

  stop(run: PhotographRun): void {
    this.runs.stop(run)
  }
}

/** One number a class. @throws LimelightError for answers that are no numbers */
async function answerOf(model: Model, task: PictureTask, picture: Picture, fit: Fit): Promise<Float32Array> {
  const { data, height, width, channels } = askedPicture(picture, task, fit)
  const predictions = await model.predict({ data: Float32Array.from(data), shape: [1, height, width, channels] })
  if (!predictions.data.every(Number.isFinite))
    throw new LimelightError(
      'the network answers with numbers that are not finite: say how it takes pixels as it was trained with',
    )
  return predictions.data
}
