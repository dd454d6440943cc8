import type { SegmentWeight, WeightInterval } from '../../../lime/index.ts'

/** What an explanation says, whatever picture it is of, and how far it is. */

export interface ExplanationProgress {
  readonly phase: 'segmentation' | 'prediction' | 'fit'
  readonly done: number
  readonly total: number
}

/** What LIME says of a class beside weights: its linear model. */
export interface SurrogateEvidence {
  readonly method: 'lime'
  readonly intercept: number
  readonly score: number
  readonly localPrediction: number
  /** The weights' 95 % confidence intervals, in their order. */
  readonly intervals: readonly WeightInterval[]
}

/** What Shapley values say of a class beside themselves. */
export interface ShapleyEvidence {
  readonly method: 'shapley'
  /** Its probability with all segments hidden. */
  readonly base: number
  /** The base and all values. */
  readonly sum: number
}

export interface LabelExplanation {
  readonly label: number
  /** Of a network that says values: the value. */
  readonly probability: number
  /** Largest |weight| first. */
  readonly weights: readonly SegmentWeight[]
  readonly evidence: SurrogateEvidence | ShapleyEvidence
}

/**
 * The segment without which alone the network says something else: of the few that speak most for what it says, the first that does
 * it.
 */
export interface Flip {
  readonly segment: number
  readonly predicted: number
}
