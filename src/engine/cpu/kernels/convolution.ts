import type { WindowAttributes } from '../../ops/window.ts'
import { type Attributes, sizeOf } from '../../tensor.ts'
import type { CpuKernel, CpuOperand, CpuStep, KernelEmitter } from '../kernel.ts'
import { type FunctionBody, f32, f32x4, type I32, i32, type Local, select } from '../wasm.ts'
import { type Epilogue, finish, packedWidth, storeVector, vectorBlocks } from './register-block.ts'

/**
 * Direct convolution on a zero-padded copy of one image, [PH, PW, C]: for a fixed kernel row the taps of a window,
 * (kx, channel), lie one behind the other, so the sum has no bounds checks and no im2col. The input gradient is the same
 * sum over the (dilated) output gradient with the kernel turned round and its channels swapped.
 */
interface PaddedImage {
  readonly height: number
  readonly width: number
  readonly channels: number
}

const bytesOf = ({ height, width, channels }: PaddedImage) => height * width * channels * 4

/** Copies image rows [H, W, C] at `source` to where they belong in the padded image, zeros elsewhere. */
function pad(
  body: FunctionBody,
  source: I32,
  [height, width]: readonly [number, number],
  padded: PaddedImage,
  target: I32,
  place: { readonly top: number; readonly left: number; readonly strideY: number; readonly strideX: number },
): void {
  const pixel = padded.channels * 4
  body.fill(target, 0, bytesOf(padded))
  const from = body.local('i32', source)
  const to = body.local('i32', i32.add(target, i32.const((place.top * padded.width + place.left) * pixel)))
  body.for(0, height, 1, () => {
    if (place.strideX === 1) {
      body.copy(to, from, width * pixel)
      body.advance(from, width * pixel)
    } else {
      const column = body.local('i32', to)
      body.for(0, width, 1, () => {
        body.copy(column, from, pixel)
        body.advance(from, pixel)
        body.advance(column, place.strideX * pixel)
      })
    }
    body.advance(to, place.strideY * padded.width * pixel)
  })
}

interface Correlation {
  readonly image: PaddedImage
  readonly windowHeight: number
  readonly windowWidth: number
  readonly strideY: number
  readonly strideX: number
  readonly outWidth: number
  readonly filters: number
  /** Weights [windowHeight, windowWidth, channels, filters rounded up to whole vectors]. */
  readonly weights: number
  readonly epilogue: Epilogue
}

/**
 * Rows of one image's outputs: every pixel of every block of filters. A block holds 2-8 pixels x 1-4 vectors of sums in registers and
 * walks the window; its weights (27 KB for 48 channels x 16 filters) stay in the first-level cache over the whole image.
 */
function correlate(
  body: FunctionBody,
  image: I32,
  output: I32,
  outputOffset: I32,
  [firstRow, rows]: readonly [I32, I32],
  job: Correlation,
): void {
  const pixel = job.image.channels * 4
  const rowTaps = job.windowWidth * job.image.channels
  const width = packedWidth(job.filters)
  const emitTile = (x: Local<'i32'>, o: Local<'i32'>, w: I32, filter: I32, vectors: number, pixels: number) => {
    const sums = Array.from({ length: pixels }, () => Array.from({ length: vectors }, () => body.local('v128')))
    for (const row of sums) for (const sum of row) body.set(sum, f32x4.const(0))
    const taps = body.local('i32', x)
    const weights = body.local('i32', w)
    const loaded = Array.from({ length: vectors }, () => body.local('v128'))
    const value = body.local('v128')
    body.for(0, job.windowHeight, 1, () => {
      // Not unrolled: in larger blocks V8 hoists the loads, runs out of registers and gets half as fast.
      body.for(0, rowTaps, 1, () => {
        loaded.forEach((vector, v) => body.set(vector, f32x4.load(weights, v * 16)))
        sums.forEach((row, p) => {
          body.set(value, f32x4.loadSplat(taps, p * job.strideX * pixel))
          row.forEach((sum, v) => body.set(sum, body.multiplyAdd(sum, value, loaded[v])))
        })
        body.advance(taps, 4)
        body.advance(weights, width * 4)
      })
      body.advance(taps, (job.image.width - job.windowWidth) * pixel)
    })
    sums.forEach((row, p) => {
      finish(body, row, job.epilogue, filter, i32.add(o, i32.const(p * job.filters * 4)))
      row.forEach((sum, v) =>
        storeVector(body, i32.add(output, o), p * job.filters * 4 + v * 16, sum, job.filters, filter, v),
      )
    })
  }
  for (const { first, count, vectors } of vectorBlocks(job.filters)) {
    const pixels = Math.min(job.outWidth, Math.max(1, Math.floor(8 / vectors)))
    const whole = Math.floor(job.outWidth / pixels)
    const rest = job.outWidth % pixels
    body.for(0, count, 1, (block) => {
      // Bytes from the first filter of a row of filters to this block's.
      const filter = body.local('i32', i32.add(i32.const(first * 16), i32.mul(block, i32.const(vectors * 16))))
      const w = body.local('i32', i32.add(i32.const(job.weights), filter))
      const above = i32.mul(firstRow, i32.const(job.outWidth * job.filters * 4))
      const o = body.local('i32', i32.add(i32.add(outputOffset, filter), above))
      const skipped = i32.mul(firstRow, i32.const(job.strideY * job.image.width * pixel))
      const row = body.local('i32', i32.add(image, skipped))
      const x = body.local('i32')
      body.for(i32.const(0), rows, 1, () => {
        body.set(x, row)
        body.for(0, whole, 1, () => {
          emitTile(x, o, w, filter, vectors, pixels)
          body.advance(x, pixels * job.strideX * pixel)
          body.advance(o, pixels * job.filters * 4)
        })
        if (rest > 0) {
          emitTile(x, o, w, filter, vectors, rest)
          body.advance(o, rest * job.filters * 4)
        }
        body.advance(row, job.strideY * job.image.width * pixel)
      })
    })
  }
}

/** With fewer images than this, threads share the rows of each. */
const leastUnits = 16

/** A phase whose units are bands of rows of an image's outputs, whole images if there are enough of them. */
function forEachBand(
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

export function windowOf(attributes: Attributes): WindowAttributes {
  return attributes as WindowAttributes
}

/** The padded image that holds every window of the walk, and at least the whole image. */
function paddedFor(height: number, width: number, channels: number, w: WindowAttributes): PaddedImage {
  return {
    height: Math.max((w.outHeight - 1) * w.strideY + w.windowHeight, w.padTop + height),
    width: Math.max((w.outWidth - 1) * w.strideX + w.windowWidth, w.padLeft + width),
    channels,
  }
}

/** Weights [taps, filters] as the kernel reads them: in place when whole vectors, else copied to rows of whole vectors. */
function packWeights(emitter: KernelEmitter, kernel: CpuOperand, filters: number): number {
  const width = packedWidth(filters)
  if (width === filters) return kernel.address
  const taps = sizeOf(kernel.shape) / filters
  const packed = emitter.workspace(taps * width * 4)
  emitter.phase(taps, 0, (body, tap) => {
    const from = i32.add(i32.const(kernel.address), i32.mul(tap, i32.const(filters * 4)))
    body.copy(i32.add(i32.const(packed), i32.mul(tap, i32.const(width * 4))), from, filters * 4)
  })
  return packed
}

export function epilogueOf(step: CpuStep, afterInputs: number): Epilogue {
  const rest = step.inputs.slice(afterInputs)
  const bias = 'bias' in step.attributes ? rest.shift() : undefined
  const mask = 'mask' in step.attributes ? rest.shift() : undefined
  return { bias: bias?.address, mask: mask?.address, relu: 'relu' in step.attributes }
}

/** image, fudged, segments, masks: writes sample `n`'s mixture into the padded image. */
function padBlended(
  body: FunctionBody,
  [image, fudged, segments, masks]: readonly CpuOperand[],
  n: I32,
  padded: PaddedImage,
  target: I32,
  w: WindowAttributes,
): void {
  const [height, width, channels] = image.shape
  const words = masks.shape[1]
  body.fill(target, 0, bytesOf(padded))
  const bits = body.local('i32', i32.add(i32.const(masks.address), i32.mul(n, i32.const(words * 4))))
  const pixel = body.local('i32', i32.const(0))
  const to = body.local('i32', i32.add(target, i32.const((w.padTop * padded.width + w.padLeft) * channels * 4)))
  const segment = body.local('i32')
  const from = body.local('i32')
  body.for(0, height, 1, () => {
    body.for(0, width, 1, () => {
      body.set(segment, i32.load(i32.shl(pixel, i32.const(2)), segments.address))
      const word = i32.load(i32.add(bits, i32.shl(i32.shrU(segment, i32.const(5)), i32.const(2))))
      const shown = i32.and(i32.shrU(word, i32.and(segment, i32.const(31))), i32.const(1))
      const source = select(shown, i32.const(image.address), i32.const(fudged.address))
      body.set(from, i32.add(source, i32.mul(pixel, i32.const(channels * 4))))
      for (let c = 0; c < channels; c++) body.store(to, f32.load(from, c * 4), c * 4)
      body.advance(to, channels * 4)
      body.advance(pixel, 1)
    })
    body.advance(to, (padded.width - width) * channels * 4)
  })
}

/** y = x * kernel. */
export const conv2d: CpuKernel = (step, emitter) => {
  const blend = 'blend' in step.attributes
  const sources = step.inputs.slice(0, blend ? 4 : 1)
  const kernel = step.inputs[sources.length]
  const [y] = step.outputs
  const w = windowOf(step.attributes)
  const [height, width, channels] = blend ? sources[0].shape : sources[0].shape.slice(1)
  const filters = kernel.shape[3]
  const image = paddedFor(height, width, channels, w)
  const weights = packWeights(emitter, kernel, filters)
  const epilogue = epilogueOf(step, sources.length + 1)
  forEachBand(emitter, y.shape, bytesOf(image), (body, n, rows, scratch) => {
    if (blend) padBlended(body, sources, n, image, scratch, w)
    else {
      const from = i32.add(i32.const(sources[0].address), i32.mul(n, i32.const(height * width * channels * 4)))
      pad(body, from, [height, width], image, scratch, { top: w.padTop, left: w.padLeft, strideY: 1, strideX: 1 })
    }
    const offset = i32.mul(n, i32.const(w.outHeight * w.outWidth * filters * 4))
    correlate(body, scratch, i32.const(y.address), offset, rows, { ...w, image, filters, weights, epilogue })
  })
}

/** dx from dy: the transposed, turned kernel over dy spread out by the strides. */
export const conv2dInputGradient: CpuKernel = (step, emitter) => {
  const [dy, kernel] = step.inputs
  const [dx] = step.outputs
  const w = windowOf(step.attributes)
  const [, height, width, channels] = dx.shape
  const filters = kernel.shape[3]
  const image: PaddedImage = {
    height: height + w.windowHeight - 1,
    width: width + w.windowWidth - 1,
    channels: filters,
  }
  const packed = packedWidth(channels)
  const taps = w.windowHeight * w.windowWidth
  const weights = emitter.workspace(taps * filters * packed * 4)
  emitter.phase(taps, 0, (body, tap) => {
    const turned = i32.sub(i32.const(taps - 1), tap)
    const to = body.local('i32', i32.mul(tap, i32.const(filters * packed * 4)))
    body.for(0, filters, 1, (filter) => {
      const from = body.local(
        'i32',
        i32.add(i32.mul(turned, i32.const(channels * filters * 4)), i32.shl(filter, i32.const(2))),
      )
      body.for(0, channels, 1, () => {
        body.store(to, f32.load(from, kernel.address), weights)
        body.advance(to, 4)
        body.advance(from, filters * 4)
      })
      body.advance(to, (packed - channels) * 4)
    })
  })
  const epilogue = epilogueOf(step, 2)
  const place = {
    top: w.windowHeight - 1 - w.padTop,
    left: w.windowWidth - 1 - w.padLeft,
    strideY: w.strideY,
    strideX: w.strideX,
  }
  forEachBand(emitter, dx.shape, bytesOf(image), (body, n, rows, scratch) => {
    const from = i32.add(i32.const(dy.address), i32.mul(n, i32.const(w.outHeight * w.outWidth * filters * 4)))
    pad(body, from, [w.outHeight, w.outWidth], image, scratch, place)
    const offset = i32.mul(n, i32.const(height * width * channels * 4))
    correlate(body, scratch, i32.const(dx.address), offset, rows, {
      image,
      windowHeight: w.windowHeight,
      windowWidth: w.windowWidth,
      strideY: 1,
      strideX: 1,
      outWidth: width,
      filters: channels,
      weights,
      epilogue,
    })
  })
}

/**
 * Slices of the work of a kernel's gradient, each with sums of its own: as many can be computed at a time. The same number
 * whatever the threads, for the order of the sums decides their last bits.
 */
export const gradientSlices = 16

/**
 * dkernel[tap, filter] = Σ over images and pixels of x at the tap · dy: outer products of a few taps and a few vectors of
 * filters, summed in registers over one image, then added to memory. One unit a block of taps and filters would share the
 * images; instead one unit is a slice of the images with sums of its own, and a last phase adds the slices in order, so the
 * result does not depend on who computed what.
 */
export const conv2dKernelGradient: CpuKernel = (step, emitter) => {
  const [x, dy] = step.inputs
  const [dk] = step.outputs
  const w = windowOf(step.attributes)
  const [count, height, width, channels] = x.shape
  const filters = dy.shape[3]
  const image = paddedFor(height, width, channels, w)
  const packed = packedWidth(filters)
  const rowTaps = w.windowWidth * channels
  const sumBytes = w.windowHeight * rowTaps * packed * 4
  const slices = Math.min(count, gradientSlices)
  const partial = emitter.workspace(slices * sumBytes)
  const pixels = w.outHeight * w.outWidth
  const dyBytes = packed === filters ? 0 : pixels * packed * 4

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
      emitOuterProducts(body, scratch, gradient, sums, { image, w, rowTaps, packed })
    })
  })

  const taps = w.windowHeight * rowTaps
  emitter.phase(taps, 0, (body, tap) => {
    const to = i32.mul(tap, i32.const(filters * 4))
    for (let v = 0; v * 4 < filters; v++) {
      const total = body.local('v128', f32x4.const(0))
      const from = body.local('i32', i32.mul(tap, i32.const(packed * 4)))
      body.for(0, slices, 1, () => {
        body.set(total, f32x4.add(total, f32x4.load(from, partial + v * 16)))
        body.advance(from, sumBytes)
      })
      storeVector(body, i32.add(i32.const(dk.address), to), v * 16, total, filters, i32.const(0), v)
    }
  })
}

function emitOuterProducts(
  body: FunctionBody,
  image: I32,
  gradient: I32,
  sums: I32,
  job: { readonly image: PaddedImage; readonly w: WindowAttributes; readonly rowTaps: number; readonly packed: number },
): void {
  const { w, rowTaps, packed } = job
  const pixel = job.image.channels * 4
  const emitBlock = (tap: I32, vector: I32, ky: I32, taps: number, vectors: number) => {
    const totals: Local<'v128'>[][] = Array.from({ length: taps }, () =>
      Array.from({ length: vectors }, () => body.local('v128')),
    )
    for (const row of totals) for (const total of row) body.set(total, f32x4.const(0))
    const row = body.local(
      'i32',
      i32.add(i32.add(image, i32.mul(ky, i32.const(job.image.width * pixel))), i32.shl(tap, i32.const(2))),
    )
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
        body.advance(dy, packed * 4)
      })
      body.advance(row, w.strideY * job.image.width * pixel)
    })
    const place = i32.add(
      i32.mul(ky, i32.const(rowTaps * packed * 4)),
      i32.add(i32.mul(tap, i32.const(packed * 4)), vector),
    )
    const to = body.local('i32', i32.add(sums, place))
    totals.forEach((line, a) =>
      line.forEach((total, v) => {
        const offset = a * packed * 4 + v * 16
        body.store(to, f32x4.add(f32x4.load(to, offset), total), offset)
      }),
    )
  }
  body.for(0, w.windowHeight, 1, (ky) => {
    const vectorCount = packed / 4
    const vectors = vectorCount % 2 === 0 ? 2 : vectorCount % 3 === 0 ? 3 : 1
    const taps = Math.min(rowTaps, Math.floor(8 / vectors))
    const whole = rowTaps - (rowTaps % taps)
    body.for(0, packed * 4, vectors * 16, (vector) => {
      body.for(0, whole, taps, (tap) => emitBlock(tap, vector, ky, taps, vectors))
      if (whole < rowTaps) emitBlock(i32.const(whole), vector, ky, rowTaps - whole, vectors)
    })
  })
}
