/**
 * `npm run bench -- lime`: what explanations take on `cpu`, with and without computing once what samples have in common; how much
 * weights differ between random states; and the segmenters beside scikit-image's, if Python has it (Debian: python3-skimage;
 * another Python by the variable PYTHON). Prints tables and writes bench/results/lime.json.
 *
 *   --rounds N   interleaved rounds, 7
 *   --images N   explained one after the other, 200
 *   --out DIR    in place of bench/results
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { loadModel, openDevice } from '../dist/index.js'
import { felzenszwalb, grid, LimeImageExplainer, quickshift, slic } from '../dist/lime.js'
import { cores, machine } from './machine.mjs'
import { explainedImage, loadWork, paths, pixels } from './work.mjs'

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: {
    rounds: { type: 'string', default: '7' },
    images: { type: 'string', default: '200' },
    out: { type: 'string' },
  },
})
const rounds = Number(values.rounds)
const here = (path) => fileURLToPath(new URL(path, import.meta.url))
const python = process.env.PYTHON ?? '/usr/bin/python3'
const about = machine()
const work = await loadWork((path) => readFileSync(here(`../${path}`)))
const imageAt = (index) => ({
  data: Float64Array.from(work.images.subarray(index * pixels, (index + 1) * pixels), (value) => value / 255),
  shape: [28, 28],
})
const image = imageAt(explainedImage)
const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1]

const runsInTurn = 3

/** Ours and scikit-image's in turns, a few runs each, on the same picture. */
async function measureSegmenters() {
  const folder = mkdtempSync(join(tmpdir(), 'limelight-bench-'))
  const run = (...words) =>
    execFileSync(python, [here('peers/scikit_image.py'), ...words], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
  try {
    const file = join(folder, 'picture')
    const { version } = JSON.parse(run('picture', file))
    const data = new Float64Array(readFileSync(file).buffer.slice(0))
    const picture = { data, shape: [512, 512, 3], height: 512, width: 512, channels: 3 }
    const ours = {
      quickshift: quickshift({ kernelSize: 4, maxDist: 200, ratio: 0.2, randomSeed: 42 }),
      felzenszwalb: felzenszwalb(),
      slic: slic(),
    }
    const rows = Object.keys(ours).map((name) => ({ name, ours: [], theirs: [] }))
    // Compiled code, as Python's is.
    for (const { name } of rows) for (let i = 0; i < 2; i++) await ours[name](picture, { randomSeed: 42 })
    for (let round = 0; round < Math.min(rounds, 3); round++) {
      const theirs = new Map(
        run('measure', file, String(runsInTurn))
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line))
          .map((row) => [row.name, row]),
      )
      for (const row of rows) {
        let labels = new Int32Array(0)
        for (let i = 0; i < runsInTurn; i++) {
          const start = performance.now()
          labels = (await ours[row.name](picture, { randomSeed: 42 })).data
          row.ours.push(performance.now() - start)
        }
        const { ms, labels: digest, segments } = theirs.get(row.name)
        row.theirs.push(...ms)
        row.segments = segments
        row.isEqual = createHash('sha256').update(new Uint8Array(labels.buffer)).digest('hex') === digest
      }
    }
    return {
      version,
      rows: rows.map(({ name, ours: own, theirs, segments, isEqual }) => ({
        name,
        segments,
        isEqual,
        ours: median(own),
        skimage: median(theirs),
        timesOurs: median(theirs) / median(own),
      })),
    }
  } catch (error) {
    return { why: `${python} can't: ${error.message.split('\n')[0]}`, rows: [] }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
// Before other work: their code is compiled for what it meets here, as Python's process meets nothing else.
const segmenters = await measureSegmenters()

const device = await openDevice('cpu')
const model = await loadModel(here(`../${paths.weights}`))
await model.compile({ device })

/** The model, and what its last predictions took. */
const counted = {
  inputShape: model.inputShape,
  tabulateBlended: (request, options) => model.tabulateBlended(request, options),
  async predictBlended(request, options) {
    const predictions = await model.predictBlended(request, options)
    this.flops = predictions.flops
    return predictions
  },
}
const fixed = { segmentationFn: felzenszwalb(), randomSeed: 123 }
const explain = (options, randomState = 123, subject = image) =>
  new LimeImageExplainer({ randomState }).explainInstance(subject, counted, { ...fixed, ...options })

const ways = [
  { name: '1,000 samples, each computed', options: { numSamples: 1000, factored: false } },
  { name: '1,000 samples', options: { numSamples: 1000 } },
  { name: '20,000 samples', options: { numSamples: 20_000 } },
  { name: 'auto', options: { numSamples: 'auto' } },
  { name: 'exact, 10 segments, 1,024 mixtures', options: { numSamples: 'exact' } },
  {
    name: 'exact, 20 segments, 1,048,576 mixtures',
    options: { numSamples: 'exact', segmentationFn: grid({ rows: 5, columns: 4 }) },
  },
]
for (const way of ways) {
  way.ms = []
  counted.flops = undefined
  way.samples = (await explain(way.options)).samples
  way.flops = counted.flops
  for (let i = 0; i < 10; i++) await explain(way.options)
}
for (let round = 0; round < rounds; round++)
  for (const way of ways) {
    const start = performance.now()
    await explain(way.options)
    way.ms.push(performance.now() - start)
  }
const [brute] = ways
const explanations = ways.map(({ name, samples, flops, ms }) => ({
  name,
  samples,
  ms: median(ms),
  timesFaster: median(brute.ms) / median(ms),
  ...(flops && { mflop: flops / 1e6 }),
}))

/** Where sharing pays: one explanation's predictions by ever more segments, beside every sample computed. */
const sharing = []
for (const [name, segmentationFn] of [
  ['felzenszwalb', felzenszwalb()],
  ['quickshift, fine', quickshift({ kernelSize: 2, maxDist: 5, ratio: 0.5 })],
  ...[4, 6, 8, 14].map((side) => [`grid of ${side} x ${side}`, grid({ rows: side, columns: side })]),
])
  for (const numSamples of [200, 1000]) {
    const times = { shared: [], single: [] }
    const flops = {}
    let segments = 0
    for (let round = 0; round < rounds + 2; round++)
      for (const [way, factored] of [
        ['shared', true],
        ['single', false],
      ]) {
        const { timings, masks } = await explain({ numSamples, segmentationFn, factored, topLabels: 1 }, 1, imageAt(1))
        segments = masks.shape[1]
        flops[way] = counted.flops
        if (round >= 2) times[way].push(timings.prediction)
      }
    sharing.push({
      name,
      segments,
      numSamples,
      operations: flops.shared / flops.single,
      time: median(times.shared) / median(times.single),
    })
  }

const count = Number(values.images)
const explainer = new LimeImageExplainer({ randomState: 123 })
const started = performance.now()
for await (const _ of explainer.explainBatch(
  Array.from({ length: count }, (_, i) => imageAt(i)),
  model,
  fixed,
));
const imagesASecond = count / ((performance.now() - started) / 1000)

const randomStates = 20
const spreadImages = 20
/** For each image the largest difference of a segment's weight between random states, as a share of the largest weight. */
const spreads = []
for (const numSamples of [1000, 'auto', 'exact']) {
  const shares = []
  const samples = []
  for (let index = 0; index < spreadImages; index++) {
    const runs = []
    for (let state = 0; state < randomStates; state++)
      runs.push(await explain({ numSamples, topLabels: 1 }, state, imageAt(index)))
    const [label] = runs[0].labels
    const weights = runs.map(({ localExp }) => new Map(localExp[label]))
    const spread = ([segment]) => {
      const own = weights.map((run) => run.get(segment))
      return Math.max(...own) - Math.min(...own)
    }
    const all = runs[0].localExp[label]
    // Nothing that can be hidden changes the prediction.
    if (all.every(([, weight]) => Math.abs(weight) < 1e-6)) continue
    shares.push(Math.max(...all.map(spread)) / Math.abs(all[0][1]))
    samples.push(...runs.map((run) => run.samples))
  }
  spreads.push({ numSamples, samples: median(samples), median: median(shares), largest: Math.max(...shares) })
}

const results = {
  date: new Date().toISOString().slice(0, 10),
  machine: about,
  rounds,
  explanations,
  sharing,
  imagesASecond,
  spreads,
  segmenters,
}
const figure = (value) => (value >= 100 ? value.toFixed(0) : value.toPrecision(3))
console.log(
  [
    `lime · ${about.processor}, ${cores} cores, load ${about.loadAtStart} at the start · Node ${about.node} · ${about.commit}`,
    '',
    `Explanation of test image ${explainedImage}, five labels, medians of ${rounds} interleaved rounds`,
    ...explanations.map(
      ({ name, ms, timesFaster, mflop }) =>
        `  ${name.padEnd(42)} ${`${figure(ms)} ms`.padStart(10)} ${`${figure(timesFaster)}x`.padStart(8)}${mflop ? `${figure(mflop).padStart(10)} MFLOP` : ''}`,
    ),
    '',
    'Predictions of test image 1, as a share of those with every sample computed',
    ...sharing.map(
      ({ name, segments, numSamples, operations, time }) =>
        `  ${name.padEnd(18)} ${String(segments).padStart(4)} segments ${String(numSamples).padStart(5)} samples: ${(100 * operations).toFixed(1).padStart(6)} % of the operations, ${(100 * time).toFixed(0).padStart(4)} % of the time`,
    ),
    '',
    `${count} images, 1,000 samples, felzenszwalb, one after the other: ${figure(imagesASecond)} images a second`,
    '',
    `Largest difference of a weight between ${randomStates} random states, in % of the largest weight, ${spreadImages} images`,
    ...spreads.map(
      ({ numSamples, samples, median: middle, largest }) =>
        `  ${String(numSamples).padEnd(8)} ${String(samples).padStart(6)} samples (median)  median ${(100 * middle).toFixed(1)} %, largest ${(100 * largest).toFixed(1)} %`,
    ),
    '',
    segmenters.why ?? `Segmenters at 512 x 512, beside scikit-image ${segmenters.version}`,
    ...segmenters.rows.map(
      ({ name, segments, isEqual, ours, skimage, timesOurs }) =>
        `  ${name.padEnd(13)} ${`${figure(ours)} ms`.padStart(9)}  scikit-image ${`${figure(skimage)} ms`.padStart(9)} (${figure(timesOurs)}x)  ${segments} segments, ${isEqual ? 'equal maps' : 'OTHER MAPS'}`,
    ),
  ].join('\n'),
)
const folder = values.out ?? here('results')
mkdirSync(folder, { recursive: true })
const rounded = (_key, value) => (typeof value === 'number' ? Number(value.toPrecision(6)) : value)
writeFileSync(join(folder, 'lime.json'), `${JSON.stringify(results, rounded, 2)}\n`)
model.dispose()
device.dispose()
