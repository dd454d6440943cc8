import { groupsOf } from '../../ops/conv2d.ts'
import { dilationOf, type WindowAttributes } from '../../ops/window.ts'
import type { FunctionBody } from '../../wasm/emitter.ts'
import { f32x4, type I32, i32, type Local } from '../../wasm/instructions.ts'
import type { CpuKernel } from '../kernel.ts'
import { bytesOf, type PaddedImage, pad, paddedFor, windowOf } from './padded-image.ts'
import { packedWidth, storeVector } from './register-block.ts'

/**
 * Slices of the work of a kernel's gradient, each with sums of its own: as many can be computed at a time. The same number
 * whatever the threads, for the order of the sums decides their last bits.
 */
export const gradientSlices = 16

/**
 * dkernel[tap, filter] = Σ over images and pixels of x at the tap · dy: outer products of a few taps and a few vectors of
 * filters, summed in registers over one image, then added to memory. One unit a block of taps and filters would share the
 * images; instead one unit is a slice of the images with sums of its own, and a last phase adds the slices in order, so the
 * result does not depend on who computed what. Groups have sums of their own, one behind the other.
 */
export const conv2dKernelGradient: CpuKernel = (step, emitter) => {
  const { x, dy } = step.inputs
  const [dk] = step.outputs
  const w = windowOf(step.attributes)
  const [count, height, width, channels] = x.shape
  const filters = dy.shape[3]
  const image = paddedFor(height, width, channels, w)
  const groups = groupsOf(w)
  // Of one group.
  const [ownChannels, ownFilters] = [channels / groups, filters / groups]
  const packed = packedWidth(ownFilters)
  const rowTaps = w.windowWidth * ownChannels
  const groupBytes = w.windowHeight * rowTaps * packed * 4
  const sumBytes = groups * groupBytes
  const slices = Math.min(count, gradientSlices)
  const partial = emitter.workspace(slices * sumBytes)
  const pixels = w.outHeight * w.outWidth
  // Of several groups, vectors may begin anywhere, and what they hold beside their own is never stored.
  const dyBytes = packed === filters || groups > 1 ? 0 : pixels * packed * 4

  emitter.phase(slices, bytesOf(image) + dyBytes + 64, (body, slice, scratch) => {
    const sums = body.local('i32', i32.add(i32.const(partial), i32.mul(slice, i32.const(sumBytes))))
    body.fill(sums, 0, sumBytes)
    // Images slice, slice + slices, …: as even as can be whatever the count.
    body.for(slice, count, slices, (n) => {
      const from = i32.add(i32.const(x.address), i32.mul(n, i32.const(height * width * channels * 4)))
      pad(body, from, [height, width], image, scratch, { top: w.padTop, left: w.padLeft, strideY: 1, strideX: 1 })
      const gradient = body.local('i32', i32.add(i32.const(dy.address), i32.mul(n, i32.const(pixels * filters * 4))))
      if (dyBytes > 0) {
        const rows = body.local('i32', i32.add(scratch, i32.const(bytesOf(image))))
        const to = body.local('i32', rows)
        body.for(0, pixels, 1, () => {
          body.copy(to, gradient, filters * 4)
          body.advance(to, packed * 4)
          body.advance(gradient, filters * 4)
        })
        body.set(gradient, rows)
      }
      const job = { image, w, channels: ownChannels, packed, pitch: groups > 1 ? filters : packed }
      if (groups === 1) emitOuterProducts(body, scratch, gradient, sums, job)
      else {
        const padded = body.local('i32', scratch)
        const own = body.local('i32', sums)
        body.for(0, groups, 1, () => {
          emitOuterProducts(body, padded, gradient, own, job)
          body.advance(padded, ownChannels * 4)
          body.advance(gradient, ownFilters * 4)
          body.advance(own, groupBytes)
        })
      }
    })
  })

  const taps = w.windowHeight * rowTaps
  emitter.phase(groups * taps, 0, (body, unit) => {
    const tap = groups === 1 ? unit : i32.remU(unit, i32.const(taps))
    const row = i32.mul(tap, i32.const(filters * 4))
    const to = groups === 1 ? row : i32.add(row, i32.mul(i32.divU(unit, i32.const(taps)), i32.const(ownFilters * 4)))
    addSlices(body, unit, i32.add(i32.const(dk.address), to), { partial, slices, sumBytes, columns: ownFilters })
  })
}

/** Adds up one row of the slices' sums, rows of whole vectors, in their order, and stores it at `to`. */
export function addSlices(
  body: FunctionBody,
  row: I32,
  to: I32,
  job: { readonly partial: number; readonly slices: number; readonly sumBytes: number; readonly columns: number },
): void {
  const { partial, slices, sumBytes, columns } = job
  for (let v = 0; v * 4 < columns; v++) {
    const total = body.local('v128', f32x4.const(0))
    const from = body.local('i32', i32.mul(row, i32.const(packedWidth(columns) * 4)))
    body.for(0, slices, 1, () => {
      body.set(total, f32x4.add(total, f32x4.load(from, partial + v * 16)))
      body.advance(from, sumBytes)
    })
    storeVector(body, to, v * 16, total, columns, i32.const(0), v)
  }
}

function emitOuterProducts(
  body: FunctionBody,
  image: I32,
  gradient: I32,
  sums: I32,
  job: {
    readonly image: PaddedImage
    readonly w: WindowAttributes
    /** Of the group. */
    readonly channels: number
    /** Its filters, rounded up to whole vectors. */
    readonly packed: number
    /** Numbers from one pixel of dy to the next. */
    readonly pitch: number
  },
): void {
  const { w, packed } = job
  const pixel = job.image.channels * 4
  const [dilationY, dilationX] = dilationOf(w)
  const rowTaps = w.windowWidth * job.channels
  // Taps of a row of the window that lie side by side.
  const run = dilationX === 1 && job.channels === job.image.channels ? rowTaps : job.channels
  const emitBlock = (tap: I32, vector: I32, ky: I32, kx: I32 | null, taps: number, vectors: number) => {
    const totals: Local<'v128'>[][] = Array.from({ length: taps }, () =>
      Array.from({ length: vectors }, () => body.local('v128')),
    )
    for (const row of totals) for (const total of row) body.set(total, f32x4.const(0))
    const firstRow = i32.add(image, i32.mul(ky, i32.const(dilationY * job.image.width * pixel)))
    const first = kx ? i32.add(firstRow, i32.mul(kx, i32.const(dilationX * pixel))) : firstRow
    const row = body.local('i32', i32.add(first, i32.shl(tap, i32.const(2))))
    const dy = body.local('i32', i32.add(gradient, vector))
    const x = body.local('i32')
    const loaded = Array.from({ length: vectors }, () => body.local('v128'))
    const value = body.local('v128')
    body.for(0, w.outHeight, 1, () => {
      body.set(x, row)
      body.for(0, w.outWidth, 1, () => {
        loaded.forEach((slope, v) => body.set(slope, f32x4.load(dy, v * 16)))
        totals.forEach((line, a) => {
          body.set(value, f32x4.loadSplat(x, a * 4))
          line.forEach((total, v) => body.set(total, body.multiplyAdd(total, value, loaded[v])))
        })
        body.advance(x, w.strideX * pixel)
        body.advance(dy, job.pitch * 4)
      })
      body.advance(row, w.strideY * job.image.width * pixel)
    })
    const inRun = i32.add(i32.mul(tap, i32.const(packed * 4)), vector)
    const inRow = kx ? i32.add(i32.mul(kx, i32.const(run * packed * 4)), inRun) : inRun
    const place = i32.add(i32.mul(ky, i32.const(rowTaps * packed * 4)), inRow)
    const to = body.local('i32', i32.add(sums, place))
    totals.forEach((line, a) =>
      line.forEach((total, v) => {
        const offset = a * packed * 4 + v * 16
        body.store(to, f32x4.add(f32x4.load(to, offset), total), offset)
      }),
    )
  }
  const vectorCount = packed / 4
  const vectors = vectorCount % 2 === 0 ? 2 : vectorCount % 3 === 0 ? 3 : 1
  const taps = Math.min(run, Math.floor(8 / vectors))
  const whole = run - (run % taps)
  const emitRun = (ky: I32, kx: I32 | null) =>
    body.for(0, packed * 4, vectors * 16, (vector) => {
      body.for(0, whole, taps, (tap) => emitBlock(tap, vector, ky, kx, taps, vectors))
      if (whole < run) emitBlock(i32.const(whole), vector, ky, kx, run - whole, vectors)
    })
  body.for(0, w.windowHeight, 1, (ky) => {
    if (run === rowTaps) emitRun(ky, null)
    else body.for(0, w.windowWidth, 1, (kx) => emitRun(ky, kx))
  })
}
