import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { LimelightError } from '../../engine/errors.ts'
import { findPackageRoot } from '../data/package-files.ts'
import type { ShardOutcome, ShardProgress } from '../runs/opened-run.ts'
import type { ShardJob } from './shard-job.ts'
import type { Fault, ThreadReply, ThreadRequest, ThreadSettings } from './thread-messages.ts'

/** A shard that came to nothing, and why. */
export class ShardFailedError extends LimelightError {
  override readonly name = 'ShardFailedError'
  readonly fault: Fault

  constructor(message: string, fault: Fault) {
    super(message)
    this.fault = fault
  }
}

export interface ComputeCall {
  /** Its reason is thrown once the thread has stopped. */
  readonly signal: AbortSignal
  readonly onProgress: (progress: ShardProgress) => void
}

/** What computes a worker's shards, and publishes them. */
export interface ShardComputer {
  /** @throws ShardFailedError; signal.reason after an abort */
  compute(job: ShardJob, call: ComputeCall): Promise<ShardOutcome>
  close(): Promise<void>
}

/** A thread that does not look up for so long after an abort is ended: what it would have published is computed again. */
const patienceMs = 5000

/** Threads that compute shards, as many as are asked for at once. One that died is replaced. */
export class ShardThreads implements ShardComputer {
  private idle: Worker[] = []
  private readonly all = new Set<Worker>()

  constructor(
    private readonly settings: ThreadSettings,
    private readonly onNote: (text: string) => void,
  ) {}

  compute(job: ShardJob, { signal, onProgress }: ComputeCall): Promise<ShardOutcome> {
    signal.throwIfAborted()
    const thread = this.idle.pop() ?? this.start()
    return new Promise((resolve, reject) => {
      let impatient: NodeJS.Timeout | undefined
      const abort = () => {
        thread.postMessage({ kind: 'abort' } satisfies ThreadRequest)
        impatient = setTimeout(() => void thread.terminate(), patienceMs)
      }
      const end = (settle: () => void) => {
        clearTimeout(impatient)
        signal.removeEventListener('abort', abort)
        thread.off('message', hear).off('error', fail).off('exit', leave)
        settle()
      }
      const free = (settle: () => void) => {
        this.idle.push(thread)
        end(settle)
      }
      const hear = (reply: ThreadReply) => {
        if (reply.kind === 'progress') onProgress(reply.progress)
        else if (reply.kind === 'note') this.onNote(reply.text)
        else if (reply.kind === 'done') free(() => resolve(reply.outcome))
        else if (reply.kind === 'aborted') free(() => reject(signal.reason))
        else free(() => reject(new ShardFailedError(reply.message, reply.fault)))
      }
      let died = 'it ended'
      const fail = (error: Error) => {
        died = error.message
      }
      const leave = () =>
        end(() =>
          reject(
            signal.aborted ? signal.reason : new ShardFailedError(`the thread that computed it died: ${died}`, 'shard'),
          ),
        )
      thread.on('message', hear).on('error', fail).on('exit', leave)
      signal.addEventListener('abort', abort, { once: true })
      thread.postMessage({ kind: 'compute', job } satisfies ThreadRequest)
    })
  }

  /** Ends all threads, whatever they do. */
  async close(): Promise<void> {
    await Promise.all([...this.all].map((thread) => thread.terminate()))
  }

  private start(): Worker {
    const thread = new Worker(join(findPackageRoot(), 'dist', 'shard-thread.js'), { workerData: this.settings })
    this.all.add(thread)
    thread.on('exit', () => {
      this.all.delete(thread)
      this.idle = this.idle.filter((other) => other !== thread)
    })
    // Heard by the shard that it computes; unheard it would end the process.
    thread.on('error', () => {})
    return thread
  }
}
