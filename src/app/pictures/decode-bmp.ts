import { FormatError } from '../../engine/errors.ts'
import { type BmpHeader, compressions, readBmpHeader } from './bmp-header.ts'
import type { Raster } from './transparency.ts'

/**
 * Reads a BMP of 1, 4, 8, 16, 24 or 32 bits a pixel, packed by run lengths or not; of 32 bits the opacity where a mask names it and
 * there is any. Levels of fewer bits become those of 8 as the nearest.
 * @throws FormatError when it is truncated, corrupt, too large, or packed in another way
 */
export async function decodeBmp(bytes: Uint8Array): Promise<Raster> {
  const header = readBmpHeader(bytes)
  if (header.compression === compressions.rle8 || header.compression === compressions.rle4) return runs(bytes, header)
  return header.depth <= 8 ? indexed(bytes, header) : direct(bytes, header)
}

function blank({ width, height }: BmpHeader, samples: 3 | 4): Raster {
  return { data: new Uint8Array(width * height * samples), height, width, samples }
}

/** Where a row of the raster begins: files mostly begin with the lowest. */
function rowOf({ isTopDown, height }: BmpHeader, line: number): number {
  return isTopDown ? line : height - 1 - line
}

function stride({ width, depth }: BmpHeader): number {
  return Math.ceil((width * depth) / 32) * 4
}

/** The last row may do without the bytes that fill it up. */
function checkWhole(bytes: Uint8Array, header: BmpHeader): void {
  const { width, height, depth, start } = header
  const end = start + (height - 1) * stride(header) + Math.ceil((width * depth) / 8)
  if (end > bytes.length)
    throw new FormatError(`the BMP is truncated: it has ${bytes.length} bytes, its dimensions need ${end}`)
}

function indexed(bytes: Uint8Array, header: BmpHeader): Raster {
  checkWhole(bytes, header)
  const { width, height, depth, start, palette } = header
  const raster = blank(header, 3)
  for (let line = 0; line < height; line++) {
    const from = start + line * stride(header)
    for (let x = 0, to = rowOf(header, line) * width * 3; x < width; x++, to += 3) {
      const bit = x * depth
      const index = (bytes[from + (bit >> 3)] >> (8 - depth - (bit & 7))) & (2 ** depth - 1)
      paint(raster, to, palette, index)
    }
  }
  return raster
}

/** Gives the pixel at that place its colour. */
function paint({ data }: Raster, to: number, palette: Uint8Array, index: number): void {
  for (let s = 0; s < 3; s++) data[to + s] = palette[3 * index + s]
}

/** A run is two bytes for 255 pixels at most: a header that promises more takes neither time nor memory. */
const mostPixelsOfByte = 128

/** Run lengths: pairs of how often and which, and after a 0 what is written out, a step, or an end. */
function runs(bytes: Uint8Array, header: BmpHeader): Raster {
  const { width, height, depth, start, palette } = header
  if (width * height > bytes.length * mostPixelsOfByte)
    throw new FormatError(`the BMP is truncated: ${width}x${height} pixels don't fit into ${bytes.length} bytes`)
  const raster = blank(header, 3)
  // What no run covers shows the first colour.
  paint(raster, 0, palette, 0)
  for (let done = 3; done < raster.data.length; done *= 2) raster.data.copyWithin(done, 0, done)
  let [x, line, at] = [0, 0, start]
  const put = (index: number) => {
    if (x < width && line < height) paint(raster, (rowOf(header, line) * width + x) * 3, palette, index)
    x++
  }
  /** Of two colours in a byte the upper comes first. */
  const colour = (byte: number, i: number) => (depth === 8 ? byte : i % 2 === 0 ? byte >> 4 : byte & 15)
  while (at + 1 < bytes.length) {
    const [count, what] = [bytes[at], bytes[at + 1]]
    at += 2
    if (count > 0) for (let i = 0; i < count; i++) put(colour(what, i))
    else if (what === 1) return raster
    else if (what === 0) {
      x = 0
      line++
    } else if (what === 2) {
      x += bytes[at] ?? 0
      line += bytes[at + 1] ?? 0
      at += 2
    } else {
      for (let i = 0; i < what; i++) put(colour(bytes[at + ((i * depth) >> 3)] ?? 0, i))
      at += 2 * Math.ceil((what * depth) / 16)
    }
  }
  if (line >= height || (line === height - 1 && x >= width)) return raster
  throw new FormatError(`the BMP is truncated: its ${bytes.length} bytes end in row ${line} of ${height}`)
}

function direct(bytes: Uint8Array, header: BmpHeader): Raster {
  checkWhole(bytes, header)
  const { width, height, depth, start, masks } = header
  const raster = blank(header, masks.length === 4 ? 4 : 3)
  const { data, samples } = raster
  const channels = masks.map((mask) => {
    const shift = 31 - Math.clz32(mask & -mask)
    return { mask, shift, most: mask >>> shift }
  })
  let isSeen = samples === 3
  for (let line = 0; line < height; line++) {
    let from = start + line * stride(header)
    for (let x = 0, to = rowOf(header, line) * width * samples; x < width; x++, to += samples, from += depth / 8) {
      const word =
        bytes[from] |
        (bytes[from + 1] << 8) |
        (depth > 16 ? bytes[from + 2] << 16 : 0) |
        (depth > 24 ? bytes[from + 3] << 24 : 0)
      for (let s = 0; s < samples; s++) {
        const { mask, shift, most } = channels[s]
        data[to + s] = most === 255 ? (word >>> shift) & 255 : Math.round((((word & mask) >>> shift) * 255) / most)
      }
      isSeen ||= data[to + 3] > 0
    }
  }
  // Many programs leave the opacity at nothing.
  if (!isSeen) for (let at = 3; at < data.length; at += 4) data[at] = 255
  return raster
}
