/**
 * `npm run bench -- lime-limit`: whether explanations mean what they say, by the shipped network and its test images. 'exact' beside
 * 200,000 samples; the order that 'auto' settles on beside the limit's; how often intervals cover the limit, by the number of
 * segments. And what the fit of very many segments takes, of any classifier. Prints tables and writes bench/results/lime-limit.json. Twenty minutes on one core of a busy machine.
 *
 *   --images N   of which 'exact' is compared with samples, 50
 *   --orders N   images whose order is compared, 200
 *   --runs N     random states an image for intervals, 20
 *   --only NAME  exact, order, intervals or fits
 *   --out DIR    in place of bench/results
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { loadModel, openDevice } from '../dist/index.js'
import { defaultSegmenter, felzenszwalb, grid, LimeImageExplainer, slic } from '../dist/lime.js'
import { machine } from './machine.mjs'
import { loadWork, paths, pixels } from './work.mjs'

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: {
    images: { type: 'string', default: '50' },
    orders: { type: 'string', default: '200' },
    runs: { type: 'string', default: '20' },
    only: { type: 'string' },
    out: { type: 'string' },
  },
})
const here = (path) => fileURLToPath(new URL(path, import.meta.url))
const about = machine()
const work = await loadWork((path) => readFileSync(here(`../${path}`)))
const imageAt = (index) => ({
  data: Float64Array.from(work.images.subarray(index * pixels, (index + 1) * pixels), (value) => value / 255),
  shape: [28, 28],
})
const device = await openDevice('cpu')
const model = await loadModel(here(`../${paths.weights}`))
await model.compile({ device })
const explain = (index, randomState, options) =>
  new LimeImageExplainer({ randomState }).explainInstance(imageAt(index), model, {
    randomSeed: 1,
    topLabels: 1,
    keepSamples: false,
    ...options,
  })
const weightsOf = (explanation) => new Map(explanation.localExp[explanation.labels[0]])

/** Half the width of a 95 % interval, in standard errors, for very many samples. */
const widthOf95 = 1.959964
/** The network answers in float32: differences below this are its rounding. */
const rounding = 1e-6
/** A weight that is next to nothing says nothing about intervals: hiding its segment changes no pixel that counts. */
const leastWeight = 1e-4

const cells = [
  [3, 1],
  [2, 2],
  [5, 1],
  [3, 2],
  [7, 1],
  [4, 2],
  [3, 3],
  [5, 2],
  [4, 3],
  [4, 4],
  [5, 4],
  [6, 5],
]
const segmenters = [
  ...cells.slice(0, 9).map(([rows, columns]) => grid({ rows, columns })),
  slic({ nSegments: 6 }),
  slic({ nSegments: 10 }),
  felzenszwalb({ scale: 100 }),
  felzenszwalb({ scale: 30 }),
]

/** How far 'exact' is from 200,000 samples without penalty, in standard errors of those. */
async function compareExact(count) {
  const distances = []
  const bySegments = new Map()
  let index = 0
  for (let done = 0; done < count; index++) {
    const segmentationFn = segmenters[index % segmenters.length]
    const exact = await explain(index, 1, { segmentationFn, numSamples: 'exact' }).catch(() => null)
    const segments = exact?.masks.shape[1]
    if (!exact || segments < 3 || segments > 12) continue
    done++
    const [label] = exact.labels
    const sampled = await explain(index, index, { segmentationFn, numSamples: 200_000, alpha: 0 })
    const limits = weightsOf(exact)
    for (const { segment, low, high } of sampled.intervals(label)) {
      const error = (high - low) / 2 / widthOf95
      const difference = Math.abs(limits.get(segment) - (low + high) / 2)
      const distance = Math.max(0, difference - rounding) / Math.max(error, 1e-12)
      distances.push(distance)
      bySegments.set(segments, Math.max(bySegments.get(segments) ?? 0, distance))
    }
  }
  distances.sort((a, b) => a - b)
  const beyond = (limit) => distances.filter((distance) => distance > limit).length
  return {
    images: count,
    weights: distances.length,
    rootMeanSquare: Math.sqrt(distances.reduce((sum, distance) => sum + distance ** 2, 0) / distances.length),
    median: distances[distances.length >> 1],
    beyond1: beyond(1),
    beyond2: beyond(widthOf95),
    beyond3: beyond(3),
    largest: distances.at(-1),
    bySegments: Object.fromEntries([...bySegments].sort(([a], [b]) => a - b)),
  }
}

/** Whether 'auto' puts the five heaviest segments in the limit's order. */
async function compareOrders(count) {
  const orders = []
  for (const [name, segmenterOf] of [
    ['as the image has it', (image) => defaultSegmenter(image)],
    ['felzenszwalb', () => felzenszwalb()],
    ['grid of 4 x 4', () => grid({ rows: 4, columns: 4 })],
  ]) {
    const row = { name, images: 0, sampled: 0, settled: 0, equal: 0, settledOtherwise: 0, samples: 0 }
    for (let index = 0; row.images < count; index++) {
      const image = { ...imageAt(index), height: 28, width: 28, channels: 1 }
      const segmentationFn = segmenterOf(image)
      const limit = await explain(index, 1, { segmentationFn, numSamples: 'exact' }).catch(() => null)
      // More segments than can be enumerated.
      if (!limit) continue
      const auto = await explain(index, index, { segmentationFn, numSamples: 'auto' })
      const top = ({ localExp, labels }) => localExp[labels[0]].slice(0, 5).map(([segment]) => segment)
      const [expected, found] = [top(limit), top(auto)]
      const isEqual = expected.every((segment, i) => segment === found[i])
      row.images++
      row.samples += auto.samples / count
      if (auto.sampling === 'auto') row.sampled++
      if (auto.settled) row.settled++
      if (isEqual) row.equal++
      if (auto.settled && !isEqual) row.settledOtherwise++
    }
    orders.push(row)
  }
  return orders
}

/** How often the intervals of sampled weights, with the default penalty, cover the limit. */
async function coverIntervals(images, runs) {
  const rows = []
  for (const [down, across] of cells) {
    const segments = down * across
    const segmentationFn = grid({ rows: down, columns: across })
    const row = { segments, samples: {} }
    for (const numSamples of [200, 1000, 5000]) row.samples[numSamples] = { weights: 0, covered: 0 }
    // Of 30 segments the limit is estimated, from so many samples that its own error is of no account.
    const asLimit = segments <= 20 ? { numSamples: 'exact' } : { numSamples: 500_000, alpha: 0 }
    const few = segments > 12 ? Math.ceil(images / 2) : images
    for (let index = 0; index < few; index++) {
      const limit = await explain(index, 0, { segmentationFn, ...asLimit })
      const limits = weightsOf(limit)
      for (const [numSamples, sums] of Object.entries(row.samples))
        for (let state = 0; state < runs; state++) {
          const sampled = await explain(index, 1 + runs * index + state, {
            segmentationFn,
            numSamples: Number(numSamples),
          })
          for (const { segment, low, high } of sampled.intervals(limit.labels[0])) {
            const weight = limits.get(segment)
            if (Math.abs(weight) < leastWeight) continue
            sums.weights++
            if (low - rounding <= weight && weight <= high + rounding) sums.covered++
          }
        }
    }
    rows.push(row)
    console.error(JSON.stringify(row))
  }
  return rows
}

/** Processor time of five labels' fits and intervals, and the longest stretch of it in which nobody else had a turn. */
async function measureFits() {
  const fits = []
  const used = () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1000
  }
  for (const side of [14, 28, 55, 100]) {
    const size = side ** 2
    const predict = ({ data, shape: [count] }) =>
      Array.from({ length: count }, (_, sample) => {
        let sum = 0
        for (let i = 0; i < size; i++) sum += data[sample * size + i] * Math.cos(i * i)
        const p = 1 / (1 + Math.exp(-sum / side))
        return [p, p * (1 - p), (1 - p) ** 2, p / 2, p ** 2 / 2]
      })
    const picture = { data: Float64Array.from({ length: size }, (_, i) => Math.sin(i)), shape: [side, side, 1] }
    let [start, last, longest] = [Number.NaN, Number.NaN, 0]
    const turns = setInterval(() => {
      const now = used()
      if (now - last > longest) longest = now - last
      last = now
    }, 1)
    await new LimeImageExplainer({ randomState: 1 }).explainInstance(picture, predict, {
      segmentationFn: grid({ rows: side, columns: side }),
      hideColor: 0,
      batchSize: 100,
      onProgress: ({ phase, done, total }) => {
        if (phase !== 'prediction' || done < total) return
        start = used()
        last = start
        longest = 0
      },
    })
    clearInterval(turns)
    fits.push({ segments: size, samples: 1000, ms: used() - start, longest })
  }
  return fits
}

const isAsked = (name) => values.only === undefined || values.only === name
const exact = isAsked('exact') ? await compareExact(Number(values.images)) : undefined
const orders = isAsked('order') ? await compareOrders(Number(values.orders)) : undefined
const intervals = isAsked('intervals') ? await coverIntervals(20, Number(values.runs)) : undefined

const fits = isAsked('fits') ? await measureFits() : undefined

const percent = (part, whole) => `${((100 * part) / whole).toFixed(1)} %`
console.log(
  [
    `lime-limit · ${about.processor} · Node ${about.node} · ${about.commit}`,
    ...(exact
      ? [
          '',
          `'exact' beside 200,000 samples, ${exact.images} images of 3 to 12 segments, ${exact.weights} weights, in standard errors of the sampled ones`,
          `  root mean square ${exact.rootMeanSquare.toFixed(2)}, median ${exact.median.toFixed(2)}, largest ${exact.largest.toFixed(2)}`,
          `  beyond 1: ${percent(exact.beyond1, exact.weights)} (by chance 31.7 %), 1.96: ${percent(exact.beyond2, exact.weights)} (5 %), 3: ${exact.beyond3} (${(0.0027 * exact.weights).toFixed(1)})`,
          ...Object.entries(exact.bySegments).map(
            ([n, most]) => `  ${n.padStart(2)} segments: largest ${most.toFixed(2)}`,
          ),
        ]
      : []),
    ...(orders
      ? [
          '',
          "The order of the five heaviest segments, 'auto' beside the limit",
          ...orders.map(
            ({ name, images, sampled, settled, equal, settledOtherwise, samples }) =>
              `  ${name.padEnd(20)} ${images} images, ${sampled} of them sampled, ${samples.toFixed(0)} samples on average: equal in ${percent(equal, images)}; settled ${settled}, in another order ${settledOtherwise}`,
          ),
        ]
      : []),
    ...(intervals
      ? [
          '',
          'Limits that lie in the 95 % interval of 200, 1,000 and 5,000 samples',
          ...intervals.map(
            ({ segments, samples }) =>
              `  ${String(segments).padStart(2)} segments ${Object.values(samples)
                .map(({ covered, weights }) => `${percent(covered, weights)} (of ${weights})`)
                .join('  ')}`,
          ),
        ]
      : []),
    ...(fits
      ? [
          '',
          'Fit and intervals of five labels, 1,000 samples, in processor time',
          ...fits.map(
            ({ segments, ms, longest }) =>
              `  ${String(segments).padStart(6)} segments ${(ms / 1000).toFixed(2).padStart(6)} s, longest without a turn for others ${longest.toFixed(0)} ms`,
          ),
        ]
      : []),
  ].join('\n'),
)
const folder = values.out ?? here('results')
mkdirSync(folder, { recursive: true })
const rounded = (_key, value) => (typeof value === 'number' ? Number(value.toPrecision(6)) : value)
writeFileSync(
  join(folder, 'lime-limit.json'),
  `${JSON.stringify({ date: new Date().toISOString().slice(0, 10), machine: about, exact, orders, intervals, fits }, rounded, 2)}\n`,
)
model.dispose()
device.dispose()
