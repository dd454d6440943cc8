import { check, flag, numberFrom, oneOf, optionsOf, wholeNumber } from '../../engine/arguments.ts'
import { labOf } from '../images/color.ts'
import { gaussianFilter, mostSigma } from '../images/gaussian.ts'
import { toUnitRgb } from '../images/image.ts'
import { inTurns, type Steps, stepSize } from '../steps.ts'
import { type Segmenter, segmenter } from './label-map.ts'
import type { clusterPixels } from './slic-clusters.ts'

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

/** scikit-image's but for startLabel. @internal */
export const slicDefaults = {
  nSegments: 100,
  compactness: 10,
  maxNumIter: 10,
  sigma: 0,
  startLabel: 0,
  enforceConnectivity: true,
} as const satisfies SlicOptions

/**
 * A segment's cluster takes 128 bytes: a million of them 128 MB. In millionths and millions of its usual size compactness leaves
 * colour alone, or position; beyond, squares of distances would leave the numbers there are.
 */
const slicOptions = optionsOf<SlicOptions>({
  nSegments: wholeNumber(1, 1e6),
  compactness: numberFrom(1e-6, 1e9),
  maxNumIter: wholeNumber(1, 10_000),
  sigma: numberFrom(0, mostSigma),
  startLabel: oneOf(0, 1),
  enforceConnectivity: flag,
})

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

/**
 * SLIC superpixels (Achanta et al., "SLIC Superpixels Compared to State-of-the-art Superpixel Methods", PAMI 2012):
 * scikit-image 0.19.3's `slic`, equal to it pixel by pixel; only our labels start at 0.
 * @throws ArgumentError for an option outside its range; the segmenter throws the signal's reason after an abort
 */
export function slic(options: SlicOptions = {}): Segmenter {
  check('slic', slicOptions, options)
  const usual = slicDefaults
  const { nSegments = usual.nSegments, compactness = usual.compactness, maxNumIter = usual.maxNumIter } = options
  const { sigma = usual.sigma, startLabel = usual.startLabel } = options
  const { enforceConnectivity = usual.enforceConnectivity } = options

  return segmenter(async (image, { signal }) => {
    // With it comes the WebAssembly that it makes: more code than in all other segmenters together, and few ask for slic.
    const { clusterPixels } = await import('./slic-clusters.ts')
    const { height, width } = image
    return {
      data: await inTurns(labelled(clusterPixels, toUnitRgb(image), height, width), signal),
      shape: [height, width],
    }
  })

  function* labelled(
    cluster: typeof clusterPixels,
    rgb: Float64Array,
    height: number,
    width: number,
  ): Steps<Int32Array> {
    stretch(rgb)
    const colours = yield* gaussianFilter(yield* labOf(rgb), height, width, 3, sigma)
    const weight = 1 / compactness
    for (let i = 0; i < colours.length; i++) colours[i] *= weight

    const { nearest, clusterCount } = yield* cluster(colours, height, width, nSegments, maxNumIter)
    const meanSize = (height * width) / clusterCount
    const minSize = Math.floor(minSizeFactor * meanSize)
    const maxSize = Math.floor(maxSizeFactor * meanSize)
    const labels = enforceConnectivity ? yield* connectedPieces(nearest, height, width, minSize, maxSize) : nearest
    return startLabel === 0 ? labels : labels.map((label) => label + startLabel)
  }
}
