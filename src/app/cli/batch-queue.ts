import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import { type Command, Option } from 'commander'
import { LimelightError } from '../../engine/errors.ts'
import { queueAddress } from '../queue/queue-address.ts'
import { type OpenQueue, withQueue } from '../queue/queue-connection.ts'
import { type Cancelled, cancelRun, retryRun, submitRun } from '../queue/run-in-queue.ts'
import { statusInWords, statusOf } from '../queue/run-status.ts'
import { isRunHash } from '../queue/shard-job.ts'
import { ShardThreads } from '../queue/shard-threads.ts'
import { workLog } from '../queue/work-log.ts'
import { work } from '../queue/worker.ts'
import { isBucketAddress } from '../runs/bucket-address.ts'
import { openRun } from '../runs/open-run.ts'
import type { OpenedRun } from '../runs/opened-run.ts'
import { outputOf } from './given-run.ts'
import { integer, path } from './options.ts'
import { interruptSignal, note, result } from './terminal.ts'

/** The part of `limelight batch` that takes a queue: workers anywhere that reach the queue and the run's output. */

interface QueueOptions {
  readonly queue?: string
  readonly json?: boolean
}

type RunWork = (open: OpenQueue, output: string, run: OpenedRun) => Promise<void>

/** Opens a run and its queue for a command that asks or tells them something, and is done. */
async function withRun(given: string, { queue }: QueueOptions, work: RunWork): Promise<void> {
  const address = queueAddress(queue)
  const output = await outputOf(given)
  const run = await openRun(output)
  try {
    // Workers have working folders of their own.
    const place = isBucketAddress(output) ? output : resolve(output)
    await withQueue(address, (open) => work(open, place, run), note)
  } finally {
    await run.close()
  }
}

function submit(file: string, options: QueueOptions): Promise<void> {
  return withRun(file, options, async (open, output, run) => {
    const submitted = await submitRun(open, output, run)
    const { run: hash, shards, published, queued, failed, added } = submitted
    const others = [
      `${published} are published`,
      `${queued} were queued before`,
      ...(failed > 0 ? [`${failed} are set aside`] : []),
    ]
    result(
      options.json
        ? JSON.stringify(submitted)
        : `run ${hash}: ${added} of ${shards} shards added to the queue; ${others.join(', ')}`,
    )
  })
}

/** By its hash, too: a run's output may be gone while its shards wait. */
async function cancel(given: string, options: QueueOptions): Promise<void> {
  const tell = (cancelled: Cancelled) => {
    const { run, removed, computing } = cancelled
    result(
      options.json
        ? JSON.stringify(cancelled)
        : `run ${run}: ${removed} shards taken out of the queue; ${computing} that are computed now will be given up`,
    )
  }
  if (isRunHash(given)) tell(await withQueue(queueAddress(options.queue), (open) => cancelRun(open, given), note))
  else await withRun(given, options, async (open, _output, { hash }) => tell(await cancelRun(open, hash)))
}

function retry(file: string, options: QueueOptions): Promise<void> {
  return withRun(file, options, async (open, output, run) => {
    const retried = await retryRun(open, output, run)
    const published = retried.published > 0 ? `; ${retried.published} had been published after all` : ''
    result(
      options.json ? JSON.stringify(retried) : `run ${retried.run}: ${retried.retried} shards wait again${published}`,
    )
  })
}

interface StatusOptions extends QueueOptions {
  readonly watch?: boolean
}

const watchSeconds = 2

function status(file: string, options: StatusOptions): Promise<void> {
  const signal = options.watch ? interruptSignal() : undefined
  return withRun(file, options, async (open, _output, run) => {
    for (;;) {
      const now = await statusOf(open, run)
      result(options.json ? JSON.stringify(now) : statusInWords(now))
      const { published, total, computing, waiting, failed, missing } = now.shards
      if (!signal || published === total) return
      if (computing + waiting === 0)
        throw new LimelightError(
          `nothing of the run ${now.run} is computed or waits any more: ${failed} shards are set aside, ${missing} in no queue`,
        )
      await after(watchSeconds * 1000, undefined, { signal }).catch(() => signal.throwIfAborted())
    }
  })
}

interface WorkerOptions extends QueueOptions {
  readonly concurrency: number
  readonly threads?: number
  readonly cache?: number
  readonly lock: number
  readonly grace: number
  readonly metricsPort?: number
  readonly log: 'text' | 'json'
}

async function workOnQueue(options: WorkerOptions): Promise<void> {
  const { queue, concurrency, lock, grace, metricsPort, cache } = options
  const log = workLog(options.log, note)
  const threads = options.threads ?? Math.max(1, Math.floor(availableParallelism() / concurrency))
  await work({
    address: queueAddress(queue),
    concurrency,
    lockSeconds: lock,
    graceSeconds: grace,
    metricsPort,
    computer: new ShardThreads({ threads, cacheBytes: cache && cache * 2 ** 20 }, (text) =>
      log('warning', 'note', text),
    ),
    log,
    signal: interruptSignal('what was published stays, and what was not is in the queue'),
  })
}

/** Adds the commands that need a queue to `limelight batch`. */
export function addQueueCommands(batch: Command): void {
  const onQueue = (command: Command) =>
    command.option(
      '--queue <address>',
      'redis://host:port, or rediss:// with TLS; the variable LIMELIGHT_QUEUE unless given; its password from LIMELIGHT_QUEUE_PASSWORD',
    )
  const ofRun = (name: string, description: string) =>
    onQueue(
      batch.command(name).description(description).argument('<run>', 'RUN.json, or the output of a planned run', path),
    ).option('--json', 'print it as JSON')
  ofRun('submit', 'plan a run, and put its shards into a queue; again, those that are missing').action(submit)
  ofRun('status', 'how far a run is, how fast, and how long yet')
    .option('--watch', 'every two seconds, until all is published')
    .action(status)
  ofRun('cancel', "take a run's shards out of the queue; what is published stays").action(cancel)
  ofRun('retry', 'put the shards into the queue again that failed three times').action(retry)
  onQueue(
    batch.command('work').description('take shards from a queue, and compute and publish them, until a signal comes'),
  )
    .option('--concurrency <n>', 'shards at once', integer(1, 1024), 1)
    .option('--threads <n>', 'threads a shard; the processor is shared out among the shards unless given', integer(1))
    .option('--cache <MiB>', 'what files from buckets may take on this machine (8192)', integer(0))
    .option(
      '--lock <seconds>',
      'how long a shard stays with a worker of which nothing is heard',
      integer(1, 86_400),
      30,
    )
    .option(
      '--grace <seconds>',
      'how long shards may take to be finished after SIGTERM; then they go back to the queue',
      integer(0, 86_400),
      25,
    )
    .option('--metrics-port <port>', 'serve metrics to Prometheus at this port', integer(0, 65_535))
    .addOption(
      new Option('--log <form>', 'what is told on stderr: text, or a JSON object a line')
        .choices(['text', 'json'])
        .default('text'),
    )
    .action(workOnQueue)
}
