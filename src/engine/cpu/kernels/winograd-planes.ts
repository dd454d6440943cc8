import { largeTiles, type Matrix, smallTiles, type WinogradMaps } from '../../ops/winograd-maps.ts'
import type { FunctionBody } from '../../wasm/emitter.ts'
import { f32x4, type I32, i32, type Local } from '../../wasm/instructions.ts'
import type { CpuOperand } from '../kernel.ts'
import { type Epilogue, finishVector } from './epilogue.ts'
import { applyMap } from './winograd-transforms.ts'

/**
 * From images to the planes that Winograd's products are made of, and back. Terms:
 * - tile row: the tiles side by side in one image. A unit of work is a few tile rows, of one image or of several.
 * - strip: the rows of an image under one tile row, with zeros where they leave the image.
 * - plane: one of the n² numbers of every transformed patch, [tiles, channels], or kernel, [channels, filters].
 * The last tiles may reach over the edge of the outputs: they read zeros, and what lies outside is not stored.
 */

/** Planes of a unit, inputs and outputs together: they should stay in the second-level cache, 512 KB and more. */
const planeBytesPerUnit = 2 ** 19
/** Work of one image or two is still shared between threads. */
const leastUnits = 16

/** Images as a step reads or writes them, [count, height, width, channels]. */
export interface Images {
  readonly address: number
  readonly count: number
  readonly height: number
  readonly width: number
  readonly channels: number
}

export function imagesOf({ address, shape }: CpuOperand): Images {
  const [count, height, width, channels] = shape
  return { address, count, height, width, channels }
}

export interface Tiling {
  readonly maps: WinogradMaps
  /** Tiles in a tile row, tile rows in an image, tile rows of all images. */
  readonly across: number
  readonly down: number
  readonly total: number
  /** Tile rows a unit takes; the last one fewer. */
  readonly unitRows: number
}

/** The tiles that take the fewest products for outputs of this size. */
export function mapsFor(height: number, width: number): WinogradMaps {
  const tiles = ({ tile }: WinogradMaps) => Math.ceil(height / tile) * Math.ceil(width / tile)
  const products = (maps: WinogradMaps) => tiles(maps) * maps.patch ** 2
  return products(smallTiles) <= products(largeTiles) ? smallTiles : largeTiles
}

/** A unit takes at least `leastTiles`, if there are enough of them for all threads. */
export function tilingOf({ count, height, width }: Images, channelsInPlanes: number, leastTiles = 1): Tiling {
  const maps = mapsFor(height, width)
  const across = Math.ceil(width / maps.tile)
  const down = Math.ceil(height / maps.tile)
  const total = count * down
  const fitting = Math.floor(planeBytesPerUnit / (across * maps.patch ** 2 * channelsInPlanes * 4))
  // Pairs of rows come out even in blocks of two tiles.
  const needed = leastTiles > 1 ? 2 * Math.ceil(leastTiles / across / 2) : 1
  const unitRows = Math.max(1, Math.min(Math.max(fitting, needed), Math.ceil(total / leastUnits)))
  return { maps, across, down, total, unitRows: unitRows > 2 ? unitRows - (unitRows % 2) : unitRows }
}

/** The first of some tile rows and the one behind the last. */
export type TileRows = readonly [Local<'i32'>, Local<'i32'>]

/** The tile rows of unit or chunk `index`, as variables. */
export function rowsOf(body: FunctionBody, index: I32, { unitRows, total }: Tiling): TileRows {
  const first = body.local('i32', i32.mul(index, i32.const(unitRows)))
  const last = body.local('i32', i32.add(first, i32.const(unitRows)))
  if (total % unitRows > 0) body.if(i32.ltS(i32.const(total), last), () => body.set(last, i32.const(total)))
  return [first, last]
}

/** Bytes from plane to plane: an odd number of cache lines, or the same number of all planes would share a few cache sets. */
export function planeStride(floats: number): number {
  const lines = Math.ceil(floats / 16)
  return (lines + 1 - (lines % 2)) * 64
}

export const planeCount = ({ patch }: WinogradMaps) => patch * patch

/** How the patches under tile rows are read and transformed. */
export interface StripJob {
  readonly images: Images
  /** Rows and columns of zeros before the image's first. */
  readonly top: number
  readonly left: number
  /** [n, rows and columns of a patch]; patches begin a tile apart. */
  readonly matrix: Matrix
  readonly tiling: Tiling
}

const patchOf = ({ matrix }: StripJob) => matrix[0].length
const stripWidth = (job: StripJob) => (job.tiling.across - 1) * job.tiling.maps.tile + patchOf(job)
/** Room for the strip and for what its columns become. */
export const stripBytes = (job: StripJob) => job.matrix.length * stripWidth(job) * job.images.channels * 4

/**
 * Transforms the patches of tile rows first..last-1 into planes [tiles, channels] at `planes`: the columns in place in the
 * strip, once though neighbouring patches share some, then the rows from there into the planes. Done patch by patch, the
 * bookkeeping of the small loops costs as much as the sums. `afterStrip` may read the strip before it is transformed.
 */
export function emitInputPlanes(
  body: FunctionBody,
  job: StripJob,
  [first, last]: TileRows,
  planes: I32,
  stride: number,
  strip: I32,
  afterStrip: () => void = () => {},
): void {
  const { images, tiling, matrix } = job
  const patch = patchOf(job)
  const pixel = images.channels * 4
  const rowBytes = stripWidth(job) * pixel
  const copied = Math.min(images.width, stripWidth(job) - job.left) * pixel
  // Columns left and right of the image stay zero, whatever rows come.
  body.fill(strip, 0, stripBytes(job))
  const plane = body.local('i32', planes)
  const target = body.local('i32')
  const at = body.local('i32')
  const y = body.local('i32')
  const imageRow = body.local('i32')
  body.for(first, last, 1, (tileRow) => {
    body.set(imageRow, i32.mul(i32.divU(tileRow, i32.const(tiling.down)), i32.const(images.height)))
    const inImage = i32.mul(i32.remU(tileRow, i32.const(tiling.down)), i32.const(tiling.maps.tile))
    body.set(y, i32.sub(inImage, i32.const(job.top)))
    body.set(at, i32.add(strip, i32.const(job.left * pixel)))
    body.for(0, patch, 1, () => {
      body.if(
        i32.ltU(y, i32.const(images.height)),
        () => {
          const from = i32.mul(i32.add(imageRow, y), i32.const(images.width * pixel))
          body.copy(at, i32.add(i32.const(images.address), from), copied)
        },
        () => body.fill(at, 0, copied),
      )
      body.advance(y, 1)
      body.advance(at, rowBytes)
    })
    afterStrip()
    body.set(at, strip)
    body.for(0, rowBytes, 16, () => {
      const column = Array.from({ length: patch }, (_, row) => f32x4.load(at, row * rowBytes))
      applyMap(body, matrix, column).forEach((value, row) => {
        body.store(at, value, row * rowBytes)
      })
      body.advance(at, 16)
    })
    const row = body.local('i32', strip)
    const rowPlane = body.local('i32', plane)
    body.for(0, matrix.length, 1, () => {
      body.set(at, row)
      body.set(target, rowPlane)
      body.for(0, tiling.across, 1, () => {
        body.for(0, pixel, 16, () => {
          const values = Array.from({ length: patch }, (_, column) => f32x4.load(at, column * pixel))
          applyMap(body, matrix, values).forEach((value, column) => {
            body.store(target, value, column * stride)
          })
          body.advance(at, 16)
          body.advance(target, 16)
        })
        body.advance(at, (tiling.maps.tile - 1) * pixel)
      })
      body.advance(row, rowBytes)
      body.advance(rowPlane, matrix.length * stride)
    })
    body.advance(plane, tiling.across * pixel)
  })
}

/** Masks of a tile row, [tile, columns rounded up to whole vectors]. */
const maskColumns = ({ across, maps }: Tiling) => Math.ceil((across * maps.tile) / 4) * 4
export const maskBytes = (tiling: Tiling) => tiling.maps.tile * maskColumns(tiling) * 4
/** One vector more: windows reach two pixels beyond the last output's. */
export const flagBytes = (tiling: Tiling) => tiling.maps.patch * (maskColumns(tiling) + 4) * 4

/**
 * Masks of the outputs of one tile row: no bit where every number of the 3 x 3 window is 0, all bits elsewhere. There the sum
 * must be exactly 0, as a plain sum is, not what rounding leaves over from the rest of the patch: in images with an empty
 * background and layers that begin without a bias, relu's slope depends on it.
 */
export function emitWindowMasks(body: FunctionBody, job: StripJob, strip: I32, flags: I32, masks: Local<'i32'>): void {
  const { tiling } = job
  const vectors = job.images.channels / 4
  const unrolled = [4, 3, 2, 1].find((count) => vectors % count === 0) ?? 1
  const flagRow = (maskColumns(tiling) + 4) * 4
  const pixel = body.local('i32', strip)
  const flag = body.local('i32', flags)
  const bits = body.local('v128')
  body.for(0, patchOf(job), 1, () => {
    body.for(0, stripWidth(job), 1, () => {
      body.set(bits, f32x4.const(0))
      body.for(0, vectors, unrolled, () => {
        const loaded = Array.from({ length: unrolled }, (_, v) => f32x4.load(pixel, v * 16))
        body.set(bits, loaded.reduce(f32x4.or, bits))
        body.advance(pixel, unrolled * 16)
      })
      body.store(flag, i32.sub(i32.const(0), f32x4.anyTrue(f32x4.ne(bits, f32x4.const(0)))))
      body.advance(flag, 4)
    })
    body.advance(flag, flagRow - stripWidth(job) * 4)
  })
  body.set(flag, flags)
  body.for(0, tiling.maps.tile, 1, () => {
    body.for(0, maskColumns(tiling), 4, () => {
      const window = [0, 1, 2].flatMap((y) => [0, 1, 2].map((x) => f32x4.load(flag, y * flagRow + x * 4)))
      body.store(masks, window.reduce(f32x4.or))
      body.advance(masks, 16)
      body.advance(flag, 16)
    })
    body.advance(flag, 16)
  })
}

/** Bytes emitOutputs needs for a tile's half-done results. */
export const halfTileBytes = ({ maps }: Tiling) => maps.tile * maps.patch * 16

/**
 * Turns the products' planes [tiles, filters] into outputs of tile rows first..last-1 and applies the epilogue: four filters
 * of one tile at a time, its columns, by way of `half` in the first-level cache, then its rows. Unrolled: each column's
 * stores keep the engine from loading the next column early, so that few registers are needed.
 */
export function emitOutputs(
  body: FunctionBody,
  images: Images,
  tiling: Tiling,
  [first, last]: TileRows,
  planes: I32,
  stride: number,
  half: I32,
  epilogue: Epilogue,
  masks: I32 | null,
): void {
  const { maps, across, down } = tiling
  const { tile, patch } = maps
  const pixel = images.channels * 4
  const imageRowBytes = images.width * pixel
  const clipsRows = images.height % tile > 0
  const clipsColumns = images.width % tile > 0
  const maskRow = maskColumns(tiling) * 4
  const at = body.local('i32', planes)
  const y = body.local('i32')
  const tileOffset = body.local('i32')
  const offset = body.local('i32')
  const mask = body.local('i32', masks ?? i32.const(0))
  const [gain, bias] = [body.local('v128'), body.local('v128')]
  const kept = body.local('v128')
  const emitTile = (x: I32, filter: I32) => {
    for (let column = 0; column < patch; column++) {
      const products = Array.from({ length: patch }, (_, row) => f32x4.load(at, (row * patch + column) * stride))
      applyMap(body, maps.output, products).forEach((value, row) => {
        body.store(half, value, (row * patch + column) * 16)
      })
    }
    body.set(offset, i32.add(tileOffset, filter))
    if (epilogue.gain !== undefined) body.set(gain, f32x4.load(filter, epilogue.gain))
    if (epilogue.bias !== undefined) body.set(bias, f32x4.load(filter, epilogue.bias))
    for (let row = 0; row < tile; row++) {
      const emitRow = () => {
        // A row of masks is as wide as a tile, or more.
        if (masks) body.set(kept, f32x4.load(mask, row * maskRow))
        const halves = Array.from({ length: patch }, (_, column) => f32x4.load(half, (row * patch + column) * 16))
        applyMap(body, maps.output, halves).forEach((value, column) => {
          const place = row * imageRowBytes + column * pixel
          const store = () => {
            if (masks) body.set(value, f32x4.and(value, f32x4.splatLane(kept, column)))
            finishVector(body, value, epilogue, { gain, bias }, i32.add(offset, i32.const(place)))
            body.store(offset, value, images.address + place)
          }
          if (clipsColumns && column > 0)
            body.if(i32.ltS(i32.add(x, i32.const(column)), i32.const(images.width)), store)
          else store()
        })
      }
      if (clipsRows && row > 0) body.if(i32.ltS(i32.add(y, i32.const(row)), i32.const(images.height)), emitRow)
      else emitRow()
    }
    body.advance(at, 16)
  }
  body.for(first, last, 1, (tileRow) => {
    body.set(y, i32.mul(i32.remU(tileRow, i32.const(down)), i32.const(tile)))
    const imageRow = i32.mul(i32.divU(tileRow, i32.const(down)), i32.const(images.height))
    body.set(tileOffset, i32.mul(i32.add(imageRow, y), i32.const(imageRowBytes)))
    body.for(0, across * tile, tile, (x) => {
      body.for(0, pixel, 16, (filter) => emitTile(x, filter))
      body.advance(tileOffset, tile * pixel)
      body.advance(mask, tile * 4)
    })
    body.advance(mask, tile * maskRow - across * tile * 4)
  })
}
