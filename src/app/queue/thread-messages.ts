import type { ShardOutcome, ShardProgress } from '../runs/opened-run.ts'
import type { ShardJob } from './shard-job.ts'

/** What a worker says to the threads that compute for it, and they to it. */

/** What a thread is to compute with, as it is started. */
export interface ThreadSettings {
  /** Of the cpu device. */
  readonly threads: number
  readonly cacheBytes?: number
}

export type ThreadRequest =
  | { readonly kind: 'compute'; readonly job: ShardJob }
  /** What is being computed is not wanted any more. */
  | { readonly kind: 'abort' }

export type ThreadReply =
  | { readonly kind: 'progress'; readonly progress: ShardProgress }
  | { readonly kind: 'note'; readonly text: string }
  | { readonly kind: 'done'; readonly outcome: ShardOutcome }
  | { readonly kind: 'aborted' }
  | { readonly kind: 'failed'; readonly fault: Fault; readonly message: string }

/**
 * Whose fault it is that a shard came to nothing: the shard's own, which may be tried again; the job's, which no worker can do; or that
 * of the place where this worker computes, which has nothing to do with the shard (a full disk, a bucket that refuses, another version).
 */
export type Fault = 'shard' | 'job' | 'place'
