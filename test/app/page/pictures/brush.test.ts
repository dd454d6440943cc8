import { describe, expect, it } from 'vitest'
import { type Brush, Stroke } from '../../../../src/app/page/pictures/brush.ts'
import { advance, isSame, redo, startHistory, undo } from '../../../../src/app/page/pictures/drawing-history.ts'
import type { Point } from '../../../../src/app/page/pictures/lines.ts'
import { fashionMnist } from '../../../../src/app/tasks/fashion-mnist/task.ts'

const {
  inputShape: [imageExtent],
} = fashionMnist

const size = imageExtent * imageExtent
const pencil: Brush = { radius: 0.5, brightness: 255, fills: false, mirrors: false }
const black = () => new Uint8Array(size)
const at = (x: number, y: number) => y * imageExtent + x
const middleOf = (x: number, y: number): Point => ({ x: x + 0.5, y: y + 0.5 })

function drawn(points: readonly Point[], brush: Partial<Brush> = {}, before = black()): Uint8Array {
  const stroke = new Stroke(before, { ...pencil, ...brush })
  for (const point of points) stroke.to(point)
  return stroke.pixels()
}

function litPixels(pixels: Uint8Array): number[] {
  return Array.from(pixels.keys()).filter((pixel) => pixels[pixel] > 0)
}

describe('a stroke', () => {
  it('of the finest brush on the middle of a pixel paints that pixel alone', () => {
    const pixels = drawn([middleOf(3, 5)], { brightness: 200 })
    expect(litPixels(pixels)).toEqual([at(3, 5)])
    expect(pixels[at(3, 5)]).toBe(200)
  })

  it('between two pixels paints half of each', () => {
    const pixels = drawn([{ x: 4, y: 5.5 }])
    expect(litPixels(pixels)).toEqual([at(3, 5), at(4, 5)])
    expect(pixels[at(3, 5)]).toBe(128)
    expect(pixels[at(4, 5)]).toBe(128)
  })

  it('has no gap, however far apart its points are', () => {
    const pixels = drawn([middleOf(0, 0), middleOf(27, 27)])
    for (let i = 0; i < imageExtent; i++) expect(pixels[at(i, i)]).toBe(255)
  })

  it.each([0.5, 1.7, 4])('of radius %d is the same in one step as in many, and back again', (radius) => {
    const [from, to] = [
      { x: 3.2, y: 20.7 },
      { x: 24.1, y: 5.4 },
    ]
    const steps = Array.from({ length: 201 }, (_, i) => ({
      x: from.x + ((to.x - from.x) * i) / 200,
      y: from.y + ((to.y - from.y) * i) / 200,
    }))
    const once = drawn([from, to], { radius, brightness: 230 })
    const often = drawn([...steps, ...steps.toReversed()], { radius, brightness: 230 })
    for (let pixel = 0; pixel < size; pixel++) expect(Math.abs(once[pixel] - often[pixel])).toBeLessThanOrEqual(1)
  })

  it('of a broad brush is full in its middle and falls off towards its edge', () => {
    const pixels = drawn([middleOf(14, 14)], { radius: 4 })
    const row = Array.from({ length: 7 }, (_, i) => pixels[at(14 + i, 14)])
    expect(row[0]).toBe(255)
    expect(row).toEqual(row.toSorted((a, b) => b - a))
    expect(row[4]).toBeGreaterThan(0)
    expect(row[4]).toBeLessThan(64)
    expect(row[5]).toBe(0)
  })

  it('may begin and end beyond the picture', () => {
    const pixels = drawn([
      { x: -30, y: 10.5 },
      { x: 60, y: 10.5 },
    ])
    expect(litPixels(pixels)).toEqual(Array.from({ length: imageExtent }, (_, x) => at(x, 10)))
    expect(litPixels(drawn([{ x: -30, y: -30 }]))).toEqual([])
  })

  it('of black erases: fully in its middle, less at its edge, and nothing elsewhere', () => {
    const before = new Uint8Array(size).fill(240)
    const pixels = drawn([middleOf(14, 14)], { radius: 3, brightness: 0 }, before)
    expect(pixels[at(14, 14)]).toBe(0)
    expect(pixels[at(16, 14)]).toBeGreaterThan(0)
    expect(pixels[at(16, 14)]).toBeLessThan(240)
    expect(pixels[at(20, 14)]).toBe(240)
    expect(before.every((value) => value === 240)).toBe(true)
  })

  it('paints grey on white as well as on black', () => {
    const pixels = drawn([middleOf(9, 9)], { brightness: 100 }, new Uint8Array(size).fill(255))
    expect(pixels[at(9, 9)]).toBe(100)
  })

  it('can be mirrored', () => {
    const pixels = drawn([middleOf(2, 3), middleOf(8, 20)], { mirrors: true })
    expect(pixels[at(27 - 2, 3)]).toBe(255)
    for (let y = 0; y < imageExtent; y++)
      for (let x = 0; x < imageExtent; x++) expect(pixels[at(x, y)]).toBe(pixels[at(27 - x, y)])
  })

  it('fills what it encloses, in whichever direction it goes and where it crosses itself', () => {
    const corners = [middleOf(5, 5), middleOf(20, 5), middleOf(20, 15), middleOf(5, 15)]
    const expected = Array.from({ length: 11 }, (_, row) => Array.from({ length: 16 }, (_, i) => at(5 + i, 5 + row)))
    for (const order of [corners, corners.toReversed(), [...corners, ...corners]]) {
      const pixels = drawn(order, { fills: true })
      expect(litPixels(pixels)).toEqual(expected.flat())
      for (const pixel of expected.flat()) expect(pixels[pixel]).toBe(255)
    }
    const bow = drawn([middleOf(2, 2), middleOf(24, 24), middleOf(24, 2), middleOf(2, 24)], { fills: true })
    expect(bow[at(22, 13)]).toBe(255)
    expect(bow[at(4, 13)]).toBe(255)
    expect(bow[at(13, 4)]).toBe(0)
  })

  it('fills only what lies in the picture', () => {
    const around = [
      { x: -9, y: -9 },
      { x: 40, y: -9 },
      { x: 40, y: 40 },
      { x: -9, y: 40 },
    ]
    expect(drawn(around, { fills: true }).every((value) => value === 255)).toBe(true)
    expect(litPixels(drawn([], { fills: true }))).toEqual([])
  })
})

describe('the way back', () => {
  const pictures = [black(), drawn([middleOf(1, 1)]), drawn([middleOf(2, 2)])]

  it('leads step by step to the beginning and forward again', () => {
    let history = pictures.slice(1).reduce((before, now) => advance(before, now), startHistory(pictures[0]))
    for (const expected of [pictures[1], pictures[0], pictures[0]]) {
      history = undo(history)
      expect(history.now).toBe(expected)
    }
    for (const expected of [pictures[1], pictures[2], pictures[2]]) {
      history = redo(history)
      expect(history.now).toBe(expected)
    }
  })

  it('forgets what was undone when something else is drawn, and counts nothing as a step that changes nothing', () => {
    const undone = undo(advance(startHistory(pictures[0]), pictures[1]))
    expect(advance(undone, black(), isSame)).toBe(undone)
    expect(redo(advance(undone, pictures[2])).now).toBe(pictures[2])
  })

  it('is as long as it may be: the oldest steps are forgotten, and redoing brings back no more', () => {
    let history = startHistory(0, 3)
    for (let step = 1; step <= 5; step++) history = advance(history, step)
    expect(history).toEqual({ now: 5, past: [2, 3, 4], undone: [], most: 3 })
    for (let step = 0; step < 5; step++) history = undo(history)
    expect(history).toEqual({ now: 2, past: [], undone: [5, 4, 3], most: 3 })
    for (let step = 0; step < 5; step++) history = redo(history)
    expect(history).toEqual({ now: 5, past: [2, 3, 4], undone: [], most: 3 })
  })
})
