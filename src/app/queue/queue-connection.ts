import { isIP } from 'node:net'
import type { Queue } from 'bullmq'
import type { Redis, RedisOptions } from 'ioredis'
import { LimelightError } from '../../engine/errors.ts'
import { packageVersion } from '../data/package-files.ts'
import { passwordVariable, type QueueAddress } from './queue-address.ts'
import { queueName, type ShardJob } from './shard-job.ts'

/** A queue that can't be reached, refuses, or is none. What is published does not depend on it. */
export class QueueError extends LimelightError {
  override readonly name = 'QueueError'
}

export interface OpenQueue {
  readonly queue: Queue<ShardJob>
  readonly redis: Redis
  readonly address: QueueAddress
  close(): Promise<void>
}

/** BullMQ and its client of Redis: packages that whoever has a queue installs beside this one. */
export async function loadBullMq() {
  try {
    const [{ Queue, UnrecoverableError, WaitingError, Worker }, { Redis }] = await Promise.all([
      import('bullmq'),
      import('ioredis'),
    ])
    return { Queue, UnrecoverableError, WaitingError, Worker, Redis }
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && String(cause.code).endsWith('MODULE_NOT_FOUND'))
      throw new LimelightError('a queue needs two more packages: npm install bullmq ioredis', { cause })
    throw cause
  }
}

/** Nothing that was asked of a queue takes this long: its connection is dead, whatever the system thinks of it. */
const deadAfterMs = 15_000

/**
 * Opens a queue, once it has answered.
 * @param onLost 'waits': what is asked goes on being asked until the queue is back, as workers want it; 'fails': it is given up
 * after a few tries
 * @param onNote hears of what whoever runs the queue should know
 * @throws QueueError; LimelightError where a package is missing
 */
export async function openQueue(
  address: QueueAddress,
  onLost: 'waits' | 'fails',
  onNote: (text: string) => void = () => {},
): Promise<OpenQueue> {
  const { Queue: BullQueue, Redis: RedisClient } = await loadBullMq()
  await checkQueue(
    new RedisClient({ ...optionsOf(address), lazyConnect: true, retryStrategy: () => null }),
    address,
    onNote,
  )
  const redis = new RedisClient({
    ...optionsOf(address),
    maxRetriesPerRequest: onLost === 'waits' ? null : 3,
    retryStrategy: (times) => Math.min(100 * 2 ** times, 2000),
  })
  // Whoever asks hears of it. An error of this client that nobody heard would be printed by it.
  redis.on('error', () => {})
  const queue = new BullQueue<ShardJob>(queueName, {
    connection: redis,
    streams: { events: { maxLen: 1000 } },
    skipVersionCheck: true,
    skipMetasUpdate: onLost === 'waits',
  })
  queue.on('error', () => {})
  return {
    queue,
    redis,
    address,
    async close() {
      await queue.close().catch(() => {})
      redis.disconnect()
    },
  }
}

function optionsOf({ host, port, database, username, password, tls }: QueueAddress): RedisOptions {
  return {
    host,
    port,
    db: database,
    username,
    password,
    ...(tls && { tls: isIP(host) ? {} : { servername: host } }),
    connectTimeout: 5000,
    socketTimeout: deadAfterMs,
    keepAlive: 10_000,
    connectionName: `limelight ${packageVersion()}`.replaceAll(' ', '-'),
  }
}

/** Talks to it once: what is wrong at the start is said, not waited for. @throws QueueError */
async function checkQueue(redis: Redis, address: QueueAddress, onNote: (text: string) => void): Promise<void> {
  let reason: unknown
  redis.on('error', (error) => {
    reason = error
  })
  try {
    await redis.connect()
    const about = await redis.info()
    const field = (name: string) => new RegExp(`^${name}:(.*)\r?$`, 'm').exec(about)?.[1]
    const version = field('valkey_version') ?? field('redis_version') ?? '0'
    if (Number.parseFloat(version) < 6.2)
      throw new QueueError(`the queue ${address.shown} is Redis ${version}: 6.2 or later is needed, or Valkey`)
    const policy = field('maxmemory_policy')
    if (policy !== undefined && policy !== 'noeviction' && field('maxmemory') !== '0')
      onNote(
        `the queue ${address.shown} forgets jobs when its memory is full (${policy}): set maxmemory-policy noeviction`,
      )
  } catch (error) {
    throw error instanceof QueueError ? error : queueError(reason ?? error, address)
  } finally {
    redis.disconnect()
  }
}

const silent = 'it does not answer'
const closed = 'it closed the connection'

/** What errors of sockets, TLS and Redis mean, and what to do. By code, or by how the message begins. */
const reasons: readonly (readonly [RegExp, string])[] = [
  [/^ECONNREFUSED/, 'nothing listens there; start Redis or Valkey, or give another address'],
  [/^(ENOTFOUND|EAI_AGAIN)/, 'no host has this name'],
  [/^(ETIMEDOUT|EHOSTUNREACH|ENETUNREACH)|connect ETIMEDOUT|timeout/i, silent],
  [/^(ECONNRESET|EPIPE)|Connection is closed/, closed],
  [/^WRONGPASS|invalid password/i, `it refuses the user or the password; ${passwordVariable} holds the password`],
  [/^NOAUTH/, `it wants a password: put it into the variable ${passwordVariable}`],
  [/^NOPERM/, 'its user may not do what a queue needs'],
  [/^ERR AUTH/, `it has no password, but ${passwordVariable} or REDIS_PASSWORD is set`],
  [
    /WRONG_VERSION_NUMBER|packet length too long/i,
    'it speaks no TLS there; take redis:// in place of rediss://, or its other port',
  ],
  [/ALTNAME/, 'its certificate is of another host: give the name that it is for'],
  [/^CERT_HAS_EXPIRED/, 'its certificate has expired'],
  [
    /CERT|certificate/i,
    'its certificate is none that is trusted here; NODE_EXTRA_CA_CERTS names a file of those that are',
  ],
  [/^OOM/, 'its memory is full'],
  [/^MISCONF|^ERR .*disk/, 'it can write nothing to its disk'],
  [/^READONLY/, 'it is a replica, which takes no jobs'],
  [/^LOADING/, 'it is still loading its data; try again in a moment'],
]

/** Without what was asked: among it is the password. */
export function queueError(error: unknown, { shown, tls }: QueueAddress): QueueError {
  const texts = error instanceof Error ? ['code' in error ? String(error.code) : '', error.message] : [String(error)]
  const known = reasons.find(([pattern]) => texts.some((text) => pattern.test(text)))
  const why = known?.[1] ?? texts.at(-1)?.split('\n')[0] ?? 'it fails'
  // A server that speaks no TLS waits for more, one that speaks nothing else hangs up.
  const hint =
    tls && why === silent
      ? '; where it speaks no TLS, take redis:// in place of rediss://'
      : !tls && why === closed
        ? '; where it speaks TLS alone, take rediss:// in place of redis://'
        : ''
  return new QueueError(`the queue ${shown} can't be used: ${why}${hint}`)
}

/** Work on a queue that is given up where it is lost. @throws QueueError in place of what the client says */
export async function withQueue<T>(
  address: QueueAddress,
  work: (open: OpenQueue) => Promise<T>,
  onNote?: (text: string) => void,
): Promise<T> {
  const open = await openQueue(address, 'fails', onNote)
  try {
    return await work(open)
  } catch (error) {
    if (error instanceof LimelightError || !isOfQueue(error)) throw error
    throw queueError(error, address)
  } finally {
    await open.close()
  }
}

/** Whether an error came from Redis or the way to it, and is no bug of ours. */
function isOfQueue(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return (
    ['ReplyError', 'MaxRetriesPerRequestError', 'AbortError'].includes(error.name) ||
    'code' in error ||
    /^(Connection is closed|Socket timeout|Reached the max retries)/.test(error.message)
  )
}
