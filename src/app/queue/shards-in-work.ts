import type { Job } from 'bullmq'
import type { LimelightError } from '../../engine/errors.ts'
import type { ShardOutcome, ShardProgress } from '../runs/opened-run.ts'
import { isCancelled } from './cancelled-runs.ts'
import type { Metrics, ShardEnd } from './metrics.ts'
import type { loadBullMq, OpenQueue } from './queue-connection.ts'
import { addShards } from './queued-shards.ts'
import { readShardJob, type ShardJob, type ShardJobProgress, UnusableJobError } from './shard-job.ts'
import { type ShardComputer, ShardFailedError } from './shard-threads.ts'
import type { WorkLog } from './work-log.ts'

/** What a worker does with the shards that the queue gives it: each is computed and published, handed back, given up, or fails. */

interface ShardInWork {
  readonly shard: ShardJob
  readonly outcome: Promise<ShardOutcome>
  readonly stop: AbortController
  readonly since: number
  progress?: ShardProgress
}

/** Why a shard is not computed to its end. */
class StoppedError extends Error {
  constructor(readonly why: 'returned' | 'cancelled') {
    super(why)
  }
}

export interface WorkPlace {
  readonly open: OpenQueue
  readonly bull: Awaited<ReturnType<typeof loadBullMq>>
  readonly computer: ShardComputer
  readonly log: WorkLog
  readonly metrics: Metrics
}

export class ShardsInWork {
  private readonly inWork = new Map<string, ShardInWork>()
  private isStopped = false
  private isTelling = false
  /** Of the last shard that was computed here: what is known of the next before its first image. */
  private lastPace = 0
  /** Hears of what has nothing to do with the shard that met it: this worker can go on no more. */
  onBroken: (error: LimelightError) => void = () => {}

  constructor(private readonly place: WorkPlace) {}

  /** What BullMQ calls with a job: it is done when this resolves, and failed when this throws anything but a WaitingError. */
  async process(job: Job<ShardJob>, token: string): Promise<void> {
    const shard = this.read(job)
    if (this.isStopped) return this.handBack(job, token)
    if (await isCancelled(this.place.open, shard.run)) {
      this.ended(shard, 'cancelled')
      return this.takeOut(job, token)
    }
    // The queue gives out anew what it heard nothing of for long, and may give it to whom it had it from: that is the same work.
    const work = this.inWork.get(nameOf(job)) ?? this.begin(nameOf(job), shard)
    try {
      await work.outcome
    } catch (error) {
      await this.cameToNothing(error, job, token)
    }
  }

  /** Resolves when nothing is computed, however it ended. */
  async idle(): Promise<void> {
    await Promise.allSettled([...this.inWork.values()].map(({ outcome }) => outcome))
  }

  /** Takes nothing on any more. */
  stop(): void {
    this.isStopped = true
  }

  /** Hands back what is computed. */
  returnAll(): void {
    this.stop()
    for (const { stop } of this.inWork.values()) stop.abort(new StoppedError('returned'))
  }

  get count(): number {
    return this.inWork.size
  }

  /** Of all that is computed now. */
  get imagesASecond(): number {
    return [...this.inWork.values()].reduce((sum, work) => sum + this.paceOf(work), 0)
  }

  /** Tells the queue how far shards are, and asks it whether they are still wanted. To be called every few seconds. */
  async tell(): Promise<void> {
    // One that the queue has not answered yet is enough: a queue that is back shall not be told of its whole absence.
    if (this.isTelling) return
    this.isTelling = true
    try {
      for (const [id, work] of this.inWork) await this.tellOf(id, work)
    } catch {
      // A job that the queue has forgotten. It is computed all the same: what is published counts.
    } finally {
      this.isTelling = false
    }
  }

  private async tellOf(id: string, work: ShardInWork): Promise<void> {
    const { open } = this.place
    if (await isCancelled(open, work.shard.run)) work.stop.abort(new StoppedError('cancelled'))
    const told: ShardJobProgress = {
      done: work.progress?.done ?? 0,
      imagesASecond: this.paceOf(work),
      at: Date.now(),
    }
    await open.queue.updateJobProgress(id, told)
  }

  /** Images a second since it was begun. */
  private paceOf({ progress, since }: ShardInWork): number {
    return progress ? (progress.done * 1000) / Math.max(1, performance.now() - since) : this.lastPace
  }

  private read(job: Job<ShardJob>): ShardJob {
    try {
      return readShardJob(job.data)
    } catch (error) {
      if (error instanceof UnusableJobError) throw new this.place.bull.UnrecoverableError(error.message)
      throw error
    }
  }

  private begin(id: string, shard: ShardJob): ShardInWork {
    const { computer, log } = this.place
    log('info', 'taken', `${inWords(shard)} was taken`, named(shard))
    const stop = new AbortController()
    const onProgress = (progress: ShardProgress) => {
      work.progress = progress
    }
    const outcome = this.told(shard, computer.compute(shard, { signal: stop.signal, onProgress })).finally(() =>
      this.inWork.delete(id),
    )
    const work: ShardInWork = { shard, outcome, stop, since: performance.now() }
    this.inWork.set(id, work)
    return work
  }

  /** Here, where it is said once, however often the queue gives the shard out. */
  private async told(shard: ShardJob, computing: Promise<ShardOutcome>): Promise<ShardOutcome> {
    try {
      const outcome = await computing
      this.ended(shard, outcome.published === 'now' ? 'published' : 'published_before', outcome)
      return outcome
    } catch (error) {
      if (isCancellation(error)) this.ended(shard, 'cancelled')
      throw error
    }
  }

  private ended(shard: ShardJob, end: ShardEnd, outcome?: ShardOutcome): void {
    const { log, metrics } = this.place
    metrics.add('limelight_shards_total', 1, { outcome: end })
    if (!outcome) {
      log('info', 'cancelled', `${inWords(shard)} was cancelled`, named(shard))
      return
    }
    const { images, errors, seconds } = outcome
    const fields = { ...named(shard), images, errors, seconds }
    if (end === 'published_before') {
      log('info', 'published', `${inWords(shard)} had been published already`, fields)
      return
    }
    if (seconds > 0) this.lastPace = images / seconds
    metrics.add('limelight_images_total', images)
    metrics.add('limelight_image_errors_total', errors)
    metrics.add('limelight_computing_seconds_total', seconds)
    const failed = errors > 0 ? `, ${errors} of them without an explanation` : ''
    log(
      'info',
      'published',
      `${inWords(shard)} is published: ${images} images${failed}, ${seconds.toFixed(1)} s`,
      fields,
    )
  }

  private async cameToNothing(error: unknown, job: Job<ShardJob>, token: string): Promise<void> {
    if (isCancellation(error)) return this.takeOut(job, token)
    if (error instanceof StoppedError) return this.handBack(job, token)
    if (!(error instanceof ShardFailedError)) throw error
    if (error.fault === 'place') {
      this.stop()
      this.onBroken(error)
      return this.handBack(job, token)
    }
    throw error.fault === 'job' ? new this.place.bull.UnrecoverableError(error.message) : error
  }

  /**
   * What is not wanted leaves the queue. Whoever wants it again meanwhile finds it there and adds nothing: so it is asked anew once it is
   * gone, and put back.
   */
  private async takeOut(job: Job<ShardJob>, token: string): Promise<never> {
    const { bull, open } = this.place
    const { run, output, shard } = job.data
    try {
      await job.moveToCompleted(undefined, token, false)
      if (!(await isCancelled(open, run))) await addShards(open, { run, output }, [shard])
    } catch {
      // The queue gave it away already, or is lost: whoever gets it asks whether it is wanted.
    }
    throw new bull.WaitingError()
  }

  /** Back to where it was taken from: this was no try. */
  private async handBack(job: Job<ShardJob>, token: string): Promise<never> {
    const { bull, log, metrics } = this.place
    try {
      await job.moveToWait(token)
      metrics.add('limelight_shards_total', 1, { outcome: 'returned' })
      log('info', 'returned', `${inWords(job.data)} went back to the queue`, named(job.data))
    } catch {
      // The queue gave it away already, or is lost: it gives it away once its lock has ended.
    }
    throw new bull.WaitingError()
  }
}

function isCancellation(error: unknown): boolean {
  return error instanceof StoppedError && error.why === 'cancelled'
}

/** 'shard 7 of the run 0123456789abcdef' */
export function inWords({ run, shard }: ShardJob): string {
  return `shard ${shard} of the run ${run}`
}

function named({ run, shard }: ShardJob) {
  return { run, shard }
}

function nameOf({ id }: Job<ShardJob>): string {
  return id ?? ''
}
