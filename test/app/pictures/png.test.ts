import { deflateSync } from 'node:zlib'
import seedrandom from 'seedrandom'
import { describe, expect, it } from 'vitest'
import { decodePicture } from '../../../src/app/pictures/decode-picture.ts'
import { encodePng } from '../../../src/app/pictures/encode-png.ts'
import { floatImage } from '../../../src/app/pictures/picture.ts'
import type { Ground } from '../../../src/app/pictures/transparency.ts'
import { ArgumentError, FormatError } from '../../../src/engine/errors.ts'
import { chunk, fileOf, header, imageData, png } from './png-writer.ts'

const random = seedrandom('png')
const decodePng = async (bytes: Uint8Array, ground?: Ground) => floatImage(await decodePicture(bytes, { ground }))
const rgb = { height: 5, width: 7, channels: 3 as const }
const rgbData = Float64Array.from({ length: 5 * 7 * 3 }, () => Math.floor(random() * 256) / 255)

describe('a PNG that was written', () => {
  it('reads back: RGB and grey, values that are 256ths exactly', async () => {
    expect(await decodePng(encodePng({ ...rgb, data: rgbData }))).toEqual({ ...rgb, data: rgbData })
    const grey = { height: 35, width: 3, channels: 1 as const, data: rgbData }
    expect(await decodePng(encodePng(grey))).toEqual(grey)
  })

  it('has values rounded to the nearest level, and clipped to [0, 1]', async () => {
    const data = [-5, 0.4 / 255, 0.6 / 255, 1.7, Number.POSITIVE_INFINITY]
    const read = await decodePng(encodePng({ data, height: 1, width: 5, channels: 1 }))
    expect([...read.data]).toEqual([0, 0, 1 / 255, 1, 1])
  })

  it('has bytes as they are', async () => {
    const levels = Uint8Array.from({ length: 256 }, (_, level) => level)
    const read = await decodePng(encodePng({ data: levels, height: 16, width: 16, channels: 1 }))
    expect([...read.data]).toEqual(Array.from(levels, (level) => level / 255))
  })

  it('has, with a scale, every pixel as a square of its colour', async () => {
    const scale = 3
    const read = await decodePng(encodePng({ ...rgb, data: rgbData }, { scale }))
    expect([read.height, read.width, read.channels]).toEqual([15, 21, 3])
    const expected = Array.from(read.data, (_, i) => {
      const [row, column] = [Math.floor(i / 63), Math.floor(i / 3) % 21]
      return rgbData[(Math.floor(row / scale) * 7 + Math.floor(column / scale)) * 3 + (i % 3)]
    })
    expect([...read.data]).toEqual(expected)
  })

  it('is refused when its data does not fit, is not a number, or the scale is no positive integer', () => {
    const image = { data: [0, 0.5, 1, 0.5], height: 2, width: 2, channels: 1 }
    for (const wrong of [
      { ...image, height: 3 },
      { ...image, channels: 3 },
      { ...image, channels: 2 },
      { ...image, width: -2, height: -2 },
      { ...image, data: [], height: 0 },
      { ...image, data: [0, 0, Number.NaN, 0] },
    ])
      expect(() => encodePng(wrong)).toThrow(ArgumentError)
    for (const scale of [0, -1, 1.5, Number.NaN, 1e6]) expect(() => encodePng(image, { scale })).toThrow(ArgumentError)
  })
})

describe('PNGs of other programs', () => {
  /** Sample values of every size, that differ along both axes. */
  const sampleAt = (depth: number) => (row: number, column: number, sample: number) =>
    (row * 7919 + column * 104_729 + sample * 31_337) % 2 ** depth

  for (const interlaced of [false, true])
    for (const [colourType, depths] of [
      [0, [1, 2, 4, 8, 16]],
      [2, [8, 16]],
    ] as const)
      for (const depth of depths)
        for (const [width, height] of [
          [1, 1],
          [3, 2],
          [13, 11],
        ])
          it(`read exactly: ${colourType ? 'RGB' : 'grey'}, ${depth} bits, ${width}x${height}${interlaced ? ', interlaced' : ''}`, async () => {
            const channels = colourType ? 3 : 1
            const value = sampleAt(depth)
            const read = await decodePng(png({ width, height, depth, colourType, interlaced }, value))
            expect([read.height, read.width, read.channels]).toEqual([height, width, channels])
            const expected = Array.from(read.data, (_, i) => {
              const pixel = Math.floor(i / channels)
              return value(Math.floor(pixel / width), pixel % width, i % channels) / (2 ** depth - 1)
            })
            expect([...read.data]).toEqual(expected)
          })

  for (const ground of ['white', 'contrast'] as const)
    it(`read with what is transparent laid on ${ground === 'white' ? 'white' : 'black where the rest is light, on white where it is dark'}`, async () => {
      for (const depth of [8, 16])
        for (const colourType of [4, 6])
          for (const isLight of [true, false]) {
            const channels = colourType === 4 ? 1 : 3
            const most = 2 ** depth - 1
            const any = sampleAt(depth)
            // The upper or the lower half of all values; any opacity.
            const value = (row: number, column: number, s: number) =>
              s === channels ? any(row, column, s) : (any(row, column, s) >> 1) + (isLight ? (most + 1) / 2 : 0)
            const read = await decodePicture(png({ width: 9, height: 6, depth, colourType }, value), { ground })
            expect(read.channels).toBe(channels)
            const under = ground === 'contrast' && isLight ? 0 : most
            const expected = Array.from(read.data, (_, i) => {
              const pixel = Math.floor(i / channels)
              const sample = (s: number) => value(Math.floor(pixel / 9), pixel % 9, s)
              const opacity = sample(channels)
              return Math.round((sample(i % channels) * opacity + under * (most - opacity)) / most)
            })
            expect([...read.data]).toEqual(expected)
          }
    })

  const palette = chunk('PLTE', [255, 0, 0, 0, 255, 0, 0, 0, 255, 51, 51, 51])
  for (const depth of [2, 4, 8])
    it(`read with a palette of ${depth} bits, with and without transparent entries`, async () => {
      const kind = { width: 5, height: 3, depth, colourType: 3 }
      const index = (row: number, column: number) => (row + column) % 4
      const colours = [
        [1, 0, 0],
        [0, 1, 0],
        [0, 0, 1],
        [0.2, 0.2, 0.2],
      ]
      const expected = (table: number[][]) =>
        Array.from({ length: 15 }, (_, i) => table[index(Math.floor(i / 5), i % 5)]).flat()
      expect([...(await decodePng(png(kind, index, { before: [palette] }))).data]).toEqual(expected(colours))
      const transparency = chunk('tRNS', [255, 0])
      const read = await decodePng(png(kind, index, { before: [palette, transparency] }))
      expect([...read.data]).toEqual(expected([[1, 0, 0], [1, 1, 1], ...colours.slice(2)]))
    })

  it('read with one colour named transparent', async () => {
    const grey = png({ width: 4, height: 1, depth: 8, colourType: 0 }, (_, column) => column, {
      before: [chunk('tRNS', [0, 2])],
    })
    expect([...(await decodePng(grey)).data]).toEqual([0, 1 / 255, 1, 3 / 255])
    const colour = png({ width: 4, height: 1, depth: 8, colourType: 2 }, (_, column, s) => column + s, {
      before: [chunk('tRNS', [0, 2, 0, 3, 0, 4])],
    })
    expect([...(await decodePng(colour)).data.subarray(3)]).toEqual(
      [1, 2, 3, 255, 255, 255, 3, 4, 5].map((v) => v / 255),
    )
  })

  it('read with their data in many chunks, beside text and profiles, and with bytes after the end', async () => {
    const kind = { width: 13, height: 11, depth: 8, colourType: 2 }
    const plain = await decodePng(png(kind, sampleAt(8)))
    const before = [chunk('tEXt', [65, 0, 66]), chunk('iCCP', [1, 2, 3]), chunk('acTL', [0])]
    const odd = png(kind, sampleAt(8), { before, parts: 9 })
    expect(await decodePng(odd)).toEqual(plain)
    expect(await decodePng(Buffer.concat([odd, Buffer.from('more')]))).toEqual(plain)
  })
})

describe('what is not a whole PNG gives a FormatError', () => {
  const kind = { width: 6, height: 5, depth: 8, colourType: 2 }
  const good = png(kind, (row, column, s) => row * 40 + column * 5 + s)
  const data = (bytes: Uint8Array) => chunk('IDAT', deflateSync(bytes))
  const raw = imageData(kind, () => 0)

  it('when cut off anywhere', async () => {
    for (let length = 0; length < good.length; length++)
      await expect(decodePng(good.subarray(0, length)), `${length} bytes`).rejects.toThrow(FormatError)
  })

  it('when any byte of it is changed', async () => {
    for (let i = 0; i < good.length; i++) {
      const damaged = good.slice()
      damaged[i] ^= 0x10
      await expect(decodePng(damaged), `byte ${i}`).rejects.toThrow(FormatError)
    }
  })

  const end = chunk('IEND')
  const hostile: Record<string, [bytes: Uint8Array, message: string]> = {
    'no header': [fileOf(data(raw), end), 'does not begin with its header'],
    'a header of another length': [
      fileOf(chunk('IHDR', [0, 0, 0, 1]), data(raw), end),
      'does not begin with its header',
    ],
    'no image data': [fileOf(header(kind), end), 'image data'],
    'enormous dimensions': [
      fileOf(header({ ...kind, width: 0xffffffff, height: 0xffffffff }), data(raw), end),
      '4294967295x4294967295 pixels, 18446744065119.62 megapixels; at most 100',
    ],
    'more pixels than are taken': [
      fileOf(header({ ...kind, width: 10_001, height: 10_000 }), data(raw), end),
      '10001x10000 pixels, 100.01 megapixels; at most 100 ',
    ],
    'no pixels': [fileOf(header({ ...kind, width: 0 }), data(raw), end), 'shows nothing'],
    'less image data than its dimensions need': [
      fileOf(header(kind), data(raw.subarray(1)), end),
      'is 94 bytes, its dimensions need 95',
    ],
    'more image data than its dimensions need': [
      fileOf(header(kind), data(Uint8Array.from([...raw, 0])), end),
      'unpacks to more than the 95 bytes',
    ],
    'image data that unpacks to a hundred megabytes': [
      fileOf(header(kind), data(new Uint8Array(100 << 20)), end),
      'unpacks to more than the 95 bytes',
    ],
    'image data that is no zlib stream': [fileOf(header(kind), chunk('IDAT', raw), end), "can't be decompressed"],
    'an unknown filter': [
      fileOf(header(kind), data(Uint8Array.from([9, ...raw.subarray(1)])), end),
      'a row has the filter 9',
    ],
    'an unknown colour type': [
      fileOf(header({ ...kind, colourType: 5 }), data(raw), end),
      'a header that the format does not know',
    ],
    'a depth its colour type does not have': [
      fileOf(header({ ...kind, depth: 4 }), data(raw), end),
      'a header that the format does not know',
    ],
    'a depth that is none': [
      fileOf(header({ ...kind, colourType: 0, depth: 0 }), data(raw), end),
      'a header that the format does not know',
    ],
    'a second header': [
      fileOf(header({ ...kind, width: 1, height: 1 }), header(kind), data(raw), end),
      'more than one IHDR',
    ],
    'a palette image without a palette': [png({ ...kind, colourType: 3 }, () => 0), 'corrupt'],
    'a palette image that names more colours than there are': [
      png({ ...kind, colourType: 3 }, () => 2, {
        before: [chunk('PLTE', [0, 0, 0, 1, 1, 1])],
      }),
      'a pixel has colour 2 of a palette of 2',
    ],
    'an empty palette': [png({ ...kind, colourType: 3 }, () => 0, { before: [chunk('PLTE')] }), 'corrupt'],
    'two lists of transparency': [
      png({ ...kind, colourType: 3 }, () => 0, {
        before: [chunk('PLTE', [0, 0, 0]), chunk('tRNS', [1]), chunk('tRNS', [1])],
      }),
      'more than one tRNS',
    ],
    'a chunk longer than the file': [
      fileOf(header(kind), data(raw), Uint8Array.from([0xff, 0xff, 0xff, 0xff, 1, 2, 3])),
      'truncated',
    ],
    'image data that no file of its size can unpack to': [
      fileOf(header({ ...kind, width: 10_000, height: 10_000 }), data(raw), end),
      'its dimensions need 300010000',
    ],
    'more opacities than colours': [
      png({ ...kind, colourType: 3 }, () => 0, { before: [chunk('PLTE', [0, 0, 0]), chunk('tRNS', [1, 2])] }),
      '2 opacities for a palette of 1',
    ],
    'a transparent colour of another length': [
      png(kind, () => 0, { before: [chunk('tRNS', [0, 1])] }),
      'its transparent colour has 2 bytes',
    ],
  }
  for (const [what, [bytes, message]] of Object.entries(hostile))
    it(`with ${what}`, async () => {
      const refusal = await decodePng(bytes).catch((error: unknown) => error)
      expect(refusal).toBeInstanceOf(FormatError)
      expect(String(refusal)).toContain(message)
    })

  it('for random bytes, alone, after the signature, and as chunks of a sound outer form', async () => {
    const bytes = (length: number) => Uint8Array.from({ length: Math.floor(random() * length) }, () => random() * 256)
    const types = ['IHDR', 'PLTE', 'tRNS', 'IDAT', 'iCCP', 'zTXt']
    for (let i = 0; i < 400; i++) {
      const chunks = Array.from({ length: 3 }, () => chunk(types[Math.floor(random() * types.length)], bytes(40)))
      const file = [bytes(100), fileOf(bytes(100)), fileOf(header(kind), ...chunks, end), fileOf(...chunks, end)][i % 4]
      await expect(decodePng(file)).rejects.toThrow(FormatError)
    }
  })
})
