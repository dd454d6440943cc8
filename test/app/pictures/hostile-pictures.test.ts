import { describe, expect, it } from 'vitest'
import { decodePicture } from '../../../src/app/pictures/decode-picture.ts'
import { ArgumentError, FormatError } from '../../../src/engine/errors.ts'
import { readReference } from '../../reference-files.ts'
import { tensorOf } from '../../reference-tensors.ts'

const reference = readReference('pictures.safetensors')
const fileOf = (name: string) => Uint8Array.from(tensorOf(reference, `file/${name}`).data)

/** A copy with whole numbers of 16 bits written into it. */
function patched(file: Uint8Array, isLittle: boolean, words: Readonly<Record<number, number>>): Uint8Array {
  const copy = file.slice()
  for (const [at, word] of Object.entries(words)) new DataView(copy.buffer).setUint16(Number(at), word, isLittle)
  return copy
}

function indexOf(file: Uint8Array, ...bytes: number[]): number {
  return file.findIndex((_, at) => bytes.every((byte, i) => file[at + i] === byte))
}

async function refusal(file: Uint8Array): Promise<string> {
  const error = await decodePicture(file).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(FormatError)
  return String(error)
}

const jpeg = fileOf('jpeg-420')
const frame = indexOf(jpeg, 0xff, 0xc0)
const scan = indexOf(jpeg, 0xff, 0xda)
const lossless = fileOf('webp-lossless')
const lossy = fileOf('webp-lossy')
const gif = fileOf('gif')
const bmp = fileOf('bmp-24')

/** A square BMP of 8 bits a pixel, packed by run lengths. */
function bmpOfRuns(side: number, runs: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(54 + 4 * 256 + runs.length))
  view.setUint16(0, 0x424d)
  for (const [at, word] of [
    [10, 54 + 4 * 256],
    [14, 40],
    [18, side],
    [22, side],
    [30, 1],
  ])
    view.setUint32(at, word, true)
  view.setUint16(28, 8, true)
  const file = new Uint8Array(view.buffer)
  file.set(runs, 54 + 4 * 256)
  return file
}

/** A lossless WebP of these pixels. */
function webpOf(pixels: readonly number[]): Uint8Array {
  const chunk = [...Buffer.from('WEBPVP8L'), pixels.length, 0, 0, 0, ...pixels, ...(pixels.length % 2 ? [0] : [])]
  return Uint8Array.from([...Buffer.from('RIFF'), chunk.length, 0, 0, 0, ...chunk])
}

describe('a header that promises more than is taken is refused by it', () => {
  const huge: Record<string, [file: Uint8Array, message: string]> = {
    JPEG: [patched(jpeg, false, { [frame + 5]: 10_001, [frame + 7]: 10_000 }), '10000x10001 pixels, 100.01 megapixels'],
    'lossy WebP': [
      patched(lossy, true, Object.fromEntries([0, 2].map((i) => [indexOf(lossy, 0x9d, 0x01, 0x2a) + 3 + i, 16_383]))),
      '16383x16383 pixels, 268.4',
    ],
    'lossless WebP': [patched(lossless, true, { 21: 0xffff, 23: 0x0fff }), '16384x16384 pixels, 268.44 megapixels'],
    GIF: [patched(gif, true, { 6: 4000, 8: 4000 }), '4000x4000 pixels, 16 megapixels; at most 12.58'],
    BMP: [patched(bmp, true, { 18: 20_000, 22: 20_000 }), '20000x20000 pixels, 400 megapixels'],
  }
  it.each(Object.entries(huge))('%s', async (_name, [file, message]) => {
    expect(await refusal(file)).toContain(message)
  })
})

describe('what can’t be a picture is refused, and said why', () => {
  const wrong: Record<string, [file: Uint8Array, message: string]> = {
    'no bytes': [new Uint8Array(0), '0 bytes that are no picture'],
    text: [new TextEncoder().encode('no picture'), 'PNG, JPEG, WebP, GIF, BMP'],
    'a JPEG cut off in its pixels': [jpeg.subarray(0, jpeg.length - 20), 'the JPEG is truncated'],
    'a JPEG of more pixels than its bytes can hold': [
      patched(jpeg, false, { [frame + 5]: 5000, [frame + 7]: 5000 }),
      "5000x5000 pixels don't fit into",
    ],
    'a JPEG with a hundred passes': [
      Uint8Array.from([
        ...jpeg.subarray(0, -2),
        ...Array.from({ length: 100 }, () => [0xff, 0xda, 0, 2]).flat(),
        0xff,
        0xd9,
      ]),
      '101 passes',
    ],
    'a JPEG without tables': [
      Uint8Array.from([...jpeg.subarray(0, 2), ...jpeg.subarray(scan)]),
      'its decoder gives up',
    ],
    'a JPEG of arithmetic coding': [jpeg.with(frame + 1, 0xc9), 'the JPEG is'],
    'a WebP cut off': [lossy.subarray(0, lossy.length - 20), 'the WebP is truncated or corrupt'],
    'a WebP without pixels': [lossy.subarray(0, 12), 'it holds no pixels'],
    'a WebP whose canvas is another': [
      fileOf('webp-lossy-alpha').with(24, 200),
      "37x26 pixels at 0, 0 don't fit into the 201x26",
    ],
    'an animated WebP whose frame leaves the canvas': [
      fileOf('webp-animated').with(24, 10),
      "don't fit into the 11x26",
    ],
    'a GIF cut off': [gif.subarray(0, 100), 'the GIF is truncated or corrupt'],
    'a BMP cut off': [bmp.subarray(0, bmp.length - 40), 'the BMP is truncated'],
    'a BMP of more pixels than its runs can paint': [
      bmpOfRuns(9000, [0, 1]),
      "9000x9000 pixels don't fit into 1080 bytes",
    ],
    'a BMP that ends in a step': [bmpOfRuns(4, [0, 2, 1]), 'its 1081 bytes end in row 0 of 4'],
    'a lossless WebP without pixels': [webpOf([0x2f, 0, 0, 0]), 'its pixels are 4 bytes'],
    'a BMP of 5 bits a pixel': [patched(bmp, true, { 28: 5 }), '5 bits a pixel, packed by method 0'],
    'a BMP with a mask of a hole': [patched(fileOf('bmp-565'), true, { 54: 0b101 }), '101 is no mask'],
  }
  it.each(Object.entries(wrong))('%s', async (_name, [file, message]) => {
    expect(await refusal(file)).toContain(message)
  })

  it('what is no array of bytes', async () => {
    const name: unknown = 'photo.jpg'
    await expect(decodePicture(name as Uint8Array)).rejects.toThrow(ArgumentError)
  })

  it('what is called off', async () => {
    await expect(decodePicture(jpeg, { signal: AbortSignal.abort() })).rejects.toThrow('aborted')
  })
})

it('a lossless WebP of one colour is read, though it is shorter than any lossy one', async () => {
  // 100 x 50 pixels: no transform, no cache, and five codes of one symbol each.
  const { data, height, width } = await decodePicture(webpOf([0x2f, 0x63, 0x40, 0x0c, 0x00, 0x88, 0x88, 0xfe, 0x07]))
  expect([height, width]).toEqual([50, 100])
  expect(data.every((level) => level === 0)).toBe(true)
})

it('a frame smaller than its canvas lies on white', async () => {
  const file = fileOf('webp-animated')
  // Three columns and two rows more.
  const { data, height, width } = await decodePicture(file.with(24, file[24] + 3).with(27, file[27] + 2))
  expect([height, width]).toEqual([28, 40])
  const expected = tensorOf(reference, 'pixels/webp-animated').data
  for (let y = 0; y < 28; y++)
    for (let x = 0; x < 40; x++)
      for (let c = 0; c < 3; c++)
        expect(data[(y * 40 + x) * 3 + c]).toBe(y < 26 && x < 37 ? expected[(y * 37 + x) * 3 + c] : 255)
})

it('a damaged picture does not change those after it', async () => {
  const before = await decodePicture(jpeg)
  for (let at = scan + 20; at < jpeg.length - 2; at += 7)
    await decodePicture(jpeg.with(at, jpeg[at] ^ 0x55)).catch(() => {})
  expect(await decodePicture(jpeg)).toEqual(before)
})
