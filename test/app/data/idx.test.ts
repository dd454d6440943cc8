import seedrandom from 'seedrandom'
import { describe, expect, it } from 'vitest'
import { parseIdx, parseIdxImages, parseIdxLabels } from '../../../src/app/data/idx.ts'
import { FormatError } from '../../../src/engine/errors.ts'

/** An idx file: magic number, big-endian extents, data. */
function idx(magic: number, extents: number[], data: ArrayLike<number>): Uint8Array {
  const bytes = new Uint8Array(4 + 4 * extents.length + data.length)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, magic)
  extents.forEach((extent, i) => {
    view.setUint32(4 + 4 * i, extent)
  })
  bytes.set(data, 4 + 4 * extents.length)
  return bytes
}

const pixels = Uint8Array.from({ length: 24 }, (_, i) => i * 10)
const images = idx(0x803, [2, 3, 4], pixels)
const labels = idx(0x801, [5], [9, 0, 3, 3, 1])

describe('an idx file', () => {
  it('of images gives their number, height, width and pixels', () => {
    expect(parseIdxImages(images)).toEqual({ images: pixels, count: 2, height: 3, width: 4 })
  })

  it('of labels gives the labels', () => {
    expect(parseIdxLabels(labels)).toEqual(Uint8Array.of(9, 0, 3, 3, 1))
  })

  it('of any number of dimensions reads, from the middle of other bytes too', () => {
    const around = Uint8Array.from([7, ...idx(0x804, [1, 2, 1, 2], [1, 2, 3, 4]), 7])
    const { shape, data } = parseIdx(around.subarray(1, -1), 4)
    expect(shape).toEqual([1, 2, 1, 2])
    expect(data).toEqual(Uint8Array.of(1, 2, 3, 4))
  })
})

describe('what is not the idx file expected gives a FormatError', () => {
  it('when cut off anywhere', () => {
    for (let length = 0; length < images.length; length++)
      expect(() => parseIdxImages(images.subarray(0, length)), `${length} bytes`).toThrow(FormatError)
    for (let length = 0; length < labels.length; length++)
      expect(() => parseIdxLabels(labels.subarray(0, length)), `${length} bytes`).toThrow(FormatError)
  })

  it('when something follows', () => {
    expect(() => parseIdxImages(Uint8Array.from([...images, 0]))).toThrow('followed by something else')
    expect(() => parseIdxLabels(Uint8Array.from([...labels, 0]))).toThrow(FormatError)
  })

  it('when it is another kind: labels for images, images for labels, floats, little-endian', () => {
    expect(() => parseIdxImages(labels)).toThrow(FormatError)
    expect(() => parseIdxLabels(images)).toThrow('it starts with 0x00000803, not with 0x00000801')
    expect(() => parseIdxImages(idx(0xd03, [1, 1, 4], [0, 0, 0, 0]))).toThrow(FormatError)
    expect(() => parseIdxLabels(idx(0x01080000, [1], [0]))).toThrow(FormatError)
  })

  it('when its extents are hostile: huge, overflowing, or zero', () => {
    for (const extents of [
      [0xffffffff, 0xffffffff, 0xffffffff],
      [0x80000000, 2, 1],
      [0x10000, 0x10000, 1],
      [0, 28, 28],
      [24, 0xffffffff, 0],
      [0, 0, 0],
    ])
      expect(() => parseIdxImages(idx(0x803, extents, pixels)), String(extents)).toThrow(FormatError)
    expect(() => parseIdxImages(idx(0x803, [0, 28, 28], []))).toThrow('is an empty idx file')
  })

  it('for random bytes, with the right magic number too', () => {
    const random = seedrandom('idx')
    for (let i = 0; i < 500; i++) {
      const bytes = Uint8Array.from({ length: Math.floor(random() * 60) }, () => random() * 256)
      if (i % 2) bytes.set([0, 0, 8, 3].slice(0, bytes.length))
      expect(() => parseIdxImages(bytes)).toThrow(FormatError)
    }
  })
})
