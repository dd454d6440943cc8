import { check, flag, numberFrom, optionsOf, shown, thatIs, wholeNumber } from '../../engine/arguments.ts'
import { ArgumentError, ShapeError } from '../../engine/errors.ts'
import type { SegmentWeight } from '../fit/surrogate.ts'
import { type Image, type ImageInput, pixelsLike, toImage, toRgb } from '../images/image.ts'
import { type LabelMap, labelMap } from '../segmenters/label-map.ts'
import type { AttributionJson } from './attribution-json.ts'
import type { AttributionContents, ByLabel, Provenance, Sampling, Timings } from './contents.ts'
import type { ExplanationJson } from './explanation-json.ts'

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

/** Another picture of what an explanation is about, the photograph that the image was made from, say. */
export interface ShownPicture {
  readonly image: ImageInput
  /** What switched-off segments show there, of the same shape. */
  readonly fudged: ImageInput
  /** [H, W] of that picture: the segments explained, and any other number for what is of no segment. */
  readonly segments: LabelMap
}

/**
 * What an explainer says about one image: how much each segment speaks for and against each label, and how that was found. Each
 * method's own kind adds what it says beyond that.
 */
export abstract class Attribution {
  /** The explainer's name: 'lime', 'shapley'. */
  readonly method: string
  /** The image as the predictor took it, [H, W, 3] or of one channel, and what switched-off segments showed. */
  readonly asked: Image
  readonly fudgedAsked: Image
  /** The image, [H, W, 3]: a grey one in three equal channels. */
  readonly image: Image
  /** What switched-off segments showed, [H, W, 3]. */
  readonly fudged: Image
  /** The segment of each pixel, 0..n-1 (under `compatible` as the segmenter numbered them). */
  readonly segments: LabelMap
  readonly segmentCount: number
  /** For each segment, what the segmenter, or whoever drew them, called each: what people are to read in place of its number. */
  readonly segmentIds: readonly number[]
  /** The labels explained, in the order of the request, or the most probable first. */
  readonly labels: readonly number[]
  /** The most probable labels, most probable first; empty when labels were given. */
  readonly topLabels: readonly number[]
  /** label -> [segment, weight], largest |weight| first. */
  readonly localExp: ByLabel<readonly SegmentWeight[]>
  /** The classifier's answer about the image itself, [classes]. */
  readonly prediction: Float64Array
  readonly provenance: Provenance
  /** What a reader of the explanation should know about it. */
  readonly warnings: readonly string[]
  readonly timings: Timings

  constructor(contents: AttributionContents) {
    this.method = contents.method
    this.asked = contents.asked
    this.fudgedAsked = contents.fudgedAsked
    this.image = toRgb(contents.asked)
    this.fudged = toRgb(contents.fudgedAsked)
    this.segments = contents.segments
    this.segmentCount = contents.segmentCount
    this.segmentIds = contents.segments.ids ?? Array.from({ length: contents.segmentCount }, (_, segment) => segment)
    this.labels = contents.labels
    this.topLabels = contents.topLabels
    this.localExp = contents.localExp
    this.prediction = contents.prediction
    this.provenance = contents.provenance
    this.warnings = contents.warnings
    this.timings = contents.timings
  }

  /** How many perturbed images it is made of, the image itself among them; 0 where it came in closed form. */
  get samples(): number {
    return this.provenance.samples
  }

  get sampling(): Sampling {
    return this.provenance.sampling
  }

  /** The seed that the segmenter was given. */
  get randomSeed(): number {
    return this.provenance.randomSeed
  }

  /** Everything as plain data: what JSON.stringify writes, and attributionFromJson reads. */
  abstract toJSON(): AttributionJson | ExplanationJson

  /**
   * The same evidence on another picture, to be painted there. It can't be saved: the samples were of the image that was explained.
   * @throws ShapeError for a map or a fudged picture of another size than the picture
   */
  abstract shownOn(picture: ShownPicture): Attribution

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
export const anAttribution = thatIs<Attribution>('an Attribution', (value) => value instanceof Attribution)

/** What takes the place of an attribution's own picture. @internal */
export function contentsOn({ image, fudged, segments }: ShownPicture) {
  const asked = toImage(image)
  const fudgedAsked = toImage(fudged)
  check('shownOn', labelMap, segments, 'segments')
  const fits = segments.shape[0] === asked.height && segments.shape[1] === asked.width
  if (!fits || fudgedAsked.shape.join() !== asked.shape.join())
    throw new ShapeError(
      `shownOn: the picture is [${asked.shape.join(', ')}], the fudged one [${fudgedAsked.shape.join(', ')}], the map [${segments.shape.join(', ')}]`,
    )
  return { asked, fudgedAsked, segments }
}
