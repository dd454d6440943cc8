import { DeviceError } from '../../engine/errors.ts'
import { ModuleBuilder } from '../../engine/wasm/emitter.ts'
import { call, type F64, type FunctionReference, f64, f64x2, type I32, i32 } from '../../engine/wasm/instructions.ts'

/** Pixels along a tile's edge. */
export const tileEdge = 8
const tilePixels = tileEdge * tileEdge

/** Values per cluster: y, x and three colours. */
export const clusterSize = 5
/** Values per cluster's sums: those of its pixels' y, x and colours, and how many there are. */
export const sumsSize = 6
/** Values per cluster's window: the rows and columns it looks at, from, to (exclusive). */
export const windowSize = 4
/** Values per tile's limits: the smallest and the largest of each colour. */
export const limitsSize = 6

const bytes = Float64Array.BYTES_PER_ELEMENT
const laneCount = 2
const rowBytes = tileEdge * bytes
const planeBytes = tilePixels * bytes
/** A tile holds, for all its pixels, row by row: L, then a, then b, then the number of the cluster. */
const nearestAt = 3 * planeBytes
const tileBytes = 4 * planeBytes
/** Memory begins with how far the pixels of the tile in work are from the clusters that claimed them. */
const tilesAt = planeBytes

/**
 * slic's inner loops in WebAssembly, claims two pixels at a time: JavaScript spends four fifths of its time there on checks.
 * Every distance is computed as scikit-image computes it, step by step.
 */
function emit(): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder()
  const claim = emitClaim(module)
  emitAssign(module, claim)
  emitAddUp(module)
  return module.encode()
}

/**
 * Gives a cluster those of a tile's pixels in its window that are nearer to it than to those before, or as near and numbered
 * later. Returns the largest distance of the tile's pixels; where it does not see all rows, what it was before.
 */
function emitClaim(module: ModuleBuilder): FunctionReference<'f64'> {
  return module.internal(
    'claim',
    ['i32', 'i32', 'i32', 'f64', 'f64', 'f64', 'f64', 'f64'],
    'f64',
    (body, tile, cluster, window, number, weight, top, left, farthestBefore) => {
      const own = body.local('v128', f64x2.splat(number))
      const weights = body.local('v128', f64x2.splat(weight))
      const cy = body.local('f64', f64.load(cluster))
      const cx = body.local('v128', f64x2.loadSplat(cluster, bytes))
      const colours = [2, 3, 4].map((at) => body.local('v128', f64x2.loadSplat(cluster, at * bytes)))
      const startX = body.local('v128', f64x2.loadSplat(window, 2 * bytes))
      const endX = body.local('v128', f64x2.loadSplat(window, 3 * bytes))
      const firstRow = body.local('i32', i32.truncF64(f64.max(f64.sub(f64.load(window), top), f64.const(0))))
      const endRow = body.local(
        'i32',
        i32.truncF64(f64.min(f64.sub(f64.load(window, bytes), top), f64.const(tileEdge))),
      )
      // Squares of the columns' distances; infinite outside the cluster's window, where it claims nothing.
      const infinite = f64x2.const(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY)
      const acrossSquares = Array.from({ length: tileEdge / laneCount }, (_, pair) => {
        const x = body.local('v128', f64x2.add(f64x2.splat(left), f64x2.const(pair * 2, pair * 2 + 1)))
        const across = body.local('v128', f64x2.sub(cx, x))
        const isOutside = f64x2.or(f64x2.lt(x, startX), f64x2.ge(x, endX))
        return body.local('v128', f64x2.select(infinite, f64x2.mul(across, across), isOutside))
      })
      const farthest = body.local('v128', f64x2.const(0, 0))
      const down = body.local('f64')
      const downSquare = body.local('v128')
      const difference = body.local('v128')
      const distance = body.local('v128')
      const best = body.local('v128')
      const nearest = body.local('v128')
      const isNearer = body.local('v128')
      body.for(firstRow, endRow, 1, (row) => {
        body.set(down, f64.sub(cy, f64.add(top, f64.fromI32(row))))
        body.set(downSquare, f64x2.splat(f64.mul(down, down)))
        const inRow = body.local('i32', i32.mul(row, i32.const(rowBytes)))
        const inTile = body.local('i32', i32.add(tile, inRow))
        acrossSquares.forEach((acrossSquare, pair) => {
          const at = pair * laneCount * bytes
          colours.forEach((colour, plane) => {
            body.set(difference, f64x2.sub(f64x2.load(inTile, plane * planeBytes + at), colour))
            const square = f64x2.mul(difference, difference)
            body.set(distance, plane === 0 ? square : f64x2.add(distance, square))
          })
          body.set(distance, f64x2.add(f64x2.mul(f64x2.add(downSquare, acrossSquare), weights), distance))
          body.set(best, f64x2.load(inRow, at))
          body.set(nearest, f64x2.load(inTile, nearestAt + at))
          // The first of clusters that are equally near.
          const isFirst = f64x2.and(f64x2.eq(distance, best), f64x2.lt(own, nearest))
          body.set(isNearer, f64x2.or(f64x2.lt(distance, best), isFirst))
          body.set(best, f64x2.select(distance, best, isNearer))
          body.store(inRow, best, at)
          body.store(inTile, f64x2.select(own, nearest, isNearer), nearestAt + at)
          body.set(farthest, f64x2.max(farthest, best))
        })
      })
      const isWhole = i32.eq(i32.sub(endRow, firstRow), i32.const(tileEdge))
      body.if(isWhole, () =>
        body.set(farthestBefore, f64.max(f64x2.extractLane(farthest, 0), f64x2.extractLane(farthest, 1))),
      )
      body.return(farthestBefore)
    },
  )
}

/** What a value lacks to the nearest number from low to high, or exceeds it by. */
const outside = (value: F64, low: F64, high: F64): F64 =>
  f64.max(f64.max(f64.sub(low, value), f64.sub(value, high)), f64.const(0))

/**
 * Gives a tile's pixels their nearest clusters. First the clusters that have them claim them again, from wherever those have
 * moved to; most pixels stay with theirs. Of the others most are too far away: one whose distance from the tile's nearest
 * corner, in position and colour, exceeds the worst that the tile's pixels have found is passed over. That distance is
 * computed as a pixel's is, and rounding keeps order: no pixel that could have changed is missed. A tile that the image's
 * edge cuts has pixels that nobody claims, infinitely far away: nothing is passed over there.
 */
function emitAssign(module: ModuleBuilder, claim: FunctionReference<'f64'>): void {
  module.function(
    'assign',
    ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'f64', 'f64', 'f64', 'f64', 'f64'],
    (body, tile, limits, clusters, windows, marks, stamp, candidates, end, weight, top, left, height, width) => {
      const far = f64x2.const(Number.MAX_VALUE, Number.MAX_VALUE)
      for (let at = 0; at < planeBytes; at += laneCount * bytes) body.store(i32.const(at), far)
      const farthest = body.local('f64', f64.const(Number.MAX_VALUE))
      const clusterAt = (number: I32): I32 => i32.add(clusters, i32.mul(number, i32.const(clusterSize * bytes)))
      const windowAt = (number: I32): I32 => i32.add(windows, i32.mul(number, i32.const(windowSize * bytes)))
      const markAt = (number: I32): I32 => i32.add(marks, i32.mul(number, i32.const(4)))
      const callClaim = (number: I32) => {
        const position = [weight, top, left, farthest]
        body.set(farthest, call(claim, tile, clusterAt(number), windowAt(number), f64.fromI32(number), ...position))
      }

      const last = body.local('i32', i32.const(-1))
      const owner = body.local('i32')
      body.for(tile, i32.add(tile, i32.const(planeBytes)), bytes, (pixel) => {
        body.set(owner, i32.truncF64(f64.load(pixel, nearestAt)))
        body.if(i32.and(i32.ne(owner, last), i32.geS(owner, i32.const(0))), () => {
          body.set(last, owner)
          body.if(i32.ne(i32.load(markAt(owner)), stamp), () => {
            body.store(markAt(owner), stamp)
            callClaim(owner)
          })
        })
      })

      const lastRow = body.local('f64', f64.sub(f64.min(f64.add(top, f64.const(tileEdge)), height), f64.const(1)))
      const lastColumn = body.local('f64', f64.sub(f64.min(f64.add(left, f64.const(tileEdge)), width), f64.const(1)))
      const number = body.local('i32')
      const cluster = body.local('i32')
      const window = body.local('i32')
      const gap = body.local('f64')
      const apart = body.local('f64')
      const colour = body.local('f64')
      const square = (value: F64): F64 => {
        body.set(gap, value)
        return f64.mul(gap, gap)
      }
      body.for(candidates, end, 4, (candidate) => {
        body.set(number, i32.load(candidate))
        body.set(window, windowAt(number))
        const startsInTime = f64.le(f64.load(window, 2 * bytes), lastColumn)
        const endsLateEnough = f64.gt(f64.load(window, 3 * bytes), left)
        const isNew = i32.ne(i32.load(markAt(number)), stamp)
        body.if(i32.and(i32.and(startsInTime, endsLateEnough), isNew), () => {
          body.set(cluster, clusterAt(number))
          body.set(apart, square(outside(f64.load(cluster), top, lastRow)))
          body.set(apart, f64.add(apart, square(outside(f64.load(cluster, bytes), left, lastColumn))))
          for (let plane = 0; plane < 3; plane++) {
            const low = f64.load(limits, 2 * plane * bytes)
            const high = f64.load(limits, (2 * plane + 1) * bytes)
            const squared = square(outside(f64.load(cluster, (2 + plane) * bytes), low, high))
            body.set(colour, plane === 0 ? squared : f64.add(colour, squared))
          }
          body.if(f64.le(f64.add(f64.mul(apart, weight), colour), farthest), () => callClaim(number))
        })
      })
    },
  )
}

/**
 * Adds each pixel to the sums of its cluster, in raster order. Neighbours mostly share a cluster: its sums stay at hand until
 * another's turn.
 */
function emitAddUp(module: ModuleBuilder): void {
  module.function('addUp', ['i32', 'i32', 'i32', 'i32'], (body, tileColumns, height, width, firstOfSums) => {
    const values = Array.from({ length: sumsSize }, () => body.local('f64'))
    const current = body.local('f64', f64.const(0))
    const sums = body.local('i32', firstOfSums)
    const owner = body.local('f64')
    const floatY = body.local('f64')
    const put = () => values.forEach((value, i) => body.store(sums, value, i * bytes))
    body.for(i32.const(0), height, 1, (y) => {
      body.set(floatY, f64.fromI32(y))
      const firstTile = i32.mul(i32.divU(y, i32.const(tileEdge)), tileColumns)
      const inTile = i32.mul(i32.remU(y, i32.const(tileEdge)), i32.const(rowBytes))
      const row = body.local('i32', i32.add(i32.mul(firstTile, i32.const(tileBytes)), inTile))
      body.for(i32.const(0), width, 1, (x) => {
        const tile = i32.mul(i32.divU(x, i32.const(tileEdge)), i32.const(tileBytes))
        const place = i32.mul(i32.remU(x, i32.const(tileEdge)), i32.const(bytes))
        const pixel = body.local('i32', i32.add(row, i32.add(tile, place)))
        body.set(owner, f64.load(pixel, tilesAt + nearestAt))
        body.if(f64.ge(owner, f64.const(0)), () => {
          body.if(f64.ne(owner, current), () => {
            put()
            body.set(current, owner)
            body.set(sums, i32.add(firstOfSums, i32.mul(i32.truncF64(owner), i32.const(sumsSize * bytes))))
            values.forEach((value, i) => body.set(value, f64.load(sums, i * bytes)))
          })
          const colours = [0, 1, 2].map((plane) => f64.load(pixel, tilesAt + plane * planeBytes))
          const terms = [floatY, f64.fromI32(x), ...colours, f64.const(1)]
          terms.forEach((term, i) => body.set(values[i], f64.add(values[i], term)))
        })
      })
    })
    put()
  })
}

let compiled: WebAssembly.Module | undefined

/** One image's tiles and clusters in WebAssembly's memory. */
export class SlicKernel {
  /** [count * 5] */
  readonly clusters: Float64Array
  /** [count * 6] */
  readonly sums: Float64Array
  /** [count * 4] whole numbers. */
  readonly windows: Float64Array
  /** [tiles * 6] */
  readonly limits: Float64Array
  /** [count] clusters whose windows reach into a row of tiles, ascending. */
  readonly candidates: Int32Array
  private readonly tiles: Float64Array
  private readonly marks: Int32Array
  private readonly tileColumns: number
  private readonly assignTile: (...values: readonly number[]) => void
  private readonly addUpPixels: (...values: readonly number[]) => void
  private stamp = 0

  /** @throws DeviceError where the page's policy or the engine forbids WebAssembly, or memory is refused */
  constructor(
    private readonly height: number,
    private readonly width: number,
    count: number,
  ) {
    this.tileColumns = Math.ceil(width / tileEdge)
    const tileCount = Math.ceil(height / tileEdge) * this.tileColumns
    const tileValues = (tileCount * tileBytes) / bytes
    const lengths = [count * clusterSize, count * sumsSize, count * windowSize, tileCount * limitsSize]
    const inAll = tilesAt + bytes * (tileValues + lengths.reduce((sum, length) => sum + length)) + 8 * count
    const pages = Math.ceil(inAll / 65536)
    try {
      compiled ??= new WebAssembly.Module(emit())
      const memory = new WebAssembly.Memory({ initial: pages, maximum: pages })
      const { exports } = new WebAssembly.Instance(compiled, { env: { memory } })
      this.assignTile = exports.assign as (...values: readonly number[]) => void
      this.addUpPixels = exports.addUp as (...values: readonly number[]) => void
      let at = tilesAt
      const take = (length: number): Float64Array => {
        const array = new Float64Array(memory.buffer, at, length)
        at = array.byteOffset + array.byteLength
        return array
      }
      this.tiles = take(tileValues)
      ;[this.clusters, this.sums, this.windows, this.limits] = lengths.map(take)
      this.marks = new Int32Array(memory.buffer, at, count)
      this.candidates = new Int32Array(memory.buffer, at + 4 * count, count)
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      throw new DeviceError(
        `slic needs WebAssembly with SIMD, and ${(pages / 16).toFixed(1)} MB of memory for an image of ${height} x ${width}: ${why}. Where a page's policy forbids WebAssembly, let script-src allow 'wasm-unsafe-eval'; or take another segmenter`,
      )
    }
  }

  /** @param colours [height * width * 3]; no pixel has a cluster */
  load(colours: Float64Array): void {
    const { tiles, limits, height, width } = this
    for (let at = 0; at < limits.length; at += 2) {
      limits[at] = Number.POSITIVE_INFINITY
      limits[at + 1] = Number.NEGATIVE_INFINITY
    }
    for (let tile = 0; tile < tiles.length; tile += 4 * tilePixels)
      tiles.fill(-1, tile + 3 * tilePixels, tile + 4 * tilePixels)
    for (let y = 0, i = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const place = this.placeOf(y, x)
        const limit = this.tileOf(y, x) * limitsSize
        for (let colour = 0; colour < 3; colour++, i++) {
          const value = colours[i]
          const at = limit + 2 * colour
          tiles[place + colour * tilePixels] = value
          if (value < limits[at]) limits[at] = value
          if (value > limits[at + 1]) limits[at + 1] = value
        }
      }
  }

  /** Gives the pixels of the tile that begins at top, left the nearest of the clusters that see them: `count` candidates. */
  assign(top: number, left: number, count: number, spatialWeight: number): void {
    const { clusters, windows, limits, marks, candidates, height, width } = this
    const tile = this.tileOf(top, left)
    this.assignTile(
      tilesAt + tile * tileBytes,
      limits.byteOffset + tile * limitsSize * bytes,
      clusters.byteOffset,
      windows.byteOffset,
      marks.byteOffset,
      ++this.stamp,
      candidates.byteOffset,
      candidates.byteOffset + 4 * count,
      spatialWeight,
      top,
      left,
      height,
      width,
    )
  }

  /** Fills `sums`. */
  addUp(): void {
    this.sums.fill(0)
    this.addUpPixels(this.tileColumns, this.height, this.width, this.sums.byteOffset)
  }

  /** [height * width] the cluster of every pixel, -1 where none came near. */
  nearest(): Int32Array {
    const { tiles, height, width } = this
    const nearest = new Int32Array(height * width)
    for (let y = 0, pixel = 0; y < height; y++)
      for (let x = 0; x < width; x++, pixel++) nearest[pixel] = tiles[this.placeOf(y, x) + 3 * tilePixels]
    return nearest
  }

  private tileOf(y: number, x: number): number {
    return Math.floor(y / tileEdge) * this.tileColumns + Math.floor(x / tileEdge)
  }

  /** Where a pixel's first value is in the tiles. */
  private placeOf(y: number, x: number): number {
    return this.tileOf(y, x) * 4 * tilePixels + (y % tileEdge) * tileEdge + (x % tileEdge)
  }
}
