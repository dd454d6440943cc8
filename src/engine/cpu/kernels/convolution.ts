import { groupsOf } from '../../ops/conv2d.ts'
import { coverOf, dilationOf, type WindowAttributes } from '../../ops/window.ts'
import type { StepTypes } from '../../plan/arrange-weights.ts'
import { sizeOf } from '../../tensor.ts'
import type { FunctionBody } from '../../wasm/emitter.ts'
import { f32x4, type I32, i32, type Local } from '../../wasm/instructions.ts'
import type { CpuKernel, CpuOperand, CpuStep, KernelEmitter } from '../kernel.ts'
import { type Epilogue, epilogueOf, finish } from './epilogue.ts'
import { emitPackedProduct, type PackedProduct, unitsOf } from './packed-product.ts'
import { bytesOf, type PaddedImage, padBlended, paddedFor, padRows, windowOf } from './padded-image.ts'
import { columnBytes, inPanels, type Matrices, panelBytes, panelsOf, type RightMatrix, rowBytes } from './panels.ts'
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
  /** Address of the groups' weights, one behind the other, and how each lies: its rows are places of the window x its channels. */
  readonly weights: number
  readonly layout: RightMatrix
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
    body.advance(weights, panelBytes(job.layout))
  })
}

/**
 * Rows of the outputs that one group makes: every pixel of every block of filters. A block holds eight sums in registers, 2-8 pixels x 1-4
 * vectors, and walks the window; its weights (14 KB for 3 x 3 places of 48 channels x 8 filters) stay in the first-level cache over all rows.
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
  // Of the outputs, from the end of a row to the next.
  const between = job.outRow - job.outWidth * job.outPixel
  const emitTile = (x: Local<'i32'>, o: Local<'i32'>, w: I32, filter: I32, vectors: number, pixels: number) => {
    const sums = Array.from({ length: pixels }, () => Array.from({ length: vectors }, () => body.local('v128')))
    for (const row of sums) for (const sum of row) body.set(sum, f32x4.const(0))
    const taps = body.local('i32', x)
    const weights = body.local('i32', w)
    const loaded = Array.from({ length: vectors }, () => body.local('v128'))
    const value = body.local('v128')
    const weightBytes = rowBytes(job.layout, vectors)
    const sumRun = () =>
      // Not unrolled: in larger blocks V8 hoists the loads, runs out of registers and gets half as fast.
      body.for(0, run, 1, () => {
        loaded.forEach((vector, v) => body.set(vector, f32x4.load(weights, v * 16)))
        sums.forEach((row, p) => {
          body.set(value, f32x4.loadSplat(taps, p * job.strideX * pixel))
          row.forEach((sum, v) => body.set(sum, body.multiplyAdd(sum, value, loaded[v])))
        })
        body.advance(taps, 4)
        body.advance(weights, weightBytes)
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
  for (const { first, count, vectors } of vectorBlocks(filters, job.layout.vectors)) {
    const pixels = Math.min(job.outWidth, Math.max(1, Math.floor(8 / vectors)))
    const whole = Math.floor(job.outWidth / pixels)
    const rest = job.outWidth % pixels
    body.for(0, count, 1, (block) => {
      // Bytes from the first filter of a row of filters to this block's.
      const filter = body.local('i32', i32.add(i32.const(first * 16), i32.mul(block, i32.const(vectors * 16))))
      const w = body.local('i32', i32.add(group.weights, columnBytes(job.layout, filter)))
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

/** Rows a band has: all of an image if there are enough images. */
function rowsOfBand([count, height]: readonly number[]): number {
  return height === 0 ? 1 : Math.ceil(height / Math.min(height, Math.ceil(leastUnits / count)))
}

/** A phase whose units are bands of rows of an image's outputs: of `bandRows`, or unless given whole images if there are enough of them. */
export function forEachBand(
  emitter: KernelEmitter,
  [count, height]: readonly number[],
  scratchBytes: number,
  emit: (body: FunctionBody, n: I32, rows: readonly [I32, I32], scratch: I32) => void,
  bandRows = rowsOfBand([count, height]),
): void {
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

/** Whether a filter sees one pixel at a time, so that the images are the rows of a matrix. */
function isPointwise({ inputs, attributes }: StepTypes): boolean {
  const w = windowOf(attributes)
  const [, height, width] = inputs.x.shape
  const [lastRow, lastColumn] = [(w.outHeight - 1) * w.strideY, (w.outWidth - 1) * w.strideX]
  const isOne = [w.windowHeight, w.windowWidth, groupsOf(w)].every((extent) => extent === 1)
  return isOne && w.padTop === 0 && w.padLeft === 0 && lastRow < height && lastColumn < width
}

/** A kernel of one group is a matrix: taps and channels by filters. null where there are more groups, or a prologue. */
export function kernelMatrix({ inputs, outputs: [y], attributes }: StepTypes): Matrices | null {
  const w = windowOf(attributes)
  if (groupsOf(w) > 1 || 'blend' in attributes) return null
  const inner = w.windowHeight * w.windowWidth * inputs.x.shape[3]
  return { inner, columns: y.shape[3], isTransposed: false, count: 1 }
}

/** A pointwise convolution, as one matrix product of all pixels. Where strides leave pixels out, a unit first copies the others together. */
function pointwise(step: CpuStep, emitter: KernelEmitter, kernels: Matrices): void {
  const w = windowOf(step.attributes)
  const { x } = step.inputs
  const [y] = step.outputs
  const [, height, width, channels] = x.shape
  const [count, , , filters] = y.shape
  const address = panelsOf(step, 'kernel', kernels, emitter)
  const pixel = channels * 4
  const product: PackedProduct = {
    rows: count * w.outHeight * w.outWidth,
    inner: channels,
    columns: filters,
    rowStride: pixel,
    innerStride: 4,
    right: inPanels(kernels),
    output: y.address,
    epilogue: epilogueOf(step, emitter),
  }
  const isDense = w.strideY === 1 && w.strideX === 1 && w.outHeight === height && w.outWidth === width
  const scratchBytes = isDense ? 0 : unitsOf(product).unitRows * pixel
  emitPackedProduct(emitter, product, scratchBytes, (body, { firstRow, rows, scratch }) => {
    const output = i32.mul(firstRow, i32.const(filters * 4))
    const operands = { right: i32.const(address), output }
    if (isDense) return { ...operands, left: i32.add(i32.const(x.address), i32.mul(firstRow, i32.const(pixel))) }
    const to = body.local('i32', scratch)
    body.for(firstRow, body.local('i32', i32.add(firstRow, rows)), 1, (row) => {
      const line = body.local('i32', i32.divU(row, i32.const(w.outWidth)))
      const column = i32.mul(i32.remU(row, i32.const(w.outWidth)), i32.const(w.strideX))
      const image = i32.mul(i32.divU(line, i32.const(w.outHeight)), i32.const(height))
      const above = i32.add(image, i32.mul(i32.remU(line, i32.const(w.outHeight)), i32.const(w.strideY)))
      const from = i32.mul(i32.add(i32.mul(above, i32.const(width)), column), i32.const(pixel))
      body.copy(to, i32.add(i32.const(x.address), from), pixel)
      body.advance(to, pixel)
    })
    return { ...operands, left: scratch }
  })
}

/** y = x * kernel. */
export const conv2d: CpuKernel = (step, emitter) => {
  const kernels = kernelMatrix(step)
  if (kernels && isPointwise(step)) pointwise(step, emitter, kernels)
  else if ('blend' in step.attributes) ofMixtures(step, emitter)
  else spatial(step, emitter, kernels)
}

/** What all ways to walk a window have in common. */
function walkOf(step: CpuStep, emitter: KernelEmitter, w: WindowAttributes) {
  const filters = step.outputs[0].shape[3]
  const outPixel = filters * 4
  const epilogue = epilogueOf(step, emitter)
  return {
    ...w,
    outPixel,
    outRow: w.outWidth * outPixel,
    dilation: dilationOf(w),
    groups: groupsOf(w),
    filters,
    epilogue,
  }
}

/** Weights in rows, as correlate reads them. */
function weightsInRows(emitter: KernelEmitter, kernel: CpuOperand, filters: number, groups: number) {
  const layout: RightMatrix = { inner: sizeOf(kernel.shape) / filters, columns: filters / groups, layout: 'rows' }
  return { weights: packWeights(emitter, kernel, filters, groups), layout }
}

/** Of mixtures of an image and its fudged copy, which are written into a padded image of the whole. */
function ofMixtures(step: CpuStep, emitter: KernelEmitter): void {
  const { image: original, kernel } = step.inputs
  const [y] = step.outputs
  const w = windowOf(step.attributes)
  const [height, width, channels] = original.shape
  const image = paddedFor(height, width, channels, w)
  const walk = walkOf(step, emitter, w)
  const job: Correlation = { ...walk, image, ...weightsInRows(emitter, kernel, walk.filters, walk.groups) }
  forEachBand(emitter, y.shape, bytesOf(image), (body, n, rows, scratch) => {
    padBlended(body, step, n, image, scratch, w)
    const offset = i32.mul(n, i32.const(w.outHeight * job.outRow))
    correlate(body, scratch, i32.const(y.address), offset, rows, job)
  })
}

/** Bytes of padded rows that a unit reads again for every block of filters: a share of the second-level cache. */
const mostBandBytes = 2 ** 18

/** Only the rows that a band of outputs sees are padded. */
function spatial(step: CpuStep, emitter: KernelEmitter, kernels: Matrices | null): void {
  const { x, kernel } = step.inputs
  const [y] = step.outputs
  const w = windowOf(step.attributes)
  const [, height, width, channels] = x.shape
  const walk = walkOf(step, emitter, w)
  const weights = kernels
    ? { weights: panelsOf(step, 'kernel', kernels, emitter), layout: inPanels(kernels) }
    : weightsInRows(emitter, kernel, walk.filters, walk.groups)
  const whole = paddedFor(height, width, channels, w)
  const [coverHeight] = coverOf(w)
  const fitting = Math.floor(mostBandBytes / (whole.width * channels * 4) - coverHeight) / w.strideY + 1
  const most = Math.max(1, Math.floor(fitting))
  const bandRows = Math.min(most, rowsOfBand(y.shape))
  const band: PaddedImage = { ...whole, height: (bandRows - 1) * w.strideY + coverHeight }
  const job: Correlation = { ...walk, image: band, ...weights }
  forEachBand(
    emitter,
    y.shape,
    bytesOf(band),
    (body, n, [first, rows], scratch) => {
      const from = i32.add(i32.const(x.address), i32.mul(n, i32.const(height * width * channels * 4)))
      const top = body.local('i32', i32.sub(i32.mul(first, i32.const(w.strideY)), i32.const(w.padTop)))
      padRows(body, from, [height, width], band, scratch, { top, left: w.padLeft })
      const line = i32.add(i32.mul(n, i32.const(w.outHeight)), first)
      const offset = body.local('i32', i32.mul(line, i32.const(job.outRow)))
      correlate(body, scratch, i32.const(y.address), offset, [i32.const(0), rows], job)
    },
    bandRows,
  )
}
