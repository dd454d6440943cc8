import type { WindowAttributes } from '../../ops/window.ts'
import type { Attributes } from '../../tensor.ts'
import { type FunctionBody, f32, type I32, i32, select } from '../../wasm/emitter.ts'
import type { CpuOperand, CpuStep } from '../kernel.ts'

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

/** Copies image rows [H, W, C] at `source` to where they belong in the padded image, zeros elsewhere. */
export function pad(
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

export function windowOf(attributes: Attributes): WindowAttributes {
  return attributes as WindowAttributes
}

/**
 * What a convolution or one of its gradients reads and makes, whichever it is: images, kernels, and not what is fused to it. The
 * first is of images.
 */
export function imagesAndKernels({ inputs, outputs }: CpuStep): CpuOperand[] {
  const { gain: _gain, bias: _bias, residual: _residual, mask: _mask, ...own } = inputs
  return [...Object.values(own), ...outputs]
}

/** The padded image that holds every window of the walk, and at least the whole image. */
export function paddedFor(height: number, width: number, channels: number, w: WindowAttributes): PaddedImage {
  return {
    height: Math.max((w.outHeight - 1) * w.strideY + w.windowHeight, w.padTop + height),
    width: Math.max((w.outWidth - 1) * w.strideX + w.windowWidth, w.padLeft + width),
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
