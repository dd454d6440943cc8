import { LimelightError } from '../../engine/errors.ts'
import type { OpenedRun } from '../runs/opened-run.ts'
import { isCancelled, markCancelled, unmarkCancelled } from './cancelled-runs.ts'
import type { OpenQueue } from './queue-connection.ts'
import { addShards, queuedShards, removeShards } from './queued-shards.ts'
import { jobIdOf, readShardJob, type ShardJob } from './shard-job.ts'

/**
 * What people do to a run's shards in the queue. The run's output alone says what is done: each of these may be repeated, whatever the
 * queue lost.
 */

export interface Submitted {
  readonly run: string
  readonly shards: number
  readonly published: number
  /** In the queue before. */
  readonly queued: number
  /** Set aside by workers: they stay so until they are retried. */
  readonly failed: number
  readonly added: number
}

/** Puts the shards into the queue that are neither published nor there. */
export async function submitRun(open: OpenQueue, output: string, opened: OpenedRun): Promise<Submitted> {
  const { hash: run, shardCount: shards } = opened
  await checkSamePlace(open, { run, output })
  await unmarkCancelled(open, run)
  // After that: what workers are giving up they put back if they find it wanted when it is gone, and else it is gone by now.
  const queued = await queuedShards(open, run)
  // After the queue was asked: what is published in between is in one of both.
  const published = await opened.published()
  const isThere = (shard: number) =>
    published.has(shard) || queued.waiting.has(shard) || queued.computing.has(shard) || queued.failed.has(shard)
  const missing = Array.from({ length: shards }, (_, shard) => shard).filter((shard) => !isThere(shard))
  await addShards(open, { run, output }, missing)
  return {
    run,
    shards,
    published: published.size,
    queued: queued.waiting.size + queued.computing.size,
    failed: queued.failed.size,
    added: missing.length,
  }
}

/** A run's hash does not say where its results go, and jobs have their names by the hash. @throws LimelightError */
async function checkSamePlace(open: OpenQueue, { run, output }: Pick<ShardJob, 'run' | 'output'>): Promise<void> {
  const { waiting, computing, failed } = await queuedShards(open, run)
  const [shard] = [...waiting, ...computing, ...failed]
  if (shard === undefined) return
  const job = await open.queue.getJob(jobIdOf({ run, shard }))
  if (!job) return
  const there = readShardJob(job.data).output
  if (there !== output)
    throw new LimelightError(
      `the run ${run} is in this queue with the output ${there}, not ${output}: ${
        (await isCancelled(open, run))
          ? 'it was cancelled, and workers give it up within seconds; submit again then'
          : `take it out first (limelight batch cancel ${run})`
      }`,
    )
}

export interface Cancelled {
  readonly run: string
  /** Taken out of the queue. */
  readonly removed: number
  /** Given up by the workers that compute them, within seconds. */
  readonly computing: number
}

/** Takes a run's shards out of the queue. What is published stays. @param run its hash */
export async function cancelRun(open: OpenQueue, run: string): Promise<Cancelled> {
  await markCancelled(open, run)
  const { waiting, failed } = await queuedShards(open, run)
  const removed = await removeShards(open, run, [...waiting, ...failed])
  const { computing } = await queuedShards(open, run)
  return { run, removed, computing: computing.size }
}

export interface Retried {
  readonly run: string
  /** They wait again, with all their tries. */
  readonly retried: number
  /** They were published after all, by a worker that the queue had given up. */
  readonly published: number
}

/** Puts the shards that were set aside into the queue again. */
export async function retryRun(open: OpenQueue, output: string, opened: OpenedRun): Promise<Retried> {
  const { hash: run } = opened
  const failed = [...(await queuedShards(open, run)).failed]
  const published = await opened.published()
  const missing = failed.filter((shard) => !published.has(shard))
  if (missing.length > 0) await unmarkCancelled(open, run)
  // As new: a job that is only moved keeps the count of its workers' deaths.
  await removeShards(open, run, failed)
  await addShards(open, { run, output }, missing)
  return { run, retried: missing.length, published: failed.length - missing.length }
}
