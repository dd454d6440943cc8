import type { OpenedRun } from '../runs/opened-run.ts'
import type { OpenQueue } from './queue-connection.ts'
import { queuedShards } from './queued-shards.ts'
import { failureInWords, jobIdOf, readProgress } from './shard-job.ts'

/** How far a run is: its output says what is done, the queue what is being done, and how fast. */
export interface RunStatus {
  readonly run: string
  readonly images: { readonly total: number; readonly published: number }
  readonly shards: {
    readonly total: number
    readonly published: number
    readonly computing: number
    readonly waiting: number
    readonly failed: number
    /** Neither published nor in the queue, which may have lost them: to be submitted again. */
    readonly missing: number
  }
  /** Of all workers together, by what they told last. */
  readonly imagesASecond: number
  /** For what is computed and waits; null where nothing moves. */
  readonly secondsLeft: number | null
  readonly failures: readonly { readonly shard: number; readonly reason: string }[]
}

/** What a worker told longer ago says nothing of now. */
const freshMs = 60_000

export async function statusOf(open: OpenQueue, opened: OpenedRun): Promise<RunStatus> {
  const { hash: run, imageCount, shardCount } = opened
  const queued = await queuedShards(open, run)
  const published = await opened.published()
  const without = (shards: ReadonlySet<number>) => [...shards].filter((shard) => !published.has(shard))
  const [computing, waiting, failed] = [without(queued.computing), without(queued.waiting), without(queued.failed)]
  const { done, imagesASecond } = await pace(open, run, computing)
  const sizeOf = (shard: number) => Math.min(opened.run.shardSize, imageCount - shard * opened.run.shardSize)
  const imagesOf = (shards: Iterable<number>) => [...shards].reduce((sum, shard) => sum + sizeOf(shard), 0)
  const toDo = imagesOf(computing) + imagesOf(waiting) - done
  const known = new Set([...computing, ...waiting, ...failed])
  return {
    run,
    images: { total: imageCount, published: imagesOf(published) },
    shards: {
      total: shardCount,
      published: published.size,
      computing: computing.length,
      waiting: waiting.filter((shard) => !computing.includes(shard)).length,
      failed: failed.length,
      missing: shardCount - published.size - known.size,
    },
    imagesASecond,
    secondsLeft: toDo === 0 ? 0 : imagesASecond > 0 ? toDo / imagesASecond : null,
    failures: await failuresOf(open, run, failed),
  }
}

async function pace({ queue }: OpenQueue, run: string, computing: readonly number[]) {
  const jobs = await Promise.all(computing.map((shard) => queue.getJob(jobIdOf({ run, shard }))))
  const told = jobs.map((job) => readProgress(job?.progress)).filter((progress) => progress !== null)
  const fresh = told.filter(({ at }) => Date.now() - at < freshMs)
  return {
    done: fresh.reduce((sum, { done }) => sum + done, 0),
    imagesASecond: fresh.reduce((sum, progress) => sum + progress.imagesASecond, 0),
  }
}

/** As many as people read. */
const mostFailures = 20

async function failuresOf({ queue }: OpenQueue, run: string, failed: readonly number[]) {
  const told = [...failed].sort((a, b) => a - b).slice(0, mostFailures)
  const jobs = await Promise.all(told.map((shard) => queue.getJob(jobIdOf({ run, shard }))))
  return told.map((shard, i) => ({ shard, reason: failureInWords(jobs[i]?.failedReason ?? 'it was retried just now') }))
}

export function statusInWords({ run, images, shards, imagesASecond, secondsLeft, failures }: RunStatus): string {
  const counts = [
    `${shards.published} of ${shards.total} shards published`,
    `${shards.computing} computed now`,
    `${shards.waiting} waiting`,
    ...(shards.failed > 0 ? [`${shards.failed} set aside`] : []),
    ...(shards.missing > 0 ? [`${shards.missing} in no queue`] : []),
  ]
  const isDone = shards.published === shards.total
  const left = secondsLeft === null ? 'time left unknown' : `${duration(secondsLeft)} left`
  return [
    `run ${run}: ${counts.join(', ')}`,
    `${images.published} of ${images.total} images${isDone ? '' : `, ${imagesASecond.toFixed(1)} a second, ${left}`}`,
    ...failures.map(({ shard, reason }) => `shard ${shard} is set aside: ${reason}`),
    ...(shards.failed > failures.length ? [`and ${shards.failed - failures.length} more`] : []),
    ...(shards.failed > 0 ? ['`limelight batch retry` tries them again'] : []),
    ...(shards.missing > 0 ? ['`limelight batch submit` adds what is in no queue'] : []),
    ...(isDone ? ['`limelight batch finish` says so in the output'] : []),
  ].join('\n')
}

/** '3 h 20 min', '4 min', '12 s' */
function duration(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s`
  const minutes = Math.round(seconds / 60)
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}
