import type { Image, ImageInput } from './image.ts'
import type { Segmenter } from './label-map.ts'
import { quickshift } from './quickshift.ts'
import { limeQuickshift } from './segmenter-registry.ts'

/** Images whose shorter side is below this are small. */
const smallSide = 64

/**
 * The segmenter that an explanation uses when none is given.
 *
 * lime's own, quickshift with kernel size 4, looks 12 pixels in every direction. On a 28x28 image that is nearly all of it: over
 * the first 300 Fashion-MNIST test images it finds one segment in 233 and two in 66. Kernel size 1, which lime's own MNIST
 * notebook uses, finds a median of 9. So images whose shorter side is under 64 pixels, where the 25 pixels of lime's window
 * cover more than a third of the side, get kernel size 1, and larger ones lime's own.
 */
export function defaultSegmenter(image: Image | ImageInput): Segmenter {
  const small = Math.min(image.shape[0], image.shape[1]) < smallSide
  return quickshift(small ? { ...limeQuickshift, kernelSize: 1 } : limeQuickshift)
}
