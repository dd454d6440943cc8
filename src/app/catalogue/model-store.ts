import { createHash } from 'node:crypto'
import { appendFile, mkdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { ArgumentError, FormatError, LimelightError } from '../../engine/errors.ts'
import type { StatedImages } from '../../engine/formats/opened-model.ts'
import { cacheFolder } from '../../engine/platform/cache-folder.ts'
import { type DownloadOptions, downloadParts, reasonOf } from '../data/download.ts'
import { parseClassNames } from '../tasks/class-names.ts'
import { type CatalogueEntry, type CatalogueFile, catalogue } from './known-networks.ts'

/** The catalogue's files on this machine: each downloaded once, verified, and kept. */

export interface ModelStoreOptions extends DownloadOptions {
  /** Where they are kept; a folder of cacheFolder() unless given. */
  readonly folder?: string
  /** In the place of the addresses' own servers: for tests and mirrors. */
  readonly server?: string
  /** Unless given, the catalogue's own. */
  readonly entries?: Readonly<Record<string, CatalogueEntry>>
}

export interface StoredModelFiles {
  readonly entry: CatalogueEntry
  readonly model: string
  /** undefined where the catalogue has no names for it. */
  readonly labels: string | undefined
  /** What the catalogue says of its pictures; the names of its classes are among it. */
  readonly images: StatedImages
}

/**
 * Paths of a network of the catalogue, downloaded if it has to be.
 * @throws ArgumentError for a name that there is not, LimelightError when a file can't be had or is another
 */
export async function modelFromCatalogue(name: string, options: ModelStoreOptions = {}): Promise<StoredModelFiles> {
  const entries = options.entries ?? catalogue
  const entry = Object.hasOwn(entries, name) ? entries[name] : undefined
  if (!entry) throw new ArgumentError(`no network "${name}"; there are ${Object.keys(entries).join(', ')}`)
  const folder = options.folder ?? join(cacheFolder(), 'models')
  const model = await kept(entry.model, folder, options)
  const labels = entry.labels && (await kept(entry.labels, folder, options))
  const classNames = labels && parseClassNames(await readFile(labels, 'utf8')).slice(entry.labels?.skip)
  const images = { ...entry.images, ...(classNames && { classNames: { value: classNames, source: 'the catalogue' } }) }
  return { entry, model, labels, images }
}

/** Whether a file of the catalogue is on this machine already, whole. */
export async function isKept(file: CatalogueFile, folder = join(cacheFolder(), 'models')): Promise<boolean> {
  return stat(join(folder, file.name)).then(
    ({ size }) => size === file.bytes,
    () => false,
  )
}

async function kept(file: CatalogueFile, folder: string, options: ModelStoreOptions): Promise<string> {
  const path = join(folder, file.name)
  const there = await readFile(path).catch(() => null)
  if (there && digestOf(there) === file.sha256) return path
  const address = options.server ? `${options.server}${file.name}` : file.address
  try {
    await mkdir(folder, { recursive: true })
    await fetchInto(path, address, file, options)
    return path
  } catch (error) {
    if (options.signal?.aborted) throw options.signal.reason
    throw new LimelightError(
      `${file.name} could not be had from ${address}: ${reasonOf(error)}. What came is kept and gone on from; or put the file into ${folder}`,
      { cause: error },
    )
  }
}

/**
 * What has come lies beside the file under another name, and is gone on from after a kill; only what is verified gets the name.
 * @throws FormatError when it is another file
 */
async function fetchInto(path: string, address: string, file: CatalogueFile, options: DownloadOptions): Promise<void> {
  const partial = `${path}.partial`
  const have = await stat(partial).then(
    ({ size }) => (size < file.bytes ? size : 0),
    () => 0,
  )
  const restart = () => rm(partial, { force: true })
  if (have === 0) await restart()
  await downloadParts(
    address,
    file.name,
    file.bytes,
    { have, onRestart: restart, onPart: (part) => appendFile(partial, part) },
    options,
  )
  const digest = digestOf(await readFile(partial))
  if (digest !== file.sha256) {
    await restart()
    throw new FormatError(`it is not the original: SHA-256 ${digest}, expected ${file.sha256}`)
  }
  await rename(partial, path)
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
