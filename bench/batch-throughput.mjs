/**
 * `npm run bench -- batch-throughput`: what images lose by going through the queue. The same test images are explained on this machine by
 * `limelight explain --indices`, and by workers that take their shards from a Redis of their own, in turns. A worker's time counts from
 * its start to the last shard that is published.
 *
 *   --images N    2048, in shards of 256     --samples N   1000
 *   --workers N   3, of one thread each      --rounds N    3
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { machine } from './machine.mjs'
import { startRedis } from './storm/redis.mjs'

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: {
    images: { type: 'string', default: '2048' },
    samples: { type: 'string', default: '1000' },
    workers: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '3' },
  },
})
const images = Number(values.images)
const shardSize = 256
const root = fileURLToPath(new URL('..', import.meta.url))
const model = join(root, 'models/fashion-cnn.safetensors')
const folder = mkdtempSync(join(tmpdir(), 'limelight-throughput-'))

/** Prints a process's own processor time, in seconds, as it ends. */
const figures = `data:text/javascript,process.on('exit', () => { const { user, system } = process.cpuUsage(); process.stderr.write('processor ' + (user + system) / 1e6) })`

/** A process of the command's: its end, and the processor time that it took. */
function start(words) {
  const child = spawn(process.execPath, ['--import', figures, join(root, 'dist/cli.js'), ...words], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let told = ''
  child.stderr.on('data', (text) => {
    told += text
  })
  const ended = once(child, 'exit').then(([code]) => {
    // 143: a worker, by SIGTERM.
    if (code !== 0 && code !== 143) throw new Error(`limelight ${words.join(' ')} ended with ${code}: ${told}`)
    return Number(told.slice(told.lastIndexOf('processor ') + 'processor '.length))
  })
  return { child, ended }
}

async function alone(round) {
  const began = performance.now()
  const out = join(folder, `alone-${round}`)
  const words = [
    'explain',
    '--model',
    model,
    '--indices',
    `0:${images}`,
    '--samples',
    values.samples,
    '--device',
    'cpu',
  ]
  const processor = await start([...words, '--out', out]).ended
  return { seconds: (performance.now() - began) / 1000, processor }
}

async function byQueue(round, queue) {
  const output = join(folder, `queue-${round}`)
  const run = join(folder, `run-${round}.json`)
  writeFileSync(
    run,
    JSON.stringify({
      version: 1,
      request: { version: 1, method: 'lime', samples: Number(values.samples), topLabels: 1 },
      model: { source: model },
      images: { source: 'test-set', first: 0, end: images },
      shardSize,
      output,
    }),
  )
  await start(['batch', 'submit', run, '--queue', queue]).ended
  const began = performance.now()
  const workers = Array.from({ length: Number(values.workers) }, () =>
    start(['batch', 'work', '--queue', queue, '--threads', '1']),
  )
  const all = Promise.all(workers.map(({ ended }) => ended))
  const published = () => readdirSync(output).filter((name) => name.startsWith('part-')).length
  while (published() < Math.ceil(images / shardSize)) await Promise.race([after(100), all])
  const seconds = (performance.now() - began) / 1000
  for (const { child } of workers) child.kill('SIGTERM')
  const times = await all
  return { seconds, processor: times.reduce((sum, time) => sum + time, 0) }
}

const redis = await startRedis(folder)
try {
  const about = machine()
  console.log(
    `batch-throughput · ${about.processor} · Node ${about.node} · ${images} images, ${values.samples} samples`,
  )
  const losses = []
  for (let round = 0; round < Number(values.rounds); round++) {
    const tell = (name, { seconds, processor }) =>
      console.log(
        `${name}: ${seconds.toFixed(1)} s, ${(images / seconds).toFixed(1)} images a second, ${processor.toFixed(1)} s of processor time`,
      )
    const one = await alone(round)
    tell('explain --indices', one)
    const many = await byQueue(round, `redis://127.0.0.1:${redis.port}`)
    tell(`${values.workers} workers`, many)
    losses.push(many.seconds / one.seconds - 1)
  }
  losses.sort((a, b) => a - b)
  console.log(`time by the queue beside the other, median: ${(100 * losses[losses.length >> 1]).toFixed(1)} %`)
} finally {
  await redis.kill()
  rmSync(folder, { recursive: true, force: true })
}
