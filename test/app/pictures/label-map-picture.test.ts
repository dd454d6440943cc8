import { encode } from 'fast-png'
import { describe, expect, it } from 'vitest'
import { labelMapFromPicture, labelMapFromPng, labelMapToPng } from '../../../src/app/pictures/label-map-picture.ts'
import { ArgumentError, FormatError } from '../../../src/engine/errors.ts'
import { type LabelMap, RandomState } from '../../../src/lime/index.ts'

function randomMap(height: number, width: number, below: number, seed: number): LabelMap {
  return { data: new RandomState(seed).randint(0, below, height * width), shape: [height, width] }
}

describe('a label map', () => {
  it.each([
    ['grey of 8 bits', 256],
    ['grey of 16 bits', 65_536],
    ['colours', 16_777_216],
  ])('comes back from a PNG as it was: %s', async (_, below) => {
    for (let seed = 0; seed < 20; seed++) {
      const map = randomMap(1 + (seed % 7), 3 + 11 * (seed % 5), below, seed)
      map.data[0] = below - 1
      expect(await labelMapFromPng(labelMapToPng(map))).toEqual(map)
    }
  })

  it('of an explanation, whose segments are numbered from 0 on, is written by their ids', async () => {
    const map: LabelMap = { data: Int32Array.of(0, 1, 1, 2), shape: [2, 2], ids: [7, 300, 65_535] }
    const found = await labelMapFromPng(labelMapToPng(map))
    expect(found).toEqual({ data: Int32Array.of(7, 300, 300, 65_535), shape: [2, 2] })
  })

  it("has colours as 0xRRGGBB, a palette's like any other", async () => {
    const png = encode({ data: Uint8Array.of(255, 128, 1, 0, 0, 2), height: 1, width: 2, channels: 3, depth: 8 })
    expect((await labelMapFromPng(png)).data).toEqual(Int32Array.of(0xff8001, 2))
    const palette = [
      [0, 0, 0],
      [10, 20, 30],
      [200, 200, 200],
    ]
    const indexed = encode({ data: Uint8Array.of(1, 2, 1, 0), height: 2, width: 2, channels: 1, depth: 8, palette })
    expect((await labelMapFromPng(indexed)).data).toEqual(Int32Array.of(0x0a141e, 0xc8c8c8, 0x0a141e, 0))
  })

  it('with more than a PNG holds is refused, as are colours of 16 bits, and other formats', async () => {
    const of = (...data: number[]): LabelMap => ({ data: Int32Array.from(data), shape: [1, data.length] })
    expect(() => labelMapToPng(of(3, -1))).toThrow(ArgumentError)
    expect(() => labelMapToPng(of(3, -1))).toThrow(/from 0 to 16,777,215; the label map has -1/)
    expect(() => labelMapToPng(of(16_777_216))).toThrow(/has 16777216/)
    const deep = { data: new Uint16Array(12), height: 2, width: 2, channels: 3 } as const
    expect(() => labelMapFromPicture(deep)).toThrow(FormatError)
    await expect(labelMapFromPng(Uint8Array.of(0xff, 0xd8, 0xff, 0xe0))).rejects.toThrow(/a label map is a PNG/)
    await expect(labelMapFromPng(labelMapToPng(of(1, 2)).subarray(0, 40))).rejects.toThrow(FormatError)
  })
})
