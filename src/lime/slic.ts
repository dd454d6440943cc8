import { ArgumentError } from '../engine/errors.ts'
import { rgbToLab } from './color.ts'
import { gaussianFilter } from './gaussian.ts'
import { toUnitRgb } from './image.ts'
import type { Segmenter } from './label-map.ts'
import { clusterPixels } from './slic-clusters.ts'

export interface SlicOptions {
  /** About how many segments. */
  readonly nSegments?: number
  /** Weight of position against colour: higher means squarer segments. */
  readonly compactness?: number
  /** Rounds of k-means. */
  readonly maxNumIter?: number
  /** Gaussian smoothing of the Lab image beforehand, in pixels. */
  readonly sigma?: number
  /** The first label. scikit-image's own default is 1; lime needs labels from 0, so ours is 0. */
  readonly startLabel?: 0 | 1
  /** Whether stray pieces of a segment become segments of their own, or join a neighbour when they are small. */
  readonly enforceConnectivity?: boolean
}

/** The smallest and the largest share of the average segment's size that a connected piece may have. */
const minSizeFactor = 0.5
const maxSizeFactor = 3

/**
 * Numbers the connected pieces of the clusters from 0 in raster order. A piece ends at maxSize pixels; one under minSize
 * takes the number of the last numbered neighbour that its breadth-first search met.
 */
function connectedPieces(
  clusters: Int32Array,
  height: number,
  width: number,
  minSize: number,
  maxSize: number,
): Int32Array {
  const pieces = new Int32Array(height * width).fill(-1)
  const queue = new Int32Array(Math.max(maxSize, 1))
  let count = 0
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

/**
 * SLIC superpixels (Achanta et al., "SLIC Superpixels Compared to State-of-the-art Superpixel Methods", PAMI 2012):
 * scikit-image 0.19.3's `slic`, equal to it pixel by pixel; only our labels start at 0.
 * @throws ArgumentError for an option outside its range
 */
export function slic(options: SlicOptions = {}): Segmenter {
  const { nSegments = 100, compactness = 10, maxNumIter = 10, sigma = 0, startLabel = 0 } = options
  const { enforceConnectivity = true } = options
  if (!Number.isInteger(nSegments) || nSegments < 1)
    throw new ArgumentError(`slic: nSegments must be a positive integer, not ${nSegments}`)
  if (!Number.isInteger(maxNumIter) || maxNumIter < 1)
    throw new ArgumentError(`slic: maxNumIter must be a positive integer, not ${maxNumIter}`)
  if (!(compactness > 0 && Number.isFinite(compactness)))
    throw new ArgumentError(`slic: compactness must be > 0, not ${compactness}`)
  if (!(sigma >= 0 && Number.isFinite(sigma))) throw new ArgumentError(`slic: sigma must be >= 0, not ${sigma}`)
  if (startLabel !== 0 && startLabel !== 1)
    throw new ArgumentError(`slic: startLabel must be 0 or 1, not ${String(startLabel)}`)

  return (image) => {
    const { height, width } = image
    const rgb = toUnitRgb(image)
    stretch(rgb)
    const colours = gaussianFilter(rgbToLab(rgb), height, width, 3, sigma)
    const weight = 1 / compactness
    for (let i = 0; i < colours.length; i++) colours[i] *= weight

    const { nearest, clusterCount } = clusterPixels(colours, height, width, nSegments, maxNumIter)
    const meanSize = (height * width) / clusterCount
    const minSize = Math.floor(minSizeFactor * meanSize)
    const maxSize = Math.floor(maxSizeFactor * meanSize)
    const labels = enforceConnectivity ? connectedPieces(nearest, height, width, minSize, maxSize) : nearest
    return { data: startLabel === 0 ? labels : labels.map((label) => label + startLabel), shape: [height, width] }
  }
}
