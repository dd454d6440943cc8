import type { StatedImages } from '../../../../engine/formats/opened-model.ts'
import { ArgumentError, type Device, LimelightError, loadModel, type Model } from '../../../../engine/index.ts'
import { sizeOf } from '../../../../engine/tensor.ts'
import { parseClassNames } from '../../../tasks/class-names.ts'
import { className, type PictureTask, pictureModel, pictureTask, statedImages } from '../../../tasks/picture-task.ts'
import type { NetworkOffer, PhotographNetwork, UnknownOfNetwork } from '../../contract/photograph-api.ts'
import type { PixelNumbers } from '../../contract/pixel-numbers.ts'
import { type KeptPhotographNetwork, keep, kept, type NamedFiles } from '../kept.ts'
import { type FetchOptions, KnownNetworks } from './known-networks.ts'
import { fileId } from './sha256.ts'

/** Networks for photographs: the catalogue's, and from files of one's own. They are put on the device when they are asked. */

/** Larger files a page can't hold. */
const maxBytes = 512 * 2 ** 20
/** Networks from files that the browser keeps. */
const maxKept = 3

interface Known {
  readonly id: string
  readonly title: string
  readonly model: Model
  /** What its file says, or the catalogue. */
  readonly images: StatedImages
  /** What people say, in its place. */
  readonly said: StatedImages
  /** And of its pixels, in numbers. */
  readonly pixels: PixelNumbers | null
  readonly task: PictureTask
}

/** A model of pictures as they are here, on a device. */
interface Placed {
  readonly known: Known
  readonly model: Model
  readonly device: Device
}

export class PhotographNetworks {
  private readonly known = new Map<string, Known>()
  private readonly placed = new Map<string, Placed>()
  private readonly catalogue: KnownNetworks
  private keptOnes: readonly KeptPhotographNetwork[] | null = null

  constructor(
    base: string,
    private readonly device: () => Promise<Device>,
  ) {
    this.catalogue = new KnownNetworks(base)
  }

  async offers(): Promise<NetworkOffer[]> {
    const own = (await this.keptOwn()).map(({ id, files }) => ({
      id,
      title: titleOf(files),
      about: null,
      bytes: sizeOfFiles(files),
      place: 'here' as const,
    }))
    return [...(await this.catalogue.offers()), ...own]
  }

  /** @throws LimelightError for one that there is not, or that can't be had */
  async open(id: string, options: FetchOptions): Promise<PhotographNetwork> {
    const there = this.known.get(id)
    if (there) return described(there)
    const own = (await this.keptOwn()).find((each) => each.id === id)
    if (own) return this.add(id, titleOf(own.files), await modelFrom(own.files), {}, own)
    const fetched = await this.catalogue.fetch(id, options)
    if (!fetched) throw new LimelightError('this browser does not have the network: open its file')
    return this.add(id, fetched.title, await loadModel(fetched.bytes), fetched.images, { said: {} })
  }

  /** @throws LimelightError for files that are no network of pictures */
  async openFiles(files: NamedFiles): Promise<PhotographNetwork> {
    const size = sizeOfFiles(files)
    if (size > maxBytes)
      throw new LimelightError(`it has ${Math.round(size / 2 ** 20)} MB; at most ${maxBytes / 2 ** 20} are taken`)
    const lists = Array.from(files).filter(([name]) => name.endsWith('.txt'))
    const rest: NamedFiles = new Map(Array.from(files).filter(([name]) => !name.endsWith('.txt')))
    if (rest.size === 0) throw new LimelightError('a list of names is no network: open both at once')
    const model = await modelFrom(rest)
    const [list] = lists
    const said: StatedImages = list
      ? { classNames: { value: parseClassNames(new TextDecoder().decode(list[1])), source: list[0] } }
      : {}
    const [first] = rest.values()
    const id = await fileId(Uint8Array.from(first))
    const opened = this.add(id, titleOf(rest), model, {}, { said })
    await this.keepOwn({ id, files: rest, said })
    return opened
  }

  async describe(id: string, said: StatedImages, pixels: PixelNumbers | null): Promise<PhotographNetwork> {
    const { title, model, images, said: before } = this.find(id)
    const all = { said: { ...before, ...said }, pixels }
    const described = this.add(id, title, model, images, all)
    const own = (await this.keptOwn()).find((each) => each.id === id)
    if (own) await this.keepOwn({ ...own, ...all })
    return described
  }

  /** The model of pictures as they are here, on the device. @throws ArgumentError for one of which too little is known */
  async on(
    id: string,
  ): Promise<{ readonly model: Model; readonly task: PictureTask; readonly classNames: readonly string[] }> {
    const known = this.find(id)
    const device = await this.device()
    const before = this.placed.get(id)
    const answer = (model: Model) => ({ model, task: known.task, classNames: described(known).classNames })
    if (before?.known === known && before.device === device) return answer(before.model)
    before?.model.dispose()
    this.placed.delete(id)
    const model = before?.known === known ? before.model : pictureModel(known.model, known.task)
    await model.compile({ device })
    this.placed.set(id, { known, model, device })
    return answer(model)
  }

  /** Before the device goes. */
  leave(): void {
    for (const { model } of this.placed.values()) model.dispose()
    this.placed.clear()
  }

  private find(id: string): Known {
    const known = this.known.get(id)
    if (!known) throw new LimelightError(`the network "${id}" is not opened`)
    return known
  }

  /** @param told what people say of it */
  private add(
    id: string,
    title: string,
    opened: Model,
    images: StatedImages,
    { said, pixels = null }: Pick<KeptPhotographNetwork, 'said' | 'pixels'>,
  ): PhotographNetwork {
    const task = taskOf(opened, { ...statedImages(opened), ...images, ...said }, pixels)
    const known = { id, title, model: opened, images, said, pixels, task }
    this.known.set(id, known)
    return described(known)
  }

  private async keptOwn(): Promise<readonly KeptPhotographNetwork[]> {
    this.keptOnes ??= (await kept('photographNetworks')) ?? []
    return this.keptOnes
  }

  private async keepOwn(network: KeptPhotographNetwork): Promise<void> {
    const others = (await this.keptOwn()).filter(({ id }) => id !== network.id)
    this.keptOnes = [network, ...others].slice(0, maxKept)
    await keep('photographNetworks', this.keptOnes)
  }
}

function modelFrom(files: NamedFiles): Promise<Model> {
  const [only] = files.values()
  return loadModel(files.size === 1 ? only : files)
}

function sizeOfFiles(files: NamedFiles): number {
  return Array.from(files.values()).reduce((sum, { byteLength }) => sum + byteLength, 0)
}

/** Of several files the one that describes the network names it. */
function titleOf(files: NamedFiles): string {
  const names = Array.from(files.keys())
  return names.find((name) => name.endsWith('.json')) ?? names[0]
}

/** How it takes pictures, where numbers are told in a form, and no command's options are known. */
function taskOf(model: Model, stated: StatedImages, pixels: PixelNumbers | null): PictureTask {
  if (!pixels) return pictureTask(model, stated, {})
  try {
    const task = pictureTask(model, stated, pixels)
    return { ...task, preprocessing: task.preprocessing && { ...task.preprocessing, source: 'you said so' } }
  } catch (error) {
    if (error instanceof ArgumentError) throw new ArgumentError(error.message.replace(/^--/, ''))
    throw error
  }
}

function described({ id, title, model, task, pixels }: Known): PhotographNetwork {
  const numbers = sizeOf(model.outputShape)
  const classes = task.classNames?.value.length ?? (task.output?.value === 'sigmoid' && numbers === 1 ? 2 : numbers)
  const unknown: UnknownOfNetwork[] = []
  if (!task.preprocessing) unknown.push('preprocessing')
  if (!task.output) unknown.push('output')
  return {
    id,
    title,
    parameters: model.parameterCount,
    task,
    pixels,
    unknown,
    classNames: Array.from({ length: classes }, (_, label) => className(task, label)),
  }
}
