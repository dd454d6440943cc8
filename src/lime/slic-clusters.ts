import { pointsAlong, regularGrid } from './regular-grid.ts'

/** Values per cluster: y, x and three colours. */
const clusterSize = 5

/** Pixels along a tile's edge, and the logarithm of it. */
const tileBits = 3
const tileEdge = 1 << tileBits

/** Values per tile: the smallest and the largest of each colour. */
const boxSize = 6

/** The pixels of an image in tiles, and how far the colours of each tile reach. */
interface Tiles {
  readonly rows: number
  readonly columns: number
  /** [rows * columns * 6] */
  readonly boxes: Float64Array
}

function cutIntoTiles(colours: Float64Array, height: number, width: number): Tiles {
  const rows = Math.ceil(height / tileEdge)
  const columns = Math.ceil(width / tileEdge)
  const boxes = new Float64Array(rows * columns * boxSize)
  for (let at = 0; at < boxes.length; at += 2) {
    boxes[at] = Number.POSITIVE_INFINITY
    boxes[at + 1] = Number.NEGATIVE_INFINITY
  }
  for (let y = 0, i = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const at = ((y >> tileBits) * columns + (x >> tileBits)) * boxSize
      for (let colour = 0; colour < boxSize; colour += 2, i++) {
        if (colours[i] < boxes[at + colour]) boxes[at + colour] = colours[i]
        if (colours[i] > boxes[at + colour + 1]) boxes[at + colour + 1] = colours[i]
      }
    }
  return { rows, columns, boxes }
}

/** What `value` lacks to the nearest number from low to high, or exceeds it by. */
function outside(value: number, low: number, high: number): number {
  if (value < low) return low - value
  return value > high ? value - high : 0
}

/**
 * The rounds of k-means over one image. Each cluster looks for pixels within two steps of its centre only.
 *
 * Most clusters that may look at a pixel are far from it, and from the pixels around it: a whole tile is passed over whose
 * nearest corner, in position and colour, is farther than the worst that its pixels have found. That corner's distance is
 * computed as a pixel's is, step by step, and rounding keeps order: no pixel that could have changed is missed.
 */
class KMeans {
  /** [height * width] the cluster of every pixel, -1 where none came near. */
  readonly nearest: Int32Array
  private readonly distances: Float64Array
  private readonly tiles: Tiles
  /** The largest distance of each tile's pixels. */
  private readonly farthest: Float64Array
  /** The cluster that all of a tile's pixels were nearest to when the round began, or -1. */
  private readonly owners: Int32Array
  /** [count * 4] the rows and columns each cluster looks at: from, to (exclusive). */
  private readonly windows: Int32Array
  private readonly sizes: Int32Array

  /**
   * @param colours [height * width * 3]
   * @param clusters [count * 5]: y, x and colours; moved
   */
  constructor(
    private readonly colours: Float64Array,
    private readonly height: number,
    private readonly width: number,
    private readonly clusters: Float64Array,
    private readonly reach: { readonly y: number; readonly x: number },
    private readonly spatialWeight: number,
  ) {
    const count = clusters.length / clusterSize
    this.nearest = new Int32Array(height * width).fill(-1)
    this.distances = new Float64Array(height * width)
    this.tiles = cutIntoTiles(colours, height, width)
    this.farthest = new Float64Array(this.tiles.rows * this.tiles.columns)
    this.owners = new Int32Array(this.farthest.length)
    this.windows = new Int32Array(count * 4)
    this.sizes = new Int32Array(count)
  }

  round(): void {
    const { windows } = this
    this.placeWindows()
    this.measureOwn()
    for (let cluster = 0, window = 0; window < windows.length; cluster++, window += 4) {
      const endRow = Math.ceil(windows[window + 1] / tileEdge)
      const endColumn = Math.ceil(windows[window + 3] / tileEdge)
      for (let row = windows[window] >> tileBits; row < endRow; row++)
        for (let column = windows[window + 2] >> tileBits; column < endColumn; column++)
          if (this.mayClaim(cluster, row, column)) this.claim(cluster, row, column)
    }
    this.moveToMeans()
  }

  private placeWindows(): void {
    const { windows, clusters, reach, height, width } = this
    for (let window = 0, at = 0; window < windows.length; window += 4, at += clusterSize) {
      const cy = clusters[at]
      const cx = clusters[at + 1]
      // A cluster that lost all its pixels has no centre any more: its window becomes empty.
      windows[window] = Math.max(cy - reach.y, 0)
      windows[window + 1] = Math.min(cy + reach.y + 1, height)
      windows[window + 2] = Math.max(cx - reach.x, 0)
      windows[window + 3] = Math.min(cx + reach.x + 1, width)
    }
  }

  /** Where the clusters have moved to, most pixels will stay with theirs: these distances pass over many tiles. */
  private measureOwn(): void {
    const { nearest, distances, farthest, owners, tiles, clusters, windows, colours } = this
    const { height, width, spatialWeight } = this
    farthest.fill(0)
    let own = -1
    let cy = 0
    let cx = 0
    let l = 0
    let a = 0
    let b = 0
    let startY = 0
    let endY = 0
    let startX = 0
    let endX = 0
    for (let y = 0, pixel = 0; y < height; y++) {
      const firstTile = (y >> tileBits) * tiles.columns
      for (let x = 0; x < width; x++, pixel++) {
        if (nearest[pixel] !== own) {
          own = nearest[pixel]
          const at = own * clusterSize
          cy = clusters[at]
          cx = clusters[at + 1]
          l = clusters[at + 2]
          a = clusters[at + 3]
          b = clusters[at + 4]
          const window = own * 4
          startY = windows[window]
          endY = windows[window + 1]
          startX = windows[window + 2]
          endX = windows[window + 3]
        }
        let distance = Number.MAX_VALUE
        if (y >= startY && y < endY && x >= startX && x < endX) {
          const dy = cy - y
          const dx = cx - x
          const dl = colours[3 * pixel] - l
          const da = colours[3 * pixel + 1] - a
          const db = colours[3 * pixel + 2] - b
          distance = (dy * dy + dx * dx) * spatialWeight + (dl * dl + da * da + db * db)
        }
        distances[pixel] = distance
        const tile = firstTile + (x >> tileBits)
        if (distance > farthest[tile]) farthest[tile] = distance
        const isFirst = ((x | y) & (tileEdge - 1)) === 0
        if (isFirst) owners[tile] = own
        else if (owners[tile] !== own) owners[tile] = -1
      }
    }
  }

  private mayClaim(cluster: number, row: number, column: number): boolean {
    const { clusters, tiles, farthest, height, width, spatialWeight } = this
    const { boxes } = tiles
    const at = cluster * clusterSize
    const top = row << tileBits
    const left = column << tileBits
    const tile = row * tiles.columns + column
    if (this.owners[tile] === cluster) return false
    const box = tile * boxSize
    const dy = outside(clusters[at], top, Math.min(top + tileEdge, height) - 1)
    const dx = outside(clusters[at + 1], left, Math.min(left + tileEdge, width) - 1)
    const dl = outside(clusters[at + 2], boxes[box], boxes[box + 1])
    const da = outside(clusters[at + 3], boxes[box + 2], boxes[box + 3])
    const db = outside(clusters[at + 4], boxes[box + 4], boxes[box + 5])
    return (dy * dy + dx * dx) * spatialWeight + (dl * dl + da * da + db * db) <= farthest[tile]
  }

  /** Gives the cluster those of the tile's pixels that are nearer to it than to theirs, or as near and theirs comes later. */
  private claim(cluster: number, row: number, column: number): void {
    const { nearest, distances, clusters, windows, colours, height, width, spatialWeight } = this
    const at = cluster * clusterSize
    const cy = clusters[at]
    const cx = clusters[at + 1]
    const l = clusters[at + 2]
    const a = clusters[at + 3]
    const b = clusters[at + 4]
    const top = row << tileBits
    const left = column << tileBits
    const bottom = Math.min(top + tileEdge, height)
    const right = Math.min(left + tileEdge, width)
    const window = cluster * 4
    const startY = Math.max(top, windows[window])
    const endY = Math.min(bottom, windows[window + 1])
    const startX = Math.max(left, windows[window + 2])
    const endX = Math.min(right, windows[window + 3])
    let worst = 0
    for (let y = startY; y < endY; y++) {
      const dy = (cy - y) * (cy - y)
      for (let x = startX, pixel = y * width + startX; x < endX; x++, pixel++) {
        const dx = cx - x
        const dl = colours[3 * pixel] - l
        const da = colours[3 * pixel + 1] - a
        const db = colours[3 * pixel + 2] - b
        const distance = (dy + dx * dx) * spatialWeight + (dl * dl + da * da + db * db)
        let best = distances[pixel]
        if (distance <= best && (distance < best || cluster < nearest[pixel])) {
          best = distance
          distances[pixel] = distance
          nearest[pixel] = cluster
        }
        if (best > worst) worst = best
      }
    }
    const isWhole = startY === top && endY === bottom && startX === left && endX === right
    if (isWhole) this.farthest[row * this.tiles.columns + column] = worst
  }

  /** Neighbours mostly share a cluster: its sums stay at hand until another's turn, and are added up in raster order still. */
  private moveToMeans(): void {
    const { nearest, clusters, sizes, colours, height, width } = this
    clusters.fill(0)
    sizes.fill(0)
    let current = 0
    let at = 0
    let l = 0
    let a = 0
    let b = 0
    for (let y = 0, pixel = 0; y < height; y++)
      for (let x = 0; x < width; x++, pixel++) {
        const cluster = nearest[pixel]
        if (cluster < 0) continue
        if (cluster !== current) {
          clusters[at + 2] = l
          clusters[at + 3] = a
          clusters[at + 4] = b
          current = cluster
          at = cluster * clusterSize
          l = clusters[at + 2]
          a = clusters[at + 3]
          b = clusters[at + 4]
        }
        sizes[cluster]++
        clusters[at] += y
        clusters[at + 1] += x
        l += colours[3 * pixel]
        a += colours[3 * pixel + 1]
        b += colours[3 * pixel + 2]
      }
    clusters[at + 2] = l
    clusters[at + 3] = a
    clusters[at + 4] = b
    for (let i = 0; i < clusters.length; i++) clusters[i] /= sizes[Math.floor(i / clusterSize)]
  }
}

/**
 * k-means in colour and position from a grid of seeds.
 * @param colours [height * width * 3]: Lab divided by compactness
 * @returns the cluster of every pixel, -1 where none came near, and the number of clusters
 */
export function clusterPixels(
  colours: Float64Array,
  height: number,
  width: number,
  nSegments: number,
  rounds: number,
): { nearest: Int32Array; clusterCount: number } {
  const seeds = regularGrid(height, width, nSegments)
  const rows = pointsAlong(seeds.y, height)
  const columns = pointsAlong(seeds.x, width)
  const clusterCount = rows.length * columns.length
  // The colours start at 0 and only the first round's means give them real values.
  const clusters = new Float64Array(clusterCount * clusterSize)
  rows.forEach((y, i) => {
    columns.forEach((x, j) => {
      clusters.set([y, x], (i * columns.length + j) * clusterSize)
    })
  })
  // Distances are scaled by the grid that was asked for, windows by the grid of the seeds that came out.
  const spatialWeight = 1 / Math.max(seeds.y.step, seeds.x.step) ** 2
  const windowGrid = regularGrid(height, width, clusterCount)
  const reach = { y: 2 * windowGrid.y.step, x: 2 * windowGrid.x.step }

  const kMeans = new KMeans(colours, height, width, clusters, reach, spatialWeight)
  for (let round = 0; round < rounds; round++) kMeans.round()
  return { nearest: kMeans.nearest, clusterCount }
}
