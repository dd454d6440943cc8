/**
 * `npm run bench -- sampling`: what samples are worth that are drawn at random, in complementary pairs, or balanced. The error of
 * LIME's weights beside the limit of all mixtures, by the number of samples, on test images by the shipped network and on two
 * photographs by a MobileNet; how often 95 % intervals cover the limit; how many samples 'auto' takes. All mixtures' answers are
 * asked for once and looked up afterwards. Prints tables and writes bench/results/sampling.json. Photographs are left out where there are none.
 *
 *   --runs N      random states an image, 100
 *   --images N    test images, 10
 *   --segments LIST  of the test images: of 5, 9 and 16
 *   --photos DIR  with chelsea.png and coffee-alpha.png; ../shared/photos
 *   --models DIR  with mobilenet-v1-025.h5; ../shared/models
 *   --only LIST   fashion, photos, auto
 *   --out DIR     in place of bench/results
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { loadModel, openDevice } from '../dist/index.js'
import { grid, LimeImageExplainer, RandomState, slic } from '../dist/lime.js'
import { machine } from './machine.mjs'
import { pictureAt } from './picture.mjs'
import { loadWork, paths, pixels } from './work.mjs'

const here = (path) => fileURLToPath(new URL(path, import.meta.url))
const { values } = parseArgs({
  args: process.argv.slice(3),
  options: {
    runs: { type: 'string', default: '100' },
    images: { type: 'string', default: '10' },
    segments: { type: 'string', default: '5,9,16' },
    photos: { type: 'string', default: here('../../shared/photos') },
    models: { type: 'string', default: here('../../shared/models') },
    only: { type: 'string', default: 'fashion,photos,auto' },
    out: { type: 'string' },
  },
})
const runs = Number(values.runs)
const only = values.only.split(',')
const about = machine()
const device = await openDevice('cpu')
const budgets = [65, 129, 257, 513, 1001]
const designs = ['plain', 'paired', 'balanced']
/** A weight that is next to nothing says nothing about intervals: hiding its segment changes no pixel that counts. */
const leastWeight = 1e-4
/** Networks answer in float32: differences below this are its rounding. */
const rounding = 1e-6

/** Its bits are masks after the image's, each followed by its complement: pairs without blocks. */
class PairedMasks extends RandomState {
  next = 0
  pair = new Uint8Array(0)

  constructor(seed, segments) {
    super(seed)
    this.segments = segments
  }

  fillWithBits(values) {
    for (let i = 0; i < values.length; i++, this.next++) {
      const [row, column] = [Math.floor(this.next / this.segments), this.next % this.segments]
      if (row % 2 === 1 && column === 0) this.pair = this.bitsOfPair()
      values[i] = row === 0 ? 1 : this.pair[column] ^ (row % 2 === 1 ? 0 : 1)
    }
  }

  bitsOfPair() {
    const bits = new Uint8Array(this.segments)
    super.fillWithBits(bits)
    return bits
  }
}

/** What a model says of the likeliest label of each mixture, once and for all: a model that looks it up. */
async function remembered(model, image, segmentationFn) {
  const answers = []
  let label = -1
  const asking = {
    inputShape: model.inputShape,
    async predictBlended(request, options) {
      const { data, shape } = await model.predictBlended(request, options)
      const [count, classes] = shape
      if (label < 0) label = data.subarray(0, classes).reduce((best, value, c) => (value > data[best] ? c : best), 0)
      const own = new Float32Array(count)
      for (let row = 0; row < count; row++) own[row] = data[row * classes + label]
      answers.push(own)
      return { data: own, shape: [count, 1] }
    },
  }
  const limit = await new LimeImageExplainer({ randomState: 1 }).explainInstance(image, asking, {
    segmentationFn,
    numSamples: 'exact',
    labels: [1],
    randomSeed: 1,
    keepSamples: false,
  })
  const all = Float32Array.from(answers.flatMap((part) => Array.from(part)))
  const lookup = {
    inputShape: model.inputShape,
    async predictBlended({ masks, count, segmentCount }) {
      const data = new Float32Array(count)
      for (let row = 0, at = 0; row < count; row++) {
        let number = 0
        for (let s = 0; s < segmentCount; s++, at++) number += (1 - masks[at]) * 2 ** s
        data[row] = all[number]
      }
      return { data, shape: [count, 1] }
    },
  }
  const { segments, segmentCount } = limit
  return { image, lookup, segmentationFn: () => segments, segments: segmentCount, limits: new Map(limit.localExp[1]) }
}

const explain = ({ image, lookup, segmentationFn }, randomState, options) =>
  new LimeImageExplainer({ randomState }).explainInstance(image, lookup, {
    segmentationFn,
    labels: [1],
    randomSeed: 1,
    keepSamples: false,
    ...options,
  })

/** Mean |error| of the weights as a share of the largest one, and how often intervals cover the limit. */
async function errorsOf(pictures) {
  const rows = []
  for (const numSamples of budgets) {
    const row = { samples: numSamples }
    for (const design of designs) {
      const sums = { error: 0, weights: 0, covered: 0, judged: 0 }
      for (const [index, picture] of pictures.entries()) {
        const { limits, segments } = picture
        const largest = Math.max(...Array.from(limits.values(), Math.abs))
        for (let run = 0; run < runs; run++) {
          const seed = 1 + index * runs + run
          const state = design === 'paired' ? new PairedMasks(seed, segments) : seed
          const sampling = design === 'balanced' ? 'balanced' : 'plain'
          // Without penalty: its bias is no matter of the samples.
          const found = await explain(picture, state, { numSamples, sampling, alpha: 0 })
          for (const [segment, weight] of found.localExp[1]) {
            sums.error += Math.abs(weight - limits.get(segment)) / largest
            sums.weights++
          }
          // Of pairs without blocks there are no intervals: plain ones take their masks for independent.
          if (design === 'paired') continue
          for (const { segment, low, high } of found.intervals(1)) {
            const limit = limits.get(segment)
            if (Math.abs(limit) < leastWeight) continue
            sums.judged++
            if (low - rounding <= limit && limit <= high + rounding) sums.covered++
          }
        }
      }
      row[design] = {
        error: sums.error / sums.weights,
        ...(sums.judged > 0 && { coverage: sums.covered / sums.judged, weights: sums.judged }),
      }
    }
    rows.push(row)
    console.error(JSON.stringify(row))
  }
  return rows
}

/** How many samples 'auto' takes until the order is settled, and whether that is the limit's. */
async function settlingOf(pictures) {
  const rows = []
  for (const [index, picture] of pictures.entries()) {
    const row = { image: index, segments: picture.segments }
    const top = [...picture.limits].sort(([, a], [, b]) => Math.abs(b) - Math.abs(a)).slice(0, 5)
    for (const sampling of ['plain', 'balanced']) {
      const sums = { samples: 0, settled: 0, wrong: 0 }
      for (let run = 0; run < 10; run++) {
        const found = await explain(picture, 1 + 10 * index + run, { numSamples: 'auto', sampling })
        sums.samples += found.samples / 10
        if (!found.settled) continue
        sums.settled++
        if (top.some(([segment], i) => found.localExp[1][i][0] !== segment)) sums.wrong++
      }
      row[sampling] = sums
    }
    rows.push(row)
    console.error(JSON.stringify(row))
  }
  return rows
}

const fashion = {}
let settling
if (only.includes('fashion') || only.includes('auto')) {
  const work = await loadWork((path) => readFileSync(here(`../${path}`)))
  const model = await loadModel(here(`../${paths.weights}`))
  await model.compile({ device })
  for (const [rows, columns] of [
    [5, 1],
    [3, 3],
    [4, 4],
  ]) {
    if (!values.segments.split(',').includes(String(rows * columns))) continue
    const pictures = []
    for (let index = 0; index < Number(values.images); index++) {
      const data = Float64Array.from(work.images.subarray(index * pixels, (index + 1) * pixels), (value) => value / 255)
      pictures.push(await remembered(model, { data, shape: [28, 28] }, grid({ rows, columns })))
    }
    if (only.includes('fashion')) fashion[`${rows * columns}`] = await errorsOf(pictures)
    if (only.includes('auto') && rows * columns === 16) settling = await settlingOf(pictures)
  }
  model.dispose()
}

const photographs = {}
const network = join(values.models, 'mobilenet-v1-025.h5')
if (only.includes('photos') && existsSync(network)) {
  const loaded = await loadModel(network)
  const model = loaded.forPictures({
    layout: 'NHWC',
    channels: 'rgb',
    scale: [2],
    offset: [-1],
    output: 'probabilities',
  })
  await model.compile({ device })
  for (const name of ['chelsea.png', 'coffee-alpha.png']) {
    const path = join(values.photos, name)
    if (!existsSync(path)) continue
    const picture = await remembered(model, pictureAt(path, model.inputShape[0]), slic({ nSegments: 12 }))
    photographs[name] = { segments: picture.segments, rows: await errorsOf([picture]) }
  }
  model.dispose()
}

const percent = (value, digits = 2) => `${(100 * value).toFixed(digits)} %`
const table = (title, rows) => [
  '',
  title,
  ...rows.map(
    ({ samples, plain, paired, balanced }) =>
      `  ${String(samples).padStart(5)}  ${[plain, paired, balanced].map(({ error }) => percent(error).padStart(8)).join('')}   covered ${percent(plain.coverage, 1)}, balanced ${percent(balanced.coverage, 1)}`,
  ),
]
console.log(
  [
    `sampling · ${about.processor} · Node ${about.node} · ${about.commit}`,
    'Mean error of weights as a share of the largest one: plain, paired, balanced; and how often 95 % intervals cover the limit',
    ...Object.entries(fashion).flatMap(([segments, rows]) =>
      table(`${values.images} test images, ${segments} segments`, rows),
    ),
    ...Object.entries(photographs).flatMap(([name, { segments, rows }]) =>
      table(`${name}, ${segments} segments`, rows),
    ),
    ...(settling
      ? [
          '',
          "'auto' on 16 segments, means of ten random states: samples; settled of ten, in another order",
          ...settling.map(
            ({ image, plain, balanced }) =>
              `  image ${image}: plain ${plain.samples.toFixed(0)}; ${plain.settled}, ${plain.wrong}   balanced ${balanced.samples.toFixed(0)}; ${balanced.settled}, ${balanced.wrong}`,
          ),
        ]
      : []),
  ].join('\n'),
)
const folder = values.out ?? here('results')
mkdirSync(folder, { recursive: true })
const rounded = (_key, value) => (typeof value === 'number' ? Number(value.toPrecision(4)) : value)
writeFileSync(
  join(folder, 'sampling.json'),
  `${JSON.stringify({ date: new Date().toISOString().slice(0, 10), machine: about, runs, fashion, photographs, settling }, rounded, 2)}\n`,
)
device.dispose()
