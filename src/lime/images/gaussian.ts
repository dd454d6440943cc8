import { roundedExp } from '../exponential.ts'
import { type Steps, stepSize } from '../steps.ts'

/** Largest standard deviation that segmenters take, in pixels: a kernel of it covers any picture taken, and 8,001 weights. */
export const mostSigma = 1000

/** How far the kernel reaches, in standard deviations. */
const truncate = 4

/** exp(-x^2 / 2 sigma^2) for x = 0..radius, normalised so that the whole (two-sided) kernel sums to 1. */
function halfKernel(sigma: number): Float64Array {
  const radius = Math.floor(truncate * sigma + 0.5)
  // Of the tiniest sigma the square is 0.
  if (radius === 0) return Float64Array.of(1)
  const weights = Float64Array.from({ length: radius + 1 }, (_, x) => roundedExp((-0.5 / (sigma * sigma)) * x * x))
  let sum = 0
  for (let x = -radius; x <= radius; x++) sum += weights[Math.abs(x)]
  return weights.map((weight) => weight / sum)
}

/** Index `i` of a line of `length` values that is mirrored at its edges with the edge repeated: d c b a | a b c d | d c b a. */
function mirrored(i: number, length: number): number {
  const period = 2 * length
  const place = ((i % period) + period) % period
  return place < length ? place : period - 1 - place
}

/**
 * Gaussian smoothing of each channel by itself, along the rows' axis first, then along the columns': scipy's
 * `ndimage.gaussian_filter` in its `reflect` mode.
 * @param pixels [height * width * channels]
 * @param sigma standard deviation in pixels; 0 leaves everything as it is
 * @returns a new array of the same shape
 */
export function* gaussianFilter(
  pixels: Float64Array,
  height: number,
  width: number,
  channels: number,
  sigma: number,
): Steps<Float64Array> {
  if (sigma <= 0) return pixels.slice()
  const weights = halfKernel(sigma)
  const down = yield* smoothLines(pixels, weights, height, width * channels)
  const smoothed = new Float64Array(pixels.length)
  const rowSize = width * channels
  let work = 0
  for (let row = 0; row < height; row++) {
    const line = down.subarray(row * rowSize, (row + 1) * rowSize)
    smoothed.set(yield* smoothLines(line, weights, width, channels), row * rowSize)
    work += rowSize * weights.length
    if (work < stepSize) continue
    work = 0
    yield
  }
  return smoothed
}

/** Smooths [length, stride] along its first axis. The two mirrored neighbours are added before they are weighted, as in scipy. */
function* smoothLines(
  values: Float64Array,
  weights: Float64Array,
  length: number,
  stride: number,
): Steps<Float64Array> {
  const smoothed = new Float64Array(values.length)
  const radius = weights.length - 1
  let work = 0
  for (let i = 0; i < length; i++) {
    const at = i * stride
    for (let k = 0; k < stride; k++) smoothed[at + k] = values[at + k] * weights[0]
    for (let distance = radius; distance > 0; distance--) {
      const before = mirrored(i - distance, length) * stride
      const after = mirrored(i + distance, length) * stride
      const weight = weights[distance]
      for (let k = 0; k < stride; k++) smoothed[at + k] += (values[before + k] + values[after + k]) * weight
    }
    work += stride * weights.length
    if (work < stepSize) continue
    work = 0
    yield
  }
  return smoothed
}
