import { check, numberFrom, optionsOf } from '../../engine/arguments.ts'
import { mostSigma } from '../images/gaussian.ts'
import { toUnitRgb } from '../images/image.ts'
import { inTurns } from '../steps.ts'
import { type Segmenter, segmenter } from './label-map.ts'

export interface FelzenszwalbOptions {
  /** Higher means larger segments. */
  readonly scale?: number
  /** Gaussian smoothing beforehand, in pixels. */
  readonly sigma?: number
  /** Segments smaller than this many pixels are joined to a neighbour. */
  readonly minSize?: number
}

/** scikit-image's. @internal */
export const felzenszwalbDefaults = { scale: 1, sigma: 0.8, minSize: 20 } as const satisfies FelzenszwalbOptions

const felzenszwalbOptions = optionsOf<FelzenszwalbOptions>({
  scale: numberFrom(0),
  sigma: numberFrom(0, mostSigma),
  minSize: numberFrom(0),
})

/**
 * Felzenszwalb and Huttenlocher's graph-based segmentation ("Efficient Graph-Based Image Segmentation", IJCV 2004) on smoothed
 * RGB: scikit-image 0.19.3's `felzenszwalb`, equal to it pixel by pixel. Edges are taken by ascending cost; two components
 * join when the edge costs less than both of their bounds, inner cost + scale / size. Then small ones join in the same order.
 * @throws ArgumentError for an option outside its range; the segmenter throws the signal's reason after an abort
 */
export function felzenszwalb(options: FelzenszwalbOptions = {}): Segmenter {
  check('felzenszwalb', felzenszwalbOptions, options)
  const usual = felzenszwalbDefaults
  const { scale = usual.scale, sigma = usual.sigma, minSize = usual.minSize } = options
  // scikit-image states the scale for 0..255 and its images are 0..1.
  const unitScale = scale / 255
  return segmenter(async (image, { signal }) => {
    const { felzenszwalbLabels } = await import('./felzenszwalb-components.ts')
    const { height, width } = image
    const steps = felzenszwalbLabels(toUnitRgb(image), height, width, { unitScale, sigma, minSize })
    return { data: await inTurns(steps, signal), shape: [height, width] }
  })
}
