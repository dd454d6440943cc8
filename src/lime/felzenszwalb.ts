import { ArgumentError } from '../engine/errors.ts'
import { gaussianFilter } from './gaussian.ts'
import { toUnitRgb } from './image.ts'
import type { Segmenter } from './label-map.ts'
import { sortByKey } from './radix-sort.ts'

export interface FelzenszwalbOptions {
  /** Higher means larger segments. */
  readonly scale?: number
  /** Gaussian smoothing beforehand, in pixels. */
  readonly sigma?: number
  /** Segments smaller than this many pixels are joined to a neighbour. */
  readonly minSize?: number
}

/** An edge's direction, in its number's last two bits. */
const toTheRight = 0
const down = 1
const downRight = 2
const upRight = 3

/** The grid's edges. Edge e begins at pixel numbers[e] >> 2, goes in the direction numbers[e] & 3, and costs costs[e]. */
export interface GridEdges {
  readonly numbers: Uint32Array<ArrayBuffer>
  /** How far apart the two pixels' colours are. */
  readonly costs: Float64Array<ArrayBuffer>
}

/** How far the other end is from an edge's first pixel, by direction, in pixels of raster order. */
const stepsOf = (width: number): Int32Array => Int32Array.of(1, width, width + 1, 1 - width)

/**
 * The 8-neighbourhood's edges: all to the right, then all down, down-right and up-right, each in raster order.
 * @param pixels [height * width * 3]
 */
export function gridEdges(pixels: Float64Array, height: number, width: number): GridEdges {
  const count = height * (width - 1) + (height - 1) * width + 2 * (height - 1) * (width - 1)
  const numbers = new Uint32Array(count)
  const costs = new Float64Array(count)
  const steps = stepsOf(width)
  let edge = 0
  for (const direction of [toTheRight, down, downRight, upRight]) {
    const step = steps[direction]
    const endColumn = direction === down ? width : width - 1
    const firstRow = direction === upRight ? 1 : 0
    const endRow = direction === toTheRight || direction === upRight ? height : height - 1
    for (let y = firstRow; y < endRow; y++)
      for (let x = 0, pixel = y * width; x < endColumn; x++, pixel++) {
        const other = pixel + step
        const dr = pixels[3 * pixel] - pixels[3 * other]
        const dg = pixels[3 * pixel + 1] - pixels[3 * other + 1]
        const db = pixels[3 * pixel + 2] - pixels[3 * other + 2]
        numbers[edge] = 4 * pixel + direction
        costs[edge++] = Math.sqrt(dr * dr + dg * dg + db * db)
      }
  }
  return { numbers, costs }
}

/** Components of pixels, each known by its smallest pixel (its root), with its size and the bound on what may join it. */
class Components {
  private readonly parents: Int32Array
  readonly sizes: Int32Array
  /** By root: what an edge must cost less than, in float32 as in scikit-image. */
  readonly bounds: Float32Array

  /** @param scale what a component of one pixel lets join it, and one of n pixels n times less, above its own last cost */
  constructor(
    count: number,
    private readonly scale: number,
  ) {
    this.parents = new Int32Array(count)
    for (let pixel = 0; pixel < count; pixel++) this.parents[pixel] = pixel
    this.sizes = new Int32Array(count).fill(1)
    this.bounds = new Float32Array(count).fill(scale)
  }

  root(pixel: number): number {
    const { parents } = this
    let at = pixel
    let parent = parents[at]
    while (parent !== at) {
      const grandparent = parents[parent]
      parents[at] = grandparent
      at = grandparent
      parent = parents[at]
    }
    return at
  }

  join(rootA: number, rootB: number, cost: number): void {
    const root = Math.min(rootA, rootB)
    const size = this.sizes[rootA] + this.sizes[rootB]
    this.parents[Math.max(rootA, rootB)] = root
    this.sizes[root] = size
    this.bounds[root] = cost + this.scale / size
  }

  /** Numbers the roots in ascending order. */
  labels(): Int32Array {
    const numbers = new Int32Array(this.parents.length)
    let count = 0
    // A root is the smallest pixel of its component: it has its number before any other pixel of it asks.
    for (let pixel = 0; pixel < numbers.length; pixel++) {
      const root = this.root(pixel)
      numbers[pixel] = root === pixel ? count++ : numbers[root]
    }
    return numbers
  }
}

/** Joins what the sorted edges let join. @returns how many edges remain between components, moved to the front in their order */
function joinByBounds(components: Components, { numbers, costs }: GridEdges, width: number): number {
  const { bounds } = components
  const steps = stepsOf(width)
  let open = 0
  for (let edge = 0; edge < numbers.length; edge++) {
    const number = numbers[edge]
    const pixel = number >>> 2
    const a = components.root(pixel)
    const b = components.root(pixel + steps[number & 3])
    if (a === b) continue
    const cost = costs[edge]
    if (cost < bounds[a] && cost < bounds[b]) components.join(a, b, cost)
    else numbers[open++] = number
  }
  return open
}

/** Joins components of fewer than minSize pixels to a neighbour, by the first `open` edges. */
function joinSmall(components: Components, numbers: Uint32Array, open: number, width: number, minSize: number): void {
  const { sizes } = components
  const steps = stepsOf(width)
  for (let edge = 0; edge < open; edge++) {
    const number = numbers[edge]
    const pixel = number >>> 2
    const a = components.root(pixel)
    const b = components.root(pixel + steps[number & 3])
    // What it costs is of no more interest: no bound is asked again.
    if (a !== b && (sizes[a] < minSize || sizes[b] < minSize)) components.join(a, b, 0)
  }
}

/**
 * Felzenszwalb and Huttenlocher's graph-based segmentation ("Efficient Graph-Based Image Segmentation", IJCV 2004) on smoothed
 * RGB: scikit-image 0.19.3's `felzenszwalb`, equal to it pixel by pixel. Edges are taken by ascending cost; two components
 * join when the edge costs less than both of their bounds, inner cost + scale / size. Then small ones join in the same order.
 * @throws ArgumentError for an option that is not a finite number >= 0
 */
export function felzenszwalb(options: FelzenszwalbOptions = {}): Segmenter {
  const { scale = 1, sigma = 0.8, minSize = 20 } = options
  for (const [name, value] of Object.entries({ scale, sigma, minSize }))
    if (!(value >= 0 && Number.isFinite(value)))
      throw new ArgumentError(`felzenszwalb: ${name} must be a number >= 0, not ${value}`)
  // scikit-image states the scale for 0..255 and its images are 0..1.
  const unitScale = scale / 255
  return (image) => {
    const { height, width } = image
    const edges = gridEdges(gaussianFilter(toUnitRgb(image), height, width, 3, sigma), height, width)
    sortByKey(edges.costs, edges.numbers)
    const components = new Components(height * width, unitScale)
    const open = joinByBounds(components, edges, width)
    joinSmall(components, edges.numbers, open, width, minSize)
    return { data: components.labels(), shape: [height, width] }
  }
}
