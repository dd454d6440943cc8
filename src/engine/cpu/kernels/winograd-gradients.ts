import { transposed } from '../../ops/winograd-maps.ts'
import { f32x4, i32 } from '../../wasm/instructions.ts'
import type { CpuKernel } from '../kernel.ts'
import { gradientSlices } from './convolution-kernel-gradient.ts'
import { epilogueOf } from './epilogue.ts'
import { windowOf } from './padded-image.ts'
import { emitSmallProduct, type SmallProduct } from './small-product.ts'
import { emitConvolution, ScratchLayout } from './winograd.ts'
import {
  emitInputPlanes,
  imagesOf,
  planeCount,
  planeStride,
  rowsOf,
  type StripJob,
  stripBytes,
  tilingOf,
} from './winograd-planes.ts'
import { emitTransform, transformBytes } from './winograd-transforms.ts'

/** The gradients of Winograd convolutions: winograd.ts has the convolution. */

/** dx from dy: the same convolution with the kernel turned round, channels and filters swapped. */
export const winogradInputGradient: CpuKernel = (step, emitter) => {
  const { dy, kernel } = step.inputs
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
    weights,
    weightLayout: 'rows',
    epilogue: epilogueOf(step, emitter),
    keepsZeros: false,
  })
}

/**
 * dkernel from x and dy: products of the transformed patches and the transformed tiles of dy, summed as planes [channels,
 * filters] and transformed once at the end. Slices of the tile rows have sums of their own, which are added in order, so the
 * result does not depend on who computed what.
 */
export const winogradKernelGradient: CpuKernel = (step, emitter) => {
  const x = imagesOf(step.inputs.x)
  const dy = imagesOf(step.inputs.dy)
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
  const slices = Math.min(chunks, gradientSlices)
  const partial = emitter.workspace(slices * sumBytes)
  const block = emitter.blockFor({
    rows: x.channels,
    inner: unitTiles,
    columns: dy.channels,
    leftIsTransposed: true,
    accumulate: true,
    rightLayout: 'rows',
  })

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
        const product: SmallProduct = {
          rows: i32.const(x.channels),
          inner,
          columns: dy.channels,
          left,
          rowStride: 4,
          innerStride: x.channels * 4,
          right,
          rightLayout: 'rows',
          out,
          accumulate: true,
        }
        emitSmallProduct(body, product, block)
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
