import { countedExtent } from '../../ops/pool.ts'
import { dilationOf, type WindowAttributes } from '../../ops/window.ts'
import type { FunctionBody } from '../../wasm/emitter.ts'
import { f32, f32x4, type I32, i32, type Local } from '../../wasm/instructions.ts'
import type { CpuKernel, CpuStep, KernelEmitter } from '../kernel.ts'
import { forEachBand } from './convolution.ts'
import { windowOf } from './padded-image.ts'
import { storeVector } from './register-block.ts'

/** Pooling; windows are clipped to the image, so that padding is never read. Gradients take one unit an image: windows overlap. */

interface Window {
  /** Bytes from the image's start to the window's first pixel, and from there to the channel. */
  readonly first: Local<'i32'>
  readonly rows: Local<'i32'>
  readonly columns: Local<'i32'>
  /** Pixels from one place to the next, down and across. */
  readonly dilation: readonly [number, number]
  /** Its places that count in a mean. */
  readonly counted: I32
  /** Bytes from the output image's start. */
  readonly output: Local<'i32'>
}

/** Visits rows of one image's outputs with their clipped windows, so many channels at a time; the last ones may be fewer. */
function forEachWindow(
  body: FunctionBody,
  w: WindowAttributes,
  [height, width, channels]: readonly number[],
  [firstRow, rowCount]: readonly [I32, I32],
  channelsAtOnce: number,
  visit: (window: Window, channel: I32) => void,
): void {
  const output = body.local('i32', i32.mul(firstRow, i32.const(w.outWidth * channels * 4)))
  const dilation = dilationOf(w)
  const counts = countedExtent(w, height, width)
  const between = (start: I32, window: number, first: number, end: number) => {
    const from = body.local('i32', start)
    const to = body.local('i32', i32.add(start, i32.const(window)))
    body.if(i32.ltS(from, i32.const(first)), () => body.set(from, i32.const(first)))
    body.if(i32.ltS(i32.const(end), to), () => body.set(to, i32.const(end)))
    return { start: from, count: body.local('i32', i32.sub(to, from)) }
  }
  /** Places that are apart: the first inside, and how many there are from it on. */
  const apart = (start: I32, window: number, dilation: number, extent: number) => {
    const inside = between(start, window * dilation, 0, extent)
    const roundUp = (distance: I32) => i32.divU(i32.add(distance, i32.const(dilation - 1)), i32.const(dilation))
    const skipped = i32.mul(roundUp(i32.sub(inside.start, start)), i32.const(dilation))
    const first = body.local('i32', i32.add(start, skipped))
    const end = i32.add(inside.start, inside.count)
    return { start: first, count: body.local('i32', roundUp(i32.sub(end, first))) }
  }
  const places = (start: I32, window: number, dilation: number, extent: number) =>
    dilation === 1 ? between(start, window, 0, extent) : apart(start, window, dilation, extent)
  body.for(firstRow, body.local('i32', i32.add(firstRow, rowCount)), 1, (oy) => {
    const top = body.local('i32', i32.sub(i32.mul(oy, i32.const(w.strideY)), i32.const(w.padTop)))
    const rows = places(top, w.windowHeight, dilation[0], height)
    body.for(0, w.outWidth, 1, (ox) => {
      const left = body.local('i32', i32.sub(i32.mul(ox, i32.const(w.strideX)), i32.const(w.padLeft)))
      const columns = places(left, w.windowWidth, dilation[1], width)
      const counted =
        w.countedBottom === undefined
          ? i32.mul(rows.count, columns.count)
          : i32.mul(
              between(top, w.windowHeight, counts.top, counts.bottom).count,
              between(left, w.windowWidth, counts.left, counts.right).count,
            )
      const pixel = i32.add(i32.mul(rows.start, i32.const(width)), columns.start)
      const first = body.local('i32', i32.mul(pixel, i32.const(channels * 4)))
      body.for(0, channels * 4, channelsAtOnce * 4, (channel) => {
        visit({ first, rows: rows.count, columns: columns.count, dilation, counted, output }, channel)
        body.advance(first, channelsAtOnce * 4)
        body.advance(output, channelsAtOnce * 4)
      })
      const beyond = (channelsAtOnce - (channels % channelsAtOnce)) % channelsAtOnce
      if (beyond > 0) body.advance(output, -beyond * 4)
    })
  })
}

/** Visits the pixels of a window, in row-major order, by their bytes from the image's start. */
function forEachPixel(
  body: FunctionBody,
  window: Window,
  [, width, channels]: readonly number[],
  visit: (pixel: Local<'i32'>) => void,
): void {
  const [dilationY, dilationX] = window.dilation
  const row = body.local('i32', window.first)
  const pixel = body.local('i32')
  body.for(0, window.rows, 1, () => {
    body.set(pixel, row)
    body.for(0, window.columns, 1, () => {
      visit(pixel)
      body.advance(pixel, dilationX * channels * 4)
    })
    body.advance(row, dilationY * width * channels * 4)
  })
}

/** What pooling one image needs: bytes to its start in the large and in the pooled array, and which of the outputs' rows. */
type EmitImage = (body: FunctionBody, large: I32, pooled: I32, rows: readonly [I32, I32]) => void

function imageStarts(body: FunctionBody, n: I32, w: WindowAttributes, [height, width, channels]: readonly number[]) {
  const large = body.local('i32', i32.mul(n, i32.const(height * width * channels * 4)))
  const pooled = body.local('i32', i32.mul(n, i32.const(w.outHeight * w.outWidth * channels * 4)))
  return [large, pooled] as const
}

function perBand(step: CpuStep, emitter: KernelEmitter, [count, ...image]: readonly number[], emit: EmitImage): void {
  const w = windowOf(step.attributes)
  forEachBand(emitter, [count, w.outHeight], 0, (body, n, rows) => {
    const [large, pooled] = imageStarts(body, n, w, image)
    emit(body, large, pooled, rows)
  })
}

function perImage(step: CpuStep, emitter: KernelEmitter, [count, ...image]: readonly number[], emit: EmitImage): void {
  const w = windowOf(step.attributes)
  emitter.phase(count, 0, (body, n) => {
    const [large, pooled] = imageStarts(body, n, w, image)
    emit(body, large, pooled, [i32.const(0), i32.const(w.outHeight)])
  })
}

function findLargest(body: FunctionBody, window: Window, shape: readonly number[], large: I32, address: number) {
  const place = body.local('i32', window.first)
  const best = body.local('f32', f32.load(i32.add(large, window.first), address))
  const value = body.local('f32')
  forEachPixel(body, window, shape, (pixel) => {
    body.set(value, f32.load(i32.add(large, pixel), address))
    body.if(f32.gt(value, best), () => {
      body.set(best, value)
      body.set(place, pixel)
    })
  })
  return place
}

export const maxPool: CpuKernel = (step, emitter) => {
  const { x } = step.inputs
  const [y] = step.outputs
  const shape = x.shape.slice(1)
  perBand(step, emitter, x.shape, (body, large, pooled, rows) => {
    forEachWindow(body, windowOf(step.attributes), shape, rows, 4, (window, channel) => {
      const best = body.local('v128', f32x4.load(i32.add(large, window.first), x.address))
      forEachPixel(body, window, shape, (pixel) => {
        body.set(best, f32x4.pmax(best, f32x4.load(i32.add(large, pixel), x.address)))
      })
      storeVector(body, i32.add(pooled, window.output), y.address, best, shape[2], channel, 0)
    })
  })
}

export const maxPoolGradient: CpuKernel = (step, emitter) => {
  const { x, dy } = step.inputs
  const [dx] = step.outputs
  const shape = x.shape.slice(1)
  perImage(step, emitter, x.shape, (body, large, pooled, rows) => {
    body.fill(i32.add(large, i32.const(dx.address)), 0, shape[0] * shape[1] * shape[2] * 4)
    forEachWindow(body, windowOf(step.attributes), shape, rows, 1, (window) => {
      const place = findLargest(body, window, shape, large, x.address)
      const to = body.local('i32', i32.add(large, place))
      const gradient = f32.load(i32.add(pooled, window.output), dy.address)
      body.store(to, f32.add(f32.load(to, dx.address), gradient), dx.address)
    })
  })
}

export const avgPool: CpuKernel = (step, emitter) => {
  const { x } = step.inputs
  const [y] = step.outputs
  const shape = x.shape.slice(1)
  perBand(step, emitter, x.shape, (body, large, pooled, rows) => {
    forEachWindow(body, windowOf(step.attributes), shape, rows, 4, (window, channel) => {
      const mean = body.local('v128', f32x4.const(0))
      forEachPixel(body, window, shape, (pixel) => {
        body.set(mean, f32x4.add(mean, f32x4.load(i32.add(large, pixel), x.address)))
      })
      body.set(mean, f32x4.div(mean, f32x4.splat(f32.fromI32(window.counted))))
      storeVector(body, i32.add(pooled, window.output), y.address, mean, shape[2], channel, 0)
    })
  })
}

export const avgPoolGradient: CpuKernel = (step, emitter) => {
  const { dy } = step.inputs
  const [dx] = step.outputs
  const shape = dx.shape.slice(1)
  perImage(step, emitter, dx.shape, (body, large, pooled, rows) => {
    body.fill(i32.add(large, i32.const(dx.address)), 0, shape[0] * shape[1] * shape[2] * 4)
    forEachWindow(body, windowOf(step.attributes), shape, rows, 1, (window) => {
      const gradient = f32.load(i32.add(pooled, window.output), dy.address)
      const share = body.local('f32', f32.div(gradient, f32.fromI32(window.counted)))
      forEachPixel(body, window, shape, (pixel) => {
        const to = body.local('i32', i32.add(large, pixel))
        body.store(to, f32.add(f32.load(to, dx.address), share), dx.address)
      })
    })
  })
}
