import { rgbToGray } from '../images/color.ts'
import { type Steps, stepSize } from '../steps.ts'
import { pointsAlong, regularGrid } from './regular-grid.ts'

/** @param rgb [height * width * 3], 0 to 1. @returns the basin of every pixel, [height * width] */
export function watershedLabels(
  rgb: Float64Array,
  height: number,
  width: number,
  { markers, compactness }: { readonly markers: number; readonly compactness: number },
): Steps<Int32Array> {
  return flood(sobel(rgbToGray(rgb), height, width), height, width, markers, compactness)
}

/** The magnitude of the gradient by Sobel's kernels, mirrored at the borders: scikit-image's `filters.sobel`. */
function sobel(gray: Float64Array, height: number, width: number): Float64Array {
  const magnitude = new Float64Array(gray.length)
  const clamp = (at: number, extent: number) => Math.min(Math.max(at, 0), extent - 1)
  for (let y = 0; y < height; y++) {
    const [above, below] = [clamp(y - 1, height) * width, clamp(y + 1, height) * width]
    for (let x = 0; x < width; x++) {
      const [left, right] = [clamp(x - 1, width), clamp(x + 1, width)]
      const row = y * width
      const down =
        (gray[above + left] - gray[below + left]) / 4 +
        (gray[above + x] - gray[below + x]) / 2 +
        (gray[above + right] - gray[below + right]) / 4
      const across =
        (gray[above + left] - gray[above + right]) / 4 +
        (gray[row + left] - gray[row + right]) / 2 +
        (gray[below + left] - gray[below + right]) / 4
      magnitude[row + x] = Math.sqrt(down * down + across * across) / Math.SQRT2
    }
  }
  return magnitude
}

/** Pixels between two pauses: the queue takes as long as some sixty additions for each. */
const visitStep = stepSize / 64

/** Floods 4-neighbours from markers on a regular grid; of equally low pixels the one that was reached first comes first. */
function* flood(
  edges: Float64Array,
  height: number,
  width: number,
  markers: number,
  compactness: number,
): Steps<Int32Array> {
  const labels = new Int32Array(edges.length).fill(-1)
  const queue = new FloodQueue()
  const seeds = regularGrid(height, width, markers)
  let label = 0
  for (const y of pointsAlong(seeds.y, height))
    for (const x of pointsAlong(seeds.x, width)) {
      const pixel = y * width + x
      labels[pixel] = label++
      queue.push(edges[pixel], 0, pixel, pixel)
    }
  let age = 0
  while (queue.length > 0) {
    age = floodSome(labels, queue, edges, height, width, compactness, age)
    yield
  }
  return labels
}

/** A step's pixels. @returns how many were ever put into the queue */
function floodSome(
  labels: Int32Array,
  queue: FloodQueue,
  edges: Float64Array,
  height: number,
  width: number,
  compactness: number,
  age: number,
): number {
  for (let step = 0; step < visitStep; step++) {
    const next = queue.pop()
    if (!next) break
    const { pixel, source } = next
    // With compactness a pixel is reached from several basins: the one that comes to it at the lowest cost gets it.
    if (compactness > 0) {
      if (labels[pixel] >= 0 && pixel !== source) continue
      labels[pixel] = labels[source]
    }
    const [y, x] = [Math.floor(pixel / width), pixel % width]
    const visit = (neighbour: number) => {
      if (labels[neighbour] >= 0) return
      age++
      let value = edges[neighbour]
      if (compactness > 0) {
        const dy = Math.floor(neighbour / width) - Math.floor(source / width)
        const dx = (neighbour % width) - (source % width)
        value += compactness * Math.sqrt(dy * dy + dx * dx)
      } else labels[neighbour] = labels[pixel]
      queue.push(value, age, neighbour, source)
    }
    if (y > 0) visit(pixel - width)
    if (x > 0) visit(pixel - 1)
    if (x + 1 < width) visit(pixel + 1)
    if (y + 1 < height) visit(pixel + width)
  }
  return age
}

interface Reached {
  readonly value: number
  readonly age: number
  readonly pixel: number
  readonly source: number
}

/** A binary heap by value, then age. Markers have the same age: those of one value come out as scikit-image's heap has them. */
class FloodQueue {
  private readonly items: Reached[] = []

  get length(): number {
    return this.items.length
  }

  push(value: number, age: number, pixel: number, source: number): void {
    const { items } = this
    items.push({ value, age, pixel, source })
    let child = items.length - 1
    while (child > 0) {
      const parent = ((child + 1) >> 1) - 1
      if (!comesBefore(items[child], items[parent])) return
      this.swap(child, parent)
      child = parent
    }
  }

  pop(): Reached | undefined {
    const { items } = this
    if (items.length < 2) return items.pop()
    this.swap(0, items.length - 1)
    const first = items.pop()
    let at = 0
    for (;;) {
      let smallest = at
      const left = 2 * at + 1
      if (left < items.length && comesBefore(items[left], items[smallest])) smallest = left
      if (left + 1 < items.length && comesBefore(items[left + 1], items[smallest])) smallest = left + 1
      if (smallest === at) return first
      this.swap(at, smallest)
      at = smallest
    }
  }

  private swap(a: number, b: number): void {
    const { items } = this
    const kept = items[a]
    items[a] = items[b]
    items[b] = kept
  }
}

function comesBefore(a: Reached, b: Reached): boolean {
  return a.value === b.value ? a.age < b.age : a.value < b.value
}
