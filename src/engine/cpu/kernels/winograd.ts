import { groupsOf } from '../../ops/conv2d.ts'
import { dilationOf } from '../../ops/window.ts'
import { largeTiles, smallTiles, type WinogradMaps } from '../../ops/winograd-maps.ts'
import type { Arrangement, StepTypes } from '../../plan/arrange-weights.ts'
import type { TensorType } from '../../tensor.ts'
import type { FunctionBody } from '../../wasm/emitter.ts'
import { type I32, i32, type Local } from '../../wasm/instructions.ts'
import type { CpuKernel, KernelEmitter } from '../kernel.ts'
import { type Epilogue, epilogueOf } from './epilogue.ts'
import { imagesAndKernels, windowOf } from './padded-image.ts'
import { type RightLayout, vectorBlocks } from './register-block.ts'
import { emitSmallProduct, productPanelVectors, type SmallProduct } from './small-product.ts'
import {
  emitInputPlanes,
  emitOutputs,
  emitWindowMasks,
  flagBytes,
  halfTileBytes,
  type Images,
  imagesOf,
  mapsFor,
  maskBytes,
  planeCount,
  planeStride,
  rowsOf,
  type StripJob,
  stripBytes,
  type TileRows,
  tilingOf,
} from './winograd-planes.ts'
import { emitTransform, transformBytes } from './winograd-transforms.ts'

/**
 * Winograd convolution for 3 x 3 kernels, strides of 1, channels and filters in whole vectors. winograd-gradients.ts has its gradients,
 * winograd-transforms.ts has the mathematics, winograd-planes.ts the way from images to planes and back; in between are n²
 * small matrix products, one a plane.
 */

/** Stores a row of transformed vectors into consecutive planes. */
function storeInPlanes(body: FunctionBody, target: Local<'i32'>, row: readonly Local<'v128'>[], stride: number): void {
  row.forEach((value, column) => {
    body.store(target, value, column * stride)
  })
  body.advance(target, row.length * stride)
}

/** Scratch memory in parts. */
export class ScratchLayout {
  bytes = 0

  /** A part's address within whatever scratch a caller gives. */
  part(bytes: number): (scratch: I32) => I32 {
    const offset = this.bytes
    this.bytes += Math.ceil(bytes / 64) * 64
    return (scratch) => i32.add(scratch, i32.const(offset))
  }
}

interface ConvolutionJob {
  readonly x: Images
  readonly y: Images
  readonly padding: readonly [top: number, left: number]
  /** Planes [x's channels, y's channels], and how each lies. */
  readonly weights: number
  readonly weightLayout: RightLayout
  readonly epilogue: Epilogue
  /** Whether sums over nothing but zeros are exactly 0. */
  readonly keepsZeros: boolean
}

/** Bytes of all planes of a kernel that a cache still holds while unit after unit reads them. */
const cachedWeightBytes = 2 ** 20
/** Of larger kernels reading takes as long as multiplying, or longer, unless so many tiles at least share it. */
const tilesPerReading = 32
/** Tiles of a plane that are multiplied in one go, where planes are units. */
const tilesPerProduct = 128

/**
 * y = x * kernel. A unit is a few tile rows, from images to images; of a large kernel that few tiles share a unit is part of a plane's
 * product, so that nobody reads all of the kernel, and transforms are phases of their own.
 */
export function emitConvolution(emitter: KernelEmitter, job: ConvolutionJob): void {
  const { x, y, weights } = job
  const [top, left] = job.padding
  const { maps } = tilingOf(y, x.channels + y.channels)
  const weightStride = planeStride(x.channels * y.channels)
  const isLarge = planeCount(maps) * weightStride > cachedWeightBytes
  const tiling = tilingOf(y, x.channels + y.channels, isLarge ? tilesPerReading : 1)
  const { across, total, unitRows } = tiling
  const isByPlanes = isLarge && unitRows * across < tilesPerReading
  const strips: StripJob = { images: x, top, left, matrix: maps.input, tiling }
  const planeRows = isByPlanes ? total : unitRows
  const tiles = planeRows * across
  const inputStride = planeStride(tiles * x.channels)
  const outputStride = planeStride(tiles * y.channels)
  const layout = new ScratchLayout()
  const strip = layout.part(stripBytes(strips))
  const flags = layout.part(flagBytes(tiling))
  const half = layout.part(halfTileBytes(tiling))
  const planes = isByPlanes ? new ScratchLayout() : layout
  const inputs = planes.part(planeCount(maps) * inputStride)
  const products = planes.part(planeCount(maps) * outputStride)
  const masks = planes.part(planeRows * maskBytes(tiling))
  const shared = isByPlanes ? i32.const(emitter.commonWorkspace(planes.bytes)) : null
  const productTiles = isByPlanes ? evenShare(tiles, tilesPerProduct) : tiles
  const block = emitter.blockFor({
    rows: productTiles,
    inner: x.channels,
    columns: y.channels,
    leftIsTransposed: false,
    accumulate: false,
    rightLayout: job.weightLayout,
  })
  /** Planes hold a unit's tile rows, or all. */
  const skipped = (first: I32, bytes: number) => (isByPlanes ? i32.mul(first, i32.const(bytes)) : i32.const(0))

  const transform = (body: FunctionBody, rows: TileRows, scratch: I32) => {
    const own = shared ?? scratch
    const planesOfRows = i32.add(inputs(own), skipped(rows[0], across * x.channels * 4))
    const mask = body.local('i32', i32.add(masks(own), skipped(rows[0], maskBytes(tiling))))
    emitInputPlanes(body, strips, rows, planesOfRows, inputStride, strip(scratch), () => {
      if (job.keepsZeros) emitWindowMasks(body, strips, strip(scratch), flags(scratch), mask)
    })
  }
  const multiply = (body: FunctionBody, rows: Local<'i32'>, left: I32, right: I32, out: I32) => {
    const product: SmallProduct = {
      rows,
      inner: i32.const(x.channels),
      columns: y.channels,
      left,
      rowStride: x.channels * 4,
      innerStride: 4,
      right,
      rightLayout: job.weightLayout,
      out,
      accumulate: false,
    }
    emitSmallProduct(body, product, block)
  }
  const finish = (body: FunctionBody, rows: TileRows, scratch: I32) => {
    const own = shared ?? scratch
    const planesOfRows = i32.add(products(own), skipped(rows[0], across * y.channels * 4))
    const kept = job.keepsZeros ? i32.add(masks(own), skipped(rows[0], maskBytes(tiling))) : null
    emitOutputs(body, y, tiling, rows, planesOfRows, outputStride, half(scratch), job.epilogue, kept)
  }

  const units = Math.ceil(total / unitRows)
  if (shared === null) {
    emitter.phase(units, layout.bytes, (body, unit, scratch) => {
      const rows = rowsOf(body, unit, tiling)
      transform(body, rows, scratch)
      const left = body.local('i32', inputs(scratch))
      const out = body.local('i32', products(scratch))
      const unitTiles = body.local('i32', i32.mul(i32.sub(rows[1], rows[0]), i32.const(across)))
      body.for(weights, weights + planeCount(maps) * weightStride, weightStride, (right) => {
        multiply(body, unitTiles, left, right, out)
        body.advance(left, inputStride)
        body.advance(out, outputStride)
      })
      finish(body, rows, scratch)
    })
    return
  }
  emitter.phase(units, layout.bytes, (body, unit, scratch) => transform(body, rowsOf(body, unit, tiling), scratch))
  const shares = Math.ceil(tiles / productTiles)
  emitter.phase(planeCount(maps) * shares, 0, (body, unit) => {
    const plane = body.local('i32', i32.divU(unit, i32.const(shares)))
    const first = body.local('i32', i32.mul(i32.remU(unit, i32.const(shares)), i32.const(productTiles)))
    const rows = body.local('i32', i32.sub(i32.const(tiles), first))
    body.if(i32.ltS(i32.const(productTiles), rows), () => body.set(rows, i32.const(productTiles)))
    const tilesFrom = (start: I32, stride: number, channels: number) => {
      const skippedTiles = i32.mul(first, i32.const(channels * 4))
      return body.local('i32', i32.add(i32.add(start, skippedTiles), i32.mul(plane, i32.const(stride))))
    }
    const right = body.local('i32', i32.add(i32.const(weights), i32.mul(plane, i32.const(weightStride))))
    const left = tilesFrom(inputs(shared), inputStride, x.channels)
    multiply(body, rows, left, right, tilesFrom(products(shared), outputStride, y.channels))
  })
  emitter.phase(units, layout.bytes, (body, unit, scratch) => finish(body, rowsOf(body, unit, tiling), scratch))
}

/** Of so many, in shares of about equal size, `most` at most, all but the last of whole blocks of rows. */
function evenShare(count: number, most: number): number {
  const shares = Math.ceil(count / most)
  return Math.ceil(count / shares / 4) * 4
}

/** Whether these kernels can take the step: 3 x 3, strides, dilation and groups 1, little padding, whole vectors, a plain input. */
export function suitsWinograd(step: StepTypes): boolean {
  if ('blend' in step.attributes) return false
  const w = windowOf(step.attributes)
  const [height, width] = 'height' in w ? [w.height, w.width] : step.inputs.x.shape.slice(1)
  const [padBottom, padRight] = [w.outHeight + 2 - height - w.padTop, w.outWidth + 2 - width - w.padLeft]
  const isWhole = ({ shape }: TensorType) => shape[shape.length - 1] % 4 === 0
  return (
    groupsOf(w) === 1 &&
    dilationOf(w).every((dilation) => dilation === 1) &&
    [w.windowHeight, w.windowWidth].every((extent) => extent === 3) &&
    [w.strideY, w.strideX].every((stride) => stride === 1) &&
    Math.max(w.padTop, w.padLeft, padBottom, padRight) <= 2 &&
    imagesAndKernels(step).every(isWhole)
  )
}

/** y = x * kernel. */
export const winogradConv2d: CpuKernel = (step, emitter) => {
  const { x, kernel } = step.inputs
  const w = windowOf(step.attributes)
  const y = imagesOf(step.outputs[0])
  const planes = planesOf(step)
  const isArranged = 'arranged' in step.attributes
  const weights = isArranged ? kernel.address : emitter.workspace(planesBytes(planes))
  if (!isArranged) emitPlanes(emitter, planes, kernel.address, weights)
  emitConvolution(emitter, {
    x: imagesOf(x),
    y,
    padding: [w.padTop, w.padLeft],
    weights,
    weightLayout: layoutOf(planes),
    epilogue: epilogueOf(step, emitter),
    keepsZeros: true,
  })
}

/** A kernel in planes, [n², channels, filters]. */
interface Planes {
  /** Outputs of a tile, across. */
  readonly tile: number
  readonly channels: number
  readonly filters: number
}

function planesOf({ inputs: { x }, outputs: [y] }: StepTypes): Planes {
  const [, height, width, filters] = y.shape
  const channels = x.shape[3]
  return { tile: mapsFor(height, width).tile, channels, filters }
}

function mapsOf({ tile }: Planes): WinogradMaps {
  return tile === smallTiles.tile ? smallTiles : largeTiles
}

function planesBytes(planes: Planes): number {
  return planeCount(mapsOf(planes)) * planeStride(planes.channels * planes.filters)
}

/** The step that makes planes of a kernel before others read it: see arrange-weights.ts. */
export const planesKernel = 'winogradPlanes'

export function planesArrangement(step: StepTypes): Arrangement {
  const planes = planesOf(step)
  return { input: 'kernel', kernel: planesKernel, attributes: { ...planes }, floats: planesBytes(planes) / 4 }
}

export const winogradPlanes: CpuKernel = (step, emitter) => {
  emitPlanes(emitter, step.attributes as unknown as Planes, step.inputs.x.address, step.outputs[0].address)
}

/** Bytes of one plane that the first-level cache holds, however its rows lie in it. */
const smallPlaneBytes = 2 ** 15

function layoutOf({ channels, filters }: Planes): RightLayout {
  return channels * filters * 4 > smallPlaneBytes ? 'panels' : 'rows'
}

function emitPlanes(emitter: KernelEmitter, planes: Planes, kernel: number, weights: number): void {
  const { channels, filters } = planes
  const maps = mapsOf(planes)
  const stride = planeStride(channels * filters)
  const rowStride = 3 * channels * filters * 4
  const wanted = layoutOf(planes) === 'rows' ? filters / 4 : productPanelVectors
  emitter.phase(channels, transformBytes, (body, channel, scratch) => {
    const row = body.local('i32', i32.mul(channel, i32.const(filters * 4)))
    const source = body.local('i32', i32.add(row, i32.const(kernel)))
    const target = body.local('i32')
    for (const { first, count, vectors } of vectorBlocks(filters, wanted))
      body.for(first * 16, (first + count * vectors) * 16, vectors * 16, (panel) => {
        const above = i32.add(i32.mul(panel, i32.const(channels)), i32.mul(channel, i32.const(vectors * 16)))
        const to = body.local('i32', i32.add(above, i32.const(weights)))
        body.for(0, vectors * 16, 16, () => {
          body.set(target, to)
          const grid = { address: source, rowStride, columnStride: rowStride / 3 }
          emitTransform(body, maps.kernel, grid, scratch, (values) => storeInPlanes(body, target, values, stride))
          body.advance(source, 16)
          body.advance(to, 16)
        })
      })
  })
}
