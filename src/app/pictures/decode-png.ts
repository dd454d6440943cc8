import { FormatError } from '../../engine/errors.ts'
import { decompressedParts } from '../../engine/platform/decompress.ts'
import { joinedArrays } from '../../engine/platform/joined-arrays.ts'
import { checkedSize } from './picture-size.ts'
import { type Chunk, splitChunks } from './png-chunks.ts'
import { type PngHeader, passesOf, rowBytes, unfilter } from './png-rows.ts'
import type { Raster } from './transparency.ts'

/**
 * PNGs of every kind (ISO/IEC 15948), row by row as they are unpacked, so that a picture is in memory only once. What comes in is
 * somebody's file: chunks, dimensions and how much its data unpacks to are checked before memory is taken for them.
 */

/** PNG's colour types: samples a pixel, and the depths each may have. */
const colourTypes: Readonly<Record<number, { samples: 1 | 2 | 3 | 4; depths: readonly number[] }>> = {
  0: { samples: 1, depths: [1, 2, 4, 8, 16] },
  2: { samples: 3, depths: [8, 16] },
  3: { samples: 1, depths: [1, 2, 4, 8] },
  4: { samples: 2, depths: [8, 16] },
  6: { samples: 4, depths: [8, 16] },
}

/** What deflate makes of a byte at most: a header that promises more takes no memory. */
const mostExpansion = 1032

/**
 * Reads a PNG: of 16 bits a sample to 16 bits, all others to 8. Colour profiles and gamma are left aside.
 * @throws FormatError when it is truncated, corrupt, too large, or unpacks to something else than its dimensions say
 */
export async function decodePng(bytes: Uint8Array, signal?: AbortSignal): Promise<Raster> {
  const chunks = splitChunks(bytes)
  const header = readHeader(chunks[0])
  const { width, height, depth } = header
  const data = joinedArrays(
    chunks.filter(({ type }) => type === 'IDAT').map((chunk) => chunk.data),
    Uint8Array,
  )
  const passes = passesOf(header)
  const expected = passes.reduce((sum, pass) => sum + pass.rows * (1 + rowBytes(header, pass.columns)), 0)
  if (expected > data.length * mostExpansion)
    throw new FormatError(
      `the PNG is truncated: ${data.length} packed bytes of image data, its dimensions need ${expected} unpacked`,
    )
  const { samples, write } = rowWriter(header, chunks)
  const raster = {
    data: new (depth === 16 ? Uint16Array : Uint8Array)(width * height * samples),
    height,
    width,
    samples,
  }

  let size = 0
  let [at, row, filled] = [0, 0, 0]
  let [line, above] = [new Uint8Array(0), new Uint8Array(0)]
  const startPass = () => {
    row = 0
    ;[line, above] = [0, 1].map(() => new Uint8Array(1 + rowBytes(header, passes[at]?.columns ?? 0)))
  }
  startPass()
  for await (const part of decompressedParts('deflate', data, expected, "the PNG's image data")) {
    signal?.throwIfAborted()
    size += part.length
    for (let from = 0; from < part.length; ) {
      const taken = part.subarray(from, from + line.length - filled)
      line.set(taken, filled)
      from += taken.length
      filled += taken.length
      if (filled < line.length) break
      unfilter(line, above, header)
      const { x, y, stepX, stepY, columns, rows } = passes[at]
      const pixel = (y + row * stepY) * width + x
      write(line.subarray(1), columns, raster.data, pixel * samples, stepX * samples)
      ;[line, above, filled] = [above, line, 0]
      row++
      if (row === rows) {
        at++
        startPass()
      }
    }
  }
  if (size !== expected) throw new FormatError(`the PNG's image data is ${size} bytes, its dimensions need ${expected}`)
  return raster
}

function readHeader({ type, data }: Chunk): PngHeader {
  if (type !== 'IHDR' || data.byteLength !== 13) throw new FormatError('the PNG does not begin with its header')
  const view = new DataView(data.buffer, data.byteOffset, 13)
  const size = checkedSize('PNG', view.getUint32(0), view.getUint32(4))
  const [depth, colourType, compression, filter, interlace] = data.subarray(8)
  const colour = colourTypes[colourType]
  if (!colour?.depths.includes(depth) || compression !== 0 || filter !== 0 || interlace > 1)
    throw new FormatError('the PNG has a header that the format does not know')
  return { ...size, depth, samples: colour.samples, isIndexed: colourType === 3, isInterlaced: interlace === 1 }
}

interface RowWriter {
  /** Of a pixel of the raster. */
  readonly samples: Raster['samples']
  /** Writes a row of so many pixels, `step` samples apart. */
  readonly write: (row: Uint8Array, columns: number, to: Raster['data'], at: number, step: number) => void
}

function rowWriter(header: PngHeader, chunks: readonly Chunk[]): RowWriter {
  const transparency = chunks.find(({ type }) => type === 'tRNS')?.data
  if (header.isIndexed) return paletteWriter(header, chunks.find(({ type }) => type === 'PLTE')?.data, transparency)
  const { depth, samples } = header
  const white = depth === 16 ? 65535 : 255
  const scale = depth < 8 ? 255 / (2 ** depth - 1) : 1
  // Files with an opacity for each pixel have no colour that is transparent.
  const hasKey = transparency !== undefined && samples % 2 === 1
  if (hasKey && transparency.length !== 2 * samples)
    throw new FormatError(`the PNG is corrupt: its transparent colour has ${transparency.length} bytes`)
  const key = Array.from({ length: hasKey ? samples : 0 }, (_, s) => wordAt(transparency ?? [], 2 * s))
  return {
    samples: (hasKey ? samples + 1 : samples) as Raster['samples'],
    write(row, columns, to, at, step) {
      if (depth === 8 && step === samples) return to.set(row, at)
      for (let column = 0; column < columns; column++, at += step) {
        let isKey = hasKey
        for (let s = 0; s < samples; s++) {
          const sample = sampleAt(row, column * samples + s, depth)
          isKey &&= sample === key[s]
          to[at + s] = sample * scale
        }
        if (hasKey) to[at + samples] = isKey ? 0 : white
      }
    },
  }
}

function paletteWriter(
  { depth }: PngHeader,
  colours: Uint8Array = new Uint8Array(0),
  opacities?: Uint8Array,
): RowWriter {
  const count = colours.length / 3
  if (!Number.isInteger(count) || count < 1 || count > 256)
    throw new FormatError(`the PNG is corrupt: its palette has ${colours.length} bytes`)
  if (opacities && opacities.length > count)
    throw new FormatError(`the PNG is corrupt: ${opacities.length} opacities for a palette of ${count} colours`)
  return {
    samples: opacities ? 4 : 3,
    write(row, columns, to, at, step) {
      for (let column = 0; column < columns; column++, at += step) {
        const index = sampleAt(row, column, depth)
        if (index >= count)
          throw new FormatError(`the PNG is corrupt: a pixel has colour ${index} of a palette of ${count}`)
        for (let s = 0; s < 3; s++) to[at + s] = colours[3 * index + s]
        if (opacities) to[at + 3] = opacities[index] ?? 255
      }
    },
  }
}

function sampleAt(row: Uint8Array, index: number, depth: number): number {
  if (depth === 8) return row[index]
  if (depth === 16) return wordAt(row, 2 * index)
  const bit = index * depth
  return (row[bit >> 3] >> (8 - depth - (bit & 7))) & (2 ** depth - 1)
}

function wordAt(bytes: ArrayLike<number>, at: number): number {
  return (bytes[at] << 8) | bytes[at + 1]
}
