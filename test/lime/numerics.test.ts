import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { loadFashionMnist } from '../../src/app/tasks/fashion-mnist/store.ts'
import { expOfNegative, roundedExp } from '../../src/lime/exponential.ts'
import { RandomState, toImage, watershed } from '../../src/lime/index.ts'
import { sortByKey } from '../../src/lime/segmenters/radix-sort.ts'
import { pointsAlong, regularGrid } from '../../src/lime/segmenters/regular-grid.ts'
import { clusterPixels } from '../../src/lime/segmenters/slic-clusters.ts'
import { SlicKernel } from '../../src/lime/segmenters/slic-kernel.ts'
import { inOneGo } from '../../src/lime/steps.ts'

describe('sortByKey', () => {
  it('is a stable sort', () => {
    const random = new RandomState(1)
    for (const count of [0, 1, 2, 1000, 5000]) {
      const values = Float64Array.from({ length: count }, (_, i) =>
        i % 5 === 0 ? random.randint(0, 4) : random.uniform(0, 1) * 10 ** random.randint(-300, 300),
      )
      if (count > 2) values[2] = -0
      const expected = Array.from(values.keys()).sort((a, b) => values[a] - values[b] || a - b)
      const sorted = Float64Array.from(values)
      const order = Uint32Array.from(values.keys())
      inOneGo(sortByKey(sorted, order))
      expect(Array.from(order)).toEqual(expected)
      expect(Array.from(sorted)).toEqual(expected.map((i) => values[i] + 0))
    }
  })
})

describe('expOfNegative', () => {
  it('is exp, to the last digits', () => {
    const random = new RandomState(2)
    for (let i = 0; i < 200_000; i++) {
      const x = -(i % 2 === 0 ? random.uniform(0, 40) : random.uniform(0, 700))
      expect(Math.abs(expOfNegative(x) / Math.exp(x) - 1)).toBeLessThan(4.5e-16)
    }
    expect(expOfNegative(0)).toBe(1)
    expect(expOfNegative(-1e9)).toBe(0)
    expect(expOfNegative(-745)).toBeLessThan(1e-322)
  })
})

describe('roundedExp', () => {
  // By Python's decimal, with 60 digits. V8's own rounds the first three to a neighbour.
  it.each([
    [-0.3472222222222222, 0.7066482778577162],
    [-8.680555555555555, 0.00016985667656141068],
    [-3.9200000000000004, 0.01984109474437028],
    [-3.1249999999999996, 0.043936933623407434],
    [-4.5e-6, 0.9999955000101249],
    [0, 1],
  ])('of %d is %d', (x, expected) => expect(roundedExp(x)).toBe(expected))

  it("is within a unit of the last digit of the engine's", () => {
    for (let x = 0; x > -40; x -= 0.0137) {
      const own = Math.exp(x)
      expect(Math.abs(roundedExp(x) - own)).toBeLessThanOrEqual(own * 2 ** -52)
    }
  })
})

/** slic's k-means as plainly as it can be written: every cluster looks at every pixel of its window, in order. */
function clusterPlainly(colours: Float64Array, height: number, width: number, nSegments: number, rounds: number) {
  const seeds = regularGrid(height, width, nSegments)
  const clusters = pointsAlong(seeds.y, height).flatMap((y) => pointsAlong(seeds.x, width).map((x) => [y, x, 0, 0, 0]))
  const weight = 1 / Math.max(seeds.y.step, seeds.x.step) ** 2
  const windows = regularGrid(height, width, clusters.length)
  const nearest = new Int32Array(height * width).fill(-1)
  for (let round = 0; round < rounds; round++) {
    const distances = new Float64Array(height * width).fill(Number.MAX_VALUE)
    clusters.forEach(([cy, cx, ...colour], cluster) => {
      if (Number.isNaN(cy)) return
      const endY = Math.trunc(Math.min(cy + 2 * windows.y.step + 1, height))
      const endX = Math.trunc(Math.min(cx + 2 * windows.x.step + 1, width))
      for (let y = Math.trunc(Math.max(cy - 2 * windows.y.step, 0)); y < endY; y++)
        for (let x = Math.trunc(Math.max(cx - 2 * windows.x.step, 0)); x < endX; x++) {
          const pixel = y * width + x
          const [dl, da, db] = colour.map((value, i) => colours[3 * pixel + i] - value)
          const distance = ((cy - y) ** 2 + (cx - x) ** 2) * weight + (dl * dl + da * da + db * db)
          if (distance >= distances[pixel]) continue
          distances[pixel] = distance
          nearest[pixel] = cluster
        }
    })
    const sizes = clusters.map(() => 0)
    for (const cluster of clusters) cluster.fill(0)
    nearest.forEach((cluster, pixel) => {
      if (cluster < 0) return
      const terms = [Math.floor(pixel / width), pixel % width, ...colours.subarray(3 * pixel, 3 * pixel + 3)]
      terms.forEach((term, i) => {
        clusters[cluster][i] += term
      })
      sizes[cluster]++
    })
    clusters.forEach((cluster, i) => {
      for (let value = 0; value < 5; value++) cluster[value] /= sizes[i]
    })
  }
  return { nearest, clusterCount: clusters.length }
}

describe("slic's k-means", () => {
  const random = new RandomState(3)
  const cases = Array.from({ length: 40 }, (_, i) => {
    const height = random.randint(1, 80)
    const width = random.randint(1, 80)
    return [height, width, random.randint(1, i % 4 === 0 ? height * width + 2 : 30), [0, 0.1, 1, 10][i % 4]] as const
  })
  it.each(cases)(
    '%d x %d, %d segments, colours times %d: what every cluster and every pixel would give',
    (height, width, segments, contrast) => {
      // Few levels, or one: pixels are equally near to several clusters.
      const colours = Float64Array.from({ length: height * width * 3 }, () => random.randint(0, 4) * contrast)
      const expected = clusterPlainly(colours, height, width, segments, 4)
      expect(inOneGo(clusterPixels(colours, height, width, segments, 4))).toEqual(expected)
    },
  )
})

describe("slic's kernel", () => {
  it('gives a pixel between two clusters to the first, whoever had it', () => {
    const kernel = new SlicKernel(8, 8, 2)
    kernel.load(new Float64Array(8 * 8 * 3))
    kernel.clusters.set([3, 0, 0, 0, 0, 3, 6, 0, 0, 0])
    kernel.windows.set([0, 8, 0, 8, 0, 8, 0, 8])
    kernel.candidates.set([1])
    kernel.assign(0, 0, 1, 1)
    expect(kernel.nearest()).toEqual(new Int32Array(64).fill(1))
    kernel.candidates.set([0, 1])
    kernel.assign(0, 0, 2, 1)
    expect(kernel.nearest()).toEqual(Int32Array.from({ length: 64 }, (_, i) => (i % 8 <= 3 ? 0 : 1)))
  })
})

describe('watershed', () => {
  const recorded: { image: number; markers: number; compactness: number; labels: number[] }[] = JSON.parse(
    readFileSync(new URL('../reference/watershed.json', import.meta.url), 'utf8'),
  )
  it.each(recorded.map((each) => [each.image, each.markers, each.compactness, each] as const))(
    "of image %d, %d markers, compactness %d equals scikit-image's",
    async (index, markers, compactness, { labels }) => {
      const { images } = await loadFashionMnist('test')
      const data = Float64Array.from(images.subarray(index * 784, (index + 1) * 784), (value) => value / 255)
      const map = await watershed({ markers, compactness })(toImage({ data, shape: [28, 28] }), { randomSeed: 0 })
      expect(Array.from(map.data)).toEqual(labels)
    },
  )
})
