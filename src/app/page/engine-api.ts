import type { DeviceKind } from '../../engine/index.ts'
import type { SegmentWeight, Timings, WeightInterval } from '../../lime/index.ts'
import type { ImageSet } from '../data/fashion-mnist.ts'
import type { Evaluation } from '../evaluation.ts'

/** What the page and its Worker say to each other. Pictures cross as bytes, 28 x 28, 0 (black) to 255. */

export const deviceChoices = ['auto', 'webgpu', 'cpu'] as const
export type DeviceChoice = (typeof deviceChoices)[number]

export const segmenterChoices = ['auto', 'quickshift', 'felzenszwalb', 'slic'] as const
export type SegmenterChoice = (typeof segmenterChoices)[number]

export interface DeviceStatus {
  /** What computes now. */
  readonly kind: DeviceKind
  readonly adapter: string
  /** What was asked for; where that failed, what computes in its place. */
  readonly choice: DeviceChoice
  /** Why it is this device, where that is not plain. */
  readonly reason: string | null
  /** What went wrong on the way here: something else was asked for, or the last device was lost. */
  readonly problem: string | null
}

export interface ExplanationSettings {
  readonly segmenter: SegmenterChoice
  /** So many; as many as it takes until the order of the top segments is settled; or every mixture there is. */
  readonly samples: number | 'auto' | 'exact'
  /** Seeds the sampling and the segmenter. */
  readonly seed: number
}

export interface ExplanationProgress {
  readonly phase: 'segmentation' | 'prediction' | 'fit'
  readonly done: number
  readonly total: number
}

/** One class's linear model. */
export interface LabelExplanation {
  readonly label: number
  readonly probability: number
  readonly intercept: number
  readonly score: number
  readonly localPrediction: number
  /** Largest |weight| first. */
  readonly weights: readonly SegmentWeight[]
  /** The weights' 95 % confidence intervals, in their order. */
  readonly intervals: readonly WeightInterval[]
}

export interface ExplanationResult {
  readonly settings: ExplanationSettings
  /** [28 * 28], labels from 0. */
  readonly segments: Int32Array
  readonly segmentCount: number
  /** [28 * 28] bytes: what a hidden segment shows. */
  readonly hiddenPixels: Uint8Array
  /** How many it took, the picture itself among them. */
  readonly samples: number
  /** Every class, most probable first. */
  readonly labels: readonly LabelExplanation[]
  readonly warnings: readonly string[]
  readonly timings: Timings
}

export type { Evaluation, ImageSet }

export interface EngineApi {
  /** Loads the model and the test images, and opens a device. `onDevice` also hears of later, unasked changes. */
  load(choice: DeviceChoice, onDevice: (status: DeviceStatus) => void): Promise<ImageSet>
  /** Moves the model to another device. Where that fails, what works computes on, and the status says why. */
  useDevice(choice: DeviceChoice): Promise<DeviceStatus>
  /** Ten probabilities. */
  predict(pixels: Uint8Array): Promise<Float32Array>
  /** Explains a picture; a run under way is stopped first. */
  explain(
    pixels: Uint8Array,
    settings: ExplanationSettings,
    onProgress: (progress: ExplanationProgress) => void,
  ): Promise<ExplanationResult>
  /**
   * Ten probabilities of the picture explained last, with these of its segments hidden as its samples hid them. Fails when
   * nothing is explained.
   */
  predictWithout(hidden: readonly number[]): Promise<Float32Array>
  /** Stops the explanation under way, which then fails with an AbortError. */
  stop(): void
  /** Predicts all test images and compares; one at a time: one under way is stopped first. */
  judge(onProgress: (done: number, total: number) => void): Promise<Evaluation>
  /** Stops the judgement under way, which then fails with an AbortError. */
  stopJudging(): void
}
