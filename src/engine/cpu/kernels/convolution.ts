import { groupsOf } from '../../ops/conv2d.ts'
import { dilationOf } from '../../ops/window.ts'
import { sizeOf } from '../../tensor.ts'
import { type FunctionBody, f32x4, type I32, i32, type Local } from '../../wasm/emitter.ts'
import type { CpuKernel, CpuOperand, KernelEmitter } from '../kernel.ts'
import { type Epilogue, epilogueOf, finish } from './epilogue.ts'
import { bytesOf, type PaddedImage, pad, padBlended, paddedFor, windowOf } from './padded-image.ts'
import { packedWidth, storeVector, vectorBlocks } from './register-block.ts'

/** Direct convolution of a padded image. Groups of channels are convolved one after the other, each with weights of its own. */
export interface Correlation {
  readonly image: PaddedImage
  readonly windowHeight: number
  readonly windowWidth: number
  readonly strideY: number
  readonly strideX: number
  readonly dilation: readonly [y: number, x: number]
  readonly groups: number
  readonly outWidth: number
  /** In bytes, from one pixel of the outputs to the next in its row, and to the one below. */
  readonly outPixel: number
  readonly outRow: number
  /** Of all groups. */
  readonly filters: number
  /** Weights [groups, windowHeight, windowWidth, a group's channels, its filters rounded up to whole vectors]. */
  readonly weights: number
  readonly epilogue: Epilogue
}

/** Rows of one image's outputs, group by group. */
export function correlate(
  body: FunctionBody,
  image: I32,
  output: I32,
  outputOffset: I32,
  rows: readonly [I32, I32],
  job: Correlation,
): void {
  const { groups } = job
  if (groups === 1) {
    correlateGroup(body, image, output, outputOffset, rows, job, { weights: i32.const(job.weights), firstFilter: null })
    return
  }
  const [channels, filters] = [job.image.channels / groups, job.filters / groups]
  const weights = body.local('i32', i32.const(job.weights))
  const firstFilter = body.local('i32', i32.const(0))
  const from = body.local('i32', image)
  body.for(0, groups, 1, () => {
    const offset = body.local('i32', i32.add(outputOffset, firstFilter))
    correlateGroup(body, from, output, offset, rows, job, { weights, firstFilter })
    body.advance(from, channels * 4)
    body.advance(firstFilter, filters * 4)
    body.advance(weights, job.windowHeight * job.windowWidth * channels * packedWidth(filters) * 4)
  })
}

/**
 * Rows of the outputs that one group makes: every pixel of every block of filters. A block holds 2-8 pixels x 1-4 vectors of sums in registers and
 * walks the window; its weights (27 KB for 48 channels x 16 filters) stay in the first-level cache over the whole image.
 */
function correlateGroup(
  body: FunctionBody,
  image: I32,
  output: I32,
  outputOffset: I32,
  [firstRow, rows]: readonly [I32, I32],
  job: Correlation,
  group: { readonly weights: I32 /** In bytes; null where it is the only group. */; readonly firstFilter: I32 | null },
): void {
  const pixel = job.image.channels * 4
  const channels = job.image.channels / job.groups
  const filters = job.filters / job.groups
  const [dilationY, dilationX] = job.dilation
  // Taps of a row of the window that lie side by side, and how many such runs there are.
  const isWhole = dilationX === 1 && job.groups === 1
  const run = isWhole ? job.windowWidth * channels : channels
  const width = packedWidth(filters)
  // Of the outputs, from the end of a row to the next.
  const between = job.outRow - job.outWidth * job.outPixel
  const emitTile = (x: Local<'i32'>, o: Local<'i32'>, w: I32, filter: I32, vectors: number, pixels: number) => {
    const sums = Array.from({ length: pixels }, () => Array.from({ length: vectors }, () => body.local('v128')))
    for (const row of sums) for (const sum of row) body.set(sum, f32x4.const(0))
    const taps = body.local('i32', x)
    const weights = body.local('i32', w)
    const loaded = Array.from({ length: vectors }, () => body.local('v128'))
    const value = body.local('v128')
    const sumRun = () =>
      // Not unrolled: in larger blocks V8 hoists the loads, runs out of registers and gets half as fast.
      body.for(0, run, 1, () => {
        loaded.forEach((vector, v) => body.set(vector, f32x4.load(weights, v * 16)))
        sums.forEach((row, p) => {
          body.set(value, f32x4.loadSplat(taps, p * job.strideX * pixel))
          row.forEach((sum, v) => body.set(sum, body.multiplyAdd(sum, value, loaded[v])))
        })
        body.advance(taps, 4)
        body.advance(weights, width * 4)
      })
    body.for(0, job.windowHeight, 1, () => {
      if (isWhole) sumRun()
      else
        body.for(0, job.windowWidth, 1, () => {
          sumRun()
          body.advance(taps, dilationX * pixel - run * 4)
        })
      body.advance(taps, (dilationY * job.image.width - job.windowWidth * dilationX) * pixel)
    })
    const bias = group.firstFilter ? body.local('i32', i32.add(filter, group.firstFilter)) : filter
    sums.forEach((row, p) => {
      finish(body, row, job.epilogue, bias, i32.add(o, i32.const(p * job.outPixel)))
      row.forEach((sum, v) => storeVector(body, i32.add(output, o), p * job.outPixel + v * 16, sum, filters, filter, v))
    })
  }
  for (const { first, count, vectors } of vectorBlocks(filters)) {
    const pixels = Math.min(job.outWidth, Math.max(1, Math.floor(8 / vectors)))
    const whole = Math.floor(job.outWidth / pixels)
    const rest = job.outWidth % pixels
    body.for(0, count, 1, (block) => {
      // Bytes from the first filter of a row of filters to this block's.
      const filter = body.local('i32', i32.add(i32.const(first * 16), i32.mul(block, i32.const(vectors * 16))))
      const w = body.local('i32', i32.add(group.weights, filter))
      const above = i32.mul(firstRow, i32.const(job.outRow))
      const o = body.local('i32', i32.add(i32.add(outputOffset, filter), above))
      const skipped = i32.mul(firstRow, i32.const(job.strideY * job.image.width * pixel))
      const row = body.local('i32', i32.add(image, skipped))
      const x = body.local('i32')
      body.for(i32.const(0), rows, 1, () => {
        body.set(x, row)
        body.for(0, whole, 1, () => {
          emitTile(x, o, w, filter, vectors, pixels)
          body.advance(x, pixels * job.strideX * pixel)
          body.advance(o, pixels * job.outPixel)
        })
        if (rest > 0) {
          emitTile(x, o, w, filter, vectors, rest)
          body.advance(o, rest * job.outPixel)
        }
        body.advance(row, job.strideY * job.image.width * pixel)
        if (between !== 0) body.advance(o, between)
      })
    })
  }
}

/** With fewer images than this, threads share the rows of each. */
const leastUnits = 16

/** A phase whose units are bands of rows of an image's outputs, whole images if there are enough of them. */
export function forEachBand(
  emitter: KernelEmitter,
  [count, height]: readonly number[],
  scratchBytes: number,
  emit: (body: FunctionBody, n: I32, rows: readonly [I32, I32], scratch: I32) => void,
): void {
  const bandRows = Math.ceil(height / Math.min(height, Math.ceil(leastUnits / count)))
  const bands = Math.ceil(height / bandRows)
  emitter.phase(count * bands, scratchBytes, (body, unit, scratch) => {
    const n = body.local('i32', i32.divU(unit, i32.const(bands)))
    const first = body.local('i32', i32.mul(i32.remU(unit, i32.const(bands)), i32.const(bandRows)))
    const rows = body.local('i32', i32.sub(i32.const(height), first))
    body.if(i32.ltS(i32.const(bandRows), rows), () => body.set(rows, i32.const(bandRows)))
    emit(body, n, [first, rows], scratch)
  })
}

/**
 * Weights [taps, filters] as the kernel reads them, [groups, taps, a group's filters]: in place when whole vectors of one group, else
 * copied to rows of whole vectors.
 */
export function packWeights(emitter: KernelEmitter, kernel: CpuOperand, filters: number, groups = 1): number {
  const own = filters / groups
  const width = packedWidth(own)
  if (groups === 1 && width === filters) return kernel.address
  const taps = sizeOf(kernel.shape) / filters
  const packed = emitter.workspace(groups * taps * width * 4)
  emitter.phase(groups * taps, 0, (body, unit) => {
    const row = groups === 1 ? unit : i32.remU(unit, i32.const(taps))
    const from = i32.add(i32.const(kernel.address), i32.mul(row, i32.const(filters * 4)))
    const first = groups === 1 ? from : i32.add(from, i32.mul(i32.divU(unit, i32.const(taps)), i32.const(own * 4)))
    body.copy(i32.add(i32.const(packed), i32.mul(unit, i32.const(width * 4))), first, own * 4)
  })
  return packed
}

/** y = x * kernel. */
export const conv2d: CpuKernel = (step, emitter) => {
  const blend = 'blend' in step.attributes
  const { x, image: original, kernel } = step.inputs
  const [y] = step.outputs
  const w = windowOf(step.attributes)
  const [height, width, channels] = blend ? original.shape : x.shape.slice(1)
  const filters = kernel.shape[3]
  const image = paddedFor(height, width, channels, w)
  const [groups, dilation] = [groupsOf(w), dilationOf(w)]
  const weights = packWeights(emitter, kernel, filters, groups)
  const epilogue = epilogueOf(step, emitter)
  forEachBand(emitter, y.shape, bytesOf(image), (body, n, rows, scratch) => {
    if (blend) padBlended(body, step, n, image, scratch, w)
    else {
      const from = i32.add(i32.const(x.address), i32.mul(n, i32.const(height * width * channels * 4)))
      pad(body, from, [height, width], image, scratch, { top: w.padTop, left: w.padLeft, strideY: 1, strideX: 1 })
    }
    const offset = i32.mul(n, i32.const(w.outHeight * w.outWidth * filters * 4))
    const outPixel = filters * 4
    const job = { ...w, outPixel, outRow: w.outWidth * outPixel, dilation, groups, image, filters, weights, epilogue }
    correlate(body, scratch, i32.const(y.address), offset, rows, job)
  })
}
