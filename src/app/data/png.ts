import { convertIndexedToRgb, decode, encode } from 'fast-png'
import { ArgumentError, FormatError } from '../../engine/errors.ts'
import { joinedArrays } from '../../engine/platform/joined-arrays.ts'
import { inflate } from './gzip.ts'

/**
 * PNG to images of floats and back, over fast-png. What comes in is somebody's file: it is taken apart and checked here
 * first (chunks, dimensions, how much its data unpacks to), and only then given to fast-png, which trusts its input.
 */

export interface FloatImage {
  /** [height, width, channels], row-major, 0 (black) to 1. */
  readonly data: Float64Array
  readonly height: number
  readonly width: number
  /** 1: grey; 3: red, green, blue. */
  readonly channels: 1 | 3
}

/** Four thousand pixels squared: far more than can be explained, and an image that still fits in memory as float64. */
export const maxPixels = 4096 * 4096

const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]
/** What pixels depend on. Everything else (text, colour profiles, animation) is left out before fast-png sees the file. */
const neededChunks = new Set(['IHDR', 'PLTE', 'tRNS', 'IDAT', 'IEND'])
const onceOnly = new Set(['IHDR', 'PLTE', 'tRNS'])

interface Chunk {
  readonly type: string
  /** Length, type, data and checksum. */
  readonly whole: Uint8Array
  readonly data: Uint8Array
}

interface Header {
  readonly width: number
  readonly height: number
  /** Bits a sample. */
  readonly depth: number
  readonly samples: number
  readonly isIndexed: boolean
  readonly isInterlaced: boolean
}

/** PNG's colour types: samples a pixel, and the depths each may have. */
const colourTypes: Readonly<Record<number, { samples: number; depths: readonly number[] }>> = {
  0: { samples: 1, depths: [1, 2, 4, 8, 16] },
  2: { samples: 3, depths: [8, 16] },
  3: { samples: 1, depths: [1, 2, 4, 8] },
  4: { samples: 2, depths: [8, 16] },
  6: { samples: 4, depths: [8, 16] },
}

/**
 * Reads a PNG: grey ones to 1 channel, colour and palette ones to 3. What is transparent shows black behind what is
 * light on the whole, white behind what is dark. Of interlaced files, those with 8 or 16 bits a sample.
 * @throws FormatError when it is not a PNG, truncated, corrupt, of more than maxPixels, or unpacks to something else than
 * its dimensions say
 */
export async function decodePng(bytes: Uint8Array): Promise<FloatImage> {
  const chunks = splitChunks(bytes)
  const header = readHeader(chunks[0])
  const compressed = joinedArrays(
    chunks.filter(({ type }) => type === 'IDAT').map(({ data }) => data),
    Uint8Array,
  )
  const expected = filteredBytes(header)
  const filtered = await inflate(compressed, expected, "the PNG's image data")
  if (filtered.byteLength !== expected)
    throw new FormatError(`the PNG's image data is ${filtered.byteLength} bytes, its dimensions need ${expected}`)

  const needed = chunks.filter(({ type }) => neededChunks.has(type)).map(({ whole }) => whole)
  try {
    const png = decode(joinedArrays([Uint8Array.from(signature), ...needed], Uint8Array), { checkCrc: true })
    if (header.isIndexed) {
      const colours = convertIndexedToRgb(png)
      return withoutTransparency(header, colours, 255, (colours.length / (header.width * header.height)) as 3 | 4)
    }
    const samples = header.depth < 8 ? unpackBits(header, png.data) : png.data
    const most = 2 ** header.depth - 1
    // fast-png leaves the one colour that counts as transparent to its callers.
    const key = png.transparency?.length === header.samples ? png.transparency : undefined
    return withoutTransparency(header, samples, most, header.samples as 1 | 2 | 3 | 4, key)
  } catch (cause) {
    throw new FormatError(`the PNG is corrupt: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}

/** The file's chunks, from IHDR to IEND. What follows IEND does not count. */
function splitChunks(bytes: Uint8Array): Chunk[] {
  if (signature.some((byte, i) => bytes[i] !== byte)) throw new FormatError('not a PNG file')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const chunks: Chunk[] = []
  for (let start = signature.length; chunks.at(-1)?.type !== 'IEND'; ) {
    const end = start + 12 <= bytes.byteLength ? start + 12 + view.getUint32(start) : Number.POSITIVE_INFINITY
    if (end > bytes.byteLength)
      throw new FormatError(`the PNG is truncated or corrupt: of its ${bytes.byteLength} bytes none end the image`)
    const type = String.fromCharCode(...bytes.subarray(start + 4, start + 8))
    // A second header or palette would change, behind our back, what was checked of the first.
    if (onceOnly.has(type) && chunks.some((chunk) => chunk.type === type))
      throw new FormatError(`the PNG is corrupt: it has more than one ${type} chunk`)
    chunks.push({ type, whole: bytes.subarray(start, end), data: bytes.subarray(start + 8, end - 4) })
    start = end
  }
  return chunks
}

function readHeader({ type, data }: Chunk): Header {
  if (type !== 'IHDR' || data.byteLength !== 13) throw new FormatError('the PNG does not begin with its header')
  const view = new DataView(data.buffer, data.byteOffset, 13)
  const [width, height] = [view.getUint32(0), view.getUint32(4)]
  if (width === 0 || height === 0) throw new FormatError(`the PNG is ${width}x${height} pixels: it shows nothing`)
  if (width * height > maxPixels)
    throw new FormatError(`the PNG is ${width}x${height} pixels; at most ${maxPixels} pixels are taken`)
  const [depth, colourType, compression, filter, interlace] = data.subarray(8)
  const colour = colourTypes[colourType]
  if (!colour?.depths.includes(depth) || compression !== 0 || filter !== 0 || interlace > 1)
    throw new FormatError('the PNG has a header that the format does not know')
  if (interlace === 1 && depth < 8)
    throw new FormatError(`the PNG is interlaced with ${depth} bits a sample, which is not supported: save it without`)
  return { width, height, depth, samples: colour.samples, isIndexed: colourType === 3, isInterlaced: interlace === 1 }
}

/** Adam7's seven passes: where each starts, and how far apart its pixels are. */
const adam7 = [
  { x: 0, y: 0, stepX: 8, stepY: 8 },
  { x: 4, y: 0, stepX: 8, stepY: 8 },
  { x: 0, y: 4, stepX: 4, stepY: 8 },
  { x: 2, y: 0, stepX: 4, stepY: 4 },
  { x: 0, y: 2, stepX: 2, stepY: 4 },
  { x: 1, y: 0, stepX: 2, stepY: 2 },
  { x: 0, y: 1, stepX: 1, stepY: 2 },
]

/** How many bytes the image data unpacks to: every row is led by a byte that names its filter. */
function filteredBytes({ width, height, depth, samples, isInterlaced }: Header): number {
  const passes = isInterlaced
    ? adam7.map(({ x, y, stepX, stepY }) => [Math.ceil((width - x) / stepX), Math.ceil((height - y) / stepY)])
    : [[width, height]]
  return passes.reduce(
    (sum, [columns, rows]) =>
      columns > 0 && rows > 0 ? sum + rows * (1 + Math.ceil((columns * samples * depth) / 8)) : sum,
    0,
  )
}

/** Grey samples of 1, 2 or 4 bits, of which fast-png hands out the packed rows. */
function unpackBits({ width, height, depth }: Header, packed: ArrayLike<number>): Uint8Array {
  const rowBytes = Math.ceil((width * depth) / 8)
  const samples = new Uint8Array(width * height)
  for (let row = 0; row < height; row++)
    for (let column = 0; column < width; column++) {
      const bit = column * depth
      const byte = packed[row * rowBytes + (bit >> 3)]
      samples[row * width + column] = (byte >> (8 - depth - (bit & 7))) & (2 ** depth - 1)
    }
  return samples
}

/** Of red, green and blue: how bright a colour looks (ITU-R BT.709, as rgbToGray has it). */
const brightnessOf = [0.2125, 0.7154, 0.0721]

/**
 * Scales samples to [0, 1]. What is transparent shows black where what is not is light on the whole, else white: a white shirt
 * cut out of its picture is to be seen as well as a black one.
 * @param samples [height, width, samplesPerPixel], 0 to `most`; with 2 or 4 a pixel, the last is the opacity
 * @param key the colour that is transparent, if one is
 */
export function withoutTransparency(
  { width, height }: { readonly width: number; readonly height: number },
  samples: ArrayLike<number>,
  most: number,
  samplesPerPixel: 1 | 2 | 3 | 4,
  key?: ArrayLike<number>,
): FloatImage {
  const channels = samplesPerPixel < 3 ? 1 : 3
  const hasAlpha = samplesPerPixel > channels
  const opacity = (from: number): number => {
    let isKey = key !== undefined
    for (let c = 0; key && c < channels; c++) isKey &&= samples[from + c] === key[c]
    return isKey ? 0 : hasAlpha ? samples[from + channels] / most : 1
  }
  let [light, seen] = [0, 0]
  for (let from = 0; from < width * height * samplesPerPixel; from += samplesPerPixel) {
    const alpha = opacity(from)
    seen += alpha
    for (let c = 0; c < channels; c++)
      light += (alpha * (channels === 1 ? 1 : brightnessOf[c]) * samples[from + c]) / most
  }
  const ground = light > seen / 2 ? 0 : 1
  const data = new Float64Array(width * height * channels)
  for (let pixel = 0; pixel < width * height; pixel++) {
    const from = pixel * samplesPerPixel
    const alpha = opacity(from)
    for (let c = 0; c < channels; c++) {
      const value = samples[from + c] / most
      data[pixel * channels + c] = alpha === 1 ? value : value * alpha + ground * (1 - alpha)
    }
  }
  return { data, height, width, channels }
}

/**
 * Writes an image as an 8-bit PNG, grey or RGB as its channels say. Values are rounded to the nearest of 256 levels; what
 * lies outside [0, 1] is clipped. With `scale` n every pixel becomes n x n pixels, edges sharp.
 * @throws ArgumentError when the data does not fit the dimensions or is not a number, `scale` is not a positive integer,
 * or the picture would have more than maxPixels
 */
export function encodePng(
  image: {
    readonly data: ArrayLike<number>
    readonly height: number
    readonly width: number
    readonly channels: number
  },
  { scale = 1 }: { readonly scale?: number } = {},
): Uint8Array {
  const { data, height, width, channels } = image
  if (channels !== 1 && channels !== 3) throw new ArgumentError(`a picture has 1 or 3 channels, not ${channels}`)
  if (!isPositiveInteger(height) || !isPositiveInteger(width) || data.length !== height * width * channels)
    throw new ArgumentError(
      `${data.length} values don't make a picture of ${height}x${width} pixels with ${channels} channels`,
    )
  if (!isPositiveInteger(scale)) throw new ArgumentError(`a picture's scale is a positive integer, not ${scale}`)
  const [rows, columns] = [height * scale, width * scale]
  if (rows * columns > maxPixels)
    throw new ArgumentError(
      `a picture of ${rows}x${columns} pixels is too large; at most ${maxPixels} pixels are written`,
    )

  const rowSize = columns * channels
  const levels = new Uint8ClampedArray(rows * rowSize)
  for (let row = 0; row < height; row++) {
    const start = row * scale * rowSize
    for (let column = 0; column < columns; column++)
      for (let c = 0; c < channels; c++) {
        const value = data[(row * width + Math.floor(column / scale)) * channels + c]
        if (Number.isNaN(value)) throw new ArgumentError(`the picture's value at row ${row} is not a number`)
        levels[start + column * channels + c] = Math.round(value * 255)
      }
    for (let copy = 1; copy < scale; copy++) levels.copyWithin(start + copy * rowSize, start, start + rowSize)
  }
  return encode({ data: new Uint8Array(levels.buffer), height: rows, width: columns, channels, depth: 8 })
}

function isPositiveInteger(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0
}
