import { coverOf, dilationOf, type WindowAttributes } from '../../ops/window.ts'
import { type FunctionBody, f32, f32x4, type I32, i32 } from '../../wasm/emitter.ts'
import type { CpuKernel } from '../kernel.ts'
import { forEachBand, packWeights } from './convolution.ts'
import { addSlices, gradientSlices } from './convolution-kernel-gradient.ts'
import { type Epilogue, epilogueOf, finish } from './epilogue.ts'
import { bytesOf, type PaddedImage, type PixelLayout, pad, paddedFor, windowOf } from './padded-image.ts'
import { packedWidth, storeVector, vectorBlocks } from './register-block.ts'

/**
 * Depthwise convolution and its gradients: channels side by side in vectors of four, each multiplied by a weight of its own. Where a
 * channel makes several (a multiplier), its image is stored so that vectors still hold what belongs together. Vectors at a row's end
 * may hold numbers of the next pixel, too; what is made of those is never stored.
 */
interface ChannelSums {
  /** [PH, PW, layers · columns]. */
  readonly image: PaddedImage
  readonly windowHeight: number
  readonly windowWidth: number
  readonly strideY: number
  readonly strideX: number
  readonly dilation: readonly [y: number, x: number]
  readonly outWidth: number
  /** Channels of a result. */
  readonly columns: number
  /** Vectors of columns that are added up to one, at each place of the window. */
  readonly layers: number
  /** Weights [windowHeight, windowWidth, layers, columns rounded up to whole vectors]. */
  readonly weights: number
  readonly epilogue: Epilogue
}

/** What vectors at a row's end may read past an image. */
const slack = 16

/** Rows of one image's outputs; a block holds up to four pixels x two vectors of sums in registers and walks the window. */
function sumChannels(
  body: FunctionBody,
  image: I32,
  output: I32,
  outputOffset: I32,
  [firstRow, rows]: readonly [I32, I32],
  job: ChannelSums,
): void {
  const { columns, layers } = job
  const pixel = job.image.channels * 4
  const width = packedWidth(columns)
  const [dilationY, dilationX] = job.dilation
  const emitTile = (x: I32, o: I32, column: I32, vectors: number, pixels: number) => {
    const sums = Array.from({ length: pixels }, () => Array.from({ length: vectors }, () => body.local('v128')))
    for (const row of sums) for (const sum of row) body.set(sum, f32x4.const(0))
    const taps = body.local('i32', x)
    const weights = body.local('i32', i32.add(i32.const(job.weights), column))
    const weight = body.local('v128')
    const addPlace = () => {
      for (let v = 0; v < vectors; v++) {
        body.set(weight, f32x4.load(weights, v * 16))
        sums.forEach((row, p) => {
          const seen = f32x4.load(taps, p * job.strideX * pixel + v * 16)
          body.set(row[v], body.multiplyAdd(row[v], seen, weight))
        })
      }
      body.advance(taps, columns * 4)
      body.advance(weights, width * 4)
    }
    body.for(0, job.windowHeight, 1, () => {
      body.for(0, job.windowWidth, 1, () => {
        if (layers === 1) addPlace()
        else body.for(0, layers, 1, addPlace)
        if (dilationX !== 1) body.advance(taps, (dilationX - 1) * pixel)
      })
      body.advance(taps, (dilationY * job.image.width - job.windowWidth * dilationX) * pixel)
    })
    sums.forEach((row, p) => {
      finish(body, row, job.epilogue, column, i32.add(o, i32.const(p * columns * 4)))
      row.forEach((sum, v) => storeVector(body, i32.add(output, o), p * columns * 4 + v * 16, sum, columns, column, v))
    })
  }
  for (const { first, count, vectors } of vectorBlocks(columns, 2)) {
    const pixels = Math.min(job.outWidth, 8 / vectors)
    const whole = Math.floor(job.outWidth / pixels)
    const rest = job.outWidth % pixels
    body.for(first * 16, (first + count * vectors) * 16, vectors * 16, (column) => {
      const above = i32.mul(firstRow, i32.const(job.outWidth * columns * 4))
      const o = body.local('i32', i32.add(i32.add(outputOffset, column), above))
      const skipped = i32.mul(firstRow, i32.const(job.strideY * job.image.width * pixel))
      const row = body.local('i32', i32.add(i32.add(image, column), skipped))
      const x = body.local('i32')
      body.for(i32.const(0), rows, 1, () => {
        body.set(x, row)
        body.for(0, whole, 1, () => {
          emitTile(x, o, column, vectors, pixels)
          body.advance(x, pixels * job.strideX * pixel)
          body.advance(o, pixels * columns * 4)
        })
        if (rest > 0) {
          emitTile(x, o, column, vectors, rest)
          body.advance(o, rest * columns * 4)
        }
        body.advance(row, job.strideY * job.image.width * pixel)
      })
    })
  }
}

/** Pixels [C] stored as [C, multiplier]: each channel once for each result that it makes. */
function repeated(channels: number, multiplier: number): PixelLayout | undefined {
  if (multiplier === 1) return undefined
  return {
    bytes: channels * 4,
    write(body, to, from) {
      const [source, target] = [body.local('i32', from), body.local('i32', to)]
      body.for(0, channels, 1, () => {
        body.for(0, multiplier, 1, () => {
          body.store(target, f32.load(source))
          body.advance(target, 4)
        })
        body.advance(source, 4)
      })
    },
  }
}

/** Pixels [C, multiplier] stored as [multiplier, C]: results of all channels side by side, the first ones, then the second. */
function inLayers(channels: number, multiplier: number): PixelLayout | undefined {
  if (multiplier === 1) return undefined
  return {
    bytes: channels * multiplier * 4,
    write: (body, to, from) => layOut(body, to, from, { channels, multiplier, width: channels }),
  }
}

/** Numbers [C, multiplier] at `from` written as [multiplier, C], rows of `width`. */
function layOut(
  body: FunctionBody,
  to: I32,
  from: I32,
  { channels, multiplier, width }: { readonly channels: number; readonly multiplier: number; readonly width: number },
): void {
  const target = body.local('i32', to)
  const first = body.local('i32', from)
  const source = body.local('i32')
  body.for(0, multiplier, 1, () => {
    body.set(source, first)
    body.for(0, channels, 1, () => {
      body.store(target, f32.load(source))
      body.advance(target, 4)
      body.advance(source, multiplier * 4)
    })
    body.advance(first, 4)
    if (width > channels) body.advance(target, (width - channels) * 4)
  })
}

/** y = x * kernel, channel by channel. */
export const depthwiseConv2d: CpuKernel = (step, emitter) => {
  const { x, kernel } = step.inputs
  const [y] = step.outputs
  const w = windowOf(step.attributes)
  const [, height, width, channels] = x.shape
  const columns = y.shape[3]
  const image = paddedFor(height, width, columns, w)
  const weights = packWeights(emitter, kernel, columns)
  const job = { ...w, image, dilation: dilationOf(w), columns, layers: 1, weights, epilogue: epilogueOf(step, emitter) }
  const place = { top: w.padTop, left: w.padLeft, strideY: 1, strideX: 1 }
  forEachBand(emitter, y.shape, bytesOf(image) + slack, (body, n, rows, scratch) => {
    const from = i32.add(i32.const(x.address), i32.mul(n, i32.const(height * width * channels * 4)))
    pad(body, from, [height, width], image, scratch, place, repeated(channels, columns / channels))
    const offset = i32.mul(n, i32.const(w.outHeight * w.outWidth * columns * 4))
    sumChannels(body, scratch, i32.const(y.address), offset, rows, job)
  })
}

/** dx from dy: the turned windows over dy spread out by the strides, added up over what a channel made. */
export const depthwiseConv2dInputGradient: CpuKernel = (step, emitter) => {
  const { dy, kernel } = step.inputs
  const [dx] = step.outputs
  const w = windowOf(step.attributes)
  const [, height, width, channels] = dx.shape
  const outputs = dy.shape[3]
  const multiplier = outputs / channels
  const [coverHeight, coverWidth] = coverOf(w)
  const image: PaddedImage = { height: height + coverHeight - 1, width: width + coverWidth - 1, channels: outputs }
  const packed = packedWidth(channels)
  const taps = w.windowHeight * w.windowWidth
  const weights = emitter.workspace(taps * multiplier * packed * 4)
  emitter.phase(taps, 0, (body, tap) => {
    const turned = i32.sub(i32.const(taps - 1), tap)
    const from = i32.add(i32.const(kernel.address), i32.mul(turned, i32.const(outputs * 4)))
    const to = i32.add(i32.const(weights), i32.mul(tap, i32.const(multiplier * packed * 4)))
    layOut(body, to, from, { channels, multiplier, width: packed })
  })
  const job: ChannelSums = {
    image,
    windowHeight: w.windowHeight,
    windowWidth: w.windowWidth,
    strideY: 1,
    strideX: 1,
    dilation: dilationOf(w),
    outWidth: width,
    columns: channels,
    layers: multiplier,
    weights,
    epilogue: epilogueOf(step, emitter),
  }
  const { strideY, strideX } = w
  const place = { top: coverHeight - 1 - w.padTop, left: coverWidth - 1 - w.padLeft, strideY, strideX }
  forEachBand(emitter, dx.shape, bytesOf(image) + slack, (body, n, rows, scratch) => {
    const from = i32.add(i32.const(dy.address), i32.mul(n, i32.const(w.outHeight * w.outWidth * outputs * 4)))
    pad(body, from, [w.outHeight, w.outWidth], image, scratch, place, inLayers(channels, multiplier))
    const offset = i32.mul(n, i32.const(height * width * channels * 4))
    sumChannels(body, scratch, i32.const(dx.address), offset, rows, job)
  })
}

/**
 * dkernel[tap, channel] = Σ over images and pixels of x at the tap · dy. As conv2d's: a unit is a slice of the images with sums of its
 * own, and a last phase adds the slices in order.
 */
export const depthwiseConv2dKernelGradient: CpuKernel = (step, emitter) => {
  const { x, dy } = step.inputs
  const [dk] = step.outputs
  const w = windowOf(step.attributes)
  const [count, height, width, channels] = x.shape
  const columns = dy.shape[3]
  const image = paddedFor(height, width, columns, w)
  const packed = packedWidth(columns)
  const taps = w.windowHeight * w.windowWidth
  const sumBytes = taps * packed * 4
  const slices = Math.min(count, gradientSlices)
  const partial = emitter.workspace(slices * sumBytes)
  const place = { top: w.padTop, left: w.padLeft, strideY: 1, strideX: 1 }

  emitter.phase(slices, bytesOf(image) + slack, (body, slice, scratch) => {
    const sums = body.local('i32', i32.add(i32.const(partial), i32.mul(slice, i32.const(sumBytes))))
    body.fill(sums, 0, sumBytes)
    body.for(slice, count, slices, (n) => {
      const from = i32.add(i32.const(x.address), i32.mul(n, i32.const(height * width * channels * 4)))
      pad(body, from, [height, width], image, scratch, place, repeated(channels, columns / channels))
      const pixels = w.outHeight * w.outWidth
      const gradient = body.local('i32', i32.add(i32.const(dy.address), i32.mul(n, i32.const(pixels * columns * 4))))
      emitProducts(body, scratch, gradient, sums, { image, w, columns })
    })
  })

  emitter.phase(taps, 0, (body, tap) => {
    const to = i32.add(i32.const(dk.address), i32.mul(tap, i32.const(columns * 4)))
    addSlices(body, tap, to, { partial, slices, sumBytes, columns })
  })
}

/** Adds one image's products to the sums [taps, columns rounded up]: a few neighbouring taps of a vector of channels at a time. */
function emitProducts(
  body: FunctionBody,
  image: I32,
  gradient: I32,
  sums: I32,
  job: { readonly image: PaddedImage; readonly w: WindowAttributes; readonly columns: number },
): void {
  const { w, columns } = job
  const pixel = columns * 4
  const packed = packedWidth(columns)
  const [dilationY, dilationX] = dilationOf(w)
  const emitBlock = (ky: I32, kx: I32, vector: I32, taps: number) => {
    const totals = Array.from({ length: taps }, () => body.local('v128', f32x4.const(0)))
    const down = i32.mul(ky, i32.const(dilationY * job.image.width * pixel))
    const across = i32.add(vector, i32.mul(kx, i32.const(dilationX * pixel)))
    const row = body.local('i32', i32.add(i32.add(image, down), across))
    const dy = body.local('i32', i32.add(gradient, vector))
    const x = body.local('i32')
    const slope = body.local('v128')
    body.for(0, w.outHeight, 1, () => {
      body.set(x, row)
      body.for(0, w.outWidth, 1, () => {
        body.set(slope, f32x4.load(dy))
        totals.forEach((total, tap) =>
          body.set(total, body.multiplyAdd(total, f32x4.load(x, tap * dilationX * pixel), slope)),
        )
        body.advance(x, w.strideX * pixel)
        body.advance(dy, pixel)
      })
      body.advance(row, w.strideY * job.image.width * pixel)
    })
    const tap = i32.add(i32.mul(ky, i32.const(w.windowWidth)), kx)
    const to = body.local('i32', i32.add(i32.add(sums, vector), i32.mul(tap, i32.const(packed * 4))))
    totals.forEach((total, i) => body.store(to, f32x4.add(f32x4.load(to, i * packed * 4), total), i * packed * 4))
  }
  const taps = Math.min(w.windowWidth, 8)
  const whole = w.windowWidth - (w.windowWidth % taps)
  body.for(0, w.windowHeight, 1, (ky) =>
    body.for(0, packed * 4, 16, (vector) => {
      body.for(0, whole, taps, (kx) => emitBlock(ky, kx, vector, taps))
      if (whole < w.windowWidth) emitBlock(ky, i32.const(whole), vector, w.windowWidth - whole)
    }),
  )
}
