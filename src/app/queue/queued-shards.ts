import type { JobType } from 'bullmq'
import type { OpenQueue } from './queue-connection.ts'
import { jobIdOf, type ShardJob, shardJobOptions, shardOfJobId } from './shard-job.ts'

/** What of a run is in the queue, found by the names of jobs alone: a hundred thousand are one answer of a few megabytes. */

export interface QueuedShards {
  /** A worker will take them; some of them after a failed try. */
  readonly waiting: ReadonlySet<number>
  readonly computing: ReadonlySet<number>
  /** Set aside, until `limelight batch retry`. */
  readonly failed: ReadonlySet<number>
}

export async function queuedShards({ queue }: OpenQueue, run: string): Promise<QueuedShards> {
  const of = async (...names: JobType[]) => {
    const ids = await queue.getRanges(names, 0, -1)
    return new Set(
      ids
        .map((id) => shardOfJobId(id))
        .filter((named) => named?.run === run)
        .map((named) => named?.shard ?? 0),
    )
  }
  // Failed last: what moves meanwhile moves in this direction, and would be counted by nobody otherwise.
  const waiting = await of('wait', 'prioritized', 'delayed')
  const computing = await of('active')
  return { waiting, computing, failed: await of('failed') }
}

/** Shards that are worked on at once by what goes through a run: commands in one packet to the queue. */
const packet = 1000

/** Puts shards into the queue; one that is there already stays as it is. */
export async function addShards(
  { queue }: OpenQueue,
  run: Pick<ShardJob, 'run' | 'output'>,
  shards: readonly number[],
): Promise<void> {
  for (const part of packets(shards))
    await queue.addBulk(
      part.map((shard) => {
        const data = { ...run, shard }
        return { name: 'shard', data, opts: { ...shardJobOptions, jobId: jobIdOf(data) } }
      }),
    )
}

/** Takes shards out of the queue; one that is computed just now stays. Resolves to how many went. */
export async function removeShards({ queue }: OpenQueue, run: string, shards: readonly number[]): Promise<number> {
  let removed = 0
  for (const part of packets(shards)) {
    const gone = await Promise.all(part.map((shard) => queue.remove(jobIdOf({ run, shard }))))
    removed += gone.reduce((sum, count) => sum + count, 0)
  }
  return removed
}

function* packets(shards: readonly number[]): Generator<readonly number[]> {
  for (let first = 0; first < shards.length; first += packet) yield shards.slice(first, first + packet)
}
