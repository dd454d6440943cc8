/** A process of workers that compute nothing: port of Redis, how many, how long a shard takes. Says 'up', and at the end its lags in ms. */
import { setMaxListeners } from 'node:events'
import { join } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'

const built = join(fileURLToPath(new URL('../..', import.meta.url)), 'node_modules/.cache/limelight-bench/queue.mjs')
const { queueAddress, work } = await import(pathToFileURL(built).href)
const [port, count, secondsAShard] = process.argv.slice(2).map(Number)
const end = new AbortController()
// Each worker hears of it.
setMaxListeners(0, end.signal)
const lags = []
let up = 0

function computer() {
  let ended
  return {
    async compute({ shard }) {
      if (ended !== undefined) lags.push(performance.now() - ended)
      if (secondsAShard > 0) await after(1000 * secondsAShard * (0.5 + Math.random()))
      ended = performance.now()
      return { shard, name: '', published: 'now', images: 1, rows: 1, errors: 0, content: '', seconds: 0 }
    },
    async close() {},
  }
}

const working = Array.from({ length: count }, () =>
  work({
    address: queueAddress(`redis://127.0.0.1:${port}`, {}),
    concurrency: 1,
    lockSeconds: 30,
    graceSeconds: 0,
    computer: computer(),
    log(_level, event) {
      if (event === 'started' && ++up === count) process.send('up')
    },
    signal: end.signal,
  }).catch((error) => {
    if (error.name !== 'AbortError') throw error
  }),
)
process.once('message', async () => {
  end.abort()
  await Promise.all(working)
  process.send({ lags }, () => process.exit())
})
