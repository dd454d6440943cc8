import { expect, it, vi } from 'vitest'
import { queueAddress } from '../../../src/app/queue/queue-address.ts'
import { type OpenQueue, openQueue } from '../../../src/app/queue/queue-connection.ts'
import { queuedShards } from '../../../src/app/queue/queued-shards.ts'
import { cancelRun, retryRun, submitRun } from '../../../src/app/queue/run-in-queue.ts'
import { statusOf } from '../../../src/app/queue/run-status.ts'
import { jobIdOf } from '../../../src/app/queue/shard-job.ts'
import { ShardFailedError } from '../../../src/app/queue/shard-threads.ts'
import type { LogFields, WorkEvent } from '../../../src/app/queue/work-log.ts'
import { type WorkOptions, work } from '../../../src/app/queue/worker.ts'
import { LimelightError } from '../../../src/engine/errors.ts'
import { ComputerInHand, InMemoryRun } from './in-memory-run.ts'
import { closedAfterwards, describeWithRedis, freePort, RedisServer } from './redis.ts'

interface Told {
  readonly event: WorkEvent
  readonly message: string
  readonly fields: LogFields | undefined
}

class Interrupted extends Error {}

/** A worker of this process, whose computer the test has in hand. */
class WorkerInHand {
  readonly told: Told[] = []
  readonly computer: ComputerInHand
  readonly ended: Promise<unknown>
  private readonly interruption = new AbortController()

  constructor(run: InMemoryRun, server: RedisServer, options: Partial<WorkOptions> = {}) {
    this.computer = new ComputerInHand(run)
    this.ended = work({
      address: queueAddress(server.url, {}),
      concurrency: 1,
      lockSeconds: 30,
      graceSeconds: 0,
      computer: this.computer,
      log: (_level, event, message, fields) => this.told.push({ event, message, fields }),
      signal: this.interruption.signal,
      ...options,
    }).catch((error: unknown) => error)
  }

  events(event: WorkEvent): readonly Told[] {
    return this.told.filter((one) => one.event === event)
  }

  tells(event: WorkEvent, times = 1): Promise<void> {
    return vi.waitFor(() => expect(this.events(event)).toHaveLength(times), { timeout: 20_000, interval: 10 })
  }

  /** As SIGTERM does. */
  interrupt(): Promise<unknown> {
    this.interruption.abort(new Interrupted())
    return this.ended
  }
}

describeWithRedis("a queue's worker", async () => {
  const server = closedAfterwards(await RedisServer.start())
  const open: OpenQueue = await openQueue(queueAddress(server.url, {}), 'waits')
  closedAfterwards({ close: () => open.close() })
  let runs = 0
  const submitted = async (shards: number) => {
    await open.redis.flushall()
    const run = new InMemoryRun(`${runs++}`.padStart(16, 'b'), shards)
    await submitRun(open, run.output, run.opened)
    return run
  }
  const counts = async (run: InMemoryRun) => {
    const { waiting, computing, failed } = await queuedShards(open, run.hash)
    return { waiting: waiting.size, computing: computing.size, failed: failed.size }
  }

  it('takes as many shards as it computes at once, and no more', async () => {
    const run = await submitted(5)
    const worker = new WorkerInHand(run, server, { concurrency: 2 })
    const first = await worker.computer.nth(1)
    expect(await counts(run)).toEqual({ waiting: 3, computing: 2, failed: 0 })
    first.publish()
    await worker.computer.nth(2)
    expect(await counts(run)).toEqual({ waiting: 2, computing: 2, failed: 0 })
    expect(await worker.interrupt()).toBeInstanceOf(Interrupted)
    // What it had taken is back, and was no try.
    expect(await counts(run)).toEqual({ waiting: 4, computing: 0, failed: 0 })
    expect(worker.events('returned')).toHaveLength(2)
    for (const job of await open.queue.getWaiting()) expect(job.attemptsMade).toBe(0)
  })

  it('finishes what it computes within the grace time after a signal', async () => {
    const run = await submitted(2)
    const worker = new WorkerInHand(run, server, { graceSeconds: 60 })
    const computing = await worker.computer.nth(0)
    const ended = worker.interrupt()
    await worker.tells('stopping')
    computing.publish()
    expect(await ended).toBeInstanceOf(Interrupted)
    expect(run.publications.size).toBe(1)
    expect(await counts(run)).toEqual({ waiting: 1, computing: 0, failed: 0 })
  })

  it('sets a shard aside that fails three times, and tells why; retried, it has all its tries again', async () => {
    const run = await submitted(1)
    const worker = new WorkerInHand(run, server)
    for (const n of [0, 1, 2]) {
      ;(await worker.computer.nth(n)).fail(new ShardFailedError('it divides by zero', 'shard'))
      if (n < 2) await worker.tells('failed', n + 1)
      // It would wait for seconds.
      await open.queue.promoteJobs()
    }
    await worker.tells('set-aside')
    expect(worker.events('set-aside')[0]?.message).toMatch(
      /shard 0 of the run \w+ failed and is set aside: it divides by zero/,
    )
    expect(await statusOf(open, run.opened)).toMatchObject({
      shards: { published: 0, failed: 1, waiting: 0, missing: 0 },
      failures: [{ shard: 0, reason: 'it divides by zero' }],
    })
    // Submitting is no retry.
    expect(await submitRun(open, run.output, run.opened)).toMatchObject({ added: 0, failed: 1 })
    expect(await retryRun(open, run.output, run.opened)).toMatchObject({ retried: 1 })
    const again = await worker.computer.nth(3)
    expect((await open.queue.getJob(jobIdOf(again.job)))?.attemptsMade).toBe(0)
    again.publish()
    await vi.waitFor(async () => expect(await counts(run)).toEqual({ waiting: 0, computing: 0, failed: 0 }))
    await worker.interrupt()
  })

  it('hands a shard back that could not be published here, and ends by saying why', async () => {
    const run = await submitted(2)
    const worker = new WorkerInHand(run, server)
    const full = new ShardFailedError("can't write /data/run: the disk is full", 'place')
    ;(await worker.computer.nth(0)).fail(full)
    expect(await worker.ended).toBe(full)
    expect(await counts(run)).toEqual({ waiting: 2, computing: 0, failed: 0 })
    expect((await open.queue.getWaiting()).map(({ attemptsMade }) => attemptsMade)).toEqual([0, 0])
  })

  it('sets aside at once what no worker can do, and reads nothing else of a job', async () => {
    const run = await submitted(1)
    await open.queue.add('shard', { run: run.hash, output: 'http://elsewhere', shard: 0 }, { jobId: `${run.hash}-7` })
    const worker = new WorkerInHand(run, server)
    ;(await worker.computer.nth(0)).publish()
    await worker.tells('set-aside')
    expect(worker.computer.begun).toHaveLength(1)
    expect(worker.events('set-aside')[0]?.message).toMatch(/a job in the queue is not one of/)
    const conflict = await submitted(1)
    ;(await worker.computer.nth(1)).fail(new ShardFailedError('another content is published', 'job'))
    await worker.tells('set-aside', 2)
    expect(await counts(conflict)).toEqual({ waiting: 0, computing: 0, failed: 1 })
    await worker.interrupt()
  })

  it('gives up what is cancelled while it computes, and does not begin what was', async () => {
    const run = await submitted(2)
    const worker = new WorkerInHand(run, server, { lockSeconds: 1 })
    const computing = await worker.computer.nth(0)
    expect(await cancelRun(open, run.hash)).toMatchObject({ removed: 1, computing: 1 })
    await worker.tells('cancelled')
    expect(computing.call.signal.aborted).toBe(true)
    await vi.waitFor(async () => expect(await counts(run)).toEqual({ waiting: 0, computing: 0, failed: 0 }))
    await worker.interrupt()
    expect(run.publications.size).toBe(0)
  })

  it('puts back what is submitted again while it gives it up', async () => {
    const run = await submitted(1)
    const worker = new WorkerInHand(run, server, { lockSeconds: 1 })
    const computing = await worker.computer.nth(0)
    const release = worker.computer.holdAborts()
    await cancelRun(open, run.hash)
    await vi.waitFor(() => expect(computing.call.signal.aborted).toBe(true), 20_000)
    // Its thread has not stopped yet: the queue still has it as computed.
    await expect(submitRun(open, '/elsewhere', run.opened)).rejects.toThrow('workers give it up within seconds')
    expect(await submitRun(open, run.output, run.opened)).toMatchObject({ added: 0, queued: 1 })
    release()
    ;(await worker.computer.nth(1)).publish()
    await vi.waitFor(async () => expect(await counts(run)).toEqual({ waiting: 0, computing: 0, failed: 0 }))
    await worker.interrupt()
    expect([...run.publications.values()]).toEqual([1])
    expect(worker.events('cancelled')).toHaveLength(1)
  })

  it('computes what is retried after it was cancelled', async () => {
    const run = await submitted(1)
    const worker = new WorkerInHand(run, server)
    const computing = await worker.computer.nth(0)
    await cancelRun(open, run.hash)
    // Before it hears of that.
    computing.fail(new ShardFailedError('another content is published', 'job'))
    await worker.tells('set-aside')
    expect(await retryRun(open, run.output, run.opened)).toMatchObject({ retried: 1 })
    ;(await worker.computer.nth(1)).publish()
    await vi.waitFor(() => expect(run.publications.size).toBe(1))
    await worker.interrupt()
  })

  it('counts a shard once that the queue gives it twice', async () => {
    const run = await submitted(1)
    const port = await freePort()
    const worker = new WorkerInHand(run, server, { lockSeconds: 1, concurrency: 2, metricsPort: port })
    const computing = await worker.computer.nth(0)
    const id = jobIdOf(computing.job)
    const started = async () => (await open.queue.getJob(id))?.attemptsStarted
    expect(await started()).toBe(1)
    // As if it had been frozen.
    await open.redis.del(`${open.queue.toKey(id)}:lock`)
    await vi.waitFor(async () => expect(await started()).toBe(2), 20_000)
    computing.publish()
    await vi.waitFor(async () => expect(await counts(run)).toEqual({ waiting: 0, computing: 0, failed: 0 }))
    expect(worker.computer.begun).toHaveLength(1)
    expect(worker.events('published')).toHaveLength(1)
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
    expect(text).toMatch(/^limelight_shards_total\{outcome="published"\} 1$/m)
    expect(text).toMatch(/^limelight_images_total 256$/m)
    await worker.interrupt()
  })

  it('publishes what it took while the queue is lost, and goes on when it is back', async () => {
    const run = await submitted(2)
    const worker = new WorkerInHand(run, server)
    const computing = await worker.computer.nth(0)
    await server.kill()
    await worker.tells('queue-lost')
    computing.publish()
    await worker.tells('published')
    expect(worker.computer.begun).toHaveLength(1)
    await server.start()
    ;(await worker.computer.nth(1)).publish()
    await vi.waitFor(async () => expect(await counts(run)).toEqual({ waiting: 0, computing: 0, failed: 0 }), 20_000)
    expect([...run.publications.values()]).toEqual([1, 1])
    await worker.interrupt()
  })

  it('goes on with what is submitted again after the queue lost everything', async () => {
    const run = await submitted(3)
    const worker = new WorkerInHand(run, server)
    const computing = await worker.computer.nth(0)
    await server.lose()
    await worker.tells('queue-back')
    computing.publish()
    await worker.tells('published')
    expect(await submitRun(open, run.output, run.opened)).toMatchObject({ added: 2, published: 1 })
    ;(await worker.computer.nth(1)).publish()
    ;(await worker.computer.nth(2)).publish()
    await vi.waitFor(async () => expect(await counts(run)).toEqual({ waiting: 0, computing: 0, failed: 0 }), 20_000)
    expect([...run.publications.values()]).toEqual([1, 1, 1])
    await worker.interrupt()
  })

  it('gives up nothing where its lock ended: both compute, one publishes, and the queue hears of it once', async () => {
    const run = await submitted(1)
    const [slow, quick] = [
      new WorkerInHand(run, server, { lockSeconds: 1 }),
      new WorkerInHand(run, server, { lockSeconds: 1 }),
    ]
    const taken = await Promise.race([slow.computer.nth(0), quick.computer.nth(0)])
    // As if its worker had been frozen: nothing renews the lock, and another worker finds it gone.
    await open.redis.del(`${open.queue.toKey(jobIdOf(taken.job))}:lock`)
    await vi.waitFor(() => expect(slow.computer.begun.length + quick.computer.begun.length).toBe(2), 20_000)
    for (const { computer } of [quick, slow]) for (const computing of computer.begun) computing.publish()
    await vi.waitFor(async () => expect(await counts(run)).toEqual({ waiting: 0, computing: 0, failed: 0 }), 20_000)
    await Promise.all([slow.interrupt(), quick.interrupt()])
    const published = [...slow.events('published'), ...quick.events('published')]
    expect(published.filter(({ message }) => /is published/.test(message))).toHaveLength(1)
  })

  it('sets a shard aside that three workers died of', async () => {
    const run = await submitted(1)
    // What the queue knows of two that died before.
    await open.redis.hset(open.queue.toKey(`${run.hash}-0`), 'stc', 2)
    const [one, other] = [
      new WorkerInHand(run, server, { lockSeconds: 1 }),
      new WorkerInHand(run, server, { lockSeconds: 1 }),
    ]
    const taken = await Promise.race([one.computer.nth(0), other.computer.nth(0)])
    await open.redis.del(`${open.queue.toKey(jobIdOf(taken.job))}:lock`)
    await vi.waitFor(async () => expect((await counts(run)).failed).toBe(1), 20_000)
    expect((await statusOf(open, run.opened)).failures).toEqual([
      { shard: 0, reason: '3 workers died or froze while they computed it' },
    ])
    // The one that still computes it publishes it after all: that counts.
    for (const { computer } of [one, other]) for (const computing of computer.begun) computing.publish()
    await vi.waitFor(() => expect(run.publications.size).toBe(1))
    expect((await statusOf(open, run.opened)).shards).toMatchObject({ published: 1, failed: 0 })
    expect(await retryRun(open, run.output, run.opened)).toMatchObject({ retried: 0, published: 1 })
    await Promise.all([one.interrupt(), other.interrupt()])
  })

  it('tells how fast it is, and what it counts', async () => {
    const run = await submitted(2)
    const port = await freePort()
    const worker = new WorkerInHand(run, server, { lockSeconds: 1, metricsPort: port })
    const computing = await worker.computer.nth(0)
    computing.call.onProgress({ shard: computing.job.shard, done: 128, total: 256 })
    await vi.waitFor(async () => expect((await statusOf(open, run.opened)).imagesASecond).toBeGreaterThan(0), 20_000)
    const { secondsLeft, imagesASecond } = await statusOf(open, run.opened)
    expect(secondsLeft).toBeCloseTo((128 + 256) / imagesASecond, -1)
    computing.publish()
    await worker.computer.nth(1)
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
    expect(text).toMatch(/^limelight_shards_total\{outcome="published"\} 1$/m)
    expect(text).toMatch(/^limelight_images_total 256$/m)
    expect(text).toMatch(/^limelight_queue_shards\{state="active"\} 1$/m)
    await worker.interrupt()
  })

  it('ends where it can have no port for its metrics', async () => {
    const worker = new WorkerInHand(await submitted(1), server, { metricsPort: server.port })
    expect(await worker.ended).toMatchObject({
      message: expect.stringMatching(/^--metrics-port: .*another program has it$/),
    })
    expect(worker.computer.begun).toEqual([])
  })

  it('says what is wrong with a queue at the start', async () => {
    const run = new InMemoryRun('c'.repeat(16), 1)
    const port = await freePort()
    const worker = new WorkerInHand(run, server, { address: queueAddress(`redis://127.0.0.1:${port}`, {}) })
    const error = await worker.ended
    expect(error).toBeInstanceOf(LimelightError)
    expect(error).toMatchObject({
      message: `the queue redis://127.0.0.1:${port} can't be used: nothing listens there; start Redis or Valkey, or give another address`,
    })
  })
})
