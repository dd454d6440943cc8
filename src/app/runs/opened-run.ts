import type { PlannedRun } from './planned-run.ts'

/**
 * A run that is planned, as whoever computes its shards sees it: a queue's worker, an array job, a thread. All that they need lies in
 * the run's output, so that its address is all that they are told.
 */
export interface OpenedRun {
  readonly run: PlannedRun
  /** Names the run: 16 hexadecimal digits. */
  readonly hash: string
  readonly imageCount: number
  /** Shards are numbered from 0 to shardCount - 1. */
  readonly shardCount: number
  /** The shards that are published by now. @throws StoreError */
  published(): Promise<ReadonlySet<number>>
  /**
   * Computes a shard and publishes it; one that is published already is left as it is, and nothing is computed. May be called again and
   * again; calls that overlap share the model, and gain nothing by that.
   * @throws ArgumentError for a shard that there is not; LimelightError for one of whose images all (two or more) fail for the same reason,
   *   which is nothing that they could help; UnusableRunError; ConflictError where another content is published under the shard's name;
   *   signal.reason after an abort, which leaves nothing half-published; StoreError; PlaceError where the model can't be had or put on a
   *   device. After any error but an abort the next call opens the model anew
   */
  compute(shard: number, options?: ComputeOptions): Promise<ShardOutcome>
  /**
   * Publishes `_SUCCESS`, which says what all shards come to. Whoever calls it first does; later calls find the same.
   * @throws LimelightError, where shards are missing, that says which
   */
  finish(): Promise<RunSuccess>
  /** Frees the model and its device. */
  close(): Promise<void>
}

export interface ComputeOptions {
  readonly signal?: AbortSignal
  /** Hears after each image of how many of the shard's are done. */
  readonly onProgress?: (progress: ShardProgress) => void
}

export interface ShardProgress {
  readonly shard: number
  /** Images. */
  readonly done: number
  readonly total: number
}

/** What became of a shard; plain data. */
export interface ShardOutcome {
  readonly shard: number
  /** Under which name in the output. */
  readonly name: string
  /** Whether this call published it, or somebody else had: with the same content, as is checked wherever bits are equal. */
  readonly published: 'now' | 'before'
  readonly images: number
  readonly rows: number
  /** Images that could not be explained: each is a row that says why. */
  readonly errors: number
  /** SHA-256 of what is in the rows, but for what differs from one computation to the next (how long it took). */
  readonly content: string
  /** That this call spent on computing. */
  readonly seconds: number
}

/** What `_SUCCESS` says. */
export interface RunSuccess {
  readonly version: 1
  readonly run: string
  readonly shards: number
  readonly images: number
  readonly rows: number
  readonly errors: number
  /** SHA-256 of all shards' contents, one after the other. */
  readonly content: string
}

/** What whoever opens a run decides: nothing of it changes a bit of the results. */
export interface OpenRunOptions {
  /** Threads of the cpu device; all the processor has unless given. */
  readonly threads?: number
  /** Bytes that models and images from a bucket may take in the cache; 8 GiB unless given. */
  readonly cacheBytes?: number
  /** Hears of what people should know. */
  readonly onNote?: (text: string) => void
}
