import seedrandom from 'seedrandom'
import { describe, expect, it } from 'vitest'
import { brushed } from '../../../../src/app/page/segments/areas.ts'
import { halvesOf, partsOf, piecesOf } from '../../../../src/app/page/segments/parts.ts'

const extent = { height: 19, width: 26 }
const size = extent.height * extent.width
const seeds = Array.from({ length: 30 }, (_, seed) => seed)
const ascending = (pixels: Iterable<number>) => Array.from(pixels).sort((a, b) => a - b)

function randomPixels(seed: string, share: number): Int32Array {
  const random = seedrandom(seed)
  return Int32Array.from(Array.from({ length: size }, (_, pixel) => pixel).filter(() => random() < share))
}

/** The parts by joining neighbours' sets until nothing changes: another way to the same. */
function partsByUnion(pixels: Int32Array): string[] {
  const set = new Map(Array.from(pixels, (pixel) => [pixel, pixel]))
  for (let isChanged = true; isChanged; ) {
    isChanged = false
    for (const [pixel, own] of set)
      for (const other of [pixel % extent.width === extent.width - 1 ? -1 : pixel + 1, pixel + extent.width]) {
        const theirs = set.get(other)
        if (theirs === undefined || theirs === own) continue
        const lower = Math.min(theirs, set.get(pixel) ?? own)
        if (set.get(pixel) !== lower || theirs !== lower) isChanged = true
        set.set(pixel, lower)
        set.set(other, lower)
      }
  }
  const ofParts = new Map<number, number[]>()
  for (const [pixel, part] of set) ofParts.set(part, [...(ofParts.get(part) ?? []), pixel])
  return Array.from(ofParts.values(), (part) => part.join())
}

describe('the parts of a segment', () => {
  it.each(seeds)('are what neighbours belong to: seed %d', (seed) => {
    const pixels = randomPixels(`parts ${seed}`, 0.35 + seed / 80)
    const parts = partsOf(pixels, extent)
    expect(parts.map((part) => ascending(part).join()).sort()).toEqual(partsByUnion(pixels).sort())
    const sizes = parts.map(({ length }) => length)
    expect(sizes).toEqual(sizes.toSorted((a, b) => b - a))
  })

  it('do not join at corners, nor around the picture’s edge', () => {
    expect(partsOf(Int32Array.of(0, extent.width + 1), extent)).toHaveLength(2)
    expect(partsOf(Int32Array.of(extent.width - 1, extent.width), extent)).toHaveLength(2)
    expect(partsOf(Int32Array.of(), extent)).toEqual([])
  })
})

describe('the halves of a segment', () => {
  it.each(seeds)('hold all its pixels, each as many: seed %d', (seed) => {
    const pixels = randomPixels(`halves ${seed}`, 0.02 + seed / 40)
    const [first, second] = halvesOf(pixels, extent.width)
    expect(ascending([...first, ...second])).toEqual(Array.from(pixels))
    expect(first.length - second.length).toBe(pixels.length % 2)
  })

  it.each([0, 20, 45, 70, 90, 110, 160])(
    'lie one behind the other along a bar that is turned by %d degrees',
    (degrees) => {
      const place = { height: 100, width: 120 }
      const [cos, sin] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)]
      const along = (pixel: number) => ((pixel % place.width) - 60) * cos + (Math.floor(pixel / place.width) - 50) * sin
      const across = (pixel: number) =>
        ((pixel % place.width) - 60) * sin - (Math.floor(pixel / place.width) - 50) * cos
      const bar = Int32Array.from({ length: place.height * place.width }, (_, pixel) => pixel).filter(
        (pixel) => Math.abs(along(pixel)) < 40 && Math.abs(across(pixel)) < 12,
      )
      const halves = halvesOf(bar, place.width).sort((a, b) => along(a[0]) - along(b[0]))
      expect(Math.max(...halves[0].map(along))).toBeLessThan(Math.min(...halves[1].map(along)) + 1)
    },
  )

  it('of a square are its left and its right', () => {
    const square = Int32Array.from([0, 1, 2, 3].flatMap((y) => [0, 1, 2, 3].map((x) => y * extent.width + x)))
    const [first, second] = halvesOf(square, extent.width)
    expect(new Set(first.map((pixel) => pixel % extent.width))).toEqual(new Set([0, 1]))
    expect(new Set(second.map((pixel) => pixel % extent.width))).toEqual(new Set([2, 3]))
  })
})

describe('the pieces of a cut', () => {
  const all = Int32Array.from({ length: size }, (_, pixel) => pixel)
  const line = (from: [number, number], to: [number, number]) =>
    brushed(
      [
        { x: from[0], y: from[1] },
        { x: to[0], y: to[1] },
      ],
      1,
      extent,
    )

  it('are what lies on either side of the line, in whichever direction it goes', () => {
    for (const [from, to] of [
      [
        [10.5, -2],
        [10.5, 30],
      ],
      [
        [10.5, 30],
        [10.5, -2],
      ],
    ] as [number, number][][]) {
      const pieces = piecesOf(all, line(from, to), extent)
      expect(pieces).toHaveLength(2)
      const columns = pieces.map((piece) => new Set(Array.from(piece, (pixel) => pixel % extent.width)))
      for (const x of Array.from({ length: extent.width }, (_, i) => i).filter((i) => i !== 10))
        expect(columns.map((of) => of.has(x))).toEqual(x < 10 ? [false, true] : [true, false])
    }
  })

  it.each(seeds)('of any straight line across lie on its two sides, and leave no pixel out: seed %d', (seed) => {
    const random = seedrandom(`cut ${seed}`)
    const from: [number, number] = [3 + random() * 20, -1]
    const to: [number, number] = [3 + random() * 20, extent.height + 1]
    const pieces = piecesOf(all, line(from, to), extent)
    expect(pieces).toHaveLength(2)
    expect(ascending(pieces.flatMap((piece) => Array.from(piece)))).toEqual(Array.from(all))
    /** How far right of the line, in columns. */
    const rightOf = (pixel: number) => {
      const y = Math.floor(pixel / extent.width) + 0.5
      return (pixel % extent.width) + 0.5 - from[0] - ((to[0] - from[0]) * (y - from[1])) / (to[1] - from[1])
    }
    const sides = pieces.map((piece) => Array.from(piece, rightOf)).sort((a, b) => Math.min(...a) - Math.min(...b))
    expect(Math.max(...sides[0])).toBeLessThan(2.5)
    expect(Math.min(...sides[1])).toBeGreaterThan(-2.5)
    expect(partsOf(pieces[0], extent)).toHaveLength(1)
    expect(partsOf(pieces[1], extent)).toHaveLength(1)
  })

  it('are one where the line ends inside', () => {
    expect(piecesOf(all, line([10, -2], [12, 12]), extent)).toEqual([all])
  })

  it('are no slivers: a line along the edge cuts nothing off', () => {
    const slip = brushed(
      [
        { x: -1, y: 0.4 },
        { x: 9, y: 1.4 },
        { x: 12, y: 1.4 },
        { x: 13, y: -1 },
      ],
      1,
      extent,
    )
    expect(
      partsOf(
        all.filter((pixel) => slip[pixel] === 0),
        extent,
      ).length,
    ).toBeGreaterThan(1)
    expect(piecesOf(all, slip, extent)).toEqual([all])
  })
})
