import { FormatError, LimelightError } from '../../../engine/errors.ts'
import imagesAddress from '../../data/fashion-mnist-subset/train-4000-images-idx3-ubyte.gz?url&no-inline'
import labelsAddress from '../../data/fashion-mnist-subset/train-4000-labels-idx1-ubyte.gz?url&no-inline'
import type { ImageSet } from '../../data/image-set.ts'
import { joinImagesAndLabels, type SplitFiles, splitFiles, unpack } from '../../tasks/fashion-mnist/files.ts'
import { subsetFiles } from '../../tasks/fashion-mnist/subset.ts'
import { type DataDownloadOptions, downloadDataFile } from './data-download.ts'

/**
 * What the page trains on: the 60,000 training images, kept in the browser or fetched from the page's own site, where
 * vite/training-files.ts puts them; else the 4,000 that come with the page. Whatever the source, SHA-256 decides.
 */

/** `onProgress` is told of the 60,000 images' file: their labels, a thousandth of it, come before. */
export interface TrainingDataOptions extends DataDownloadOptions {
  /** The page's own address, `document.baseURI`: files lie beside the page, not beside a Worker's script. */
  readonly base: string
  /** How many images are wanted, the first so many; all unless given. As few as are built in are not fetched from elsewhere. */
  readonly count?: number
}

export interface TrainingData {
  readonly set: ImageSet
  readonly source: 'site' | 'kept' | 'built-in'
  /** Why it is the built-in subset although more was wanted, in a sentence for people; null when it is not so. */
  readonly reason: string | null
}

/** An image file and a label file as they are sent or kept. */
interface FilePair {
  readonly images: Uint8Array<ArrayBuffer>
  readonly labels: Uint8Array<ArrayBuffer>
}

interface AddressPair {
  readonly images: string
  readonly labels: string
}

/**
 * The training images and their labels.
 * @throws LimelightError when not even the built-in ones can be had, or where the page is no secure context: browsers can
 * verify nothing there
 * @throws the signal's reason when aborted
 */
export async function loadTrainingData(options: TrainingDataOptions): Promise<TrainingData> {
  const { base, signal, count = splitFiles.train.count } = options
  const { images, labels } = splitFiles.train
  const site = addressesAt(base, `data/${images.name}`, `data/${labels.name}`)
  signal?.throwIfAborted()
  if (count <= subsetFiles.count) return { set: await builtInSet(options), source: 'built-in', reason: null }
  const kept = await keptSet(site)
  signal?.throwIfAborted()
  if (kept) return { set: kept, source: 'kept', reason: null }
  try {
    const files = await downloadPair(splitFiles.train, site, options)
    const set = await unpackPair(splitFiles.train, files)
    signal?.throwIfAborted()
    await keep(site, files)
    return { set, source: 'site', reason: null }
  } catch (error) {
    if (signal?.aborted) throw signal.reason
    if (!(error instanceof LimelightError)) throw error
    const complaint = complaintOf(error)
    return {
      set: await builtInSet(options, complaint),
      source: 'built-in',
      reason: `${complaint}, so the ${subsetFiles.count.toLocaleString('en')} built into the page are used.`,
    }
  }
}

/** @param complaint why nothing else is to be had */
async function builtInSet({ base, signal, stallMs }: TrainingDataOptions, complaint?: string): Promise<ImageSet> {
  try {
    const files = await downloadPair(subsetFiles, addressesAt(base, imagesAddress, labelsAddress), { signal, stallMs })
    const set = await unpackPair(subsetFiles, files)
    signal?.throwIfAborted()
    return set
  } catch (error) {
    if (signal?.aborted) throw signal.reason
    if (!(error instanceof LimelightError)) throw error
    const what = complaint ? `${complaint}, and those built into the page` : 'the training images built into the page'
    throw new LimelightError(`${what} can't be had: ${error.message}`, { cause: error })
  }
}

function complaintOf(error: LimelightError): string {
  const why = error instanceof FormatError ? 'what its server sends is damaged or something else' : error.message
  return `This site can't give the ${splitFiles.train.count.toLocaleString('en')} training images (${why})`
}

function addressesAt(base: string, images: string, labels: string): AddressPair {
  return { images: new URL(images, base).href, labels: new URL(labels, base).href }
}

/** Labels first: where there are none, no time is lost. */
async function downloadPair(files: SplitFiles, at: AddressPair, options: DataDownloadOptions): Promise<FilePair> {
  const labels = await downloadDataFile(at.labels, files.labels, { ...options, onProgress: undefined })
  return { labels, images: await downloadDataFile(at.images, files.images, options) }
}

async function unpackPair(files: SplitFiles, { images, labels }: FilePair): Promise<ImageSet> {
  return joinImagesAndLabels(await unpack(files.images, images), await unpack(files.labels, labels))
}

/** Of the origin, whatever the page's version: these files never change. */
const cacheName = 'limelight-training-data'

/** The kept files' content, verified again; null where there are none, or only damaged ones, or nothing can be kept. */
async function keptSet(at: AddressPair): Promise<ImageSet | null> {
  try {
    const images = await caches.match(at.images, { cacheName })
    const labels = await caches.match(at.labels, { cacheName })
    if (!images || !labels) return null
    const files = {
      images: new Uint8Array(await images.arrayBuffer()),
      labels: new Uint8Array(await labels.arrayBuffer()),
    }
    return await unpackPair(splitFiles.train, files)
  } catch {
    return null
  }
}

/** That the disk is full, or that this browser lets a page keep nothing, only means another download the next time. */
async function keep(at: AddressPair, files: FilePair): Promise<void> {
  try {
    const cache = await caches.open(cacheName)
    await cache.put(at.labels, new Response(files.labels))
    await cache.put(at.images, new Response(files.images))
  } catch {
    await globalThis.caches?.delete(cacheName).catch(() => false)
  }
}
