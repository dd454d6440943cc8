import { dilationOf, type WindowAttributes } from '../ops/window.ts'
import { emptySet, type SegmentPatterns } from './segment-patterns.ts'

/**
 * Many mixtures of two images, or what local operations made of them, without repetition: a pixel's rows, one for each pattern
 * of the segments it depends on, and the rule that finds a sample's row. Local operations map rows to rows.
 */
export interface FactoredImages {
  readonly height: number
  readonly width: number
  /** [H·W] the set of segments that a pixel depends on. */
  readonly sets: Int32Array
  /** [H·W] a pixel's first row: row `first + pattern` belongs to a pattern of its set. */
  readonly first: Int32Array
  readonly rows: number
}

/**
 * Rows of a blend of two images [H·W·C], in an array for as many as there can be, [2·H·W, channels]; a pixel that looks the same
 * in both depends on nothing.
 */
export function factoredBlend(
  { image, fudged, segments }: { image: Float32Array; fudged: Float32Array; segments: Int32Array },
  [height, width, channels]: readonly number[],
  patterns: SegmentPatterns,
): { images: FactoredImages; pixels: Float32Array } {
  const sets = new Int32Array(height * width)
  const pixels = new Float32Array(2 * height * width * channels)
  const own = new Map<number, number>()
  const setOf = (segment: number) => {
    const set = own.get(segment) ?? patterns.setOf([segment])
    own.set(segment, set)
    return set
  }
  let end = 0
  segments.forEach((segment, pixel) => {
    const at = pixel * channels
    let differs = false
    for (let c = at; c < at + channels; c++) differs ||= image[c] !== fudged[c]
    sets[pixel] = differs ? setOf(segment) : emptySet
    // Pattern 0 hides the segment, pattern 1 shows it.
    for (const source of differs ? [fudged, image] : [image])
      for (let c = at; c < at + channels; c++) pixels[end++] = source[c]
  })
  const images = withRows(height, width, sets, patterns, Number.POSITIVE_INFINITY)
  if (!images) throw new RangeError('factoredBlend: a pixel has at most two rows')
  return { images, pixels }
}

/** null where there are more rows than that. */
function withRows(
  height: number,
  width: number,
  sets: Int32Array,
  patterns: SegmentPatterns,
  mostRows: number,
): FactoredImages | null {
  const first = new Int32Array(sets.length)
  let rows = 0
  for (let pixel = 0; pixel < sets.length; pixel++) {
    first[pixel] = rows
    rows += patterns.countOf(sets[pixel])
    if (rows > mostRows) return null
  }
  return { height, width, sets, first, rows }
}

/**
 * What a window that walks over factored images makes: null where that is more than `mostRows`.
 * `taps` [capacity, window's height · width]: the row that each new row takes from each place in the window, -1 outside the
 * images; what is beyond the last row takes row 0.
 */
export function walkFactored(
  images: FactoredImages,
  w: WindowAttributes,
  patterns: SegmentPatterns,
  mostRows: number,
  capacityFor: (rows: number) => number,
): { images: FactoredImages; taps: Int32Array } | null {
  const { outHeight, outWidth, windowHeight, windowWidth } = w
  const [dilationY, dilationX] = dilationOf(w)
  const area = windowHeight * windowWidth
  const sets = new Int32Array(outHeight * outWidth)
  const covered = new Int32Array(outHeight * outWidth * area)
  for (let pixel = 0, at = 0; pixel < sets.length; pixel++) {
    const top = Math.floor(pixel / outWidth) * w.strideY - w.padTop
    const left = (pixel % outWidth) * w.strideX - w.padLeft
    let set = emptySet
    for (let y = top; y < top + windowHeight * dilationY; y += dilationY)
      for (let x = left; x < left + windowWidth * dilationX; x += dilationX) {
        const isInside = y >= 0 && y < images.height && x >= 0 && x < images.width
        covered[at++] = isInside ? y * images.width + x : -1
        if (isInside) set = patterns.union(set, images.sets[y * images.width + x])
      }
    sets[pixel] = set
  }
  const made = withRows(outHeight, outWidth, sets, patterns, mostRows)
  if (!made) return null
  const taps = new Int32Array(capacityFor(made.rows) * area)
  for (let pixel = 0; pixel < sets.length; pixel++) {
    const start = made.first[pixel] * area
    const count = patterns.countOf(sets[pixel])
    for (let tap = 0; tap < area; tap++) {
      const from = covered[pixel * area + tap]
      if (from < 0) {
        for (let row = 0; row < count; row++) taps[start + row * area + tap] = -1
        continue
      }
      const first = images.first[from]
      const seen = patterns.projection(sets[pixel], images.sets[from])
      for (let row = 0; row < count; row++) taps[start + row * area + tap] = first + seen[row]
    }
  }
  return { images: made, taps }
}

/** The row of every pixel of so many samples: [count · H · W]. */
export function rowsOfSamples(
  images: FactoredImages,
  patterns: SegmentPatterns,
  start: number,
  count: number,
): Int32Array {
  const { sets, first } = images
  const rows = new Int32Array(count * sets.length)
  for (let pixel = 0; pixel < sets.length; pixel++) {
    const shown = patterns.patternsOfSamples(sets[pixel])
    const last = shown.length - 1
    for (let i = 0, at = pixel; i < count; i++, at += sets.length)
      rows[at] = first[pixel] + shown[Math.min(start + i, last)]
  }
  return rows
}
