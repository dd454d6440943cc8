import { check, flag, numberFrom, oneOf, optionsOf, wholeNumber } from '../../engine/arguments.ts'
import { mostSigma } from '../images/gaussian.ts'
import { toUnitRgb } from '../images/image.ts'
import { inTurns } from '../steps.ts'
import { type Segmenter, segmenter } from './label-map.ts'

export interface SlicOptions {
  /** About how many segments. */
  readonly nSegments?: number
  /** Weight of position against colour: higher means squarer segments. */
  readonly compactness?: number
  /** Rounds of k-means. */
  readonly maxNumIter?: number
  /** Gaussian smoothing of the Lab image beforehand, in pixels. */
  readonly sigma?: number
  /** The first label. scikit-image's own default is 1; lime needs labels from 0, so ours is 0. */
  readonly startLabel?: 0 | 1
  /** Whether stray pieces of a segment become segments of their own, or join a neighbour when they are small. */
  readonly enforceConnectivity?: boolean
}

/** scikit-image's but for startLabel. @internal */
export const slicDefaults = {
  nSegments: 100,
  compactness: 10,
  maxNumIter: 10,
  sigma: 0,
  startLabel: 0,
  enforceConnectivity: true,
} as const satisfies SlicOptions

/**
 * A segment's cluster takes 128 bytes: a million of them 128 MB. In millionths and millions of its usual size compactness leaves
 * colour alone, or position; beyond, squares of distances would leave the numbers there are.
 */
const slicOptions = optionsOf<SlicOptions>({
  nSegments: wholeNumber(1, 1e6),
  compactness: numberFrom(1e-6, 1e9),
  maxNumIter: wholeNumber(1, 10_000),
  sigma: numberFrom(0, mostSigma),
  startLabel: oneOf(0, 1),
  enforceConnectivity: flag,
})

/**
 * SLIC superpixels (Achanta et al., "SLIC Superpixels Compared to State-of-the-art Superpixel Methods", PAMI 2012):
 * scikit-image 0.19.3's `slic`, equal to it pixel by pixel; only our labels start at 0.
 * @throws ArgumentError for an option outside its range; the segmenter throws the signal's reason after an abort
 */
export function slic(options: SlicOptions = {}): Segmenter {
  check('slic', slicOptions, options)
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
  const settings = { ...slicDefaults, ...given }
  return segmenter(async (image, { signal }) => {
    // With it comes the WebAssembly that it makes: more code than in all other segmenters together, and few ask for slic.
    const { slicLabels } = await import('./slic-labels.ts')
    const { height, width } = image
    return {
      data: await inTurns(slicLabels(toUnitRgb(image), height, width, settings), signal),
      shape: [height, width],
    }
  })
}
