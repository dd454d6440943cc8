import type { ReferenceOperand, Shape } from '../tensor.ts'
import { dilationOf, type WindowAttributes } from './window.ts'

/**
 * The sums that a convolution and its two gradients are, in float64, over groups of channels: images [N,H,W,C], kernels
 * [KH,KW,C/groups,F], results [N,OH,OW,F]. Group g makes filters g·F/groups to (g+1)·F/groups - 1 of channels g·C/groups to
 * (g+1)·C/groups - 1; a depthwise convolution has as many groups as channels.
 */

/** A window, and the extents of the images that it walks over, which the results do not tell. */
export interface InputGradientAttributes extends WindowAttributes {
  readonly height: number
  readonly width: number
}

interface Extents {
  readonly groups: number
  /** Of one group. */
  readonly channels: number
  readonly filters: number
}

/** Visits every (output, window tap, group) whose tap meets a pixel inside the image; all offsets in elements of their arrays. */
function forEachTap(
  [count, height, width]: Shape,
  { groups, channels, filters }: Extents,
  w: WindowAttributes,
  visit: (imageOffset: number, kernelOffset: number, outputOffset: number) => void,
): void {
  const [dilationY, dilationX] = dilationOf(w)
  for (let n = 0; n < count; n++)
    for (let oy = 0; oy < w.outHeight; oy++)
      for (let ox = 0; ox < w.outWidth; ox++)
        for (let ky = 0; ky < w.windowHeight; ky++) {
          const y = oy * w.strideY + ky * dilationY - w.padTop
          if (y < 0 || y >= height) continue
          for (let kx = 0; kx < w.windowWidth; kx++) {
            const x = ox * w.strideX + kx * dilationX - w.padLeft
            if (x < 0 || x >= width) continue
            const pixel = (n * height + y) * width + x
            const tap = (ky * w.windowWidth + kx) * channels
            const output = (n * w.outHeight + oy) * w.outWidth + ox
            for (let g = 0; g < groups; g++)
              visit((pixel * groups + g) * channels, (tap * groups + g) * filters, (output * groups + g) * filters)
          }
        }
}

function extentsOf(image: Shape, result: Shape, groups: number): Extents {
  return { groups, channels: image[3] / groups, filters: result[3] / groups }
}

/** y = x * kernel. */
export function convolve(
  [x, kernel]: readonly ReferenceOperand[],
  y: ReferenceOperand,
  w: WindowAttributes,
  groups: number,
): void {
  const extents = extentsOf(x.shape, y.shape, groups)
  const { channels, filters } = extents
  const [images, weights, sums] = [x.data, kernel.data, y.data.fill(0)]
  forEachTap(x.shape, extents, w, (image, tap, output) => {
    for (let c = 0; c < channels; c++) {
      const value = images[image + c]
      const row = tap + c * groups * filters
      for (let f = 0; f < filters; f++) sums[output + f] += value * weights[row + f]
    }
  })
}

/** dx of dy and the kernel. */
export function convolveBack(
  [dy, kernel]: readonly ReferenceOperand[],
  dx: ReferenceOperand,
  w: WindowAttributes,
  groups: number,
): void {
  const extents = extentsOf(dx.shape, dy.shape, groups)
  const { channels, filters } = extents
  const [slopes, weights, sums] = [dy.data, kernel.data, dx.data.fill(0)]
  forEachTap(dx.shape, extents, w, (image, tap, output) => {
    for (let c = 0; c < channels; c++) {
      const row = tap + c * groups * filters
      let sum = sums[image + c]
      for (let f = 0; f < filters; f++) sum += slopes[output + f] * weights[row + f]
      sums[image + c] = sum
    }
  })
}

/** The kernel's gradient of x and dy. */
export function correlateWith(
  [x, dy]: readonly ReferenceOperand[],
  dk: ReferenceOperand,
  w: WindowAttributes,
  groups: number,
): void {
  const extents = extentsOf(x.shape, dy.shape, groups)
  const { channels, filters } = extents
  const [images, slopes, sums] = [x.data, dy.data, dk.data.fill(0)]
  forEachTap(x.shape, extents, w, (image, tap, output) => {
    for (let c = 0; c < channels; c++) {
      const value = images[image + c]
      const row = tap + c * groups * filters
      for (let f = 0; f < filters; f++) sums[row + f] += value * slopes[output + f]
    }
  })
}

/** Multiplications and additions: of a result [N,OH,OW,F], each number is the sum over a window of so many channels. */
export function convolutionFlops(count: number, w: WindowAttributes, channels: number, filters: number): number {
  return 2 * count * w.outHeight * w.outWidth * w.windowHeight * w.windowWidth * channels * filters
}
