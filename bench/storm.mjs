/**
 * `npm run bench -- storm`: workers of a queue in a storm. A run of test images is computed by three workers while they are killed at
 * random moments, Redis is killed and restarted (its log of appends stays), once without its data, a worker is frozen past its lock and
 * waked, and the link of one is cut. Afterwards every image must be there once, equal to the last bit to an undisturbed run. Needs
 * redis-server; as root it cuts a network namespace's link, else it holds what goes through a proxy. Prints counts; fails where one is wrong.
 *
 *   --images N    2000            --samples N   of each explanation, 200     --shard N   images a shard, 256
 *   --kills N     of workers, 20  --restarts N  of Redis, 2                 --losses N  of all its data, 1
 *   --cut S       seconds without a link, 20                                --lock S    of the workers, 3
 *   --gap S       seconds between two blows at most, 6                      --seed N    of what is random, 1
 *   --json        print the counts as JSON
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { DuckDBInstance } from '@duckdb/node-api'
import seedrandom from 'seedrandom'
import { openLink } from './storm/link.mjs'
import { startRedis } from './storm/redis.mjs'

const here = (path) => fileURLToPath(new URL(path, import.meta.url))
const whole = (fallback) => ({ type: 'string', default: `${fallback}` })
const { values } = parseArgs({
  args: process.argv.slice(process.argv[2] === 'storm' ? 3 : 2),
  options: {
    images: whole(2000),
    samples: whole(200),
    shard: whole(256),
    kills: whole(20),
    restarts: whole(2),
    losses: whole(1),
    cut: whole(20),
    lock: whole(3),
    gap: whole(6),
    seed: whole(1),
    json: { type: 'boolean', default: false },
  },
})
const { json, ...numbers } = values
const { images, samples, shard, kills, restarts, losses, cut, lock, gap, seed } = Object.fromEntries(
  Object.entries(numbers).map(([name, value]) => [name, Number(value)]),
)
const random = seedrandom(`${seed}`)
const say = (text) => process.stderr.write(`${text}\n`)
const folder = mkdtempSync(join(tmpdir(), 'limelight-storm-'))
const counts = {
  images,
  workers: 3,
  kills: 0,
  restarts: 0,
  losses: 0,
  freezes: 0,
  cuts: 0,
  retries: 0,
  submissions: 0,
  late: 0,
}

/** A run's file, of the same run wherever its output is. */
function runFile(name) {
  const file = join(folder, `${name}.json`)
  const run = {
    version: 1,
    request: { version: 1, method: 'lime', samples, randomState: 1, randomSeed: 1 },
    model: { source: here('../models/fashion-cnn.safetensors') },
    images: { source: 'test-set', first: 0, end: images },
    shardSize: shard,
    output: join(folder, name),
  }
  writeFileSync(file, JSON.stringify(run))
  return file
}

/** `limelight batch`, to its end. */
function batch(words, environment = {}) {
  const child = spawn(process.execPath, [here('../dist/cli.js'), 'batch', ...words, '--json'], {
    env: { ...process.env, ...environment },
  })
  let [out, error] = ['', '']
  child.stdout.on('data', (part) => (out += part))
  child.stderr.on('data', (part) => (error += part))
  return new Promise((resolve, reject) =>
    child.on('close', (code) =>
      code === 0 ? resolve(JSON.parse(out)) : reject(new Error(`batch ${words[0]} ended with ${code}: ${error}`)),
    ),
  )
}

const environment = { LIMELIGHT_QUEUE_PASSWORD: `storm-${process.pid}` }
const link = await openLink()
const redis = await startRedis(folder, { hosts: link.hosts, password: environment.LIMELIGHT_QUEUE_PASSWORD })
environment.LIMELIGHT_QUEUE = `redis://127.0.0.1:${redis.port}`
const far = await link.to(redis.port)
const workers = new Map()
const logs = []

/** Starts the worker of a place: the third's way to the queue is the link. */
function startWorker(place) {
  const log = join(folder, `worker-${logs.length}.log`)
  logs.push(log)
  const words = ['batch', 'work', '--lock', `${lock}`, '--threads', '1', '--log', 'json']
  const [program, ...before] = place === 2 ? far.command : [process.execPath]
  const queue = place === 2 ? far.address : environment.LIMELIGHT_QUEUE
  const child = spawn(program, [...before, here('../dist/cli.js'), ...words, '--queue', queue], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  child.log = ''
  child.stderr.on('data', (part) => {
    child.log += part
    writeFileSync(log, child.log)
  })
  child.on('exit', () => {
    // Whoever runs workers starts them again, as Kubernetes does.
    if (workers.get(place) === child && !ending) startWorker(place)
  })
  workers.set(place, child)
}

let ending = false

/** What befalls the run. */
const blows = {
  async kill() {
    workers.get(Math.floor(random() * 3)).kill('SIGKILL')
    counts.kills++
  },
  async restart() {
    await redis.kill()
    await after(1000 * random())
    await redis.start()
    counts.restarts++
  },
  async lose() {
    await redis.kill()
    redis.forget()
    await redis.start()
    counts.losses++
  },
  async freeze() {
    const child = workers.get(Math.floor(random() * 2))
    child.kill('SIGSTOP')
    await after(2500 * lock)
    child.kill('SIGCONT')
    counts.freezes++
  },
  async cut() {
    far.cut()
    await after(1000 * cut)
    far.mend()
    counts.cuts++
  },
}

let isPublished = false

/** What whoever minds the run does: looks, submits what the queue lost, retries what was set aside. While Redis is killed, that fails. */
async function mindUntilPublished(file) {
  while (!isPublished) {
    await after(2000)
    try {
      const { shards } = await batch(['status', file], environment)
      say(`${shards.published} of ${shards.total} shards are published`)
      if (shards.failed > 0) counts.retries += (await batch(['retry', file], environment)).retried
      if (shards.missing > 0 && (await batch(['submit', file], environment)).added > 0) counts.submissions++
      isPublished = shards.published === shards.total
    } catch (error) {
      say(error.message.trim())
    }
  }
}

const ofAll = [
  ...Array.from({ length: kills }, () => 'kill'),
  ...Array.from({ length: restarts }, () => 'restart'),
  ...Array.from({ length: losses }, () => 'lose'),
  'freeze',
  ...(cut > 0 ? ['cut'] : []),
]
  .map((blow) => [random(), blow])
  .sort(([a], [b]) => a - b)
  .map(([, blow]) => blow)

async function storm(file) {
  await batch(['submit', file], environment)
  for (const place of [0, 1, 2]) startWorker(place)
  const minded = mindUntilPublished(file)
  for (const blow of ofAll) {
    await after(1000 * gap * random())
    if (isPublished) counts.late++
    say(blow)
    await blows[blow]()
  }
  await minded
}

/**
 * What DuckDB finds in the output: images, rows, rows that are there more than once, and rows that an undisturbed run has otherwise,
 * all columns counted but those that say how long something took.
 */
async function compared(output, other) {
  const connection = await (await DuckDBInstance.create()).connect()
  const rows = (folder) => `select columns(c -> c not like 'seconds%') from read_parquet('${folder}/*.parquet')`
  const reader = await connection.runAndReadAll(`
    select (select count(distinct id) from read_parquet('${output}/*.parquet')) as images,
      (select count(*) from read_parquet('${output}/*.parquet')) as rows,
      (select count(*) - count(distinct (id, position)) from read_parquet('${output}/*.parquet')) as twice,
      (select count(*) from (${rows(output)} except all ${rows(other)})) +
        (select count(*) from (${rows(other)} except all ${rows(output)})) as different`)
  return Object.fromEntries(Object.entries(reader.getRowObjects()[0]).map(([name, value]) => [name, Number(value)]))
}

try {
  say('an undisturbed run, on one machine')
  const calm = runFile('calm')
  await batch(['run', calm])
  const undisturbed = await batch(['finish', calm])
  const disturbed = runFile('storm')
  const began = performance.now()
  await storm(disturbed)
  counts.seconds = Math.round((performance.now() - began) / 1000)
  ending = true
  const left = [...workers.values()].map((child) => new Promise((resolve) => child.on('exit', resolve)))
  for (const child of workers.values()) child.kill('SIGTERM')
  await Promise.all(left)
  const finished = await batch(['finish', disturbed])
  const told = logs.flatMap((log) => readLines(log))
  counts.shards = finished.shards
  counts.takings = told.filter(({ event }) => event === 'taken').length
  counts.publications = told.filter(({ message }) => / is published: /.test(message)).length
  counts.foundPublished = told.filter(({ message }) => /had been published already/.test(message)).length
  counts.locksLost = told.filter(({ event }) => event === 'lock-lost').length
  counts.setAside = told.filter(({ event }) => event === 'set-aside').length
  const content = await compared(join(folder, 'storm'), join(folder, 'calm'))
  counts.found = content.images
  counts.rows = content.rows
  counts.twice = content.twice
  counts.different = content.different
  counts.equalBits = finished.content === undisturbed.content && finished.rows === undisturbed.rows
  const isWhole =
    counts.equalBits &&
    content.images === images &&
    content.twice === 0 &&
    content.different === 0 &&
    finished.images === images
  const text = Object.entries(counts).map(([name, count]) => `${name.padEnd(16)} ${count}`)
  process.stdout.write(`${json ? JSON.stringify(counts) : text.join('\n')}\n`)
  if (!isWhole) process.exitCode = 1
} finally {
  ending = true
  for (const child of workers.values()) child.kill('SIGKILL')
  await redis.kill()
  link.close()
  rmSync(folder, { recursive: true, force: true })
}

/** A worker that was killed may have left a part of a line. */
function readLines(file) {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .flatMap((line) => {
        try {
          return [JSON.parse(line)]
        } catch {
          return []
        }
      })
  } catch {
    return []
  }
}
