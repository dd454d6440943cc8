import { ArgumentError } from '../engine/errors.ts'
import { ascendingOrder } from './ascending-order.ts'
import { gaussianFilter } from './gaussian.ts'
import { toUnitRgb } from './image.ts'
import type { Segmenter } from './label-map.ts'

export interface FelzenszwalbOptions {
  /** Higher means larger segments. */
  readonly scale?: number
  /** Gaussian smoothing beforehand, in pixels. */
  readonly sigma?: number
  /** Segments smaller than this many pixels are joined to a neighbour. */
  readonly minSize?: number
}

/** The grid's edges: edge e joins pixels from[e] and to[e], whose colours are costs[e] apart. */
export interface GridEdges {
  readonly from: Int32Array
  readonly to: Int32Array
  readonly costs: Float64Array
}

/**
 * The 8-neighbourhood's edges: all to the right, then all down, down-right and up-right, each in raster order.
 * @param pixels [height * width * 3]
 */
export function gridEdges(pixels: Float64Array, height: number, width: number): GridEdges {
  const count = height * (width - 1) + (height - 1) * width + 2 * (height - 1) * (width - 1)
  const edges = { from: new Int32Array(count), to: new Int32Array(count), costs: new Float64Array(count) }
  let edge = 0
  function add(from: number, to: number): void {
    const dr = pixels[3 * from] - pixels[3 * to]
    const dg = pixels[3 * from + 1] - pixels[3 * to + 1]
    const db = pixels[3 * from + 2] - pixels[3 * to + 2]
    edges.from[edge] = from
    edges.to[edge] = to
    edges.costs[edge++] = Math.sqrt(dr * dr + dg * dg + db * db)
  }
  for (let y = 0; y < height; y++) for (let x = 0; x + 1 < width; x++) add(y * width + x, y * width + x + 1)
  for (let y = 0; y + 1 < height; y++) for (let x = 0; x < width; x++) add(y * width + x, (y + 1) * width + x)
  for (let y = 0; y + 1 < height; y++) for (let x = 0; x + 1 < width; x++) add(y * width + x, (y + 1) * width + x + 1)
  for (let y = 0; y + 1 < height; y++) for (let x = 0; x + 1 < width; x++) add((y + 1) * width + x, y * width + x + 1)
  return edges
}

/** Components of pixels, each known by its smallest pixel (its root), with its size and its last joining cost. */
class Components {
  private readonly parents: Int32Array
  readonly sizes: Int32Array
  readonly innerCosts: Float64Array

  constructor(count: number) {
    this.parents = Int32Array.from({ length: count }, (_, i) => i)
    this.sizes = new Int32Array(count).fill(1)
    this.innerCosts = new Float64Array(count)
  }

  root(pixel: number): number {
    const { parents } = this
    let at = pixel
    while (parents[at] !== at) {
      parents[at] = parents[parents[at]]
      at = parents[at]
    }
    return at
  }

  join(rootA: number, rootB: number, cost: number): void {
    const root = Math.min(rootA, rootB)
    const size = this.sizes[rootA] + this.sizes[rootB]
    this.parents[Math.max(rootA, rootB)] = root
    this.sizes[root] = size
    this.innerCosts[root] = cost
  }

  /** Numbers the roots in ascending order. */
  labels(): Int32Array {
    const numbers = new Int32Array(this.parents.length)
    let count = 0
    // A root is the smallest pixel of its component: it has its number before any other pixel of it asks.
    return numbers.map((_, pixel) => {
      const root = this.root(pixel)
      if (root === pixel) numbers[pixel] = count++
      return numbers[root]
    })
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
    const { from, to, costs } = gridEdges(gaussianFilter(toUnitRgb(image), height, width, 3, sigma), height, width)
    const order = ascendingOrder(costs)
    const components = new Components(height * width)
    const { sizes, innerCosts } = components

    // Edges between components that did not join: those inside one are settled.
    let open = 0
    for (let i = 0; i < order.length; i++) {
      const edge = order[i]
      const a = components.root(from[edge])
      const b = components.root(to[edge])
      if (a === b) continue
      // The bounds are kept in float32, as in scikit-image.
      const boundA = Math.fround(innerCosts[a] + unitScale / sizes[a])
      const boundB = Math.fround(innerCosts[b] + unitScale / sizes[b])
      if (costs[edge] < Math.min(boundA, boundB)) components.join(a, b, costs[edge])
      else order[open++] = edge
    }
    for (let i = 0; i < open; i++) {
      const edge = order[i]
      const a = components.root(from[edge])
      const b = components.root(to[edge])
      if (a !== b && (sizes[a] < minSize || sizes[b] < minSize)) components.join(a, b, costs[edge])
    }
    return { data: components.labels(), shape: [height, width] }
  }
}
