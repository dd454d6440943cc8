import type { Steps } from '../steps.ts'
import type { Image } from './image.ts'
import { inPieces, Multigrid } from './multigrid.ts'

/** The solution is near enough where the next correction would be smaller than this share of the picture's range. */
const accuracy = 1e-5

/** More iterations than any map was seen to take (up to 17): for values so far from 0 that their digits end before `accuracy`. */
const mostIterations = 100

/**
 * What surrounds a segment flows into it: inside it every pixel is the mean of those beside it (Laplace's equation), with the pixels
 * around it as they are in the picture, as heat spreads in a plate whose edge is held at given temperatures. Where the picture
 * ends nothing flows. Every segment is filled by itself, as if no other was hidden: what is around it is what the picture shows there.
 * A segment that is the whole picture has nothing around it, and shows its mean.
 *
 * All segments are one system of equations, a block each; it is solved by conjugate gradients over multigrid.
 * @param labels [pixels], the segment of each
 * @returns [pixels * channels]
 */
export function* inpainted(image: Image, labels: Int32Array): Steps<Float64Array> {
  const { height, width, channels, data } = image
  const result = new Float64Array(data.length)
  const { segments, count } = numbered(labels)
  const grid = count > 1 ? yield* Multigrid.of(segments, count, height, width) : null
  for (let channel = 0; channel < channels; channel++) {
    const plane = new Float64Array(segments.length)
    for (let pixel = 0; pixel < plane.length; pixel++) plane[pixel] = data[pixel * channels + channel]
    const range = rangeOf(plane)
    // Where all is equal there is nothing to solve, nor a range to be exact to.
    const values =
      grid && range > 0
        ? yield* solved(grid, yield* inflow(plane, segments, width), accuracy * range)
        : plane.fill(plane.reduce((sum, value) => sum + value, 0) / plane.length)
    for (let pixel = 0; pixel < plane.length; pixel++) result[pixel * channels + channel] = values[pixel]
  }
  return result
}

/** The same segments, from 0 on in the order of their first pixels. */
function numbered(labels: Int32Array): { readonly segments: Int32Array; readonly count: number } {
  const numbers = new Map<number, number>()
  const segments = labels.map((label) => {
    const number = numbers.get(label) ?? numbers.size
    if (number === numbers.size) numbers.set(label, number)
    return number
  })
  return { segments, count: numbers.size }
}

/** What each pixel gets of those beside it that are in other segments: [pixels]. */
function* inflow(plane: Float64Array, segments: Int32Array, width: number): Steps<Float64Array> {
  const sums = new Float64Array(plane.length)
  const meet = (pixel: number, other: number) => {
    if (segments[pixel] === segments[other]) return
    sums[pixel] += plane[other]
    sums[other] += plane[pixel]
  }
  yield* inPieces(plane.length, 8, (from, to) => {
    for (let pixel = from; pixel < to; pixel++) {
      if (pixel % width < width - 1) meet(pixel, pixel + 1)
      if (pixel + width < plane.length) meet(pixel, pixel + width)
    }
  })
  return sums
}

/** Conjugate gradients, from 0 on. @param lacking [pixels], the equations' right sides; overwritten. @returns [pixels] */
function* solved(grid: Multigrid, lacking: Float64Array, enough: number): Steps<Float64Array> {
  const size = lacking.length
  const values = new Float64Array(size)
  const direction = new Float64Array(size)
  const spread = new Float64Array(size)
  let before = Number.POSITIVE_INFINITY
  for (let iteration = 0; iteration < mostIterations; iteration++) {
    const correction = yield* grid.solveRoughly(lacking)
    if ((yield* largest(correction)) <= enough) break
    const agreement = yield* product(lacking, correction)
    const share = agreement / before
    before = agreement
    yield* inPieces(size, 2, (from, to) => add(correction, direction, share, direction, from, to))
    yield* grid.leftSides(direction, spread)
    const length = agreement / (yield* product(direction, spread))
    yield* inPieces(size, 2, (from, to) => add(values, direction, length, values, from, to))
    yield* inPieces(size, 2, (from, to) => add(lacking, spread, -length, lacking, from, to))
  }
  return values
}

// The loops are functions of their own: an engine is several times as fast with what is theirs as with what is around them.

/** result = a + times * b */
function add(a: Float64Array, b: Float64Array, times: number, result: Float64Array, from: number, to: number): void {
  for (let i = from; i < to; i++) result[i] = a[i] + times * b[i]
}

function* product(a: Float64Array, b: Float64Array): Steps<number> {
  let sum = 0
  yield* inPieces(a.length, 1, (from, to) => {
    sum += productOf(a, b, from, to)
  })
  return sum
}

function productOf(a: Float64Array, b: Float64Array, from: number, to: number): number {
  let sum = 0
  for (let i = from; i < to; i++) sum += a[i] * b[i]
  return sum
}

function* largest(values: Float64Array): Steps<number> {
  let most = 0
  yield* inPieces(values.length, 1, (from, to) => {
    most = Math.max(most, largestOf(values, from, to))
  })
  return most
}

function largestOf(values: Float64Array, from: number, to: number): number {
  let most = 0
  for (let i = from; i < to; i++) if (Math.abs(values[i]) > most) most = Math.abs(values[i])
  return most
}

function rangeOf(values: Float64Array): number {
  let [least, most] = [values[0], values[0]]
  for (let i = 1; i < values.length; i++) {
    if (values[i] < least) least = values[i]
    if (values[i] > most) most = values[i]
  }
  return most - least
}
