import { gaussianFilter } from '../images/gaussian.ts'
import { type Steps, stepSize } from '../steps.ts'
import { sortByKey } from './radix-sort.ts'

/** An edge's direction, in its number's last two bits. */
const toTheRight = 0
const down = 1
const downRight = 2
const upRight = 3

/** Edges between two pauses: each takes as long as some sixteen additions. */
const edgeStep = stepSize / 16

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
export function* gridEdges(pixels: Float64Array, height: number, width: number): Steps<GridEdges> {
  const count = height * (width - 1) + (height - 1) * width + 2 * (height - 1) * (width - 1)
  const edges = { numbers: new Uint32Array(count), costs: new Float64Array(count) }
  const steps = stepsOf(width)
  let edge = 0
  const rowsAtOnce = Math.ceil(edgeStep / width)
  for (const direction of [toTheRight, down, downRight, upRight]) {
    const endColumn = direction === down ? width : width - 1
    const firstRow = direction === upRight ? 1 : 0
    const endRow = direction === toTheRight || direction === upRight ? height : height - 1
    for (let y = firstRow; y < endRow; y += rowsAtOnce) {
      const rows = { first: y, end: Math.min(y + rowsAtOnce, endRow) }
      edge = addEdges(edges, edge, pixels, width, endColumn, rows, direction, steps[direction])
      yield
    }
  }
  return edges
}

/** The edges of some rows in one direction, from number `edge` on. @returns the next edge's number */
function addEdges(
  { numbers, costs }: GridEdges,
  edge: number,
  pixels: Float64Array,
  width: number,
  endColumn: number,
  rows: { readonly first: number; readonly end: number },
  direction: number,
  step: number,
): number {
  for (let y = rows.first; y < rows.end; y++)
    for (let x = 0, pixel = y * width; x < endColumn; x++, pixel++) {
      const other = pixel + step
      const dr = pixels[3 * pixel] - pixels[3 * other]
      const dg = pixels[3 * pixel + 1] - pixels[3 * other + 1]
      const db = pixels[3 * pixel + 2] - pixels[3 * other + 2]
      numbers[edge] = 4 * pixel + direction
      costs[edge++] = Math.sqrt(dr * dr + dg * dg + db * db)
    }
  return edge
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
function* joinByBounds(components: Components, edges: GridEdges, width: number): Steps<number> {
  const steps = stepsOf(width)
  let open = 0
  for (let edge = 0; edge < edges.numbers.length; edge += edgeStep) {
    open = joinSomeByBounds(components, edges, steps, edge, open)
    yield
  }
  return open
}

/** A step's edges, from `first` on. @returns how many remain, of these and the `open` ones before */
function joinSomeByBounds(
  components: Components,
  { numbers, costs }: GridEdges,
  steps: Int32Array,
  first: number,
  open: number,
): number {
  const { bounds } = components
  const end = Math.min(first + edgeStep, numbers.length)
  for (let edge = first; edge < end; edge++) {
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
function* joinSmall(
  components: Components,
  numbers: Uint32Array,
  open: number,
  width: number,
  minSize: number,
): Steps<void> {
  const steps = stepsOf(width)
  for (let edge = 0; edge < open; edge += edgeStep) {
    joinSomeSmall(components, numbers, steps, edge, Math.min(edge + edgeStep, open), minSize)
    yield
  }
}

function joinSomeSmall(
  components: Components,
  numbers: Uint32Array,
  steps: Int32Array,
  first: number,
  end: number,
  minSize: number,
): void {
  const { sizes } = components
  for (let edge = first; edge < end; edge++) {
    const number = numbers[edge]
    const pixel = number >>> 2
    const a = components.root(pixel)
    const b = components.root(pixel + steps[number & 3])
    // What it costs is of no more interest: no bound is asked again.
    if (a !== b && (sizes[a] < minSize || sizes[b] < minSize)) components.join(a, b, 0)
  }
}

/** @param rgb [height * width * 3], 0 to 1. @returns the segment of every pixel, [height * width] */
export function* felzenszwalbLabels(
  rgb: Float64Array,
  height: number,
  width: number,
  { unitScale, sigma, minSize }: { unitScale: number; sigma: number; minSize: number },
): Steps<Int32Array> {
  const edges = yield* gridEdges(yield* gaussianFilter(rgb, height, width, 3, sigma), height, width)
  yield* sortByKey(edges.costs, edges.numbers)
  const components = new Components(height * width, unitScale)
  const open = yield* joinByBounds(components, edges, width)
  yield* joinSmall(components, edges.numbers, open, width, minSize)
  return components.labels()
}
