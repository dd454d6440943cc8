import { LimelightError } from '../../engine/errors.ts'
import { inWords, isOfPlace, UnusableRunError } from './errors.ts'
import type { OpenedRun, ShardOutcome } from './opened-run.ts'

interface ComputeShardsOptions {
  readonly signal: AbortSignal
  /** Hears of the images of all these shards, how many are done. */
  readonly onProgress?: (done: number, total: number) => void
  /** Hears of shards that failed, while others are still to be computed. */
  readonly onNote?: (text: string) => void
}

interface Failure {
  readonly shard: number
  readonly error: unknown
}

/**
 * Computes shards one after the other, and publishes them. One that fails by its own fault keeps no other from being computed.
 * @throws LimelightError at the end where shards failed, that says which, and why the first did; at once signal.reason after an abort,
 *   and what any other shard would meet, too: a store that can't be written, a model that can't be had
 */
export async function computeShards(
  opened: OpenedRun,
  shards: readonly number[],
  { signal, onProgress, onNote }: ComputeShardsOptions,
): Promise<ShardOutcome[]> {
  const sizeOf = (shard: number) => Math.min(opened.run.shardSize, opened.imageCount - shard * opened.run.shardSize)
  const total = shards.reduce((sum, shard) => sum + sizeOf(shard), 0)
  const outcomes: ShardOutcome[] = []
  const failures: Failure[] = []
  let before = 0
  for (const shard of shards) {
    signal.throwIfAborted()
    try {
      const tell = ({ done }: { readonly done: number }) => onProgress?.(before + done, total)
      outcomes.push(await opened.compute(shard, { signal, onProgress: tell }))
    } catch (error) {
      if (signal.aborted || isOfPlace(error) || error instanceof UnusableRunError) throw error
      failures.push({ shard, error })
      onNote?.(`shard ${shard} failed: ${inWords(error)}`)
    }
    before += sizeOf(shard)
    onProgress?.(before, total)
  }
  const [first] = failures
  if (!first) return outcomes
  const failed = failures.map(({ shard }) => shard).join(', ')
  throw new LimelightError(
    `${failures.length} of ${shards.length} shards failed, and the others are published: ${failed}; shard ${first.shard}: ${inWords(first.error)}`,
    { cause: first.error },
  )
}
