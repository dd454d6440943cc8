import { countedExtent } from '../../ops/pool.ts'
import { dilationOf, type WindowAttributes } from '../../ops/window.ts'
import { type FunctionBody, f32, type I32, i32, type Local } from '../../wasm/emitter.ts'
import type { CpuKernel, CpuStep, KernelEmitter } from '../kernel.ts'

/** Pooling, one unit an image; windows are clipped to the image, so that padding is never read. */

interface Window {
  /** Bytes from the image's start to the window's first pixel and channel. */
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

/** Visits every output of one image with its clipped window. */
function forEachWindow(
  body: FunctionBody,
  w: WindowAttributes,
  [height, width, channels]: readonly number[],
  visit: (window: Window) => void,
): void {
  const output = body.local('i32', i32.const(0))
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
  body.for(0, w.outHeight, 1, (oy) => {
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
      body.for(0, channels, 1, () => {
        visit({ first, rows: rows.count, columns: columns.count, dilation, counted, output })
        body.advance(first, 4)
        body.advance(output, 4)
      })
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

/** Emits one unit an image; the callback gets the bytes to the image's start in the large and in the pooled array. */
function perImage(
  step: CpuStep,
  emitter: KernelEmitter,
  image: readonly number[],
  emit: (body: FunctionBody, w: WindowAttributes, large: I32, pooled: I32) => void,
): void {
  const w = step.attributes as unknown as WindowAttributes
  const [count, height, width, channels] = image
  emitter.phase(count, 0, (body, n) => {
    const large = body.local('i32', i32.mul(n, i32.const(height * width * channels * 4)))
    const pooled = body.local('i32', i32.mul(n, i32.const(w.outHeight * w.outWidth * channels * 4)))
    emit(body, w, large, pooled)
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
  return { place, best }
}

export const maxPool: CpuKernel = (step, emitter) => {
  const { x } = step.inputs
  const [y] = step.outputs
  perImage(step, emitter, x.shape, (body, w, large, pooled) => {
    const shape = x.shape.slice(1)
    forEachWindow(body, w, shape, (window) => {
      const { best } = findLargest(body, window, shape, large, x.address)
      body.store(i32.add(pooled, window.output), best, y.address)
    })
  })
}

export const maxPoolGradient: CpuKernel = (step, emitter) => {
  const { x, dy } = step.inputs
  const [dx] = step.outputs
  perImage(step, emitter, x.shape, (body, w, large, pooled) => {
    const shape = x.shape.slice(1)
    body.fill(i32.add(large, i32.const(dx.address)), 0, shape[0] * shape[1] * shape[2] * 4)
    forEachWindow(body, w, shape, (window) => {
      const { place } = findLargest(body, window, shape, large, x.address)
      const to = body.local('i32', i32.add(large, place))
      const gradient = f32.load(i32.add(pooled, window.output), dy.address)
      body.store(to, f32.add(f32.load(to, dx.address), gradient), dx.address)
    })
  })
}

export const avgPool: CpuKernel = (step, emitter) => {
  const { x } = step.inputs
  const [y] = step.outputs
  perImage(step, emitter, x.shape, (body, w, large, pooled) => {
    const shape = x.shape.slice(1)
    forEachWindow(body, w, shape, (window) => {
      const total = body.local('f32', f32.const(0))
      forEachPixel(body, window, shape, (pixel) => {
        body.set(total, f32.add(total, f32.load(i32.add(large, pixel), x.address)))
      })
      const mean = f32.div(total, f32.fromI32(window.counted))
      body.store(i32.add(pooled, window.output), mean, y.address)
    })
  })
}

export const avgPoolGradient: CpuKernel = (step, emitter) => {
  const { dy } = step.inputs
  const [dx] = step.outputs
  perImage(step, emitter, dx.shape, (body, w, large, pooled) => {
    const shape = dx.shape.slice(1)
    body.fill(i32.add(large, i32.const(dx.address)), 0, shape[0] * shape[1] * shape[2] * 4)
    forEachWindow(body, w, shape, (window) => {
      const gradient = f32.load(i32.add(pooled, window.output), dy.address)
      const share = body.local('f32', f32.div(gradient, f32.fromI32(window.counted)))
      forEachPixel(body, window, shape, (pixel) => {
        const to = body.local('i32', i32.add(large, pixel))
        body.store(to, f32.add(f32.load(to, dx.address), share), dx.address)
      })
    })
  })
}
