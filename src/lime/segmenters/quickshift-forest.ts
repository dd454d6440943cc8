import { expOfNegative } from '../exponential.ts'
import { labOf } from '../images/color.ts'
import { gaussianFilter } from '../images/gaussian.ts'
import { DefaultRng } from '../random/default-rng.ts'
import { type Steps, stepSize } from '../steps.ts'

/** The distance of a pixel with no denser neighbour: scikit-image's square root of the largest double. */
const noParentSquared = Number.MAX_VALUE

/** Standard deviation of the noise that breaks ties between pixels of equal density. */
const noiseScale = 1e-5

/** The noise of quickshift: [count] normals of numpy's default_rng(seed). */
export function tieBreakingNoise(seed: number, count: number): Float64Array {
  const rng = new DefaultRng(seed)
  const noise = new Float64Array(count)
  for (let i = 0; i < count; i++) noise[i] = rng.normal(0, noiseScale)
  return noise
}

/**
 * The Parzen density of every pixel: the sum over its window of exp(-d^2 / 2 kernelSize^2), d over colour and position.
 *
 * Every pair of pixels is weighed once and added to both. Pixels are visited in raster order, so each density still
 * receives its terms in the raster order of the window (first from the pixels before it, then itself, then those after),
 * and is equal to the plain sum of those terms to the last bit.
 * @param features [height * width * 3], colours times ratio
 * @param densities [height * width], holds the noise and is added to
 */
function* addDensities(
  features: Float64Array,
  densities: Float64Array,
  height: number,
  width: number,
  kernelSize: number,
): Steps<void> {
  const reach = Math.ceil(3 * kernelSize)
  const factor = -0.5 / (kernelSize * kernelSize)
  let work = 0
  for (let row = 0, pixel = 0; row < height; row++) {
    const lastRow = Math.min(row + reach, height - 1)
    for (let column = 0; column < width; column++, pixel++) {
      const firstColumn = Math.max(column - reach, 0)
      const lastColumn = Math.min(column + reach, width - 1)
      const l = features[3 * pixel]
      const a = features[3 * pixel + 1]
      const b = features[3 * pixel + 2]
      let density = densities[pixel] + 1
      for (let otherRow = row; otherRow <= lastRow; otherRow++) {
        const down = (row - otherRow) * (row - otherRow)
        for (let otherColumn = otherRow === row ? column + 1 : firstColumn; otherColumn <= lastColumn; otherColumn++) {
          const other = otherRow * width + otherColumn
          const dl = l - features[3 * other]
          const da = a - features[3 * other + 1]
          const db = b - features[3 * other + 2]
          const across = column - otherColumn
          const weight = expOfNegative((dl * dl + da * da + db * db + down + across * across) * factor)
          density += weight
          densities[other] += weight
        }
      }
      densities[pixel] = density
      // An exponential takes some ten additions.
      work += 10 * (lastRow - row + 1) * (lastColumn - firstColumn + 1)
      if (work < stepSize) continue
      work = 0
      yield
    }
  }
}

export interface QuickshiftForest {
  /** [H*W] index of each pixel's parent, itself where its window has no denser pixel. */
  readonly parents: Int32Array
  /** [H*W] distance to the parent. */
  readonly distances: Float64Array
}

/**
 * Links every pixel to the nearest pixel of strictly higher density in its window; the first in raster order among equals.
 * The window's rows are searched from the pixel outwards: a distance is at least the offset, and what is farther away than
 * the nearest so far can't win. Most pixels have a denser one beside them.
 */
function* linkToDenser(
  features: Float64Array,
  densities: Float64Array,
  height: number,
  width: number,
  kernelSize: number,
): Steps<QuickshiftForest> {
  const reach = Math.ceil(3 * kernelSize)
  const parents = new Int32Array(height * width)
  const distances = new Float64Array(height * width)
  let work = 0
  for (let row = 0, pixel = 0; row < height; row++) {
    for (let column = 0; column < width; column++, pixel++) {
      const l = features[3 * pixel]
      const a = features[3 * pixel + 1]
      const b = features[3 * pixel + 2]
      const density = densities[pixel]
      let nearest = noParentSquared
      let parent = pixel
      // The row itself, the one above it, the one below it, two above, two below, and so on.
      for (let step = 1, offset = 0; step <= 2 * reach + 1; step++, offset = step & 1 ? -offset : -offset - 1) {
        const down = offset * offset
        if (down > nearest) break
        const otherRow = row + offset
        if (otherRow < 0 || otherRow >= height) continue
        const reachable = Math.min(reach, Math.floor(Math.sqrt(nearest - down)))
        const last = otherRow * width + Math.min(column + reachable, width - 1)
        let across = Math.min(reachable, column)
        work += across + 1
        for (let other = otherRow * width + column - across; other <= last; other++, across--) {
          if (densities[other] <= density) continue
          const dl = l - features[3 * other]
          const da = a - features[3 * other + 1]
          const db = b - features[3 * other + 2]
          const squared = dl * dl + da * da + db * db + down + across * across
          if (squared < nearest || (squared === nearest && other < parent)) {
            nearest = squared
            parent = other
          }
        }
      }
      parents[pixel] = parent
      distances[pixel] = Math.sqrt(nearest)
      if (work < stepSize) continue
      work = 0
      yield
    }
  }
  return { parents, distances }
}

/**
 * Quickshift's forest before it is cut into segments.
 * @param rgb [height * width * 3], values in [0, 1]
 */
export function* quickshiftForest(
  rgb: Float64Array,
  height: number,
  width: number,
  settings: { kernelSize: number; ratio: number; sigma: number; randomSeed: number },
): Steps<QuickshiftForest> {
  const { kernelSize, ratio, sigma, randomSeed } = settings
  const features = yield* gaussianFilter(yield* labOf(rgb), height, width, 3, sigma)
  for (let i = 0; i < features.length; i++) features[i] *= ratio
  const densities = tieBreakingNoise(randomSeed, height * width)
  yield* addDensities(features, densities, height, width, kernelSize)
  return yield* linkToDenser(features, densities, height, width, kernelSize)
}

/** Follows parents to their roots, which are numbered in raster order. Links longer than maxDist are cut. */
export function labelTrees({ parents, distances }: QuickshiftForest, maxDist: number): Int32Array {
  const roots = parents.map((parent, pixel) => (distances[pixel] > maxDist ? pixel : parent))
  // Path halving: every link skips to its grandparent until all point at roots.
  for (let pixel = 0; pixel < roots.length; pixel++) {
    let at = pixel
    while (roots[at] !== at) {
      roots[at] = roots[roots[at]]
      at = roots[at]
    }
    roots[pixel] = at
  }
  const numbers = new Int32Array(roots.length)
  let count = 0
  for (let pixel = 0; pixel < roots.length; pixel++) if (roots[pixel] === pixel) numbers[pixel] = count++
  return roots.map((root) => numbers[root])
}
