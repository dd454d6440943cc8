import { check, flag, numberFrom, optionsOf, shown, thatIs, wholeNumber } from '../../engine/arguments.ts'
import { ArgumentError } from '../../engine/errors.ts'
import type { WeightInterval } from '../fit/confidence.ts'
import type { SegmentWeight } from '../fit/surrogate.ts'
import { type Image, pixelsLike, toRgb } from '../images/image.ts'
import type { Masks } from '../samples/sampling.ts'
import type { LabelMap } from '../segmenters/label-map.ts'
import { type ExplanationJson, explanationFromJson, explanationToJson } from './explanation-json.ts'

/** What each part of an explanation took, in milliseconds. */
export interface Timings {
  readonly segmentation: number
  readonly prediction: number
  readonly fit: number
  readonly total: number
}

/** How the samples came about: so many were asked for, as many as it took, or all there are. */
export type Sampling = 'number' | 'auto' | 'exact'

export interface ExplanationContents {
  /** As the predictor took it. */
  readonly asked: Image
  readonly fudgedAsked: Image
  readonly segments: LabelMap
  readonly labels: readonly number[]
  readonly topLabels: readonly number[]
  readonly intercept: Readonly<Record<number, number>>
  readonly localExp: Readonly<Record<number, readonly SegmentWeight[]>>
  readonly score: Readonly<Record<number, number>>
  readonly localPred: Readonly<Record<number, number>>
  readonly samples: number
  readonly sampling: Sampling
  readonly settled: boolean | null
  readonly alpha: number | null
  readonly intervals: (label: number) => readonly WeightInterval[] | null
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

const imageAndMaskOptions = optionsOf<ImageAndMaskOptions>({
  positiveOnly: flag,
  negativeOnly: flag,
  hideRest: flag,
  numFeatures: wholeNumber(0),
  minWeight: numberFrom(0),
})

/** Why a classifier said what it said about one image: Python lime's ImageExplanation, with the samples kept. */
export class Explanation {
  /** The image as the predictor took it, [H, W, 3] or of one channel, and what switched-off segments showed. */
  readonly asked: Image
  readonly fudgedAsked: Image
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
  /** label -> the surrogate's in-sample weighted R²; 0 where nothing varied (1, as in Python, under `compatible`). */
  readonly score: Readonly<Record<number, number>>
  /** label -> the surrogate's value for the image itself. */
  readonly localPred: Readonly<Record<number, number>>
  /** How many perturbed images the fit is made of, the image itself among them. */
  readonly samples: number
  readonly sampling: Sampling
  /** Of automatic sampling: whether the order of the top features was settled in the end. */
  readonly settled: boolean | null
  /** The penalty of the ridge that was fitted: 1 as in Python, 0 for the limit of endless samples; null where none was. */
  readonly alpha: number | null
  /** The classifier's answers, [samples, classes]; row 0 is the image's, and the only one where samples are not kept. */
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

  constructor(private readonly contents: ExplanationContents) {
    this.asked = contents.asked
    this.fudgedAsked = contents.fudgedAsked
    this.image = toRgb(contents.asked)
    this.fudged = toRgb(contents.fudgedAsked)
    this.segments = contents.segments
    this.labels = contents.labels
    this.topLabels = contents.topLabels
    this.intercept = contents.intercept
    this.localExp = contents.localExp
    this.score = contents.score
    this.localPred = contents.localPred
    this.samples = contents.samples
    this.sampling = contents.sampling
    this.settled = contents.settled
    this.alpha = contents.alpha
    this.probabilities = contents.probabilities
    this.masks = contents.masks
    this.distances = contents.distances
    this.kernelWeights = contents.kernelWeights
    this.randomSeed = contents.randomSeed
    this.warnings = contents.warnings
    this.timings = contents.timings
  }

  /** Everything, samples included where they were kept, as plain data: what JSON.stringify(explanation) writes. */
  toJSON(): ExplanationJson {
    return explanationToJson(this.contents)
  }

  /** @param json what toJSON() gave. @throws FormatError for anything else, with the path of what is wrong */
  static fromJSON(json: unknown): Explanation {
    return new Explanation(explanationFromJson(json))
  }

  /**
   * The 95 % confidence interval of each weight, in the order of localExp: where it would be with endlessly many samples. The
   * ridge's bias is corrected in it, so that a weight that the penalty shrinks by much lies outside; a warning says so then. With
   * hardly more samples than segments, of which a warning tells, too, it says only what other samples would make of the weight.
   * Without width where all masks were taken.
   * @throws ArgumentError for a label that was not explained, or weights of the caller's own regressor
   */
  intervals(label: number): readonly WeightInterval[] {
    this.weightsOf(label)
    const intervals = this.contents.intervals(label)
    if (!intervals) throw new ArgumentError('intervals: there are none for the weights of a modelRegressor')
    return intervals
  }

  /** [segment, weight], largest |weight| first. @throws ArgumentError for a label that was not explained */
  weightsOf(label: number): readonly SegmentWeight[] {
    if (!this.labels.includes(label))
      throw new ArgumentError(
        `label ${shown(label)} was not explained; the labels explained are ${this.labels.join(', ')}`,
      )
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
    check('getImageAndMask', imageAndMaskOptions, options)
    const { negativeOnly = false, hideRest = false, numFeatures = 5, minWeight = 0 } = options
    const positiveOnly = options.positiveOnly ?? !negativeOnly
    const weights = this.weightsOf(label)
    if (positiveOnly && negativeOnly)
      throw new ArgumentError(
        `positiveOnly and negativeOnly exclude each other; the labels explained are ${this.labels.join(', ')}`,
      )

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

/** @internal */
export const anExplanation = thatIs<Explanation>('an Explanation', (value) => value instanceof Explanation)
