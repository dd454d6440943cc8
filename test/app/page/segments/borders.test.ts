import seedrandom from 'seedrandom'
import { describe, expect, it } from 'vitest'
import { borders, outlines } from '../../../../src/app/page/segments/borders.ts'

const extent = { height: 9, width: 13 }
const size = extent.height * extent.width

/** "x,y>" for the stretch from a corner to the one on its right, "x,yv" for that to the one below. */
function stretches(runs: Int32Array): string[] {
  const all: string[] = []
  for (let i = 0; i < runs.length; i += 4) {
    const [x0, y0, x1, y1] = runs.subarray(i, i + 4)
    for (let x = x0; x < x1; x++) all.push(`${x},${y0}>`)
    for (let y = y0; y < y1; y++) all.push(`${x0},${y}v`)
  }
  return all.sort()
}

describe('borders', () => {
  it.each(Array.from({ length: 20 }, (_, seed) => seed))(
    'are each stretch between two segments, once: seed %d',
    (seed) => {
      const random = seedrandom(`borders ${seed}`)
      const labels = Int32Array.from({ length: size }, () => Math.floor(random() * 3) - 1)
      const at = (x: number, y: number) => labels[y * extent.width + x]
      const expected: string[] = []
      const around: string[] = []
      const isIn = (x: number, y: number) => x >= 0 && y >= 0 && x < extent.width && y < extent.height && at(x, y) === 1
      for (let y = 0; y <= extent.height; y++)
        for (let x = 0; x <= extent.width; x++) {
          if (x < extent.width && y > 0 && y < extent.height && at(x, y) !== at(x, y - 1)) expected.push(`${x},${y}>`)
          if (y < extent.height && x > 0 && x < extent.width && at(x, y) !== at(x - 1, y)) expected.push(`${x},${y}v`)
          if (x < extent.width && isIn(x, y) !== isIn(x, y - 1)) around.push(`${x},${y}>`)
          if (y < extent.height && isIn(x, y) !== isIn(x - 1, y)) around.push(`${x},${y}v`)
        }
      expect(stretches(borders(labels, extent))).toEqual(expected.sort())
      expect(stretches(outlines(labels, extent, (id) => id === 1))).toEqual(around.sort())
    },
  )

  it('are straight lines as long as they can be', () => {
    const halves = Int32Array.from({ length: size }, (_, pixel) => (pixel % extent.width < 4 ? 0 : 1))
    expect(Array.from(borders(halves, extent))).toEqual([4, 0, 4, extent.height])
    expect(borders(new Int32Array(1), { height: 1, width: 1 })).toHaveLength(0)
    expect(stretches(outlines(new Int32Array(1), { height: 1, width: 1 }, () => true))).toHaveLength(4)
  })
})
