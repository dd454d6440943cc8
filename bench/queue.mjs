/**
 * `npm run bench -- queue`: what the queue itself costs, with workers that compute nothing. Needs redis-server; the workers' code is the
 * command's own, from the sources.
 *
 *   empty      N shards that take no time: how long submitting them takes, memory a shard, shards a second by the number of workers
 *   cluster    workers as of a large cluster, whose shards take some seconds each: shards a second, lag (from the end of a worker's shard
 *              to the beginning of its next), Redis's memory, connections and processor
 *
 *   --shards N     100000, of `empty`         --workers LIST   1,3,32, of `empty`
 *   --cluster N    workers of `cluster`, 1000 --seconds S      a shard of it takes on average, 10
 *   --for S        seconds that the cluster is watched, 60
 *   --server NAME  redis-server, or valkey-server
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { machine } from './machine.mjs'
import { buildQueue } from './queue/build.mjs'
import { inMemoryRun } from './queue/in-memory-run.mjs'
import { startRedis } from './storm/redis.mjs'

const { values } = parseArgs({
  args: process.argv.slice(process.argv[2] === 'queue' ? 3 : 2),
  options: {
    shards: { type: 'string', default: '100000' },
    workers: { type: 'string', default: '1,3,32' },
    cluster: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '10' },
    for: { type: 'string', default: '60' },
    server: { type: 'string', default: 'redis-server' },
  },
})
const { openQueue, queueAddress, submitRun } = await import(await buildQueue())
const folder = mkdtempSync(join(tmpdir(), 'limelight-queue-'))
const redis = await startRedis(folder, { program: values.server })
const address = queueAddress(`redis://127.0.0.1:${redis.port}`, {})
const open = await openQueue(address, 'waits')

/** What Redis says of itself: memory in bytes, seconds of the processor, connections. */
async function about() {
  const text = await open.redis.info()
  const field = (name) => Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(text)[1])
  return {
    memory: field('used_memory'),
    processor: field('used_cpu_user') + field('used_cpu_sys'),
    connections: field('connected_clients'),
  }
}

async function submitted(shards) {
  await open.redis.flushall()
  const run = inMemoryRun(shards)
  const before = await about()
  const began = performance.now()
  await submitRun(open, '/nowhere', run)
  return { seconds: (performance.now() - began) / 1000, memory: (await about()).memory - before.memory }
}

/** Processes that work: as many as there are cores. */
async function startWorkers(count, secondsAShard) {
  const processes = Math.min(2, count)
  const children = Array.from({ length: processes }, (_, i) =>
    fork(fileURLToPath(new URL('./queue/workers.mjs', import.meta.url)), [
      `${address.port}`,
      `${Math.floor(count / processes) + (i < count % processes ? 1 : 0)}`,
      `${secondsAShard}`,
    ]),
  )
  await Promise.all(children.map((child) => once(child, 'message')))
  return {
    async end() {
      const told = children.map((child) => once(child, 'message'))
      for (const child of children) child.send('end')
      const lags = (await Promise.all(told)).flatMap(([{ lags }]) => lags)
      await Promise.all(children.map((child) => child.exitCode ?? once(child, 'exit')))
      return lags.sort((a, b) => a - b)
    },
  }
}

const left = async () => {
  const { waiting, active } = await open.queue.getJobCounts('waiting', 'active')
  return waiting + active
}

const table = []
const shards = Number(values.shards)

const submitting = await submitted(shards)

table.push(
  ['shards submitted', shards],
  ['seconds', submitting.seconds.toFixed(1)],
  ['bytes of Redis a shard', Math.round(submitting.memory / shards)],
)
for (const count of values.workers.split(',').map(Number)) {
  // Fewer for a single one, which waits for its answers: so many a second are soon known.
  const own = count === 1 ? Math.min(shards, 20_000) : shards
  await submitted(own)
  const before = await about()
  const workers = await startWorkers(count, 0)
  const began = performance.now()
  const atBegin = await left()
  while ((await left()) > 0) await after(50)
  const seconds = (performance.now() - began) / 1000
  const processor = (await about()).processor - before.processor
  await workers.end()
  table.push([
    `empty shards a second, ${count} worker${count > 1 ? 's' : ''}`,
    `${(atBegin / seconds).toFixed(0)} (Redis: ${((processor / own) * 1e6).toFixed(0)} µs of its processor each)`,
  ])
}

const count = Number(values.cluster)
const [pace, watched] = [Number(values.seconds), Number(values.for)]
await submitted(Math.ceil((count * (watched + 3 * pace)) / pace))
const workers = await startWorkers(count, pace)
await after(1000 * pace)
const [before, leftBefore] = [await about(), await left()]
const began = performance.now()
await after(1000 * watched)
const seconds = (performance.now() - began) / 1000
const [now, leftNow] = [await about(), await left()]
const lags = await workers.end()
const share = (part) => `${lags[Math.min(lags.length - 1, Math.floor(lags.length * part))].toFixed(0)} ms`
table.push(
  ['workers of a cluster', `${count}, whose shards take ${pace} s each`],
  ['shards a second', ((leftBefore - leftNow) / seconds).toFixed(1)],
  ['lag: median, 99 %, most', `${share(0.5)}, ${share(0.99)}, ${share(1)}`],
  ['Redis: connections', now.connections],
  ['Redis: MB', (now.memory / 1e6).toFixed(1)],
  ['Redis: of one processor', `${((100 * (now.processor - before.processor)) / seconds).toFixed(1)} %`],
)
const { processor, cores, node, loadAtStart } = machine()
console.log(`${processor}, ${cores} cores, Node ${node}, load ${loadAtStart} at the start; ${values.server}\n`)
for (const [name, value] of table) console.log(`${name.padEnd(36)} ${value}`)
await open.close()
await redis.kill()
rmSync(folder, { recursive: true, force: true })
