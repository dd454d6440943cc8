import { type Steps, stepSize } from '../steps.ts'
import { pointsAlong, regularGrid } from './regular-grid.ts'
import { clusterSize, SlicKernel, sumsSize, tileEdge, windowSize } from './slic-kernel.ts'

/** What a tile takes beside one look at each candidate, in additions. */
const tileCost = 1024

/**
 * k-means in colour and position from a grid of seeds. Each cluster looks for pixels within two steps of its centre only.
 * @param colours [height * width * 3]: Lab divided by compactness
 * @returns the cluster of every pixel, -1 where none came near, and the number of clusters
 */
export function* clusterPixels(
  colours: Float64Array,
  height: number,
  width: number,
  nSegments: number,
  rounds: number,
): Steps<{ nearest: Int32Array; clusterCount: number }> {
  const seeds = regularGrid(height, width, nSegments)
  const rows = pointsAlong(seeds.y, height)
  const columns = pointsAlong(seeds.x, width)
  const clusterCount = rows.length * columns.length
  // Distances are scaled by the grid that was asked for, windows by the grid of the seeds that came out.
  const spatialWeight = 1 / Math.max(seeds.y.step, seeds.x.step) ** 2
  const { y, x } = regularGrid(height, width, clusterCount)
  const reach = { y: 2 * y.step, x: 2 * x.step }

  const kernel = new SlicKernel(height, width, clusterCount)
  kernel.load(colours)
  // Colours start at 0 and only the first round's means give them real values.
  rows.forEach((row, i) => {
    columns.forEach((column, j) => {
      kernel.clusters.set([row, column], (i * columns.length + j) * clusterSize)
    })
  })
  for (let round = 0; round < rounds; round++) {
    placeWindows(kernel, reach, height, width)
    yield* assign(kernel, spatialWeight, height, width)
    moveToMeans(kernel)
  }
  return { nearest: kernel.nearest(), clusterCount }
}

function placeWindows(
  { clusters, windows }: SlicKernel,
  reach: { readonly y: number; readonly x: number },
  height: number,
  width: number,
): void {
  // A cluster that lost all its pixels has no centre any more, and sees nothing.
  const whole = (value: number): number => (Number.isNaN(value) ? 0 : Math.trunc(value))
  for (let window = 0, at = 0; window < windows.length; window += windowSize, at += clusterSize) {
    const cy = clusters[at]
    const cx = clusters[at + 1]
    windows[window] = whole(Math.max(cy - reach.y, 0))
    windows[window + 1] = whole(Math.min(cy + reach.y + 1, height))
    windows[window + 2] = whole(Math.max(cx - reach.x, 0))
    windows[window + 3] = whole(Math.min(cx + reach.x + 1, width))
  }
}

function* assign(kernel: SlicKernel, spatialWeight: number, height: number, width: number): Steps<void> {
  let work = 0
  const { windows, candidates } = kernel
  for (let top = 0; top < height; top += tileEdge) {
    let count = 0
    for (let cluster = 0; cluster < candidates.length; cluster++) {
      const window = cluster * windowSize
      if (windows[window] < top + tileEdge && windows[window + 1] > top) candidates[count++] = cluster
    }
    work += candidates.length
    for (let left = 0; left < width; left += tileEdge) {
      kernel.assign(top, left, count, spatialWeight)
      // A tile looks at all its candidates, and at its pixels for some of them.
      work += tileCost + count
      if (work < stepSize) continue
      work = 0
      yield
    }
  }
}

function moveToMeans(kernel: SlicKernel): void {
  const { clusters, sums } = kernel
  kernel.addUp()
  for (let at = 0, sum = 0; at < clusters.length; at += clusterSize, sum += sumsSize)
    for (let i = 0; i < clusterSize; i++) clusters[at + i] = sums[sum + i] / sums[sum + clusterSize]
}
