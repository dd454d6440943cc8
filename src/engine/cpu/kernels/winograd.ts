import type { CpuKernel, CpuOperand, CpuStep, KernelEmitter } from '../kernel.ts'
import { type FunctionBody, f32x4, type I32, i32, type Local } from '../wasm.ts'
import { epilogueOf, windowOf } from './convolution.ts'
import { type Epilogue, finish } from './register-block.ts'
import { emitSmallProduct } from './small-product.ts'
import {
  applyMap,
  emitTransform,
  largeTiles,
  type Matrix,
  smallTiles,
  transformBytes,
  transposed,
  type WinogradMaps,
} from './winograd-transforms.ts'

/**
 * Winograd convolution (the mathematics are in winograd-transforms.ts): 3 x 3 kernels, strides of 1, channels and filters in
 * whole vectors. Terms:
 * - tile row: the tiles side by side in one image. A unit of work is a few tile rows, of one image or of several.
 * - strip: the rows of an image under one tile row, with zeros where they leave the image.
 * - plane: one of the n² numbers of every transformed patch, [tiles, channels], or kernel, [channels, filters].
 * The last tiles may reach over the edge of the outputs: they read zeros, and what lies outside is not stored.
 */

/** Planes of a unit, inputs and outputs together: they should stay in the second-level cache. */
const planeBytesPerUnit = 1.25 * 2 ** 20
/** Work of one image or two is still shared between threads. */
const leastUnits = 16

/** Images as a step reads or writes them, [count, height, width, channels]. */
interface Images {
  readonly address: number
  readonly count: number
  readonly height: number
  readonly width: number
  readonly channels: number
}

function imagesOf({ address, shape }: CpuOperand): Images {
  const [count, height, width, channels] = shape
  return { address, count, height, width, channels }
}

interface Tiling {
  readonly maps: WinogradMaps
  /** Tiles in a tile row, tile rows in an image, tile rows of all images. */
  readonly across: number
  readonly down: number
  readonly total: number
  /** Tile rows a unit takes; the last one fewer. */
  readonly unitRows: number
}

function tilingOf({ count, height, width }: Images, channelsInPlanes: number): Tiling {
  const tiles = ({ tile }: WinogradMaps) => Math.ceil(height / tile) * Math.ceil(width / tile)
  const products = (maps: WinogradMaps) => tiles(maps) * maps.patch ** 2
  const maps = products(smallTiles) <= products(largeTiles) ? smallTiles : largeTiles
  const across = Math.ceil(width / maps.tile)
  const down = Math.ceil(height / maps.tile)
  const total = count * down
  const fitting = Math.floor(planeBytesPerUnit / (across * maps.patch ** 2 * channelsInPlanes * 4))
  const unitRows = Math.max(1, Math.min(fitting, Math.ceil(total / leastUnits)))
  // Pairs of rows come out even in blocks of two tiles.
  return { maps, across, down, total, unitRows: unitRows > 2 ? unitRows - (unitRows % 2) : unitRows }
}

/** Bytes from plane to plane: an odd number of cache lines, or the same number of all planes would share a few cache sets. */
function planeStride(floats: number): number {
  const lines = Math.ceil(floats / 16)
  return (lines + 1 - (lines % 2)) * 64
}

const planeCount = ({ patch }: WinogradMaps) => patch * patch

/** Stores a row of transformed vectors into consecutive planes. */
function storeInPlanes(body: FunctionBody, target: Local<'i32'>, row: readonly Local<'v128'>[], stride: number): void {
  row.forEach((value, column) => {
    body.store(target, value, column * stride)
  })
  body.advance(target, row.length * stride)
}

/** How the patches under tile rows are read and transformed. */
interface StripJob {
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
const stripBytes = (job: StripJob) => job.matrix.length * stripWidth(job) * job.images.channels * 4

/**
 * Transforms the patches of tile rows first..last-1 into planes [tiles, channels] at `planes`: the columns in place in the
 * strip, once though neighbouring patches share some, then the rows from there into the planes. Done patch by patch, the
 * bookkeeping of the small loops costs as much as the sums. `afterStrip` may read the strip before it is transformed.
 */
function emitInputPlanes(
  body: FunctionBody,
  job: StripJob,
  [first, last]: readonly [I32, I32],
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
const maskBytes = (tiling: Tiling) => tiling.maps.tile * maskColumns(tiling) * 4
/** One vector more: windows reach two pixels beyond the last output's. */
const flagBytes = (tiling: Tiling) => tiling.maps.patch * (maskColumns(tiling) + 4) * 4

/**
 * Masks of the outputs of one tile row: no bit where every number of the 3 x 3 window is 0, all bits elsewhere. There the sum
 * must be exactly 0, as a plain sum is, not what rounding leaves over from the rest of the patch: in images with an empty
 * background and layers that begin without a bias, relu's slope depends on it.
 */
function emitWindowMasks(body: FunctionBody, job: StripJob, strip: I32, flags: I32, masks: Local<'i32'>): void {
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

/**
 * Turns the products' planes [tiles, filters] into outputs of tile rows first..last-1 and applies the epilogue: columns in
 * place in the planes, then rows.
 */
function emitOutputs(
  body: FunctionBody,
  images: Images,
  tiling: Tiling,
  [first, last]: readonly [I32, I32],
  planes: I32,
  stride: number,
  epilogue: Epilogue,
  masks: I32 | null,
): void {
  const { maps, across, down } = tiling
  const { tile, patch } = maps
  const pixel = images.channels * 4
  const clipsRows = images.height % tile > 0
  const clipsColumns = images.width % tile > 0
  const plane = body.local('i32', planes)
  const at = body.local('i32')
  const columnPlane = body.local('i32')
  const rowPlane = body.local('i32')
  const y = body.local('i32')
  const rowOffset = body.local('i32')
  const offset = body.local('i32')
  const tileOffset = body.local('i32')
  const mask = body.local('i32', masks ?? i32.const(0))
  body.for(first, last, 1, (tileRow) => {
    body.set(columnPlane, plane)
    body.for(0, patch, 1, () => {
      body.set(at, columnPlane)
      body.for(0, across * pixel, 16, () => {
        const column = Array.from({ length: patch }, (_, row) => f32x4.load(at, row * patch * stride))
        applyMap(body, maps.output, column).forEach((value, row) => {
          body.store(at, value, row * patch * stride)
        })
        body.advance(at, 16)
      })
      body.advance(columnPlane, stride)
    })
    body.set(y, i32.mul(i32.remU(tileRow, i32.const(down)), i32.const(tile)))
    const imageRow = i32.mul(i32.divU(tileRow, i32.const(down)), i32.const(images.height))
    body.set(rowOffset, i32.mul(i32.add(imageRow, y), i32.const(images.width * pixel)))
    body.set(rowPlane, plane)
    const emitRow = () => {
      body.set(at, rowPlane)
      body.set(tileOffset, rowOffset)
      body.for(0, across * tile, tile, (x) => {
        body.for(0, pixel, 16, (filter) => {
          const row = Array.from({ length: patch }, (_, column) => f32x4.load(at, column * stride))
          body.set(offset, i32.add(tileOffset, filter))
          applyMap(body, maps.output, row).forEach((value, column) => {
            const store = () => {
              if (masks) body.set(value, f32x4.and(value, f32x4.loadSplat(mask, column * 4)))
              finish(body, [value], epilogue, filter, i32.add(offset, i32.const(column * pixel)))
              body.store(offset, value, images.address + column * pixel)
            }
            const inside = i32.ltS(i32.add(x, i32.const(column)), i32.const(images.width))
            if (clipsColumns && column > 0) body.if(inside, store)
            else store()
          })
          body.advance(at, 16)
        })
        body.advance(tileOffset, tile * pixel)
        body.advance(mask, tile * 4)
      })
      body.advance(mask, (maskColumns(tiling) - across * tile) * 4)
    }
    body.for(0, tile, 1, () => {
      if (clipsRows)
        body.if(i32.ltS(y, i32.const(images.height)), emitRow, () => body.advance(mask, maskColumns(tiling) * 4))
      else emitRow()
      body.advance(y, 1)
      body.advance(rowPlane, patch * stride)
      body.advance(rowOffset, images.width * pixel)
    })
    body.advance(plane, across * pixel)
  })
}

/** Scratch memory in parts. */
class ScratchLayout {
  bytes = 0

  /** A part's address within whatever scratch a caller gives. */
  part(bytes: number): (scratch: I32) => I32 {
    const offset = this.bytes
    this.bytes += Math.ceil(bytes / 64) * 64
    return (scratch) => i32.add(scratch, i32.const(offset))
  }
}

/** The tile rows of unit or chunk `index`, as variables. */
function rowsOf(body: FunctionBody, index: I32, { unitRows, total }: Tiling): readonly [Local<'i32'>, Local<'i32'>] {
  const first = body.local('i32', i32.mul(index, i32.const(unitRows)))
  const last = body.local('i32', i32.add(first, i32.const(unitRows)))
  if (total % unitRows > 0) body.if(i32.ltS(i32.const(total), last), () => body.set(last, i32.const(total)))
  return [first, last]
}

interface ConvolutionJob {
  readonly x: Images
  readonly y: Images
  readonly padding: readonly [top: number, left: number]
  readonly maps: WinogradMaps
  /** Planes [x's channels, y's channels]. */
  readonly weights: number
  readonly epilogue: Epilogue
  /** Whether sums over nothing but zeros are exactly 0. */
  readonly keepsZeros: boolean
}

/** y = x * kernel. */
function emitConvolution(emitter: KernelEmitter, job: ConvolutionJob): void {
  const { x, y, maps, weights } = job
  const [top, left] = job.padding
  const tiling = tilingOf(y, x.channels + y.channels)
  const strips: StripJob = { images: x, top, left, matrix: maps.input, tiling }
  const tiles = tiling.unitRows * tiling.across
  const inputStride = planeStride(tiles * x.channels)
  const outputStride = planeStride(tiles * y.channels)
  const weightStride = planeStride(x.channels * y.channels)
  const layout = new ScratchLayout()
  const strip = layout.part(stripBytes(strips))
  const inputs = layout.part(planeCount(maps) * inputStride)
  const products = layout.part(planeCount(maps) * outputStride)
  const flags = layout.part(flagBytes(tiling))
  const masks = layout.part(tiling.unitRows * maskBytes(tiling))
  emitter.phase(Math.ceil(tiling.total / tiling.unitRows), layout.bytes, (body, unit, scratch) => {
    const rows = rowsOf(body, unit, tiling)
    const mask = body.local('i32', masks(scratch))
    emitInputPlanes(body, strips, rows, inputs(scratch), inputStride, strip(scratch), () => {
      if (job.keepsZeros) emitWindowMasks(body, strips, strip(scratch), flags(scratch), mask)
    })
    const left = body.local('i32', inputs(scratch))
    const out = body.local('i32', products(scratch))
    const unitTiles = body.local('i32', i32.mul(i32.sub(rows[1], rows[0]), i32.const(tiling.across)))
    body.for(weights, weights + planeCount(maps) * weightStride, weightStride, (right) => {
      emitSmallProduct(body, {
        rows: unitTiles,
        inner: i32.const(x.channels),
        columns: y.channels,
        left,
        rowStride: x.channels * 4,
        innerStride: 4,
        right,
        out,
        accumulate: false,
      })
      body.advance(left, inputStride)
      body.advance(out, outputStride)
    })
    const kept = job.keepsZeros ? masks(scratch) : null
    emitOutputs(body, y, tiling, rows, products(scratch), outputStride, job.epilogue, kept)
  })
}

/** Whether these kernels can take the step: 3 x 3, strides 1, whole vectors, a plain input. */
export function suitsWinograd(step: CpuStep): boolean {
  const w = windowOf(step.attributes)
  const isWhole = ({ shape }: CpuOperand) => shape[shape.length - 1] % 4 === 0
  return (
    !('blend' in step.attributes) &&
    [w.windowHeight, w.windowWidth].every((extent) => extent === 3) &&
    [w.strideY, w.strideX].every((stride) => stride === 1) &&
    Math.max(w.padTop, w.padLeft) <= 2 &&
    [...step.inputs.slice(0, 2), ...step.outputs].every(isWhole)
  )
}

/** y = x * kernel. */
export const winogradConv2d: CpuKernel = (step, emitter) => {
  const [x, kernel] = step.inputs
  const [channels, filters] = kernel.shape.slice(2)
  const w = windowOf(step.attributes)
  const y = imagesOf(step.outputs[0])
  const { maps } = tilingOf(y, channels + filters)
  const stride = planeStride(channels * filters)
  const weights = emitter.workspace(planeCount(maps) * stride)
  emitter.phase(channels, transformBytes, (body, channel, scratch) => {
    const row = body.local('i32', i32.mul(channel, i32.const(filters * 4)))
    const target = body.local('i32')
    body.for(0, filters * 4, 16, (filter) => {
      const place = body.local('i32', i32.add(row, filter))
      body.set(target, i32.add(place, i32.const(weights)))
      const rowStride = 3 * channels * filters * 4
      const grid = { address: i32.add(place, i32.const(kernel.address)), rowStride, columnStride: rowStride / 3 }
      emitTransform(body, maps.kernel, grid, scratch, (values) => storeInPlanes(body, target, values, stride))
    })
  })
  emitConvolution(emitter, {
    x: imagesOf(x),
    y,
    padding: [w.padTop, w.padLeft],
    maps,
    weights,
    epilogue: epilogueOf(step, 2),
    keepsZeros: true,
  })
}

/** dx from dy: the same convolution with the kernel turned round, channels and filters swapped. */
export const winogradInputGradient: CpuKernel = (step, emitter) => {
  const [dy, kernel] = step.inputs
  const [channels, filters] = kernel.shape.slice(2)
  const w = windowOf(step.attributes)
  const dx = imagesOf(step.outputs[0])
  const { maps } = tilingOf(dx, channels + filters)
  const stride = planeStride(channels * filters)
  const weights = emitter.workspace(planeCount(maps) * stride)
  const turned = maps.kernel.map((row) => [...row].reverse())
  emitter.phase(channels, transformBytes, (body, channel, scratch) => {
    const row = body.local('i32', i32.mul(channel, i32.const(filters * 4)))
    const column = body.local('i32', i32.shl(channel, i32.const(2)))
    const target = body.local('i32')
    body.for(0, filters * 4, 16, (filter) => {
      body.set(target, i32.add(column, i32.mul(filter, i32.const(channels))))
      const rowStride = 3 * channels * filters * 4
      const address = i32.add(i32.add(row, filter), i32.const(kernel.address))
      emitTransform(body, turned, { address, rowStride, columnStride: rowStride / 3 }, scratch, (values) => {
        values.forEach((value, plane) => {
          for (let lane = 0; lane < 4; lane++)
            body.store(target, f32x4.extractLane(value, lane), weights + plane * stride + lane * channels * 4)
        })
        body.advance(target, values.length * stride)
      })
    })
  })
  emitConvolution(emitter, {
    x: imagesOf(dy),
    y: dx,
    padding: [2 - w.padTop, 2 - w.padLeft],
    maps,
    weights,
    epilogue: epilogueOf(step, 2),
    keepsZeros: false,
  })
}

/**
 * dkernel from x and dy: products of the transformed patches and the transformed tiles of dy, summed as planes [channels,
 * filters] and transformed once at the end. Slices of the tile rows have sums of their own, which are added in order, so the
 * result does not depend on who computed what.
 */
export const winogradKernelGradient: CpuKernel = (step, emitter) => {
  const x = imagesOf(step.inputs[0])
  const dy = imagesOf(step.inputs[1])
  const [dk] = step.outputs
  const w = windowOf(step.attributes)
  const tiling = tilingOf(dy, x.channels + dy.channels)
  const { maps } = tiling
  const patches: StripJob = {
    images: x,
    top: w.padTop,
    left: w.padLeft,
    matrix: maps.input,
    tiling,
  }
  const tiles: StripJob = {
    images: dy,
    top: 0,
    left: 0,
    matrix: transposed(maps.output),
    tiling,
  }
  const unitTiles = tiling.unitRows * tiling.across
  const patchStride = planeStride(unitTiles * x.channels)
  const tileStride = planeStride(unitTiles * dy.channels)
  const sumStride = planeStride(x.channels * dy.channels)
  const sumBytes = planeCount(maps) * sumStride
  const layout = new ScratchLayout()
  const strip = layout.part(Math.max(stripBytes(patches), stripBytes(tiles)))
  const patchPlanes = layout.part(planeCount(maps) * patchStride)
  const tilePlanes = layout.part(planeCount(maps) * tileStride)
  const chunks = Math.ceil(tiling.total / tiling.unitRows)
  const slices = Math.min(chunks, 8)
  const partial = emitter.workspace(slices * sumBytes)

  emitter.phase(slices, layout.bytes, (body, slice, scratch) => {
    const sums = body.local('i32', i32.add(i32.const(partial), i32.mul(slice, i32.const(sumBytes))))
    body.fill(sums, 0, sumBytes)
    const left = body.local('i32')
    const right = body.local('i32')
    const out = body.local('i32')
    const inner = body.local('i32')
    // Chunks slice, slice + slices, …: as even as can be whatever their number.
    body.for(slice, chunks, slices, (chunk) => {
      const rows = rowsOf(body, chunk, tiling)
      emitInputPlanes(body, patches, rows, patchPlanes(scratch), patchStride, strip(scratch))
      emitInputPlanes(body, tiles, rows, tilePlanes(scratch), tileStride, strip(scratch))
      body.set(left, patchPlanes(scratch))
      body.set(right, tilePlanes(scratch))
      body.set(out, sums)
      body.set(inner, i32.mul(i32.sub(rows[1], rows[0]), i32.const(tiling.across)))
      body.for(0, planeCount(maps), 1, () => {
        emitSmallProduct(body, {
          rows: i32.const(x.channels),
          inner,
          columns: dy.channels,
          left,
          rowStride: 4,
          innerStride: x.channels * 4,
          right,
          out,
          accumulate: true,
        })
        body.advance(left, patchStride)
        body.advance(right, tileStride)
        body.advance(out, sumStride)
      })
    })
  })

  const sumLayout = new ScratchLayout()
  const half = sumLayout.part(transformBytes)
  const grid = sumLayout.part(transformBytes)
  emitter.phase(x.channels, sumLayout.bytes, (body, channel, scratch) => {
    const row = body.local('i32', i32.mul(channel, i32.const(dy.channels * 4)))
    const from = body.local('i32')
    const to = body.local('i32')
    const total = body.local('v128')
    const target = body.local('i32')
    body.for(0, dy.channels * 4, 16, (filter) => {
      body.set(to, grid(scratch))
      body.for(0, sumBytes, sumStride, (plane) => {
        body.set(total, f32x4.const(0))
        body.set(from, i32.add(i32.add(row, filter), plane))
        body.for(0, slices, 1, () => {
          body.set(total, f32x4.add(total, f32x4.load(from, partial)))
          body.advance(from, sumBytes)
        })
        body.store(to, total)
        body.advance(to, 16)
      })
      body.set(target, i32.add(row, filter))
      const tapBytes = x.channels * dy.channels * 4
      const sums = { address: grid(scratch), rowStride: maps.patch * 16, columnStride: 16 }
      emitTransform(body, transposed(maps.kernel), sums, half(scratch), (values) => {
        values.forEach((value, tap) => {
          body.store(target, value, dk.address + tap * tapBytes)
        })
        body.advance(target, 3 * tapBytes)
      })
    })
  })
}
