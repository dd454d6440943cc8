import { labOf } from '../images/color.ts'
import { gaussianFilter } from '../images/gaussian.ts'
import { type Steps, stepSize } from '../steps.ts'
import { clusterPixels } from './slic-clusters.ts'

/** The smallest and the largest share of the average segment's size that a connected piece may have. */
const minSizeFactor = 0.5
const maxSizeFactor = 3

/** To look at the four neighbours of a pixel takes as long as some sixteen additions. */
const visitCost = 16

/**
 * Numbers the connected pieces of the clusters from 0 in raster order. A piece ends at maxSize pixels; one under minSize
 * takes the number of the last numbered neighbour that its breadth-first search met.
 */
function* connectedPieces(
  clusters: Int32Array,
  height: number,
  width: number,
  minSize: number,
  maxSize: number,
): Steps<Int32Array> {
  const pieces = new Int32Array(height * width).fill(-1)
  const queue = new Int32Array(Math.max(maxSize, 1))
  let count = 0
  let work = 0
  for (let first = 0; first < pieces.length; first++) {
    if (pieces[first] >= 0 || clusters[first] < 0) continue
    let adjacent = 0
    let size = 1
    queue[0] = first
    pieces[first] = count
    const visit = (pixel: number): void => {
      if (clusters[pixel] === clusters[first] && pieces[pixel] < 0) {
        pieces[pixel] = count
        queue[size++] = pixel
      } else if (pieces[pixel] >= 0 && pieces[pixel] !== count) adjacent = pieces[pixel]
    }
    for (let visited = 0; visited < size && size < maxSize; visited++) {
      const pixel = queue[visited]
      const x = pixel % width
      if (x + 1 < width) visit(pixel + 1)
      if (size < maxSize && x > 0) visit(pixel - 1)
      if (size < maxSize && pixel + width < pieces.length) visit(pixel + width)
      if (size < maxSize && pixel >= width) visit(pixel - width)
    }
    if (size < minSize) for (let i = 0; i < size; i++) pieces[queue[i]] = adjacent
    else count++
    work += visitCost * size
    if (work < stepSize) continue
    work = 0
    yield
  }
  return pieces
}

/** Maps values to 0..1, the smallest to 0 and the largest to 1; all alike become 0. */
function stretch(values: Float64Array): void {
  let low = Number.POSITIVE_INFINITY
  let high = Number.NEGATIVE_INFINITY
  for (let i = 0; i < values.length; i++) {
    if (values[i] < low) low = values[i]
    if (values[i] > high) high = values[i]
  }
  const range = high - low
  for (let i = 0; i < values.length; i++) values[i] = range === 0 ? 0 : (values[i] - low) / range
}

/** What slic was asked for. */
interface SlicSettings {
  readonly nSegments: number
  readonly compactness: number
  readonly maxNumIter: number
  readonly sigma: number
  readonly startLabel: number
  readonly enforceConnectivity: boolean
}

/** @param rgb [height * width * 3], 0 to 1; overwritten. @returns the segment of every pixel, [height * width] */
export function* slicLabels(
  rgb: Float64Array,
  height: number,
  width: number,
  { nSegments, compactness, maxNumIter, sigma, startLabel, enforceConnectivity }: SlicSettings,
): Steps<Int32Array> {
  stretch(rgb)
  const colours = yield* gaussianFilter(yield* labOf(rgb), height, width, 3, sigma)
  const weight = 1 / compactness
  for (let i = 0; i < colours.length; i++) colours[i] *= weight

  const { nearest, clusterCount } = yield* clusterPixels(colours, height, width, nSegments, maxNumIter)
  const meanSize = (height * width) / clusterCount
  const minSize = Math.floor(minSizeFactor * meanSize)
  const maxSize = Math.floor(maxSizeFactor * meanSize)
  const labels = enforceConnectivity ? yield* connectedPieces(nearest, height, width, minSize, maxSize) : nearest
  return startLabel === 0 ? labels : labels.map((label) => label + startLabel)
}
