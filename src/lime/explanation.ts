import { ArgumentError } from '../engine/errors.ts'
import { type Image, pixelsLike } from './image.ts'
import type { LabelMap } from './label-map.ts'
import type { Masks } from './sampling.ts'
import type { SegmentWeight } from './surrogate.ts'

/** What each part of an explanation took, in milliseconds. */
export interface Timings {
  readonly segmentation: number
  readonly prediction: number
  readonly fit: number
  readonly total: number
}

export interface ExplanationContents {
  readonly image: Image
  readonly fudged: Image
  readonly segments: LabelMap
  readonly labels: readonly number[]
  readonly topLabels: readonly number[]
  readonly intercept: Readonly<Record<number, number>>
  readonly localExp: Readonly<Record<number, readonly SegmentWeight[]>>
  readonly score: Readonly<Record<number, number>>
  readonly localPred: Readonly<Record<number, number>>
  readonly probabilities: { readonly data: Float64Array; readonly shape: readonly [number, number] }
  readonly masks: Masks
  readonly distances: Float64Array
  readonly kernelWeights: Float64Array
  readonly randomSeed: number
  readonly warnings: readonly string[]
  readonly timings: Timings
}

export interface ImageAndMaskOptions {
  /** Only segments that speak for the label. By default true unless negativeOnly is. */
  readonly positiveOnly?: boolean
  /** Only segments that speak against the label. */
  readonly negativeOnly?: boolean
  /** Black, instead of the image, outside the chosen segments. */
  readonly hideRest?: boolean
  /** How many segments at most. */
  readonly numFeatures?: number
  /** Segments with a smaller |weight| are left out. */
  readonly minWeight?: number
}

/** Why a classifier said what it said about one image: Python lime's ImageExplanation, with the samples kept. */
export class Explanation implements ExplanationContents {
  /** The image, [H, W, 3]: a grey one in three equal channels. */
  readonly image: Image
  /** What switched-off segments showed, [H, W, 3]. */
  readonly fudged: Image
  /** The segment of each pixel, 0..n-1 (under `compatible` as the segmenter numbered them). */
  readonly segments: LabelMap
  /** The labels explained, in the order of the request, or the most probable first. */
  readonly labels: readonly number[]
  /** The most probable labels, most probable first; empty when labels were given. */
  readonly topLabels: readonly number[]
  /** label -> the surrogate's intercept. */
  readonly intercept: Readonly<Record<number, number>>
  /** label -> [segment, weight], largest |weight| first. */
  readonly localExp: Readonly<Record<number, readonly SegmentWeight[]>>
  /** label -> the surrogate's in-sample weighted R². */
  readonly score: Readonly<Record<number, number>>
  /** label -> the surrogate's value for the image itself. */
  readonly localPred: Readonly<Record<number, number>>
  /** The classifier's answers, [samples, classes]; row 0 is the image's. */
  readonly probabilities: { readonly data: Float64Array; readonly shape: readonly [number, number] }
  /** Which segments each sample showed, [samples, segments]; row 0 is all ones. */
  readonly masks: Masks
  /** Each sample's distance to the image, [samples]. */
  readonly distances: Float64Array
  /** Each sample's weight in the fit, [samples]. */
  readonly kernelWeights: Float64Array
  /** The seed that the segmenter was given. */
  readonly randomSeed: number
  /** What a reader of the explanation should know about it. */
  readonly warnings: readonly string[]
  readonly timings: Timings

  constructor(contents: ExplanationContents) {
    this.image = contents.image
    this.fudged = contents.fudged
    this.segments = contents.segments
    this.labels = contents.labels
    this.topLabels = contents.topLabels
    this.intercept = contents.intercept
    this.localExp = contents.localExp
    this.score = contents.score
    this.localPred = contents.localPred
    this.probabilities = contents.probabilities
    this.masks = contents.masks
    this.distances = contents.distances
    this.kernelWeights = contents.kernelWeights
    this.randomSeed = contents.randomSeed
    this.warnings = contents.warnings
    this.timings = contents.timings
  }

  /** The label's weights, or an error that says which labels there are. */
  private weightsOf(label: number): readonly SegmentWeight[] {
    if (!this.labels.includes(label))
      throw new ArgumentError(`label ${label} was not explained; the labels explained are ${this.labels.join(', ')}`)
    return this.localExp[label]
  }

  /**
   * The segments that matter most for a label: Python's get_image_and_mask.
   *
   * With positiveOnly (the default) or negativeOnly, the segments of that sign with |weight| > minWeight, the numFeatures
   * largest: they show the image, the mask is 1 there and 0 elsewhere. With both false, the numFeatures largest of either sign
   * and then those with |weight| >= minWeight: their green channel (weight >= 0, mask 1) or red one (weight < 0, mask -1) is set
   * to the image's maximum.
   * @returns image [H, W, 3] of the image's own type, and mask [H, W]
   * @throws ArgumentError for a label that was not explained, or both flags at once
   */
  getImageAndMask(label: number, options: ImageAndMaskOptions = {}): { image: Image; mask: LabelMap } {
    const { negativeOnly = false, hideRest = false, numFeatures = 5, minWeight = 0 } = options
    const positiveOnly = options.positiveOnly ?? !negativeOnly
    const weights = this.weightsOf(label)
    if (positiveOnly && negativeOnly)
      throw new ArgumentError(
        `positiveOnly and negativeOnly exclude each other; the labels explained are ${this.labels.join(', ')}`,
      )
    if (!Number.isInteger(numFeatures) || numFeatures < 0)
      throw new ArgumentError(`numFeatures must be an integer >= 0, not ${numFeatures}`)

    const oneSign = positiveOnly || negativeOnly
    const sign = negativeOnly ? -1 : 1
    const chosen = oneSign
      ? weights.filter(([, weight]) => weight * sign > 0 && weight * sign > minWeight).slice(0, numFeatures)
      : weights.slice(0, numFeatures).filter(([, weight]) => Math.abs(weight) >= minWeight)
    const weightOf = new Map(chosen)

    const source = this.image
    const data = hideRest ? pixelsLike(source.data, source.data.length) : source.data.slice()
    const mask = new Int32Array(this.segments.data.length)
    const brightest = (source.data as Float64Array).reduce((most, value) => Math.max(most, value), source.data[0])
    this.segments.data.forEach((segment, pixel) => {
      const weight = weightOf.get(segment)
      if (weight === undefined) return
      for (let c = 0; c < 3; c++) data[3 * pixel + c] = source.data[3 * pixel + c]
      mask[pixel] = oneSign || weight >= 0 ? 1 : -1
      if (!oneSign) data[3 * pixel + (weight < 0 ? 0 : 1)] = brightest
    })
    return { image: { ...source, data }, mask: { data: mask, shape: this.segments.shape } }
  }
}
