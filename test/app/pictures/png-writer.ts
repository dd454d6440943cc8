import { crc32, deflateSync } from 'node:zlib'

/**
 * Writes PNGs that no sane program would, chunk by chunk, and sane ones of kinds our encoder does not write: the reader is
 * tested on these.
 */

const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]

/** Length, type, data, checksum. */
export function chunk(type: string, data: ArrayLike<number> = []): Uint8Array {
  const whole = Buffer.alloc(12 + data.length)
  whole.writeUInt32BE(data.length, 0)
  whole.write(type, 4, 'latin1')
  whole.set(data, 8)
  whole.writeUInt32BE(crc32(whole.subarray(4, 8 + data.length)), 8 + data.length)
  return new Uint8Array(whole)
}

export function fileOf(...chunks: Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat([Uint8Array.from(signature), ...chunks]))
}

export interface Kind {
  width: number
  height: number
  depth: number
  /** 0 grey, 2 RGB, 3 palette, 4 grey and opacity, 6 RGB and opacity. */
  colourType: number
  interlaced?: boolean
}

export function header({ width, height, depth, colourType, interlaced }: Kind): Uint8Array {
  const data = Buffer.alloc(13)
  data.writeUInt32BE(width, 0)
  data.writeUInt32BE(height, 4)
  data.set([depth, colourType, 0, 0, interlaced ? 1 : 0], 8)
  return chunk('IHDR', data)
}

const adam7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
]

/** Image data: `sampleAt(row, column, sample)` packed to `depth` bits; row r of a pass is filtered with filter r % 5. */
export function imageData(kind: Kind, sampleAt: (row: number, column: number, sample: number) => number): Uint8Array {
  const samples = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }[kind.colourType] ?? 1
  const bytes: number[] = []
  for (const [x, y, stepX, stepY] of kind.interlaced ? adam7 : [[0, 0, 1, 1]]) {
    const columns = Math.ceil((kind.width - x) / stepX)
    const rows = Math.ceil((kind.height - y) / stepY)
    if (columns <= 0 || rows <= 0) continue
    const back = Math.max(1, (samples * kind.depth) / 8)
    let above = new Array<number>(Math.ceil((columns * samples * kind.depth) / 8)).fill(0)
    for (let row = 0; row < rows; row++) {
      let bits = ''
      for (let column = 0; column < columns; column++)
        for (let s = 0; s < samples; s++)
          bits += sampleAt(y + row * stepY, x + column * stepX, s)
            .toString(2)
            .padStart(kind.depth, '0')
      const raw = above.map((_, i) => Number.parseInt(bits.slice(8 * i, 8 * i + 8).padEnd(8, '0'), 2))
      const filter = row % 5
      bytes.push(filter)
      raw.forEach((value, i) => {
        const left = raw[i - back] ?? 0
        const corner = above[i - back] ?? 0
        const estimate = left + above[i] - corner
        const paeth = [left, above[i], corner].reduce((best, c) =>
          Math.abs(estimate - c) < Math.abs(estimate - best) ? c : best,
        )
        const prediction = [0, left, above[i], (left + above[i]) >> 1, paeth][filter]
        bytes.push((value - prediction) & 255)
      })
      above = raw
    }
  }
  return Uint8Array.from(bytes)
}

/** A whole file, its image data in `parts` IDAT chunks. */
export function png(
  kind: Kind,
  sampleAt: (row: number, column: number, sample: number) => number,
  { before = [], parts = 1 }: { before?: Uint8Array[]; parts?: number } = {},
): Uint8Array {
  const packed = deflateSync(imageData(kind, sampleAt))
  const size = Math.ceil(packed.length / parts)
  const data = Array.from({ length: parts }, (_, i) => chunk('IDAT', packed.subarray(i * size, (i + 1) * size)))
  return fileOf(header(kind), ...before, ...data, chunk('IEND'))
}
