import seedrandom from 'seedrandom'
import { describe, expect, it } from 'vitest'
import { brushed, lassoed } from '../../../../src/app/page/segments/areas.ts'
import {
  areasOf,
  cut,
  drawn,
  type Edit,
  idsLeft,
  joined,
  merged,
  replaced,
  restJoined,
  type Segmentation,
  segmentationOf,
  split,
} from '../../../../src/app/page/segments/segmentation.ts'

const extent = { height: 12, width: 16 }
const size = extent.height * extent.width
const at = (x: number, y: number) => y * extent.width + x
const nobodys: ReadonlySet<number> = new Set()

/** Four by three fields of four by four pixels, with ids that are not 0 to 11. */
const fields: Segmentation = {
  labels: Int32Array.from(
    { length: size },
    (_, pixel) => 3 + 2 * (Math.floor((pixel % extent.width) / 4) + 4 * Math.floor(pixel / extent.width / 4)),
  ),
  own: nobodys,
}
const one: Segmentation = { labels: new Int32Array(size), own: nobodys }
const nothing = new Uint8Array(size)
const onto = (...pixels: number[]) => nothing.map((_, pixel) => (pixels.includes(pixel) ? 1 : 0))
const ids = ({ labels }: Segmentation) => Array.from(new Set(labels)).sort((a, b) => a - b)

describe('a new segment', () => {
  it('takes the next id, and the others keep theirs', () => {
    const { after, says } = drawn(fields, onto(at(0, 0), at(5, 5)))
    expect(ids(after)).toEqual([...ids(fields), 26])
    expect(Array.from(after.labels.keys()).filter((pixel) => after.labels[pixel] !== fields.labels[pixel])).toEqual([
      at(0, 0),
      at(5, 5),
    ])
    expect(after.own).toEqual(new Set([26]))
    expect(says).toBe('Segment 26 is drawn.')
  })

  it('that covers another leaves nothing of it', () => {
    const area = nothing.map((_, pixel) => (fields.labels[pixel] === 5 || pixel === 0 ? 1 : 0))
    const { after } = drawn(fields, area)
    expect(ids(after)).toEqual([...ids(fields).filter((id) => id !== 5), 26])
  })

  it('is none where nothing is drawn, or a segment as it is already', () => {
    expect(drawn(fields, nothing).after).toBe(fields)
    expect(
      drawn(
        one,
        nothing.map(() => 1),
      ).after,
    ).toBe(one)
    const area = nothing.map((_, pixel) => (fields.labels[pixel] === 5 ? 1 : 0))
    expect(drawn(fields, area)).toEqual({ after: fields, says: 'That is segment 5 already.' })
  })

  it('takes an id that was given up where files can hold no higher one', () => {
    const labels = one.labels.slice()
    labels.set([65_535, 2, 2_147_483_647])
    const first = drawn({ labels, own: nobodys }, onto(9)).after
    expect(first.labels[9]).toBe(1)
    expect(drawn(first, onto(10)).after.labels[10]).toBe(3)
  })
})

describe('drawing on', () => {
  it('makes a segment larger, and those drawn over smaller', () => {
    const { after } = joined(fields, onto(at(4, 0), at(4, 1)), 3)
    expect(areasOf(after.labels).get(3)).toBe(18)
    expect(areasOf(after.labels).get(5)).toBe(14)
    expect(after.own).toEqual(new Set([3]))
    expect(joined(fields, onto(at(0, 0)), 3).after).toBe(fields)
  })
})

describe('merging', () => {
  it('gives both the id of the one that was chosen first, whether they touch or not', () => {
    const { after, says } = merged(fields, 25, 3)
    expect(ids(after)).toEqual(ids(fields).filter((id) => id !== 25))
    expect(areasOf(after.labels).get(3)).toBe(32)
    expect(says).toBe('Segments 3 and 25 are one: 3.')
    expect(merged(fields, 3, 3).after).toBe(fields)
  })
})

describe('splitting', () => {
  it('cuts in two halves, of which the first keeps the id, and so on down to single pixels', () => {
    let now = one
    for (let step = 0; step < 3; step++) now = split(now, 0, extent).after
    const areas = [size / 8, size / 2, size / 4, size / 8]
    expect(areasOf(now.labels)).toEqual(new Map(areas.map((area, id) => [id, area])))
    const pixel: Segmentation = { labels: Int32Array.of(4, 7), own: nobodys }
    expect(split(pixel, 7, { height: 1, width: 2 }).after).toBe(pixel)
  })

  it('parts what lies in several places, the largest keeping the id', () => {
    const labels = fields.labels.map((id, pixel) => (id === 25 ? 3 : pixel === at(9, 1) ? 3 : id))
    const { after, says } = split({ labels, own: nobodys }, 3, extent)
    expect(after.labels[at(0, 0)]).toBe(3)
    expect(after.labels[at(13, 9)]).toBe(24)
    expect(after.labels[at(9, 1)]).toBe(25)
    expect(says).toBe('Segment 3 is split: 3, 24 and 25.')
  })

  it('makes no more segments than can be explained', () => {
    const checks: Segmentation = {
      labels: Int32Array.from({ length: 256 * 256 }, (_, i) => (i + (i >> 8)) % 2),
      own: nobodys,
    }
    const { after, says } = split(checks, 0, { height: 256, width: 256 })
    expect(after).toBe(checks)
    expect(says).toMatch('That would be 32,769 segments: at most 16,384 can be explained.')
  })
})

describe('cutting', () => {
  const line = (y: number, from: number, to: number) =>
    brushed(
      [
        { x: from, y },
        { x: to, y },
      ],
      1,
      extent,
    )

  it('parts the segments that the line crosses, and no others', () => {
    const { after, says } = cut(fields, line(1.5, -1, 8), extent)
    expect(ids(after)).toEqual([...ids(fields), 26, 27])
    expect(after.own).toEqual(new Set([3, 5, 26, 27]))
    expect(new Set(after.labels.filter((_, pixel) => fields.labels[pixel] === 3))).toEqual(new Set([3, 26]))
    // The line's last point is where the third begins.
    expect(new Set(after.labels.filter((_, pixel) => fields.labels[pixel] === 7))).toEqual(new Set([7]))
    expect(says).toBe('2 segments are cut: 26 and 27 are new.')
  })

  it('does nothing where the line ends in the segment', () => {
    expect(cut(one, line(5.5, -1, 9), extent).after).toBe(one)
    expect(cut(one, nothing, extent).after).toBe(one)
    expect(cut(one, line(5.5, -1, 19), extent).says).toBe('Segment 0 is cut: 0 and 1.')
  })
})

describe('what is left', () => {
  it('becomes one segment: all that no person made', () => {
    const drawnOnce = drawn(fields, onto(at(0, 0), at(1, 0))).after
    const mergedThen = merged(drawnOnce, 25, 23).after
    const { after } = restJoined(mergedThen)
    expect(ids(after)).toEqual([3, 23, 26])
    expect(idsLeft(after)).toEqual([3])
    expect(restJoined(after).after).toBe(after)
  })

  it('is all of it where nothing was done yet', () => {
    expect(ids(restJoined(fields).after)).toEqual([3])
  })
})

describe('segments from elsewhere', () => {
  it('are a person’s where they have pixels that the segmenter’s of that id have not', () => {
    const labels = fields.labels.map((id, pixel) => (pixel < 2 ? 99 : id === 5 ? 7 : id))
    expect(segmentationOf(labels, fields.labels).own).toEqual(new Set([99, 7]))
    expect(segmentationOf(fields.labels, fields.labels).own).toEqual(new Set())
  })

  it('take the place of all there were, unless there are more than can be explained', () => {
    expect(replaced(fields, one.labels, fields.labels)).toEqual({
      after: { labels: one.labels, own: new Set([0]) },
      says: 'It is one segment now.',
    })
    const many = Int32Array.from({ length: 16_385 }, (_, i) => i)
    const before: Segmentation = { labels: many.map(() => 1), own: nobodys }
    expect(replaced(before, many, before.labels).after).toBe(before)
    many[0] = 1
    expect(replaced(before, many, before.labels).after.labels).toBe(many)
  })
})

describe('any edits in any order', () => {
  it.each(Array.from({ length: 60 }, (_, seed) => seed))(
    'leave a map that can be explained, and tell whose its segments are: seed %d',
    (seed) => {
      const random = seedrandom(`edits ${seed}`)
      const point = () => ({ x: random() * 24 - 4, y: random() * 20 - 4 })
      const anyOf = ({ labels }: Segmentation) => labels[Math.floor(random() * size)]
      const edits: ((now: Segmentation) => Edit)[] = [
        (now) => drawn(now, lassoed([point(), point(), point(), point()], extent)),
        (now) => joined(now, brushed([point(), point()], 1 + random() * 5, extent), anyOf(now)),
        (now) => merged(now, anyOf(now), anyOf(now)),
        (now) => split(now, anyOf(now), extent),
        (now) => cut(now, brushed([point(), point(), point()], 1, extent), extent),
        (now) => restJoined(now),
      ]
      let now = fields
      for (let step = 0; step < 25; step++) {
        const before = now.labels.slice()
        // Joining the rest is rare, else it would soon be all that happens.
        const edit = edits[Math.floor(random() * (random() < 0.1 ? 6 : 5))]
        const { after, says } = edit(now)
        expect(now.labels).toEqual(before)
        expect(says).toMatch(/^[A-Z\d].*\.$/)
        expect(after.labels).toBeInstanceOf(Int32Array)
        expect(after.labels).toHaveLength(size)
        const present = new Set(after.labels)
        for (const id of after.own) expect(present.has(id)).toBe(true)
        for (const id of present) {
          expect(id).toBeGreaterThanOrEqual(0)
          // A segment that no person made has the pixels it had, or fewer.
          if (!after.own.has(id) && edit !== edits[5])
            expect(after.labels.every((label, pixel) => label !== id || before[pixel] === id)).toBe(true)
        }
        now = after
      }
    },
  )
})
