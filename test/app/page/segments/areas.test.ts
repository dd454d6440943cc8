import seedrandom from 'seedrandom'
import { describe, expect, it } from 'vitest'
import type { Point } from '../../../../src/app/page/pictures/lines.ts'
import { brushed, lassoed, lengthened } from '../../../../src/app/page/segments/areas.ts'

const extent = { height: 24, width: 33 }
const seeds = Array.from({ length: 30 }, (_, seed) => seed)

function randomLine(random: () => number, margin: number): Point[] {
  const count = 1 + Math.floor(random() * 6)
  return Array.from({ length: count }, () => ({
    x: random() * (extent.width + 2 * margin) - margin,
    y: random() * (extent.height + 2 * margin) - margin,
  }))
}

/** Points of the line so close that no other is further from one of them than `step` / 2. */
function densely(line: readonly Point[], step: number): Point[] {
  return line.flatMap((to, i) => {
    const from = line[Math.max(0, i - 1)]
    const count = Math.ceil(Math.hypot(to.x - from.x, to.y - from.y) / step) + 1
    return Array.from({ length: count + 1 }, (_, j) => ({
      x: from.x + ((to.x - from.x) * j) / count,
      y: from.y + ((to.y - from.y) * j) / count,
    }))
  })
}

const pixelsOf = (area: Uint8Array) => Array.from(area.keys()).filter((pixel) => area[pixel] === 1)

describe('the lasso', () => {
  it('takes the pixels inside, whether it was closed or not', () => {
    const line = [
      { x: 2.2, y: 3.1 },
      { x: 9.8, y: 3.1 },
      { x: 9.8, y: 7.9 },
      { x: 2.2, y: 7.9 },
    ]
    const expected = [3, 4, 5, 6, 7].flatMap((y) => [2, 3, 4, 5, 6, 7, 8, 9].map((x) => y * extent.width + x))
    expect(pixelsOf(lassoed(line, extent))).toEqual(expected)
    expect(lassoed([...line, line[0]], extent)).toEqual(lassoed(line, extent))
  })
})

describe('the brush', () => {
  it.each(seeds)('takes the pixels as near to the line as its radius: seed %d', (seed) => {
    const random = seedrandom(`brush ${seed}`)
    const line = randomLine(random, 6)
    const diameter = 1 + random() * 11
    const area = brushed(line, diameter, extent)
    const points = densely(line, 0.1)
    const touched = new Set(line.map(({ x, y }) => `${Math.floor(x)} ${Math.floor(y)}`))
    const wrong = Array.from(area.keys()).filter((pixel) => {
      const [x, y] = [pixel % extent.width, Math.floor(pixel / extent.width)]
      const distance = Math.min(...points.map((point) => Math.hypot(point.x - x - 0.5, point.y - y - 0.5)))
      if (touched.has(`${x} ${y}`)) return area[pixel] === 0
      // Between two of the points the line is nearer yet, by next to nothing.
      return area[pixel] === 1 ? distance > diameter / 2 + 0.05 : distance < diameter / 2
    })
    expect(wrong).toEqual([])
  })

  it.each(seeds)('leaves no gap, however fine it is and far apart its points are: seed %d', (seed) => {
    const line = randomLine(seedrandom(`gap ${seed}`), 0)
    const pixels = pixelsOf(brushed(line, 1, extent))
    const left = new Set(pixels)
    const reached = pixels.slice(0, 1)
    left.delete(pixels[0])
    for (const pixel of reached)
      for (const dy of [-1, 0, 1])
        for (const dx of [-1, 0, 1]) {
          const x = (pixel % extent.width) + dx
          const next = pixel + dy * extent.width + dx
          if (x >= 0 && x < extent.width && left.delete(next)) reached.push(next)
        }
    expect(left.size).toBe(0)
  })

  it('paints the pixel it touches, and that alone, where it is one pixel wide', () => {
    expect(pixelsOf(brushed([{ x: 5.01, y: 7.99 }], 1, extent))).toEqual([7 * extent.width + 5])
  })

  it('paints nothing where it stays beyond the picture, and what it covers of the edge', () => {
    expect(pixelsOf(brushed([{ x: -9, y: 4 }], 6, extent))).toEqual([])
    expect(pixelsOf(brushed([], 6, extent))).toEqual([])
    expect(pixelsOf(brushed([{ x: -1, y: 4.5 }], 3, extent))).toEqual([4 * extent.width])
  })

  it('works on a picture of one pixel', () => {
    expect(brushed([{ x: 0.5, y: 0.5 }], 40, { height: 1, width: 1 })).toEqual(Uint8Array.of(1))
  })
})

describe('a lengthened line', () => {
  it('goes on at both ends as it came, whatever its last jerk', () => {
    const line = [
      { x: 5, y: 5 },
      { x: 5.1, y: 5 },
      { x: 5, y: 15 },
      { x: 15, y: 15 },
    ]
    const [first, ...rest] = lengthened(line, 2)
    expect(first.x).toBeCloseTo(5, 6)
    expect(first.y).toBeCloseTo(3, 6)
    expect(rest.slice(0, -1)).toEqual(line)
    expect(rest.at(-1)).toEqual({ x: 17, y: 15 })
  })

  it('that is a point, or none, stays one', () => {
    const point = { x: 3, y: 4 }
    expect(lengthened([point], 5)).toEqual([point])
    expect(lengthened([point, point], 5)).toEqual([point, point])
    expect(lengthened([], 5)).toEqual([])
  })
})
