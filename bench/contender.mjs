/**
 * One contender in a place of its own (a process in Node, a worker in Chromium), so that none disturbs another's heap,
 * threads or flags. It opens its peer and then answers messages; peers/pytorch.py answers the same ones.
 *
 *   { ask: 'open', peer, options, amounts } -> { version, how, items: { forward: { count, batch } | { why }, … } }
 *   { ask: 'predict', count }         -> { probabilities }  of the first test images, to compare with ours
 *   { ask: 'loss', item, count }      -> { loss }  of the first test images, before any training
 *   { ask: 'prepare', item }          -> { batch? }  chooses the fastest batch and warms up
 *   { ask: 'run', item }              -> { ms }
 *   { ask: 'ceiling' }                -> { ceiling }
 *
 * A peer's module exports open(work, options). It returns its version, how it computes, predict(images, count) from bytes to
 * probabilities, and per item what it takes: { count, batches } for forward, { count, run, loss } for the others, or
 * { why } it can't. run() may return its own milliseconds; an item it leaves out is one nobody expects of it.
 */
import { measureCeiling } from './ceiling.mjs'
import { pixels } from './work.mjs'

/** @returns a function from message to answer */
export function contender(loadWork, peers) {
  let work
  let opened
  let batch
  const answers = {
    async open({ peer, options, amounts }) {
      work = { ...(await loadWork()), amounts }
      if (peer === 'ceiling') return { version: '', how: '', items: {} }
      opened = await (await peers[peer]()).open(work, options)
      const { version, how, forward, training, explanation } = opened
      const items = Object.entries({ forward, training, explanation }).filter(([, item]) => item)
      return {
        version,
        how,
        items: Object.fromEntries(items.map(([name, { count, why }]) => [name, why ? { why } : { count }])),
      }
    },
    predict: async ({ count }) => ({
      probabilities: Array.from(await opened.predict(work.images.subarray(0, count * pixels), count)),
    }),
    loss: async ({ item, count }) => ({ loss: await opened[item].loss(count) }),
    async prepare({ item }) {
      if (item !== 'forward') {
        await run(item)
        return {}
      }
      const { count, batches } = opened.forward
      const times = []
      for (const size of batches) {
        await forward(size, size)
        const start = performance.now()
        await forward(Math.min(count, 2 * size), size)
        times.push({ size, ms: (performance.now() - start) / Math.min(count, 2 * size) })
      }
      batch = times.sort((a, b) => a.ms - b.ms)[0].size
      return { batch }
    },
    async run({ item }) {
      const start = performance.now()
      const own = await run(item)
      return { ms: own ?? performance.now() - start }
    },
    ceiling: async () => ({ ceiling: measureCeiling() }),
  }

  const run = (item) => (item === 'forward' ? forward(opened.forward.count, batch) : opened[item].run())

  async function forward(count, size) {
    for (let first = 0; first < count; first += size) {
      const taken = Math.min(size, count - first)
      await opened.predict(work.images.subarray(first * pixels, (first + taken) * pixels), taken)
    }
  }

  return async (message) => {
    try {
      return await answers[message.ask](message)
    } catch (error) {
      return { error: (error?.message ?? String(error)).split('\n')[0] }
    }
  }
}
