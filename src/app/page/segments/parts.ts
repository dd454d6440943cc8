import type { Extent } from '../pictures/lines.ts'

/**
 * The parts that pixels fall into: two pixels side by side, or one above the other, are of the same part; two that touch at a
 * corner are not. So a line of a brush as fine as a pixel parts what lies on its sides.
 * @param pixels of [height * width], each once
 * @returns each part's pixels; the largest first, and of two that are as large the one that begins earlier
 */
export function partsOf(pixels: Int32Array, extent: Extent): Int32Array[] {
  const isLeft = new Uint8Array(extent.height * extent.width)
  for (const pixel of pixels) isLeft[pixel] = 1
  const parts: Int32Array[] = []
  const found = new Int32Array(pixels.length)
  for (const start of pixels) {
    if (isLeft[start] === 0) continue
    isLeft[start] = 0
    found[0] = start
    let count = 1
    const take = (pixel: number) => {
      if (isLeft[pixel] === 0) return
      isLeft[pixel] = 0
      found[count++] = pixel
    }
    for (let next = 0; next < count; next++) toNeighbours(found[next], extent, take)
    parts.push(found.slice(0, count))
  }
  return parts.sort((a, b) => b.length - a.length)
}

function toNeighbours(pixel: number, { height, width }: Extent, visit: (neighbour: number) => void): void {
  const x = pixel % width
  if (x > 0) visit(pixel - 1)
  if (x + 1 < width) visit(pixel + 1)
  if (pixel >= width) visit(pixel - width)
  if (pixel + width < height * width) visit(pixel + width)
}

/** The pixels of a segment, ascending. */
export function pixelsOf(labels: Int32Array, segment: number): Int32Array {
  const pixels: number[] = []
  for (let pixel = 0; pixel < labels.length; pixel++) if (labels[pixel] === segment) pixels.push(pixel)
  return Int32Array.from(pixels)
}

/**
 * Cuts pixels in two across the axis along which they spread most (the first principal component of their places): as many in
 * one half as in the other, or one more in the first.
 * @param pixels of a map of that width; at least two
 */
export function halvesOf(pixels: Int32Array, width: number): [first: Int32Array, second: Int32Array] {
  const x = Float64Array.from(pixels, (pixel) => pixel % width)
  const y = Float64Array.from(pixels, (pixel) => Math.floor(pixel / width))
  const [meanX, meanY] = [mean(x), mean(y)]
  let [xx, xy, yy] = [0, 0, 0]
  for (let i = 0; i < pixels.length; i++) {
    const [dx, dy] = [x[i] - meanX, y[i] - meanY]
    xx += dx * dx
    xy += dx * dy
    yy += dy * dy
  }
  const angle = Math.atan2(2 * xy, xx - yy) / 2
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)]
  // Rounded, so that pixels as far along the axis as each other stay in the order of the map, whatever the last bit says.
  const along = Float64Array.from(pixels, (_, i) => Math.round((x[i] * cos + y[i] * sin) * 1e6))
  const order = Array.from(pixels.keys()).sort((a, b) => along[a] - along[b] || a - b)
  const half = Math.ceil(order.length / 2)
  const of = (places: readonly number[]) => Int32Array.from(places, (place) => pixels[place])
  return [of(order.slice(0, half)), of(order.slice(half))]
}

function mean(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** A piece smaller than this share of what was cut is no piece: the line ran along an edge there. */
const leastPiece = 0.02

/**
 * Cuts connected pixels along a line: what is parted by it are the pieces, and the line's own pixels go to the pieces nearest to
 * them.
 * @param part its pixels, connected
 * @param line the line's pixels, [height * width], 1 on it
 * @returns the pieces, the largest first; the part alone where the line does not cut it through
 */
export function piecesOf(part: Int32Array, line: Uint8Array, extent: Extent): Int32Array[] {
  const beside = part.filter((pixel) => line[pixel] === 0)
  const pieces = partsOf(beside, extent).filter(({ length }) => length >= leastPiece * part.length)
  return pieces.length < 2 ? [part] : grown(pieces, part, extent)
}

/** The pieces grown, pixel by pixel and all at the same pace, over what is left of the part. */
function grown(pieces: readonly Int32Array[], part: Int32Array, extent: Extent): Int32Array[] {
  const nobody = pieces.length
  const owner = new Int32Array(extent.height * extent.width).fill(-1)
  for (const pixel of part) owner[pixel] = nobody
  for (const [i, piece] of pieces.entries()) for (const pixel of piece) owner[pixel] = i
  const queue = pieces.flatMap((piece) => Array.from(piece))
  for (let next = 0; next < queue.length; next++) {
    const pixel = queue[next]
    toNeighbours(pixel, extent, (neighbour) => {
      if (owner[neighbour] !== nobody) return
      owner[neighbour] = owner[pixel]
      queue.push(neighbour)
    })
  }
  const all = pieces.map((): number[] => [])
  for (const pixel of part) all[owner[pixel]].push(pixel)
  return all.map((piece) => Int32Array.from(piece))
}

/** Of some pixels, the one nearest to their middle. */
export function middlePixelOf(pixels: Int32Array, width: number): number {
  const meanX = mean(Float64Array.from(pixels, (pixel) => pixel % width))
  const meanY = mean(Float64Array.from(pixels, (pixel) => Math.floor(pixel / width)))
  const distance = (pixel: number) => Math.hypot((pixel % width) - meanX, Math.floor(pixel / width) - meanY)
  return pixels.reduce((best, pixel) => (distance(pixel) < distance(best) ? pixel : best), pixels[0])
}
