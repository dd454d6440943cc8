import { check, numberFrom, optionsOf, wholeNumber } from '../../engine/arguments.ts'
import { toUnitRgb } from '../images/image.ts'
import { inTurns } from '../steps.ts'
import { type Segmenter, segmenter } from './label-map.ts'

export interface WatershedOptions {
  /** About how many segments, each flooded from a point of a regular grid; 50 unless given. */
  readonly markers?: number
  /** Weight of the distance to that point against the image's edges: higher means rounder segments. 0.001 unless given. */
  readonly compactness?: number
}

/** Of what is left out. @internal */
export const watershedDefaults = { markers: 50, compactness: 0.001 } as const satisfies WatershedOptions

/** More markers than pixels there are never: a million is the grid of a large picture. */
const watershedOptions = optionsOf<WatershedOptions>({ markers: wholeNumber(1, 1e6), compactness: numberFrom(0, 1e9) })

/**
 * scikit-image's compact watershed of an image's edges, `watershed(sobel(rgb2gray(image)), markers, compactness)` (Neubert and
 * Protzel, "Compact Watershed and Preemptive SLIC", ICPR 2014): basins are flooded from all markers at once, the lowest pixel
 * first, so that they meet at edges. Segments are connected, about equally large, and numbered from 0.
 * @throws ArgumentError for an option outside its range; the segmenter throws the signal's reason after an abort
 */
export function watershed(options: WatershedOptions = {}): Segmenter {
  check('watershed', watershedOptions, options)
  const { markers = watershedDefaults.markers, compactness = watershedDefaults.compactness } = options
  return segmenter(async (image, { signal }) => {
    const { watershedLabels } = await import('./watershed-basins.ts')
    const { height, width } = image
    const steps = watershedLabels(toUnitRgb(image), height, width, { markers, compactness })
    return { data: await inTurns(steps, signal), shape: [height, width] }
  })
}
