import { check, numberFrom, optionsOf, thatIs, wholeNumber } from '../../engine/arguments.ts'
import { mostSigma } from '../images/gaussian.ts'
import { toUnitRgb } from '../images/image.ts'
import { inTurns } from '../steps.ts'
import { type Segmenter, segmenter } from './label-map.ts'

export interface QuickshiftOptions {
  /** Width of the Gaussian that smooths the density, in pixels (and colour units); at least 1. */
  readonly kernelSize?: number
  /** A pixel whose nearest denser neighbour is farther than this begins a segment. */
  readonly maxDist?: number
  /** Weight of colour against position. */
  readonly ratio?: number
  /** Gaussian smoothing beforehand, in pixels. */
  readonly sigma?: number
  /** Seed of the noise that breaks ties; left out, the explanation's seed. */
  readonly randomSeed?: number
}

/** scikit-image's. @internal */
export const quickshiftDefaults = {
  kernelSize: 5,
  maxDist: 10,
  ratio: 1,
  sigma: 0,
} as const satisfies QuickshiftOptions

/**
 * A kernel of 1,000 pixels looks 3,000 in every direction: at all of any picture taken. Distances stay finite up to a ratio of a
 * million, at which colour has long been all that counts.
 */
const quickshiftOptions = optionsOf<QuickshiftOptions>({
  kernelSize: numberFrom(1, 1000),
  maxDist: thatIs<number>('a number >= 0', (value) => typeof value === 'number' && value >= 0),
  ratio: numberFrom(0, 1e6),
  sigma: numberFrom(0, mostSigma),
  randomSeed: wholeNumber(0),
})

/**
 * Quickshift (Vedaldi and Soatto, "Quick Shift and Kernel Methods for Mode Seeking", ECCV 2008) in Lab colour and position:
 * scikit-image 0.19.3's `quickshift`, equal to it pixel by pixel for images in float64.
 * @throws ArgumentError for an option outside its range; the segmenter throws the signal's reason after an abort
 */
export function quickshift(options: QuickshiftOptions = {}): Segmenter {
  check('quickshift', quickshiftOptions, options)
  const usual = quickshiftDefaults
  const { kernelSize = usual.kernelSize, maxDist = usual.maxDist, ratio = usual.ratio, sigma = usual.sigma } = options
  const { randomSeed } = options
  return segmenter(async (image, context) => {
    // With it come the tables of numpy's normals: more than the rest of it.
    const { labelTrees, quickshiftForest } = await import('./quickshift-forest.ts')
    const { height, width } = image
    const seed = randomSeed ?? context.randomSeed
    const steps = quickshiftForest(toUnitRgb(image), height, width, { kernelSize, ratio, sigma, randomSeed: seed })
    const forest = await inTurns(steps, context.signal)
    return { data: labelTrees(forest, maxDist), shape: [height, width] }
  })
}
