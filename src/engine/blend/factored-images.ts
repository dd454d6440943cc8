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

/** The walk that takes every pixel as it is. */
export function pixelByPixel({ height, width }: FactoredImages): WindowAttributes {
  const places = { padTop: 0, padLeft: 0, outHeight: height, outWidth: width }
  return { windowHeight: 1, windowWidth: 1, strideY: 1, strideX: 1, ...places }
}

function takesPixelsAsTheyAre(w: WindowAttributes, { height, width }: FactoredImages): boolean {
  const isWhole = w.outHeight === height && w.outWidth === width && w.padTop === 0 && w.padLeft === 0
  return isWhole && w.windowHeight * w.windowWidth * w.strideY * w.strideX === 1
}

/** What windows cover, by their attributes: an operation's are the same for every explanation. */
const covered = new WeakMap<
  WindowAttributes,
  { readonly height: number; readonly width: number; readonly pixels: Int32Array }
>()

/** Numbers of those that are kept: of large pictures, finding them anew is next to nothing beside the rest. */
const mostKept = 2 ** 16

/** The pixel that each place of each window covers, [windows · places]; -1 for one outside the images. */
function coveredPixels({ height, width }: FactoredImages, w: WindowAttributes): Int32Array {
  const known = covered.get(w)
  if (known && known.height === height && known.width === width) return known.pixels
  const pixels = pixelsUnder(height, width, w)
  if (pixels.length <= mostKept) covered.set(w, { height, width, pixels })
  return pixels
}

function pixelsUnder(height: number, width: number, w: WindowAttributes): Int32Array {
  const { outHeight, outWidth, windowHeight, windowWidth } = w
  const [dilationY, dilationX] = dilationOf(w)
  const pixels = new Int32Array(outHeight * outWidth * windowHeight * windowWidth)
  let at = 0
  for (let top = -w.padTop, row = 0; row < outHeight; row++, top += w.strideY)
    for (let left = -w.padLeft, column = 0; column < outWidth; column++, left += w.strideX)
      for (let y = top; y < top + windowHeight * dilationY; y += dilationY)
        for (let x = left; x < left + windowWidth * dilationX; x += dilationX) {
          const isInside = y >= 0 && y < height && x >= 0 && x < width
          pixels[at++] = isInside ? y * width + x : -1
        }
  return pixels
}

/** What a window that walks over factored images makes: null where that is more than `mostRows`. */
export function walkedImages(
  images: FactoredImages,
  w: WindowAttributes,
  patterns: SegmentPatterns,
  mostRows: number,
): FactoredImages | null {
  if (takesPixelsAsTheyAre(w, images)) return images
  const area = w.windowHeight * w.windowWidth
  const pixels = coveredPixels(images, w)
  const sets = new Int32Array(w.outHeight * w.outWidth)
  for (let pixel = 0, at = 0; pixel < sets.length; pixel++) {
    let set = emptySet
    for (const end = at + area; at < end; at++) if (pixels[at] >= 0) set = patterns.union(set, images.sets[pixels[at]])
    sets[pixel] = set
  }
  return withRows(w.outHeight, w.outWidth, sets, patterns, mostRows)
}

/**
 * What is made of several images of one size, pixel by pixel: null where that is more than `mostRows`. One of them, where its pixels
 * depend on all that the others' depend on, as a residual's do.
 */
export function joinedImages(
  all: readonly FactoredImages[],
  patterns: SegmentPatterns,
  mostRows: number,
): FactoredImages | null {
  const [first, ...others] = new Set(all)
  if (others.length === 0) return first
  const sets = first.sets.map((set, pixel) =>
    others.reduce((union, images) => patterns.union(union, images.sets[pixel]), set),
  )
  const whole = all.find((images) => images.sets.every((set, pixel) => set === sets[pixel]))
  return whole ?? withRows(first.height, first.width, sets, patterns, mostRows)
}

/**
 * The rows that each row of `made` takes, of the images that a window walks over: [capacity, window's height · width], -1 for what is
 * outside the images; what is beyond the last row takes row 0.
 */
export function tapsOf(
  made: FactoredImages,
  from: FactoredImages,
  w: WindowAttributes,
  patterns: SegmentPatterns,
  capacity: number,
): Int32Array {
  const area = w.windowHeight * w.windowWidth
  const taps = new Int32Array(capacity * area)
  const pixels = coveredPixels(from, w)
  const { sets, first } = made
  for (let pixel = 0, at = 0; pixel < sets.length; pixel++) {
    const set = sets[pixel]
    const end = (first[pixel] + patterns.countOf(set)) * area
    // Neighbours mostly depend on the same segments.
    let known = -1
    let seen: Int32Array = noRows
    for (let tap = first[pixel] * area, place = 0; place < area; place++, tap++, at++) {
      if (pixels[at] < 0) {
        for (let to = tap; to < end; to += area) taps[to] = -1
        continue
      }
      const seenSet = from.sets[pixels[at]]
      if (seenSet !== known) seen = patterns.projection(set, seenSet)
      known = seenSet
      const start = from.first[pixels[at]]
      for (let to = tap, row = 0; to < end; to += area, row++) taps[to] = start + seen[row]
    }
  }
  return taps
}

const noRows = new Int32Array(0)

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
