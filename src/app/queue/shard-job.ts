import type { JobsOptions } from 'bullmq'
import * as v from 'valibot'
import { LimelightError } from '../../engine/errors.ts'

/**
 * A job says which shard of which run is to be computed, and where the run lies; nothing in it is executed, and nothing in it is
 * needed to know what is done. Whoever may write to the queue could have put it there, so it is checked before it is used.
 */
export interface ShardJob {
  /** The run's hash. What lies at `output` must have the same. */
  readonly run: string
  /** The run's output: an absolute folder, or s3://bucket/prefix. */
  readonly output: string
  readonly shard: number
}

/** A job that no worker can do: it is set aside at once. */
export class UnusableJobError extends LimelightError {
  override readonly name = 'UnusableJobError'
}

/** Failed tries that a shard has, and as many deaths of workers while they compute it, before it is set aside. */
export const triesOfShard = 3

/** In the queue's keys, after the prefix that is BullMQ's own. */
export const queueName = 'limelight'

const hash = /^[0-9a-f]{16}$/

export function isRunHash(text: string): boolean {
  return hash.test(text)
}

const schema = v.strictObject({
  run: v.pipe(v.string(), v.regex(hash)),
  output: v.pipe(v.string(), v.maxLength(4096), v.regex(/^(\/|[A-Za-z]:[\\/]|\\\\|s3:\/\/[^/])/)),
  shard: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
})

/** @throws UnusableJobError */
export function readShardJob(data: unknown): ShardJob {
  const { success, output } = v.safeParse(schema, data)
  if (!success) throw new UnusableJobError('a job in the queue is not one of `limelight batch submit`')
  return output
}

/** The same shard of the same run has the same name: a queue takes it once. */
export function jobIdOf({ run, shard }: Pick<ShardJob, 'run' | 'shard'>): string {
  return `${run}-${shard}`
}

/** The shard that a job's name says; undefined for another's job. */
export function shardOfJobId(id: string): Pick<ShardJob, 'run' | 'shard'> | undefined {
  const [, run, shard] = /^([0-9a-f]{16})-(\d{1,15})$/.exec(id) ?? []
  return run === undefined ? undefined : { run, shard: Number(shard) }
}

/** Why a job failed, where BullMQ's own words would say nothing to people. */
export function failureInWords(reason: string): string {
  return reason === 'job stalled more than allowable limit'
    ? `${triesOfShard} workers died or froze while they computed it`
    : reason
}

export const shardJobOptions: JobsOptions = {
  attempts: triesOfShard,
  backoff: { type: 'exponential', delay: 2000 },
  // The result is in the run's output. What failed stays, to be told and retried.
  removeOnComplete: true,
  removeOnFail: false,
  stackTraceLimit: 0,
}

/** How far a shard is, as its worker tells the queue every few seconds. */
export interface ShardJobProgress {
  /** Images. */
  readonly done: number
  readonly imagesASecond: number
  /** When it was told, in ms since 1970. */
  readonly at: number
}

const progressSchema = v.object({
  done: v.number(),
  imagesASecond: v.number(),
  at: v.number(),
})

/** What a job's worker told; null where it told nothing yet. */
export function readProgress(progress: unknown): ShardJobProgress | null {
  const { success, output } = v.safeParse(progressSchema, progress)
  return success ? output : null
}
