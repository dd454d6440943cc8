import { encode } from 'fast-png'
import { ArgumentError } from '../../engine/errors.ts'

/** Four thousand pixels squared: far more than a figure needs. */
const maxPixels = 4096 * 4096

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
