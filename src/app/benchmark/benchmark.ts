import type { Device, Model } from '../../engine/index.ts'
import { felzenszwalb, LimeImageExplainer } from '../../lime/index.ts'
import { firstOf, type ImageSet, pixelsOf } from '../data/image-set.ts'
import { task } from '../tasks/chosen-task.ts'
import { pictureOf, samplesOf } from '../tasks/task.ts'
import { type Ceilings, openMeter } from './adapter-ceilings.ts'

/**
 * How fast a device does the tutorial's work: medians of several runs, each after a warm-up. What would take too long here
 * is left out and says so.
 */
export interface BenchmarkItem {
  readonly title: string
  readonly kind: Kind
  /** Images, or samples of an explanation. */
  readonly count: number
}

type Kind = 'forward' | 'training' | 'explanation'

/** Direct convolution's, an image: what is counted whatever is computed, so that rates compare. */
const mflop: Readonly<Record<Kind, number>> = { forward: 29.8, training: 89, explanation: 29.8 }

export const benchmarkItems: readonly BenchmarkItem[] = [
  { title: 'Forward pass, 1 image', kind: 'forward', count: 1 },
  { title: 'Forward pass, 32 images', kind: 'forward', count: 32 },
  { title: 'Forward pass, 1,000 images', kind: 'forward', count: 1000 },
  { title: 'Training step, 32 images', kind: 'training', count: 32 },
  { title: 'Training step, 256 images', kind: 'training', count: 256 },
  { title: 'Explanation, 1,000 samples, each computed', kind: 'explanation', count: 1000 },
  { title: 'Explanation, 20,000 samples, each computed', kind: 'explanation', count: 20_000 },
]

export type ItemResult = {
  readonly title: string
  readonly kind: Kind
  readonly count: number
} & (
  | {
      /** Milliseconds of every run. */
      readonly times: readonly number[]
      readonly median: number
      readonly perSecond: number
      readonly gflops: number
    }
  | { readonly leftOut: string }
)

export interface BenchmarkWork {
  readonly device: Device
  /** Compiled for the device, with an optimizer. Training changes its weights. */
  readonly model: Model
  readonly images: ImageSet
}

export interface BenchmarkListeners {
  /** What is being done now; `done` items of `total`. */
  readonly onProgress?: (done: number, total: number, what: string) => void
  /** The adapter's, if the device is one. */
  readonly onCeilings?: (ceilings: Ceilings) => void
  readonly onResult?: (result: ItemResult) => void
}

const mostRuns = 7
/** No further run once an item has taken so long. */
const enoughMs = 4000
/** What would take longer than this is left out. */
const patienceMs = 20_000
const explainedImage = 7270
const stepsPerRun = 3
/** What the first estimate is made from: few enough for the slowest adapter. */
const probed: Readonly<Record<Kind, number>> = { forward: 8, training: 8, explanation: 100 }

/** @throws what the device throws when it fails */
export async function runBenchmark(work: BenchmarkWork, listeners: BenchmarkListeners): Promise<void> {
  const { onProgress, onCeilings, onResult } = listeners
  const total = benchmarkItems.length
  const { gpu } = navigator
  if (work.device.info.kind === 'webgpu' && gpu) {
    onProgress?.(0, total, "The adapter's ceilings")
    const meter = await openMeter(gpu)
    try {
      onCeilings?.(await meter.measure())
    } finally {
      meter.close()
    }
  }
  /** Milliseconds an image, of the largest run of a kind so far. */
  const pace = new Map<Kind, number>()
  const run = async (kind: Kind, count: number): Promise<number> => {
    const ms = await runs[kind](work, count)
    pace.set(kind, ms / count)
    return ms
  }
  for (const [done, item] of benchmarkItems.entries()) {
    const { kind, count, title } = item
    onProgress?.(done, total, `${title}: warming up`)
    // The first run compiles.
    if (!pace.has(kind)) for (let i = 0; i < 2; i++) await run(kind, Math.min(count, probed[kind]))
    const expected = count * (pace.get(kind) ?? 0)
    let result: ItemResult
    if (expected > patienceMs)
      result = { ...item, leftOut: `a run would take about ${Math.round(expected / 1000)} s on this device` }
    else {
      await run(kind, count)
      const times: number[] = []
      let spent = 0
      while (times.length < mostRuns && !(times.length > 0 && spent > enoughMs)) {
        onProgress?.(done, total, `${title}: run ${times.length + 1}`)
        const ms = await run(kind, count)
        times.push(ms)
        spent += ms
      }
      const median = medianOf(times)
      const perSecond = (count / median) * 1000
      result = { ...item, times, median, perSecond, gflops: (perSecond * mflop[kind]) / 1000 }
    }
    onResult?.(result)
  }
  onProgress?.(total, total, '')
}

const firstSamples = ({ images }: BenchmarkWork, count: number) => samplesOf(task, firstOf(images, count).images)

/** Milliseconds of one forward pass of so many images, one step of so many, one explanation of so many samples. */
const runs: Readonly<Record<Kind, (work: BenchmarkWork, count: number) => Promise<number>>> = {
  async forward(work, count) {
    const start = performance.now()
    await work.model.predict(firstSamples(work, count))
    return performance.now() - start
  },
  async training(work, count) {
    const taken = count * stepsPerRun
    const labels = work.images.labels.subarray(0, taken)
    // The first epoch is a warm-up: fit() begins by preparing its step.
    const options = { batchSize: count, epochs: 2 }
    const { epochs } = await work.model.fit(firstSamples(work, taken), labels, options)
    return epochs[1].msPerStep
  },
  async explanation({ model, images }, numSamples) {
    const image = pictureOf(task, pixelsOf(images, explainedImage))
    const explainer = new LimeImageExplainer({ randomState: 123 })
    const options = { segmentationFn: felzenszwalb(), numSamples, randomSeed: 123, factored: false }
    return (await explainer.explainInstance(image, model, options)).timings.total
  },
}

function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
