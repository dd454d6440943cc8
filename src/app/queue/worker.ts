import { setTimeout as after } from 'node:timers/promises'
import type { Worker } from 'bullmq'
import type { LimelightError } from '../../engine/errors.ts'
import { Metrics } from './metrics.ts'
import { type MetricsServer, serveMetrics } from './metrics-server.ts'
import type { QueueAddress } from './queue-address.ts'
import { loadBullMq, type OpenQueue, openQueue } from './queue-connection.ts'
import { failureInWords, queueName, readShardJob, type ShardJob, shardOfJobId, triesOfShard } from './shard-job.ts'
import type { ShardComputer } from './shard-threads.ts'
import { inWords, ShardsInWork, type WorkPlace } from './shards-in-work.ts'
import type { WorkLog } from './work-log.ts'

/**
 * A worker: takes shards from the queue, as many as it computes at once, computes and publishes them in threads, and tells the queue
 * that it lives. A lost queue is waited for; what was taken is computed and published meanwhile. A shard whose lock ended goes on
 * elsewhere, and is computed to its end here, too: whoever is first publishes, and the bits are the same.
 */
export interface WorkOptions {
  readonly address: QueueAddress
  /** Shards at once. */
  readonly concurrency: number
  /** How long a shard stays with a worker of which nothing is heard, in seconds. */
  readonly lockSeconds: number
  /** How long shards may take to be finished after the signal, in seconds; then they are handed back. */
  readonly graceSeconds: number
  /** Where metrics are served: nowhere unless given. */
  readonly metricsPort?: number
  /** What computes, apart from this thread. It is closed with the work. */
  readonly computer: ShardComputer
  readonly log: WorkLog
  /** Ends the work; its reason is thrown. */
  readonly signal: AbortSignal
}

/** Threads that shall stop, and a queue that is lost as the work ends, are waited for so long, in seconds. */
const partingSeconds = 10

/**
 * Works until the signal, or until nothing can be published here.
 * @throws signal.reason; QueueError for a queue that can't be reached at the start; ShardFailedError for what stops the work
 */
export async function work(options: WorkOptions): Promise<never> {
  const { address, computer, log, signal, concurrency, lockSeconds, graceSeconds } = options
  const bull = await loadBullMq()
  const onNote = (text: string) => log('warning', 'note', text)
  const open = await openQueue(address, 'waits', onNote)
  const metrics = new Metrics()
  const place: WorkPlace = { open, bull, computer, log, metrics }
  const shards = new ShardsInWork(place)
  const ended = Promise.race([aborted(signal), broken(shards)])
  const worker = new bull.Worker<ShardJob>(queueName, (job, token) => shards.process(job, token ?? ''), {
    connection: open.redis,
    concurrency,
    lockDuration: lockSeconds * 1000,
    stalledInterval: lockSeconds * 1000,
    maxStalledCount: triesOfShard - 1,
    runRetryDelay: 1000,
    skipVersionCheck: true,
    autorun: false,
  })
  tellOf(worker, place)
  const telling = setInterval(() => void shards.tell(), Math.min(5000, (lockSeconds * 1000) / 4))
  let server: MetricsServer | undefined
  try {
    if (options.metricsPort !== undefined)
      server = await serveMetrics(options.metricsPort, () => metricsNow(place, shards))
    const served = server ? `, metrics at port ${server.port}` : ''
    log('info', 'started', `takes shards from ${address.shown}, ${concurrency} at once${served}`, {
      queue: address.shown,
    })
    worker.run().catch((error: Error) => log('error', 'note', `the queue's loop ended: ${error.message}`))
    const reason = await ended
    log('info', 'stopping', `takes no more shards; ${shards.count} in work may take ${graceSeconds} s more`)
    shards.stop()
    await worker.pause(true)
    await within(graceSeconds, shards.idle())
    shards.returnAll()
    throw reason
  } finally {
    await within(partingSeconds, worker.close())
    clearInterval(telling)
    server?.close()
    await Promise.all([computer.close(), parted(worker, open)])
    log('info', 'stopped', 'the work has ended')
  }
}

function aborted(signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(signal.reason)
    signal.addEventListener('abort', () => resolve(signal.reason), { once: true })
  })
}

function broken(shards: ShardsInWork): Promise<LimelightError> {
  return new Promise((resolve) => {
    shards.onBroken = resolve
  })
}

/** Waits for work to end, and no longer than so many seconds. */
async function within(seconds: number, work: Promise<unknown>): Promise<void> {
  const given = new AbortController()
  await Promise.race([work, after(seconds * 1000, undefined, { signal: given.signal })]).catch(() => {})
  given.abort()
}

/** Cuts the connections, whatever waits for them. */
async function parted(worker: Worker<ShardJob>, { redis }: OpenQueue): Promise<void> {
  redis.disconnect()
  await within(1, worker.disconnect())
}

/** What happens to the connection and to jobs, beside what their computation says of itself. */
function tellOf(worker: Worker<ShardJob>, { open, log, metrics }: WorkPlace): void {
  const { redis, address } = open
  const queue = address.shown
  let isUp = true
  metrics.set('limelight_queue_up', 1)
  const becomes = (up: boolean) => {
    if (up === isUp || worker.closing) return
    isUp = up
    metrics.set('limelight_queue_up', up ? 1 : 0)
    if (up) log('info', 'queue-back', `the queue ${queue} is back`, { queue })
    else
      log(
        'warning',
        'queue-lost',
        `the queue ${queue} is lost: what was taken is computed and published, and the queue is waited for`,
        { queue },
      )
  }
  redis.on('close', () => becomes(false))
  redis.on('ready', () => becomes(true))
  const lost = new Set<string>()
  worker.on('lockRenewalFailed', (ids) => {
    for (const id of ids.filter((one) => !lost.has(one))) {
      lost.add(id)
      metrics.add('limelight_locks_lost_total', 1)
      log(
        'warning',
        'lock-lost',
        `${idInWords(id)} may go on elsewhere, too: its lock ended; the first to publish it does`,
        shardOfJobId(id),
      )
    }
  })
  worker.on('active', ({ id }) => lost.delete(id ?? ''))
  worker.on('stalled', (id) =>
    log('warning', 'note', `nothing was heard of the worker of ${idInWords(id)}: another takes it`, shardOfJobId(id)),
  )
  worker.on('failed', (job, error) => {
    if (!job) return
    metrics.add('limelight_shards_total', 1, { outcome: 'failed' })
    const tries = job.attemptsMade
    const fields = { ...shardOfJobId(job.id ?? ''), tries }
    const why = failureInWords(error.message)
    const what = readable(job.data) ?? `the job ${job.id}`
    if (job.finishedOn === undefined) log('warning', 'failed', `${what} failed, and is tried again: ${why}`, fields)
    else
      log(
        'error',
        'set-aside',
        `${what} failed and is set aside: ${why}; \`limelight batch retry\` tries it again`,
        fields,
      )
  })
  worker.on('error', (error) => {
    // Connections are told of above; a lock or a key that is missing belongs to a shard that went on elsewhere.
    const isKnown =
      /ECONN|ETIMEDOUT|EHOSTUNREACH|EAI_AGAIN|ENOTFOUND|EPIPE|Connection is closed|Socket timeout|[Ll]ock|Missing key/
    if (!isKnown.test(`${'code' in error ? error.code : ''} ${error.message}`) && !worker.closing)
      log('warning', 'note', `the queue says: ${error.message.split('\n')[0]}`)
  })
}

function readable(data: unknown): string | undefined {
  try {
    return inWords(readShardJob(data))
  } catch {
    return undefined
  }
}

function idInWords(id: string): string {
  const known = shardOfJobId(id)
  return known ? inWords({ ...known, output: '' }) : `the job ${id}`
}

async function metricsNow({ open, metrics }: WorkPlace, shards: ShardsInWork): Promise<string> {
  metrics.set('limelight_computing_shards', shards.count)
  metrics.set('limelight_images_per_second', shards.imagesASecond)
  metrics.forget('limelight_queue_shards')
  if (open.redis.status === 'ready')
    await within(
      1,
      open.queue.getJobCounts('waiting', 'active', 'delayed', 'failed').then((counts) => {
        for (const [state, count] of Object.entries(counts)) metrics.set('limelight_queue_shards', count, { state })
      }),
    )
  return metrics.text()
}
