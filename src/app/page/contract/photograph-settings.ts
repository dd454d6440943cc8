import type { RequestInput, SamplingDesign } from '../../../lime/index.ts'
import { photographSegmenter } from '../../photographs/photograph-request.ts'
import type { SegmentedIn } from '../../photographs/photograph-segments.ts'
import { type HiddenChoice, hideColorOf } from './explanation-settings.ts'

/** How a photograph is explained, in the words of the page's form and address. */
export interface PhotographSettings {
  readonly segmenter: PhotographSegmenter
  /** About so many, where they are made to suit the picture. */
  readonly segments: number
  readonly segmentedIn: SegmentedIn
  /** So many, or as many as it takes until the order of the top segments is settled. */
  readonly samples: number | 'auto'
  /** How a number of samples is drawn; 'auto' has its own way. */
  readonly sampling: SamplingDesign
  /** Seeds the sampling and the segmenter. */
  readonly seed: number
  readonly hidden: HiddenChoice
}

/** Which parts of a photograph are hidden and shown; 'own' are those that somebody drew. */
export const photographSegmenters = ['auto', 'quickshift', 'felzenszwalb', 'grid', 'own'] as const
export type PhotographSegmenter = (typeof photographSegmenters)[number]

export const plainPhotographSettings: PhotographSettings = {
  segmenter: 'auto',
  segments: photographSegmenter.parameters.n_segments,
  segmentedIn: 'network',
  samples: 1000,
  sampling: 'plain',
  seed: 123,
  hidden: 'segment',
}

export const segmentCounts = { min: 2, max: 150 } as const

/** For networks of a few hundred pixels a side; grids of other shapes are drawn by hand. */
const others = {
  quickshift: {},
  felzenszwalb: { scale: 100, sigma: 0.8, min_size: 300 },
  grid: { rows: 7, columns: 7 },
} as const

/** As a request; which classes are explained, the Worker adds. */
export function photographRequestOf(settings: PhotographSettings): RequestInput {
  const { segmenter, segments, samples, sampling, seed, hidden } = settings
  return {
    version: 1,
    method: 'lime',
    segmenter: segmenterOf(segmenter, segments),
    hideColor: hideColorOf(hidden),
    randomState: seed,
    randomSeed: seed,
    samples,
    ...(samples !== 'auto' && { sampling }),
  }
}

function segmenterOf(segmenter: PhotographSegmenter, segments: number): NonNullable<RequestInput['segmenter']> | null {
  if (segmenter === 'auto' || segmenter === 'own') {
    const { name, parameters } = photographSegmenter
    // What is usual suits small pictures, too.
    return segments === parameters.n_segments ? null : { name, parameters: { ...parameters, n_segments: segments } }
  }
  return { name: segmenter, parameters: others[segmenter] }
}
