import type { OpenQueue } from './queue-connection.ts'

/** Runs whose shards are not wanted any more: workers look here before and while they compute. A queue that lost it lost the jobs, too. */

const keyOf = ({ queue }: OpenQueue) => queue.toKey('cancelled-runs')

export async function markCancelled(open: OpenQueue, run: string): Promise<void> {
  await open.redis.sadd(keyOf(open), run)
}

/** A run that is submitted again is wanted again. */
export async function unmarkCancelled(open: OpenQueue, run: string): Promise<void> {
  await open.redis.srem(keyOf(open), run)
}

export async function isCancelled(open: OpenQueue, run: string): Promise<boolean> {
  return (await open.redis.sismember(keyOf(open), run)) === 1
}
