import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ImageSet } from '../../src/app/data/image-set.ts'
import { tutorialArchitecture } from '../../src/app/networks/tutorial.ts'
import { readSplit } from '../../src/app/tasks/fashion-mnist/files.ts'
import { fashionMnist } from '../../src/app/tasks/fashion-mnist/task.ts'
import { CpuDevice } from '../../src/engine/cpu/device.ts'
import { loadModel, type Model } from '../../src/engine/index.ts'
import { type ExplainOptions, type Explanation, felzenszwalb, grid, LimeImageExplainer } from '../../src/lime/index.ts'

const {
  inputShape: [imageExtent],
} = fashionMnist

/** LIME's limit of endless samples, on the shipped network and its test images. Larger versions: bench/lime-limit.mjs. */

const root = new URL('../../', import.meta.url).pathname
const data = `${root}src/app/data/fashion-mnist/`
const device = new CpuDevice({ threads: 2 })
let images: ImageSet
let model: Model
beforeAll(async () => {
  images = await readSplit(
    'test',
    await readFile(`${data}t10k-images-idx3-ubyte.gz`),
    await readFile(`${data}t10k-labels-idx1-ubyte.gz`),
  )
  model = await loadModel(`${root}models/fashion-cnn.safetensors`, { fallback: tutorialArchitecture(0) })
  await model.compile({ device })
})
afterAll(() => {
  model.dispose()
  device.dispose()
})

function explain(index: number, randomState: number, options: ExplainOptions): Promise<Explanation> {
  const size = imageExtent ** 2
  const pixels = Float64Array.from(images.images.subarray(index * size, (index + 1) * size), (value) => value / 255)
  const input = { data: pixels, shape: [imageExtent, imageExtent, 1] }
  return new LimeImageExplainer({ randomState }).explainInstance(input, model, {
    randomSeed: 123,
    topLabels: 1,
    ...options,
  })
}

const weightsOf = ({ localExp, labels }: Explanation) => new Map(localExp[labels[0]])

describe('LIME of few segments', () => {
  it('weighs the heaviest of the five of test image 21 as endless samples do, not as a ridge against 32 rows', async () => {
    const five = { segmentationFn: felzenszwalb() }
    for (const numSamples of ['exact', 'auto'] as const) {
      const limit = await explain(21, 1, { ...five, numSamples })
      expect(limit.samples).toBe(32)
      expect(limit.alpha).toBe(0)
      expect(limit.localExp[limit.labels[0]][0][1]).toBeCloseTo(0.8732, 4)
    }
    const ridge = await explain(21, 1, { ...five, numSamples: 'exact', alpha: 1 })
    expect(ridge.localExp[ridge.labels[0]][0][1]).toBeCloseTo(0.6867, 4)
    // Its interval is where the limit is, and readers are told.
    const [{ low, high }] = ridge.intervals(ridge.labels[0])
    expect(low).toBeCloseTo(0.8732, 4)
    expect(high).toBe(low)
    expect(ridge.warnings.join()).toMatch(
      /alpha 1\) changes weights.*segment 1 would weigh 0\.873 for label 5, not 0\.687/,
    )
  })

  it("comes, with alpha 2^n / N, to what N samples of Python's give on average", async () => {
    const [rows, runs] = [200, 60]
    const options = { segmentationFn: felzenszwalb() }
    const expected = await explain(21, 0, { ...options, numSamples: 'exact', alpha: 32 / rows })
    const [label] = expected.labels
    const [[segment, weight]] = expected.localExp[label]
    const sampled: number[] = []
    for (let seed = 0; seed < runs; seed++) {
      const own = weightsOf(await explain(21, seed, { ...options, numSamples: rows })).get(segment)
      sampled.push(own ?? Number.NaN)
    }
    const mean = sampled.reduce((sum, value) => sum + value, 0) / runs
    const limit = weightsOf(await explain(21, 0, { ...options, numSamples: 'exact' })).get(segment) ?? Number.NaN
    expect(limit - weight).toBeGreaterThan(0.03)
    expect(Math.abs(mean - weight)).toBeLessThan(0.2 * (limit - weight))
  })

  it("'exact' is within the errors of 50,000 samples", { timeout: 60_000 }, async () => {
    const distances: number[] = []
    for (const [index, [rows, columns]] of [
      [0, [3, 1]],
      [1, [2, 2]],
      [2, [5, 1]],
      [3, [3, 2]],
      [4, [7, 1]],
      [5, [3, 3]],
      [21, [5, 1]],
      [7, [4, 3]],
    ] as const) {
      const segmentationFn = grid({ rows, columns })
      const limits = weightsOf(await explain(index, 1, { segmentationFn, numSamples: 'exact' }))
      const sampled = await explain(index, 1, { segmentationFn, numSamples: 50_000, alpha: 0 })
      for (const { segment, low, high } of sampled.intervals(sampled.labels[0])) {
        const difference = Math.abs((limits.get(segment) ?? Number.NaN) - (low + high) / 2)
        // The network answers in float32.
        distances.push(Math.max(0, difference - 1e-6) / Math.max((high - low) / 2 / 1.96, 1e-12))
      }
    }
    const square = distances.reduce((sum, distance) => sum + distance ** 2, 0) / distances.length
    expect(distances.length).toBe(51)
    // Of 51 weights: by chance one in 10,000 such tests goes beyond 4.6.
    expect(Math.max(...distances)).toBeLessThan(4)
    expect(Math.sqrt(square)).toBeLessThan(1.3)
  })

  it.each([
    [3, 1, 'plain', 200],
    [5, 1, 'plain', 200],
    [3, 3, 'plain', 200],
    [4, 4, 'plain', 200],
    [5, 1, 'balanced', 257],
    [3, 3, 'balanced', 200],
    [3, 3, 'balanced', 400],
    [4, 4, 'balanced', 200],
  ] as const)(
    'intervals of %d x %d segments cover the limit 93 to 97 times in 100, of %s samples (%d)',
    { timeout: 120_000 },
    async (rows, columns, sampling, numSamples) => {
      const segmentationFn = grid({ rows, columns })
      let [inside, all] = [0, 0]
      for (let index = 0; index < 8; index++) {
        const limits = weightsOf(await explain(index, 1, { segmentationFn, numSamples: 'exact' }))
        for (let seed = 0; seed < Math.ceil(160 / (rows * columns)); seed++) {
          const sampled = await explain(index, 100 * index + seed, { segmentationFn, numSamples, sampling })
          for (const { segment, low, high } of sampled.intervals(sampled.labels[0])) {
            const limit = limits.get(segment) ?? Number.NaN
            if (Math.abs(limit) < 1e-4) continue
            all++
            if (low - 1e-6 <= limit && limit <= high + 1e-6) inside++
          }
        }
      }
      expect(all).toBeGreaterThan(1000)
      // Standard errors that are a seventh too small cover 91 %, a seventh too large 97.5 %.
      expect(inside / all).toBeGreaterThan(0.93)
      expect(inside / all).toBeLessThan(0.97)
    },
  )

  it('balanced samples come nearer to it than as many plain ones', { timeout: 60_000 }, async () => {
    const segmentationFn = grid({ rows: 4, columns: 4 })
    const error = { plain: 0, balanced: 0 }
    for (let index = 0; index < 6; index++) {
      const limits = weightsOf(await explain(index, 1, { segmentationFn, numSamples: 'exact' }))
      for (const sampling of ['plain', 'balanced'] as const)
        for (let seed = 0; seed < 12; seed++) {
          const found = await explain(index, seed, { segmentationFn, sampling, numSamples: 65, alpha: 0 })
          expect(found.design).toBe(sampling)
          for (const [segment, weight] of weightsOf(found))
            error[sampling] += ((limits.get(segment) ?? 0) - weight) ** 2
        }
    }
    // Half as many would do for the same error. Of pairs without blocks 1.3 times as many plain ones would.
    expect(error.balanced).toBeLessThan(error.plain / 2)
  })

  it("'auto' settles on the limit's order", { timeout: 60_000 }, async () => {
    const segmentationFn = grid({ rows: 4, columns: 4 })
    const top = ({ localExp, labels }: Explanation) => localExp[labels[0]].slice(0, 2).map(([segment]) => segment)
    let settled = 0
    for (let index = 0; index < 12; index++) {
      const autoSamples = { topFeatures: 2, most: 4096 }
      const auto = await explain(index, index, { segmentationFn, numSamples: 'auto', autoSamples })
      expect(auto.sampling).toBe('auto')
      if (!auto.settled) continue
      settled++
      expect(top(auto), `image ${index}`).toEqual(top(await explain(index, 1, { segmentationFn, numSamples: 'exact' })))
    }
    expect(settled).toBeGreaterThan(5)
  })

  it('refuses a penalty that is none', async () => {
    for (const alpha of [-1, Number.NaN, Number.POSITIVE_INFINITY])
      await expect(explain(0, 1, { alpha })).rejects.toThrow(/alpha must be a number >= 0/)
    const modelRegressor = () => ({ coefficients: [], intercept: 0 })
    await expect(explain(0, 1, { alpha: 1, modelRegressor })).rejects.toThrow(/give only one/)
  })
})
