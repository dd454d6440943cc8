import { createHash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join } from 'node:path'
import * as v from 'valibot'
import { parsed } from '../../engine/arguments.ts'
import { ArgumentError, FormatError } from '../../engine/errors.ts'
import { picturesIn } from '../inputs/image-files.ts'
import { readInput } from '../inputs/input-file.ts'
import { openBucket } from './bucket.ts'
import { bucketAddress, bucketPrefix, isBucketAddress } from './bucket-address.ts'
import { StoreError } from './errors.ts'
import { imagesOfManifest } from './manifest.ts'
import type { ImageList, RunImage } from './planned-run.ts'
import type { RunImages } from './run.ts'
import type { Store } from './store.ts'

/** The images of a run in their order: found once, when it is planned, and written down for all who compute. */

/** Images that are files. */
export interface FoundImages {
  /** A folder, or s3://bucket/prefix/. */
  readonly root: string
  readonly images: readonly RunImage[]
}

type FileImages = Exclude<RunImages, { readonly source: 'test-set' }>

/** @throws ArgumentError where there are none; FormatError for a manifest that is none; LimelightError, StoreError */
export async function findImages(given: FileImages): Promise<FoundImages> {
  const found = await imagesFrom(given)
  if (found.images.length === 0) throw new ArgumentError(`images from ${given.source}: there are none`)
  return found
}

function imagesFrom(given: FileImages): Promise<FoundImages> {
  switch (given.source) {
    case 'folder':
      return imagesInFolder(given.folder)
    case 'glob':
      return imagesInFolder(given.folder, given.pattern)
    case 'manifest':
      return isBucketAddress(given.manifest) ? manifestInBucket(given.manifest) : manifestInFolder(given.manifest)
    case 's3':
      return imagesInBucket(given.prefix)
  }
}

/** Files that are asked for their sizes at once. */
const asked = 64

async function imagesInFolder(folder: string, pattern?: string): Promise<FoundImages> {
  const paths = await picturesIn(folder, pattern)
  const outside = paths.find((path) => path.startsWith('../') || isAbsolute(path))
  if (outside !== undefined)
    throw new ArgumentError(`images from glob: ${pattern} leads out of ${folder}, to ${outside}: make that the folder`)
  const images: RunImage[] = []
  for (let i = 0; i < paths.length; i += asked)
    images.push(
      ...(await Promise.all(
        paths.slice(i, i + asked).map(async (path) => {
          const found = await stat(join(folder, path)).catch(() => undefined)
          return { id: path, path, ...(found && { size: found.size }) }
        }),
      )),
    )
  return { root: folder, images }
}

async function manifestInFolder(path: string): Promise<FoundImages> {
  return { root: dirname(path), images: await readInput(path, (bytes) => imagesOfManifest(basename(path), bytes)) }
}

async function manifestInBucket(address: string): Promise<FoundImages> {
  const { bucket, key } = bucketAddress(address)
  const bytes = await (await openBucket(bucket)).whole(key)
  if (!bytes) throw new StoreError(`${address}: there is no such object`)
  const root = `s3://${bucket}/${key.slice(0, key.lastIndexOf('/') + 1)}`
  return { root, images: await imagesOfManifest(address, bytes) }
}

async function imagesInBucket(address: string): Promise<FoundImages> {
  const { bucket, key: prefix } = bucketPrefix(address)
  const images: RunImage[] = []
  for await (const { key, size } of (await openBucket(bucket)).list(prefix)) {
    const path = key.slice(prefix.length)
    if (pictureName.test(path)) images.push({ id: path, path, size })
  }
  return { root: `s3://${bucket}/${prefix}`, images: images.sort(byId) }
}

const pictureName = /\.(png|jpe?g|jpe|jfif|webp|gif|bmp|avif)$/i

function byId(a: RunImage, b: RunImage): number {
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0
}

/** The list as a file of lines, and what the planned run says of it. */
export function writtenList(
  { root, images }: FoundImages,
  shardSize: number,
): { readonly list: Extract<ImageList, { kind: 'list' }>; readonly content: Uint8Array } {
  const offsets: number[] = []
  const parts: Buffer[] = []
  let end = 0
  for (let first = 0; first < images.length; first += shardSize) {
    offsets.push(end)
    const lines = images.slice(first, first + shardSize).map((image) => `${JSON.stringify(image)}\n`)
    const part = Buffer.from(lines.join(''))
    parts.push(part)
    end += part.length
  }
  const content = Buffer.concat(parts)
  const sha256 = createHash('sha256').update(content).digest('hex')
  const name = `images.${sha256.slice(0, 16)}.jsonl`
  return { list: { kind: 'list', root, count: images.length, name, sha256, offsets: [...offsets, end] }, content }
}

const line = v.object({
  id: v.string(),
  path: v.string(),
  label: v.optional(v.string()),
  size: v.optional(v.number()),
})

/** A shard's images. @throws StoreError, FormatError where the list is gone or damaged */
export async function imagesOfShard(
  list: ImageList,
  shardSize: number,
  shard: number,
  store: Store,
): Promise<readonly RunImage[]> {
  const first = shard * shardSize
  const count = Math.min(shardSize, list.count - first)
  if (list.kind === 'test-set')
    return Array.from({ length: count }, (_, i) => {
      const index = list.first + first + i
      return { id: String(index), index }
    })
  const place = `${store.address}: ${list.name}`
  const file = await store.open(list.name)
  if (!file) throw new FormatError(`${place} is missing: it lists the images of the run`)
  const [start, end] = list.offsets.slice(shard, shard + 2)
  const text = new TextDecoder().decode(await file.slice(start, end))
  const lines = text.split('\n').filter((content) => content !== '')
  if (lines.length !== count)
    throw new FormatError(`${place} is damaged: it has ${lines.length} images in shard ${shard}, not ${count}`)
  return lines.map((content) => parsed(place, line, JSON.parse(content)))
}
