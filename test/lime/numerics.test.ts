import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { loadFashionMnist } from '../../src/app/data/store.ts'
import { expOfNegative } from '../../src/lime/exponential.ts'
import { RandomState, toImage, watershed } from '../../src/lime/index.ts'
import { sortByKey } from '../../src/lime/radix-sort.ts'

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
      sortByKey(sorted, order)
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

describe('watershed', () => {
  const recorded: { image: number; markers: number; compactness: number; labels: number[] }[] = JSON.parse(
    readFileSync(new URL('../reference/watershed.json', import.meta.url), 'utf8'),
  )
  it.each(recorded.map((each) => [each.image, each.markers, each.compactness, each] as const))(
    "of image %d, %d markers, compactness %d equals scikit-image's",
    async (index, markers, compactness, { labels }) => {
      const { images } = await loadFashionMnist('test')
      const data = Float64Array.from(images.subarray(index * 784, (index + 1) * 784), (value) => value / 255)
      const map = watershed({ markers, compactness })(toImage({ data, shape: [28, 28] }), { randomSeed: 0 })
      expect(Array.from(map.data)).toEqual(labels)
    },
  )
})
