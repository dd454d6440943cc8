import type { WeightInterval } from '../fit/confidence.ts'
import type { SegmentWeight } from '../fit/surrogate.ts'
import type { Image } from '../images/image.ts'
import type { Masks, SamplingDesign } from '../samples/sampling.ts'
import type { LabelMap } from '../segmenters/label-map.ts'

/** What attributions hold, as plain data: classes and files are made of it. */

/** What each part of an explanation took, in milliseconds. */
export interface Timings {
  readonly segmentation: number
  readonly prediction: number
  readonly fit: number
  readonly total: number
}

/** How the samples came about: so many were asked for, as many as it took, or all there are. */
export type Sampling = 'number' | 'auto' | 'exact'

/** How an attribution came about. */
export interface Provenance {
  /** The seed that the segmenter was given. */
  readonly randomSeed: number
  /** How many perturbed images it is made of, the image itself among them; 0 where it came in closed form. */
  readonly samples: number
  readonly sampling: Sampling
  /**
   * About how many images the predictor was asked: none where tables of its logits say all. null where a file of an earlier
   * version does not say.
   */
  readonly evaluations: number | null
}

export type ByLabel<T> = Readonly<Record<number, T>>

/** What every explainer says, whatever its method. */
export interface AttributionContents {
  /** The explainer's name in the registry. */
  readonly method: string
  /** As the predictor took it. */
  readonly asked: Image
  readonly fudgedAsked: Image
  readonly segments: LabelMap
  readonly segmentCount: number
  readonly labels: readonly number[]
  readonly topLabels: readonly number[]
  readonly localExp: ByLabel<readonly SegmentWeight[]>
  /** The classifier's answer about the image itself, [classes]. */
  readonly prediction: Float64Array
  readonly provenance: Provenance
  readonly warnings: readonly string[]
  readonly timings: Timings
}

/** What LIME says beyond that: its surrogates, and the samples they were fitted to. */
export interface LimeEvidence {
  readonly intercept: ByLabel<number>
  readonly score: ByLabel<number>
  readonly localPred: ByLabel<number>
  readonly settled: boolean | null
  readonly design: SamplingDesign | null
  readonly alpha: number | null
  readonly intervals: (label: number) => readonly WeightInterval[] | null
  readonly probabilities: { readonly data: Float64Array; readonly shape: readonly [number, number] }
  readonly masks: Masks
  readonly distances: Float64Array
  readonly kernelWeights: Float64Array
}

export interface ExplanationContents extends AttributionContents, LimeEvidence {}

/** What Shapley values say beyond weights. */
export interface ShapleyEvidence {
  /** What is shared out among the segments: a label's probability, or its logit. */
  readonly of: 'probability' | 'logit'
  /** label -> what it gets with all segments hidden. */
  readonly base: ByLabel<number>
  /** label -> how much of the answers a sum of the values explains, weighted by the Shapley kernel; null where no answer was seen. */
  readonly score: ByLabel<number> | null
}

export interface ShapleyContents extends AttributionContents, ShapleyEvidence {}
