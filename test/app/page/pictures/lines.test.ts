import seedrandom from 'seedrandom'
import { describe, expect, it } from 'vitest'
import { type Point, runsInside } from '../../../../src/app/page/pictures/lines.ts'

const extent = { height: 23, width: 31 }
const at = (x: number, y: number) => y * extent.width + x

function inside(corners: readonly Point[]): number[] {
  const pixels: number[] = []
  runsInside(corners, extent, (first, end) => {
    for (let pixel = first; pixel < end; pixel++) pixels.push(pixel)
  })
  return pixels
}

/** How often a closed line goes around a point: the sum of the angles under which its stretches are seen. */
function turns(corners: readonly Point[], x: number, y: number): number {
  const angles = corners.map((a, i) => {
    const b = corners[(i + 1) % corners.length]
    const [ax, ay, bx, by] = [a.x - x, a.y - y, b.x - x, b.y - y]
    return Math.atan2(ax * by - ay * bx, ax * bx + ay * by)
  })
  return Math.round(angles.reduce((sum, angle) => sum + angle, 0) / (2 * Math.PI))
}

describe('the pixels inside a closed line', () => {
  it.each(Array.from({ length: 40 }, (_, seed) => seed))(
    'are those whose middles it goes around, by their angles: seed %d',
    (seed) => {
      const random = seedrandom(`lasso ${seed}`)
      const count = 3 + Math.floor(random() * 20)
      const corners = Array.from({ length: count }, () => ({ x: random() * 45 - 7, y: random() * 37 - 7 }))
      const expected = Array.from({ length: extent.height * extent.width }, (_, pixel) => pixel).filter(
        (pixel) => turns(corners, (pixel % extent.width) + 0.5, Math.floor(pixel / extent.width) + 0.5) !== 0,
      )
      expect(inside(corners)).toEqual(expected)
    },
  )

  it('on whose edge a middle lies count once: squares side by side share no pixel and leave none out', () => {
    const square = (left: number, right: number) => [
      { x: left, y: 2.5 },
      { x: right, y: 2.5 },
      { x: right, y: 6.5 },
      { x: left, y: 6.5 },
    ]
    const both = [...inside(square(3.5, 8.5)), ...inside(square(8.5, 12.5))].sort((a, b) => a - b)
    expect(both).toEqual(inside(square(3.5, 12.5)))
    expect(new Set(both).size).toBe(4 * 9)
  })

  it('are none where there is no area, and all where it lies around the picture', () => {
    expect(inside([])).toEqual([])
    expect(inside([{ x: 3, y: 3 }])).toEqual([])
    expect(
      inside([
        { x: 3, y: 3 },
        { x: 20, y: 9 },
      ]),
    ).toEqual([])
    const far = 1e9
    const around = [
      { x: -far, y: -far },
      { x: far, y: -far },
      { x: far, y: far },
      { x: -far, y: far },
    ]
    expect(inside(around)).toHaveLength(extent.height * extent.width)
    expect(inside(around)[at(4, 2)]).toBe(at(4, 2))
  })
})
