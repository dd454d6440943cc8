import { parentPort, workerData } from 'node:worker_threads'
import { LimelightError } from '../../engine/errors.ts'
import { ConflictError, inWords, isOfPlace, PlaceError, UnusableRunError } from '../runs/errors.ts'
import { openRun } from '../runs/open-run.ts'
import type { OpenedRun } from '../runs/opened-run.ts'
import { type ShardJob, UnusableJobError } from './shard-job.ts'
import type { Fault, ThreadReply, ThreadRequest, ThreadSettings } from './thread-messages.ts'

/**
 * The thread that computes a worker's shards, one at a time, and publishes them. The worker's own thread is left to the queue: however
 * long an image takes, locks are renewed.
 */

const settings: ThreadSettings = workerData
const port = parentPort
if (!port) throw new Error('this file is the beginning of a thread, not of a process')
const reply = (message: ThreadReply) => port.postMessage(message)

/** The run that was computed last: its model stays until another run's shard comes. */
let opened: { readonly output: string; readonly run: OpenedRun } | undefined
let computing: AbortController | undefined

port.on('message', (request: ThreadRequest) => {
  if (request.kind === 'abort') computing?.abort()
  else void compute(request.job)
})

async function compute(job: ShardJob): Promise<void> {
  computing = new AbortController()
  const { signal } = computing
  try {
    const run = await runOf(job)
    const outcome = await run.compute(job.shard, {
      signal,
      onProgress: (progress) => reply({ kind: 'progress', progress }),
    })
    reply({ kind: 'done', outcome })
  } catch (error) {
    if (signal.aborted && error === signal.reason) reply({ kind: 'aborted' })
    else reply({ kind: 'failed', fault: faultOf(error), message: inWords(error) })
  }
}

async function runOf({ output, run: hash, shard }: ShardJob): Promise<OpenedRun> {
  if (opened?.output !== output || opened.run.hash !== hash) {
    await opened?.run.close()
    opened = undefined
    const onNote = (text: string) => reply({ kind: 'note', text })
    // A folder that is not mounted, another version of the program.
    const run = await openRun(output, { ...settings, onNote }).catch((cause: unknown) => {
      throw cause instanceof LimelightError ? new PlaceError(cause) : cause
    })
    opened = { output, run }
  }
  const { run } = opened
  if (run.hash !== hash)
    throw new UnusableJobError(
      `${output} holds the run ${run.hash} now, not ${hash}: submit it anew, and cancel the other`,
    )
  if (shard >= run.shardCount)
    throw new UnusableJobError(`the run ${hash} has ${run.shardCount} shards, and no shard ${shard}`)
  return run
}

function faultOf(error: unknown): Fault {
  const isOfJob = [UnusableJobError, UnusableRunError, ConflictError].some((kind) => error instanceof kind)
  if (isOfJob) return 'job'
  return isOfPlace(error) ? 'place' : 'shard'
}
