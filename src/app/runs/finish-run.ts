import { createHash } from 'node:crypto'
import { FormatError, LimelightError } from '../../engine/errors.ts'
import { ConflictError } from './errors.ts'
import type { RunSuccess } from './opened-run.ts'
import type { ShardHeader } from './shard-format.ts'
import { shardFiles } from './shard-name.ts'
import { contentOf, type Store } from './store.ts'

/** The end of a run: when all shards are published, `_SUCCESS` says what they come to. Readers wait for it, as Spark's do. */

export const successName = '_SUCCESS'

interface EndingRun {
  readonly store: Store
  readonly hash: string
  readonly imageCount: number
  readonly shardCount: number
  published(): Promise<ReadonlySet<number>>
  headerOf(shard: number): Promise<ShardHeader>
}

/** Files whose headers are read at once. */
const atOnce = 16

/** @throws LimelightError where shards are missing, that says which; ConflictError where another end is published; StoreError */
export async function finishRun(ending: EndingRun): Promise<RunSuccess> {
  const { store, shardCount } = ending
  const published = await ending.published()
  const missing = Array.from({ length: shardCount }, (_, shard) => shard).filter((shard) => !published.has(shard))
  if (missing.length > 0) throw new LimelightError(inWords(store.address, missing, shardCount))
  const success = await sumOf(ending)
  const text = Buffer.from(`${JSON.stringify(success, null, 2)}\n`)
  if (!(await store.publish(successName, text))) {
    const there = await contentOf(store, successName)
    if (!there || !text.equals(there))
      throw new ConflictError(
        `${store.address}: ${successName} says something else than the shards come to: remove it, and finish the run again`,
      )
  }
  await store.tidy(shardFiles)
  return success
}

async function sumOf({ store, hash, imageCount, shardCount, headerOf }: EndingRun): Promise<RunSuccess> {
  let [images, rows, errors] = [0, 0, 0]
  const content = createHash('sha256')
  for (let first = 0; first < shardCount; first += atOnce) {
    const shards = Array.from({ length: Math.min(atOnce, shardCount - first) }, (_, i) => first + i)
    for (const header of await Promise.all(shards.map(headerOf))) {
      images += header.images
      rows += header.rows
      errors += header.errors
      content.update(header.content)
    }
  }
  if (images !== imageCount)
    throw new FormatError(`${store.address}: the shards hold ${images} images, and the run has ${imageCount}`)
  return { version: 1, run: hash, shards: shardCount, images, rows, errors, content: content.digest('hex') }
}

const mostListed = 10

function inWords(address: string, missing: readonly number[], shardCount: number): string {
  const listed = missing.slice(0, mostListed).join(', ')
  const more = missing.length > mostListed ? ` and ${missing.length - mostListed} more` : ''
  return `${address} is not finished: ${missing.length} of ${shardCount} shards are missing: ${listed}${more}`
}
