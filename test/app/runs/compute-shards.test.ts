import { expect, it } from 'vitest'
import { computeShards } from '../../../src/app/runs/compute-shards.ts'
import { ConflictError, ImageReadError, StoreError } from '../../../src/app/runs/errors.ts'
import type { OpenedRun } from '../../../src/app/runs/opened-run.ts'
import { DeviceLostError, LimelightError } from '../../../src/engine/errors.ts'
import { InMemoryRun, shardSize } from '../queue/in-memory-run.ts'

/** A run of five shards, of which some fail. */
function failing(errors: Readonly<Record<number, Error>>) {
  const begun: number[] = []
  const run = new InMemoryRun('0123456789abcdef', 5)
  const opened: OpenedRun = {
    ...run.opened,
    async compute(shard, { onProgress } = {}) {
      begun.push(shard)
      if (errors[shard]) throw errors[shard]
      onProgress?.({ shard, done: 1, total: shardSize })
      return run.publish(shard)
    },
  }
  return { opened, begun }
}

const all = [0, 1, 2, 3, 4]
const unread = new ImageReadError("a.png can't be read")

it('goes on after shards that failed, and says at the end which and why', async () => {
  const { opened, begun } = failing({ 1: unread, 3: new ConflictError('another content') })
  const notes: string[] = []
  const told: number[] = []
  const options = {
    signal: new AbortController().signal,
    onNote: (text: string) => notes.push(text),
    onProgress: (done: number) => told.push(done / shardSize),
  }
  const refusal = await computeShards(opened, all, options).catch((error: unknown) => error)
  expect(refusal).toBeInstanceOf(LimelightError)
  expect(String(refusal)).toBe(
    "LimelightError: 2 of 5 shards failed, and the others are published: 1, 3; shard 1: a.png can't be read",
  )
  expect(begun).toEqual(all)
  expect(notes).toEqual(["shard 1 failed: a.png can't be read", 'shard 3 failed: another content'])
  expect(told.filter(Number.isInteger)).toEqual([1, 2, 3, 4, 5])
})

it.each([new StoreError("can't write"), new DeviceLostError('the device was lost')])(
  'stops at once where all others would fail, too: %s',
  async (error) => {
    const { opened, begun } = failing({ 0: unread, 2: error })
    await expect(computeShards(opened, all, { signal: new AbortController().signal })).rejects.toBe(error)
    expect(begun).toEqual([0, 1, 2])
  },
)

it('stops at once after an abort', async () => {
  const reason = new Error('SIGTERM')
  const controller = new AbortController()
  const { opened, begun } = failing({ 1: reason })
  const stop = (done: number) => done === shardSize && controller.abort(reason)
  await expect(computeShards(opened, all, { signal: controller.signal, onProgress: stop })).rejects.toBe(reason)
  expect(begun).toEqual([0])
})
