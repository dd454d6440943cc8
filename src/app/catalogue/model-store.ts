import { createHash } from 'node:crypto'
import { appendFile, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import { ArgumentError, FormatError, LimelightError } from '../../engine/errors.ts'
import type { StatedImages } from '../../engine/formats/opened-model.ts'
import { writeFileAtomically } from '../../engine/platform/atomic-write.ts'
import { cacheFolder } from '../../engine/platform/cache-folder.ts'
import { type DownloadOptions, download, downloadParts, reasonOf } from '../data/download.ts'
import { InUseError, lockFile, type WriteLock } from '../data/write-lock.ts'
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
  const address = options.server ? `${options.server}${file.name}` : file.address
  try {
    if (await isWhole(path, file)) await tidy(path)
    else await fetchOnce(path, address, file, options)
    return path
  } catch (error) {
    if (options.signal?.aborted) throw options.signal.reason
    throw new LimelightError(
      `${file.name} could not be had from ${address}: ${reasonOf(error)}. What came is kept and gone on from; or put the file into ${folder}`,
      { cause: error },
    )
  }
}

/** What has come of a file that is not whole. Only who has the lock of the file touches it. */
function partialOf(path: string): string {
  return `${path}.partial`
}

/** Of those who want a file at once one downloads it, and the others wait for it. */
async function fetchOnce(path: string, address: string, file: CatalogueFile, options: DownloadOptions): Promise<void> {
  const lock = await turn(path, file, options)
  try {
    if (await isWhole(path, file)) return
    if (lock) await fetchInto(path, address, file, options)
    else await fetchAlone(path, address, file, options)
  } finally {
    lock?.release()
  }
}

const pollMs = 250

/**
 * Waits until nobody else downloads the file.
 * @returns null where one must not be waited for: files can't be locked here, or whoever has the lock is frozen
 */
async function turn(
  path: string,
  { name, bytes }: CatalogueFile,
  { signal, onProgress, stallMs = 30_000 }: DownloadOptions,
): Promise<WriteLock | null> {
  let received = -1
  let since = 0
  for (;;) {
    signal?.throwIfAborted()
    const lock = await lockIfFree(path)
    if (lock) {
      if (lock.unlocked === null) return lock
      lock.release()
      return null
    }
    const now = await sizeOf(partialOf(path))
    if (now !== received) {
      received = now
      since = performance.now()
      onProgress?.({ file: name, received, total: bytes })
      // Longer than it waits itself for a server that sends nothing.
    } else if (performance.now() - since > 2 * stallMs) return null
    await after(pollMs, undefined, { signal })
  }
}

async function lockIfFree(path: string): Promise<WriteLock | null> {
  try {
    return await lockFile(path)
  } catch (error) {
    if (error instanceof InUseError) return null
    throw error
  }
}

/** A file that came from elsewhere may have made a part useless. */
async function tidy(path: string): Promise<void> {
  if ((await sizeOf(partialOf(path))) === 0) return
  const lock = await lockIfFree(path).catch(() => null)
  if (lock?.unlocked === null) await rm(partialOf(path), { force: true }).catch(() => {})
  lock?.release()
}

/**
 * What has come lies beside the file under another name, and is gone on from after a kill; only what is verified gets the name.
 * @throws FormatError when it is another file
 */
async function fetchInto(path: string, address: string, file: CatalogueFile, options: DownloadOptions): Promise<void> {
  const partial = partialOf(path)
  const size = await sizeOf(partial)
  const have = size < file.bytes ? size : 0
  const restart = () => rm(partial, { force: true })
  if (have === 0) await restart()
  await downloadParts(
    address,
    file.name,
    file.bytes,
    { have, onRestart: restart, onPart: (part) => appendFile(partial, part) },
    options,
  )
  try {
    checkDigest(await readFile(partial), file)
  } catch (error) {
    await restart()
    throw error
  }
  await rename(partial, path)
}

/** Shares no part with anybody, and goes on from none. */
async function fetchAlone(path: string, address: string, file: CatalogueFile, options: DownloadOptions): Promise<void> {
  const bytes = await download(address, file.name, file.bytes, options)
  checkDigest(bytes, file)
  await writeFileAtomically(path, bytes)
}

/** @throws FormatError when it is another file */
function checkDigest(bytes: Uint8Array, { sha256 }: CatalogueFile): void {
  const digest = digestOf(bytes)
  if (digest !== sha256) throw new FormatError(`it is not the original: SHA-256 ${digest}, expected ${sha256}`)
}

async function isWhole(path: string, { sha256 }: CatalogueFile): Promise<boolean> {
  const there = await readFile(path).catch(() => null)
  return there !== null && digestOf(there) === sha256
}

/** 0 for what is not there. */
async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => null))?.size ?? 0
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
