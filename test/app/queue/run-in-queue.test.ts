import { expect, it } from 'vitest'
import { queueAddress } from '../../../src/app/queue/queue-address.ts'
import { openQueue } from '../../../src/app/queue/queue-connection.ts'
import { queuedShards } from '../../../src/app/queue/queued-shards.ts'
import { cancelRun, retryRun, submitRun } from '../../../src/app/queue/run-in-queue.ts'
import { statusInWords, statusOf } from '../../../src/app/queue/run-status.ts'
import { InMemoryRun } from './in-memory-run.ts'
import { closedAfterwards, describeWithRedis, hasValkey, RedisServer } from './redis.ts'

for (const program of ['redis-server', ...(hasValkey ? ['valkey-server'] : [])])
  describeWithRedis(`a run in a queue of ${program}`, async () => {
    const server = closedAfterwards(await RedisServer.start({ program, password: 'a secret' }))
    const open = await openQueue(queueAddress(server.url, { LIMELIGHT_QUEUE_PASSWORD: 'a secret' }), 'waits')
    closedAfterwards({ close: () => open.close() })
    let runs = 0
    const newRun = (shards: number) => new InMemoryRun(`${runs++}`.padStart(16, 'a'), shards)

    it('is there once, however often it is submitted, and also where two submit it at once', async () => {
      const run = newRun(2500)
      const [first, second] = await Promise.all([1, 2].map(() => submitRun(open, run.output, run.opened)))
      expect(first?.shards).toBe(2500)
      expect((await queuedShards(open, run.hash)).waiting.size).toBe(2500)
      expect(await open.queue.getWaitingCount()).toBe(2500)
      expect((first?.added ?? 0) + (second?.added ?? 0)).toBeGreaterThanOrEqual(2500)
      const third = await submitRun(open, run.output, run.opened)
      expect(third).toMatchObject({ added: 0, queued: 2500, published: 0 })
    })

    it('lacks what is published, and after the queue lost everything gets what is not', async () => {
      const run = newRun(5)
      run.publish(1)
      expect(await submitRun(open, run.output, run.opened)).toMatchObject({ added: 4, published: 1 })
      run.publish(3)
      await server.lose()
      expect((await statusOf(open, run.opened)).shards).toMatchObject({ published: 2, waiting: 0, missing: 3 })
      expect(await submitRun(open, run.output, run.opened)).toMatchObject({ added: 3, published: 2, queued: 0 })
      expect([...(await queuedShards(open, run.hash)).waiting].sort()).toEqual([0, 2, 4])
    })

    it('is refused with another output while it is there with one', async () => {
      const run = newRun(3)
      await submitRun(open, run.output, run.opened)
      const elsewhere = submitRun(open, `${run.output}-elsewhere`, run.opened)
      await expect(elsewhere).rejects.toThrow(
        `the run ${run.hash} is in this queue with the output ${run.output}, not ${run.output}-elsewhere`,
      )
      await cancelRun(open, run.hash)
      expect(await submitRun(open, `${run.output}-elsewhere`, run.opened)).toMatchObject({ added: 3 })
    })

    it('is cancelled alone: other runs stay', async () => {
      const [run, other] = [newRun(4), newRun(3)]
      await submitRun(open, run.output, run.opened)
      await submitRun(open, other.output, other.opened)
      expect(await cancelRun(open, run.hash)).toMatchObject({ removed: 4, computing: 0 })
      expect((await queuedShards(open, run.hash)).waiting.size).toBe(0)
      expect((await queuedShards(open, other.hash)).waiting.size).toBe(3)
      expect(await submitRun(open, run.output, run.opened)).toMatchObject({ added: 4 })
    })

    it('has a status that adds up, in numbers and in words', async () => {
      const run = newRun(4)
      run.publish(0)
      await submitRun(open, run.output, run.opened)
      const status = await statusOf(open, run.opened)
      expect(status).toMatchObject({
        images: { total: 4 * 256, published: 256 },
        shards: { total: 4, published: 1, computing: 0, waiting: 3, failed: 0, missing: 0 },
        imagesASecond: 0,
        secondsLeft: null,
      })
      expect(statusInWords(status)).toMatch(/1 of 4 shards published, 0 computed now, 3 waiting\n256 of 1024 images/)
      for (const shard of [1, 2, 3]) run.publish(shard)
      expect(await statusOf(open, run.opened)).toMatchObject({ secondsLeft: 0, shards: { published: 4, waiting: 0 } })
    })

    it('retries nothing where nothing failed', async () => {
      const run = newRun(2)
      await submitRun(open, run.output, run.opened)
      expect(await retryRun(open, run.output, run.opened)).toMatchObject({ retried: 0, published: 0 })
    })
  })
