import { coverOf, type WindowAttributes } from '../../ops/window.ts'
import type { StepTypes } from '../../plan/arrange-weights.ts'
import type { Attributes, TensorType } from '../../tensor.ts'
import type { FunctionBody } from '../../wasm/emitter.ts'
import { f32, type I32, i32, type Local, select } from '../../wasm/instructions.ts'
import type { CpuStep } from '../kernel.ts'

/**
 * One image with zeros around it, [PH, PW, C], in scratch memory: for a fixed kernel row the taps of a window, (kx, channel),
 * lie one behind the other, so sums over windows have no bounds checks and no im2col.
 */
export interface PaddedImage {
  readonly height: number
  readonly width: number
  readonly channels: number
}

export const bytesOf = ({ height, width, channels }: PaddedImage) => height * width * channels * 4

/** How a pixel is stored: as it is unless told otherwise. */
export interface PixelLayout {
  /** Of the pixel as it comes. */
  readonly bytes: number
  write(body: FunctionBody, to: I32, from: I32): void
}

/**
 * Copies image rows [H, W, C] at `source` to where they belong in the padded image, zeros elsewhere. What belongs outside it is left
 * out.
 */
export function pad(
  body: FunctionBody,
  source: I32,
  [height, width]: readonly [number, number],
  padded: PaddedImage,
  target: I32,
  place: { readonly top: number; readonly left: number; readonly strideY: number; readonly strideX: number },
  layout?: PixelLayout,
): void {
  const pixel = padded.channels * 4
  const { bytes, write } = layout ?? { bytes: pixel, write: (_body, to, from) => body.copy(to, from, pixel) }
  body.fill(target, 0, bytesOf(padded))
  const rows = placesInside(place.top, place.strideY, height, padded.height)
  const columns = placesInside(place.left, place.strideX, width, padded.width)
  const skipped = (rows.first * width + columns.first) * bytes
  const from = body.local('i32', skipped === 0 ? source : i32.add(source, i32.const(skipped)))
  const to = body.local('i32', i32.add(target, i32.const((rows.at * padded.width + columns.at) * pixel)))
  body.for(0, rows.count, 1, () => {
    if (place.strideX === 1 && !layout) {
      body.copy(to, from, columns.count * pixel)
      body.advance(from, width * pixel)
    } else {
      const column = body.local('i32', to)
      body.for(0, columns.count, 1, () => {
        write(body, column, from)
        body.advance(from, bytes)
        body.advance(column, place.strideX * pixel)
      })
      if (columns.count < width) body.advance(from, (width - columns.count) * bytes)
    }
    body.advance(to, place.strideY * padded.width * pixel)
  })
}

/**
 * Copies the rows of an image [H, W, C] that a band of a padded one is made of, zeros around them: `top` is the band's first, perhaps
 * one before the image's begin.
 */
export function padRows(
  body: FunctionBody,
  source: I32,
  [height, width]: readonly [number, number],
  band: PaddedImage,
  target: I32,
  { top, left }: { readonly top: Local<'i32'>; readonly left: number },
): void {
  const pixel = band.channels * 4
  body.fill(target, 0, bytesOf(band))
  const columns = placesInside(left, 1, width, band.width)
  const first = body.local('i32', i32.const(0))
  body.if(i32.ltS(top, first), () => body.set(first, i32.sub(first, top)))
  const end = body.local('i32', i32.sub(i32.const(height), top))
  body.if(i32.ltS(i32.const(band.height), end), () => body.set(end, i32.const(band.height)))
  const line = i32.mul(i32.add(top, first), i32.const(width))
  const from = body.local('i32', i32.add(source, i32.mul(i32.add(line, i32.const(columns.first)), i32.const(pixel))))
  const place = i32.add(i32.mul(first, i32.const(band.width)), i32.const(columns.at))
  const to = body.local('i32', i32.add(target, i32.mul(place, i32.const(pixel))))
  body.for(first, end, 1, () => {
    body.copy(to, from, columns.count * pixel)
    body.advance(from, width * pixel)
    body.advance(to, band.width * pixel)
  })
}

/** Of `count` places, every `stride` from `start` on, those from 0 to extent - 1: the first of them, where it is, and how many. */
function placesInside(start: number, stride: number, count: number, extent: number) {
  const first = Math.max(0, Math.ceil(-start / stride))
  const end = Math.min(count, Math.ceil((extent - start) / stride))
  return { first, at: start + first * stride, count: Math.max(0, end - first) }
}

export function windowOf(attributes: Attributes): WindowAttributes {
  return attributes as WindowAttributes
}

/**
 * What a convolution or one of its gradients reads and makes, whichever it is: images, kernels, and not what is fused to it. The
 * first is of images.
 */
export function imagesAndKernels({ inputs, outputs }: StepTypes): TensorType[] {
  const { gain: _gain, bias: _bias, residual: _residual, mask: _mask, ...own } = inputs
  return [...Object.values(own), ...outputs]
}

/** The padded image that holds every window of the walk, and at least the whole image. */
export function paddedFor(height: number, width: number, channels: number, w: WindowAttributes): PaddedImage {
  const [coverHeight, coverWidth] = coverOf(w)
  return {
    height: Math.max((w.outHeight - 1) * w.strideY + coverHeight, w.padTop + height),
    width: Math.max((w.outWidth - 1) * w.strideX + coverWidth, w.padLeft + width),
    channels,
  }
}

/** Writes sample `n`'s mixture into the padded image. */
export function padBlended(
  body: FunctionBody,
  { inputs: { image, fudged, segments, masks } }: CpuStep,
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
