import { encode } from 'fast-png'
import { ArgumentError } from '../../engine/errors.ts'

/** Four thousand pixels squared: far more than a figure needs. */
const maxPixels = 4096 * 4096

/**
 * Writes an image as an 8-bit PNG, grey or RGB as its channels say. Bytes are levels; other values are rounded to the nearest of 256,
 * and what lies outside [0, 1] is clipped. With `scale` n every pixel becomes n x n pixels, edges sharp.
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

  const levels = enlarged(levelsOf(data), height, width, channels, scale)
  return encode({ data: levels, height: rows, width: columns, channels, depth: 8 })
}

/** Values from 0 to 1 as bytes; bytes as they are. @throws ArgumentError for what is not a number */
export function levelsOf(values: ArrayLike<number>): Uint8Array {
  if (values instanceof Uint8Array) return values
  const levels = new Uint8ClampedArray(values.length)
  for (let i = 0; i < levels.length; i++) {
    if (Number.isNaN(values[i])) throw new ArgumentError(`the picture's value ${i} is not a number`)
    levels[i] = Math.round(values[i] * 255)
  }
  return new Uint8Array(levels.buffer)
}

function enlarged(pixels: Uint8Array, height: number, width: number, channels: number, scale: number): Uint8Array {
  if (scale === 1) return pixels
  const rowSize = width * scale * channels
  const levels = new Uint8Array(height * scale * rowSize)
  for (let row = 0; row < height; row++) {
    const start = row * scale * rowSize
    for (let column = 0; column < width * scale; column++) {
      const from = (row * width + Math.floor(column / scale)) * channels
      for (let c = 0; c < channels; c++) levels[start + column * channels + c] = pixels[from + c]
    }
    for (let copy = 1; copy < scale; copy++) levels.copyWithin(start + copy * rowSize, start, start + rowSize)
  }
  return levels
}

function isPositiveInteger(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0
}
