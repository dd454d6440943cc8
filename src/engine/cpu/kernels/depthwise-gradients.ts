import { coverOf, dilationOf, type WindowAttributes } from '../../ops/window.ts'
import type { FunctionBody } from '../../wasm/emitter.ts'
import { f32, f32x4, type I32, i32 } from '../../wasm/instructions.ts'
import type { CpuKernel } from '../kernel.ts'
import { type ChannelSums, slack, sumChannels } from './channel-sums.ts'
import { forEachBand } from './convolution.ts'
import { addSlices, gradientSlices } from './convolution-kernel-gradient.ts'
import { repeated } from './depthwise-convolution.ts'
import { epilogueOf } from './epilogue.ts'
import { bytesOf, type PaddedImage, type PixelLayout, pad, paddedFor, windowOf } from './padded-image.ts'
import { packedWidth } from './register-block.ts'

/** The gradients of depthwise convolutions. */

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
    padTop: 0,
    padLeft: 0,
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
