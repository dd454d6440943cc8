import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { FormatError, LimelightError } from '../../../engine/errors.ts'
import { FileWriteError, writeFileAtomically } from '../../../engine/platform/atomic-write.ts'
import { cacheFolder } from '../../../engine/platform/cache-folder.ts'
import { type DownloadOptions, download, reasonOf } from '../../data/download.ts'
import type { ImageSet } from '../../data/image-set.ts'
import { shippedDataFolder } from '../../data/package-files.ts'
import { type DataFile, joinImagesAndLabels, mirrors as knownMirrors, type Split, splitFiles, unpack } from './files.ts'

/**
 * Finds Fashion-MNIST's files for Node: (for the test split) the copy that ships with the package, the cache folder, the
 * Debian package's folder, the web. A source counts only when its content has the right SHA-256; the first that does wins.
 */

export const debianFolder = '/usr/share/datasets/fashion-mnist'

export interface StoreOptions extends DownloadOptions {
  /** Where downloads are kept; default: cacheFolder(). */
  readonly folder?: string
  readonly debianFolder?: string
  /** Where the package's own copy of the test split lies. */
  readonly shippedFolder?: string
  /** Addresses, ending in a slash, that the files' names are appended to; tried in turn. */
  readonly mirrors?: readonly string[]
  /** Told, in a sentence, of what a user should know but need not act on: a damaged cache file, a cache that can't be written. */
  readonly onNote?: (note: string) => void
}

export interface Located {
  readonly name: string
  readonly source: 'shipped' | 'cache' | 'debian' | 'download'
  /** The path or address the content was read from. */
  readonly location: string
  /** The verified, decompressed content. */
  readonly content: Uint8Array
}

export interface Attempt {
  readonly location: string
  readonly reason: string
}

/** A data file that no source has. The message lists them all, with what is wrong with each, and what to do. */
export class DataUnavailableError extends LimelightError {
  override readonly name = 'DataUnavailableError'
  readonly file: string
  readonly attempts: readonly Attempt[]

  constructor(file: string, attempts: readonly Attempt[], folder: string) {
    const tried = attempts.map(({ location, reason }) => `  ${location}: ${reason}`).join('\n')
    super(
      `Fashion-MNIST's file ${file} could not be had. Tried:\n${tried}\nTo get it, either run \`npm run data\` with a network; ` +
        `or, on Debian, \`apt-get install dataset-fashion-mnist\`; or put the four files into ${folder}`,
    )
    this.file = file
    this.attempts = attempts
  }
}

/**
 * Loads one split.
 * @throws DataUnavailableError when no source has one of its files
 * @throws the signal's reason when aborted
 */
export async function loadFashionMnist(split: Split, options: StoreOptions = {}): Promise<ImageSet> {
  const [images, labels] = await locateSplit(split, options)
  return joinImagesAndLabels(images.content, labels.content)
}

/**
 * Gets and verifies a split's image file and label file, in this order.
 * @throws DataUnavailableError when no source has one of them
 * @throws the signal's reason when aborted
 */
export async function locateSplit(
  split: Split,
  options: StoreOptions = {},
): Promise<[images: Located, labels: Located]> {
  const { images, labels } = splitFiles[split]
  const shipped = split === 'test' ? (options.shippedFolder ?? shippedDataFolder()) : undefined
  return [await locate(images, shipped, options), await locate(labels, shipped, options)]
}

/** Which of the places on disk are looked at, in which order. */
function foldersOf(shipped: string | undefined, cache: string, options: StoreOptions) {
  const folders: { source: Located['source']; folder: string }[] = [
    { source: 'cache', folder: cache },
    { source: 'debian', folder: options.debianFolder ?? debianFolder },
  ]
  if (shipped) folders.unshift({ source: 'shipped', folder: shipped })
  return folders
}

async function locate(file: DataFile, shipped: string | undefined, options: StoreOptions): Promise<Located> {
  const { signal, onNote, mirrors = knownMirrors } = options
  const cache = options.folder ?? cacheFolder()
  const cachePath = join(cache, file.name)
  const attempts: Attempt[] = []
  let cacheIsDamaged = false

  for (const { source, folder } of foldersOf(shipped, cache, options)) {
    signal?.throwIfAborted()
    const location = join(folder, file.name)
    try {
      const bytes = await readFile(location, { signal })
      const content = await unpack(file, bytes)
      if (cacheIsDamaged) await keep(cachePath, bytes, onNote)
      return { name: file.name, source, location, content }
    } catch (error) {
      if (signal?.aborted) throw signal.reason
      const reason = reasonOf(error)
      attempts.push({ location, reason })
      if (source === 'cache' && error instanceof FormatError) {
        cacheIsDamaged = true
        onNote?.(`${location} is damaged and will be replaced: ${reason}`)
      }
    }
  }

  for (const mirror of mirrors) {
    const location = `${mirror}${file.name}`
    try {
      const bytes = await download(location, file.name, file.bytes, options)
      const content = await unpack(file, bytes)
      await keep(cachePath, bytes, onNote)
      return { name: file.name, source: 'download', location, content }
    } catch (error) {
      if (signal?.aborted) throw signal.reason
      attempts.push({ location, reason: reasonOf(error) })
    }
  }
  throw new DataUnavailableError(file.name, attempts, cache)
}

/** Puts a verified file into the cache. Where that fails (disk full, read-only) the run goes on with what is in memory. */
async function keep(path: string, bytes: Uint8Array, onNote: StoreOptions['onNote']): Promise<void> {
  try {
    await writeFileAtomically(path, bytes)
  } catch (error) {
    if (!(error instanceof FileWriteError)) throw error
    onNote?.(`the data is used from memory this time and will be looked for again the next: ${error.message}`)
  }
}
