/**
 * `npm run bench [-- cpu|webgpu|reference] [-- --repeats N]`: what the tutorial's work takes on one device, in Node.
 * Prints a table and writes bench/results/<device>.json. Medians of the repeats after a warm-up; smallest and largest beside.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, release } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { gunzipSync } from 'node:zlib'
import { adam, loadModel, openDevice } from '../dist/index.js'
import { felzenszwalb, LimeImageExplainer } from '../dist/lime.js'

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { repeats: { type: 'string', default: '5' } },
})
const deviceName = positionals[0] ?? 'cpu'
const repeats = Number(values.repeats)
const file = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url))

const images = new Uint8Array(
  gunzipSync(readFileSync(file('src/app/data/fashion-mnist/t10k-images-idx3-ubyte.gz'))),
).subarray(16)
const labels = new Uint8Array(
  gunzipSync(readFileSync(file('src/app/data/fashion-mnist/t10k-labels-idx1-ubyte.gz'))),
).subarray(8)
const samples = (count) => ({ data: images.subarray(0, count * 784), shape: [count, 28, 28, 1], scale: 1 / 255 })

const device = await openDevice(deviceName)
const model = await loadModel(file('models/fashion-cnn.safetensors'))
await model.compile({ device, optimizer: adam() })

/** A GPU adapter without a GPU is hundreds of times slower: less work tells as much. */
const small = device.info.isFallbackAdapter || deviceName === 'reference'
const forwardImages = small ? 32 : 1000
const stepImages = small ? 32 : 256
const explained = small ? 100 : 1000

const forwardMflop = 29.8
const trainingMflop = 89

const rows = []
async function measure(name, work, { count, unit, mflop }) {
  await work()
  const times = []
  for (let i = 0; i < repeats; i++) {
    const start = performance.now()
    const own = await work()
    times.push(own ?? performance.now() - start)
  }
  times.sort((a, b) => a - b)
  const median = times[Math.floor(times.length / 2)]
  rows.push({
    name,
    medianMs: round(median),
    minMs: round(times[0]),
    maxMs: round(times[times.length - 1]),
    perSecond: round((count / median) * 1000),
    unit,
    gflops: round((count * mflop) / median),
  })
}

function round(value) {
  return Number(value.toPrecision(4))
}

await measure(`forward, ${forwardImages} images`, () => model.predict(samples(forwardImages)).then(() => undefined), {
  count: forwardImages,
  unit: 'images/s',
  mflop: forwardMflop,
})

const image = { data: Float64Array.from(images.subarray(7270 * 784, 7271 * 784), (v) => v / 255), shape: [28, 28] }
await measure(
  `explanation, ${explained} samples, felzenszwalb`,
  async () => {
    const explainer = new LimeImageExplainer({ randomState: 123 })
    const options = { segmentationFn: felzenszwalb(), numSamples: explained, randomSeed: 123 }
    return (await explainer.explainInstance(image, model, options)).timings.total
  },
  { count: explained, unit: 'samples/s', mflop: forwardMflop },
)

// Three whole steps a call, data and optimizer included; the weights it changes are not measured by anything after it.
const steps = 3
await measure(
  `training step, batch ${stepImages}`,
  async () => {
    const count = stepImages * steps
    const { epochs } = await model.fit(samples(count), labels.subarray(0, count), { batchSize: stepImages })
    return epochs[0].msPerStep
  },
  { count: stepImages, unit: 'images/s', mflop: trainingMflop },
)

model.dispose()
device.dispose()

const machine = {
  processor: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  system: `${process.platform} ${release()}`,
  node: process.version,
}
console.log(
  `${device.info.kind}: ${device.info.adapter}; ${machine.processor}, ${machine.cores} cores, Node ${machine.node}`,
)
console.table(
  Object.fromEntries(
    rows.map(({ name, medianMs, minMs, maxMs, perSecond, unit, gflops }) => [
      name,
      { 'median ms': medianMs, min: minMs, max: maxMs, rate: `${perSecond} ${unit}`, 'GFLOP/s': gflops },
    ]),
  ),
)
mkdirSync(file('bench/results'), { recursive: true })
const results = { date: new Date().toISOString().slice(0, 10), device: device.info, machine, repeats, rows }
writeFileSync(file(`bench/results/${device.info.kind}.json`), `${JSON.stringify(results, null, 2)}\n`)
