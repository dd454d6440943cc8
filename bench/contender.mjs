/**
 * One contender in a place of its own (a process in Node, a worker in Chromium), so that none disturbs another's heap,
 * threads or flags. It opens its peer and then answers messages; peers/pytorch.py answers the first seven.
 *
 *   { ask: 'open', peer, options }    -> { version, how, ms, kinds: { forward: { most? } | { why }, … } }
 *   { ask: 'predict', count }         -> { probabilities }  of the first test images, to compare with ours
 *   { ask: 'first', count }           -> { loss, ms }  a first training step from the shipped weights
 *   { ask: 'prepare', kind, count }   -> { batch?, how?, samples? }  chooses the fastest batch and warms up; `samples` that an
 *                                        explanation took
 *   { ask: 'run', kind, count }       -> { ms }  of a step, of count images, of an explanation of count samples
 *   { ask: 'ceiling', options }       -> { ceiling, adapter? }
 *   { ask: 'adapter', options }       -> { adapter, isFallback }  what WebGPU there is
 *   { ask: 'estimate', kind, count }  -> { ms }  what a run will take, from smaller ones
 *   { ask: 'convolve', count }        -> { values, largest }  every 31st of the second convolution's results, and the largest of all
 *   { ask: 'weigh', count }           -> { values, largest }  an explanation's weights of the likeliest label, of so many samples
 *   { ask: 'cold', kind, count }      -> { ms }  the first run of all
 *   { ask: 'count', kind, count }     -> { counters }  what a forward pass or a training step asks of WebGPU
 *   { ask: 'kernels' }                -> { kernels }
 *   { ask: 'memory' }                 -> { peak? }  bytes its process has had resident at most; a worker of a page can't say
 *
 * A peer's module exports open(work, options), and openNetwork(work, options) where it runs networks from files. Both give:
 *   version, how       what it is and how it computes
 *   predict(images, count)  bytes to probabilities; of a network from a file, the numbers that it takes to its outputs
 *   forward            { most?, batches? } or { why } it can't; `most`: images it gets, `batches`: sizes it is tried with, left
 *                      out by who chooses by itself
 *   training           { most?, start(count) -> { first() -> loss, run(steps) -> { ms a step, steps taken }? } } or { why }
 *   convolution        { start(count) -> { first() -> [count, 28, 28, 32], run(times) } }: the second layer alone, on
 *                      convolutionInput(count), which stays on the device; left out where nobody expects it
 *   explanation        { run(samples) -> ms?, samples?() -> of the last run, weights?(samples) } or { why }, or left out where nobody
 *                      expects it
 *   kernels()          optional: [{ kernel, variant, us, gflops, gbps, compilation? } or { kernel, variant, why }, …]: every kernel
 *                      alone, in the way it is run, or by tuning in every way; `kernel` says what on which shapes, GB/s count every
 *                      operand once, `compilation` is in ms
 * A run that returns nothing is timed from outside.
 */
import { adapterName, isSoftware } from './adapter-info.mjs'
import { count, each, gpuErrors, watchErrors } from './instrument.mjs'
import { loadNetwork } from './networks/work.mjs'
import { loadWork } from './work.mjs'

/** Those that run in Node and in a browser. */
const portablePeers = {
  ours: () => import('./peers/ours.mjs'),
  'tfjs-wasm': () => import('./peers/tfjs-wasm.mjs'),
  'tfjs-cpu': () => import('./peers/tfjs-cpu.mjs'),
  'tfjs-webgpu': () => import('./peers/tfjs-webgpu.mjs'),
  'onnxruntime-web': () => import('./peers/onnxruntime-web.mjs'),
  'onnxruntime-webgpu': () => import('./peers/onnxruntime-webgpu.mjs'),
  'jax-js': () => import('./peers/jax-js.mjs'),
}

/** Short runs are repeated, so that waiting for the device at the end doesn't count. */
const enoughMs = 500
const mostSteps = 3
const mostForwards = 50
const mostConvolutions = 500
/** Prime to what the shapes are made of: what is compared is of all images, places and channels. */
const comparedStride = 31
const probedImages = 8
const probedSamples = 100
const batchTolerance = 1e-4
/** FLOPs over a forward pass's, at most. */
const forwardsIn = { training: 3, convolution: 1 }

/**
 * @param readBytes gets a file of the repository by its path, and any other by its address
 * @param {{ peers?: object, prepare?(options): Promise<void>, opened?(): void, peakMemory?(): number,
 * adapterCeilings(): Promise<object> }} place peers that run there only, name -> import of its module; what it does before a peer is
 * imported and after it opened; and how it imports src/app/benchmark/adapter-ceilings.ts
 * @returns a function from message to answer
 */
export function contender(readBytes, place) {
  const peers = { ...portablePeers, ...place.peers }
  let work
  let opened
  let batch = 1
  let meter
  const trainings = new Map()
  const convolutions = new Map()
  /** Milliseconds an image, of the latest run of a kind. */
  const pace = {}

  const answers = {
    async open({ peer, options }) {
      work = await (options.network ? loadNetwork(options, readBytes) : loadWork(readBytes))
      await place.prepare?.(options)
      watchErrors()
      const module = await peers[peer]()
      const openWork = options.network ? module.openNetwork : module.open
      const start = performance.now()
      opened = await openWork(work, options)
      const ms = performance.now() - start
      place.opened?.()
      const { version, how, forward, training, explanation, convolution } = opened
      const kinds = Object.entries({ forward, training, explanation, convolution }).filter(([, kind]) => kind)
      return {
        version,
        how,
        ms,
        kinds: Object.fromEntries(kinds.map(([name, { most, why }]) => [name, why ? { why } : { most }])),
      }
    },
    predict: async ({ count }) => ({ probabilities: Array.from(await opened.predict(images(0, count), count)) }),
    async first({ count }) {
      const start = performance.now()
      const training = await opened.training.start(count)
      trainings.set(count, training)
      const loss = await training.first()
      noErrors()
      return { loss, ms: performance.now() - start }
    },
    async convolve({ count }) {
      const convolution = await opened.convolution.start(count)
      convolutions.set(count, convolution)
      const results = await convolution.first()
      noErrors()
      return {
        values: Array.from(results.filter((_, i) => i % comparedStride === 0)),
        largest: results.reduce((largest, value) => Math.max(largest, value), 0),
      }
    },
    async weigh({ count }) {
      const values = await opened.explanation.weights(count)
      return { values, largest: Math.max(...values.map(Math.abs)) }
    },
    async prepare({ kind, count }) {
      if (kind === 'forward') return { batch: await chooseBatch(count) }
      await run(kind, count)
      return kind === 'explanation' ? { samples: opened.explanation.samples?.() } : {}
    },
    run: async ({ kind, count }) => ({ ms: await run(kind, count) }),
    async cold({ kind, count }) {
      if (kind === 'training') return { ms: (await answers.first({ count })).ms }
      batch = count
      return { ms: await run(kind, count) }
    },
    async estimate({ kind, count }) {
      if (kind === 'explanation') {
        // Twice: the first one compiles.
        if (pace.explanation === undefined) await run(kind, probedSamples)
        pace.explanation ??= (await run(kind, probedSamples)) / probedSamples
      }
      if (kind !== 'explanation' && pace.forward === undefined) {
        await probe(probedImages)
        const more = Math.min(4 * probedImages, work.images.length / work.imageSize)
        if (pace.forward * probedImages < enoughMs) await probe(more)
      }
      return { ms: count * (pace[kind] ?? pace.forward * forwardsIn[kind]) }
    },
    async count({ kind, count: images }) {
      if (kind === 'forward') return { counters: await count(() => pass(images)) }
      // A run may begin or end with work that is not a step's: two runs of different lengths tell them apart.
      const runs = []
      for (const steps of [1, 2]) {
        let taken = steps
        const counters = await count(async () => {
          taken = (await trainings.get(images).run(steps))?.steps ?? steps
        })
        runs.push({ counters, taken })
      }
      const [fewer, more] = runs
      return { counters: each(more.counters, fewer.counters, more.taken - fewer.taken) }
    },
    async ceiling({ options }) {
      if (options.device !== 'webgpu') return { ceiling: (await import('./ceiling-simd.mjs')).measureCeiling() }
      if (!meter) {
        await place.prepare?.(options)
        meter = await (await place.adapterCeilings()).openMeter(navigator.gpu)
        place.opened?.()
      }
      return { ceiling: await meter.measure(), adapter: adapterName(meter.info) }
    },
    async adapter({ options }) {
      await place.prepare?.(options)
      const adapter = await navigator.gpu.requestAdapter({ powerPreference: 'high-performance' })
      if (!adapter) throw new Error('there is no WebGPU adapter')
      return { adapter: adapterName(adapter.info), isFallback: isSoftware(adapter.info) }
    },
    kernels: async () => ({ kernels: (await opened.kernels?.()) ?? [] }),
    memory: async () => ({ peak: place.peakMemory?.() }),
  }

  /** WebGPU tells of mistakes where no call can throw them; what was computed then is not what was asked for. */
  function noErrors() {
    const [first] = gpuErrors.splice(0)
    if (first) throw new Error(first)
  }

  const images = (first, count) => work.images.subarray(first * work.imageSize, (first + count) * work.imageSize)

  async function run(kind, count) {
    const ms = await runs[kind](count)
    noErrors()
    pace[kind] = ms / count
    return ms
  }

  async function probe(size) {
    batch = size
    // The first run compiles.
    for (let i = 0; i < 2; i++) await run('forward', size)
  }

  async function timed(action) {
    const start = performance.now()
    return (await action()) ?? performance.now() - start
  }

  async function pass(count) {
    for (let first = 0; first < count; first += batch) {
      const taken = Math.min(batch, count - first)
      await opened.predict(images(first, taken), taken)
    }
  }

  async function forward(count) {
    const times = repetitions('forward', count, mostForwards)
    const start = performance.now()
    for (let i = 0; i < times; i++) await pass(count)
    return (performance.now() - start) / times
  }

  /** How many runs of a kind are enough, by the latest. */
  function repetitions(kind, count, most) {
    const ms = (pace[kind] ?? Number.POSITIVE_INFINITY) * count
    return Math.max(1, Math.min(most, Math.floor(enoughMs / ms)))
  }

  async function train(count) {
    const steps = repetitions('training', count, mostSteps)
    const start = performance.now()
    const own = await trainings.get(count).run(steps)
    return own?.ms ?? (performance.now() - start) / steps
  }

  async function convolve(count) {
    const times = repetitions('convolution', count, mostConvolutions)
    return (await timed(() => convolutions.get(count).run(times))) / times
  }

  const explain = (samples) => timed(() => opened.explanation.run(samples))

  const runs = { forward, training: train, explanation: explain, convolution: convolve }

  /** The fastest of its batches by a run of two; none is tried after one that was slower, or that it can't do. */
  async function chooseBatch(count) {
    const { batches } = opened.forward
    if (!batches) {
      // It chooses by itself.
      batch = count
      await run('forward', count)
      return undefined
    }
    const sizes = batches.filter((size) => size <= count)
    if (sizes.length === 0) sizes.push(count)
    let best
    for (const size of sizes) {
      batch = size
      const taken = Math.min(count, 2 * size)
      try {
        await checkBatch(size)
        const ms = (await run('forward', taken)) / taken
        if (best && ms > best.ms) break
        best = { size, ms }
      } catch (error) {
        if (!best) throw error
        break
      }
    }
    batch = best.size
    return batch
  }

  /** A batch whose buffers are too large for the adapter may be refused in silence, and what is read then is anything. */
  async function checkBatch(size) {
    const whole = await opened.predict(images(0, size), size)
    noErrors()
    const few = Math.min(size, probedImages)
    const classes = whole.length / size
    for (const first of [0, size - few]) {
      const alone = await opened.predict(images(first, few), few)
      for (let i = 0; i < few * classes; i++)
        if (!(Math.abs(alone[i] - whole[first * classes + i]) <= batchTolerance))
          throw new Error(`a batch of ${size} gives other probabilities than one of ${few}`)
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
