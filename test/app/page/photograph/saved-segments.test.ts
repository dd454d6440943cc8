import { expect, it } from 'vitest'
import { secondsLeft } from '../../../../src/app/page/photograph/photograph-progress.tsx'
import { preprocessingInWords, preprocessings } from '../../../../src/app/page/photograph/preprocessings.ts'
import { savedSegments, segmentsSeen } from '../../../../src/app/page/photograph/saved-segments.ts'

/** What the page says and keeps of a photograph's explanation. */

it('the segments of a saved explanation come back; what is none is refused', () => {
  const map = [
    [0, 7, 7],
    [0, 0, 7],
  ]
  const { data, shape } = savedSegments(JSON.stringify({ segments: { count: 2, map } }))
  expect([Array.from(data), shape]).toEqual([
    [0, 7, 7, 0, 0, 7],
    [2, 3],
  ])
  expect(() => savedSegments('{"segments":{"map":[[-1]]}}')).toThrow(/damaged/)
  for (const bad of ['{', '{}', '[]', '{"segments":{"map":[]}}', '{"segments":{"map":[[]]}}'])
    expect(() => savedSegments(bad)).toThrow(/expected/)
  expect(() => savedSegments('{"segments":{"map":[[1],[1,2]]}}')).toThrow(/damaged/)
  expect(() => savedSegments('{"segments":{"map":[[1.5]]}}')).toThrow(/damaged/)
})

it('of a photograph those segments are taken that the network sees', () => {
  const segments = Int32Array.of(-1, 0, 1, -1, -1, 2, 3, -1)
  const pixels = { data: new Uint8ClampedArray(32), height: 2, width: 4 }
  const { data, shape } = segmentsSeen({ segments, pixels, region: { top: 0, left: 1, bottom: 2, right: 3 } })
  expect([Array.from(data), shape]).toEqual([
    [0, 1, 2, 3],
    [2, 2],
  ])
})

it('how pixels are taken is said in words where it is usual, else in numbers', () => {
  for (const { title, value } of Object.values(preprocessings)) expect(preprocessingInWords(value)).toBe(title)
  // One number a channel, all alike, is the same as one for all.
  expect(preprocessingInWords({ scale: [1 / 255, 1 / 255, 1 / 255], offset: [0, 0, 0] })).toBe('0 to 1')
  expect(preprocessingInWords({ scale: [2], offset: [-3] })).toBe('pixel × 2 + -3')
})

it('what is left of an explanation is told once enough is done to tell', () => {
  expect(secondsLeft(10, 1000, 5000)).toBe(null)
  expect(secondsLeft(500, 1000, 999)).toBe(null)
  expect(secondsLeft(100, 1000, 5000)).toBe('45 seconds')
  expect(secondsLeft(999, 1000, 99_900)).toBe('1 second')
  expect(secondsLeft(100, 1000, 60_000)).toBe('9 minutes')
})
