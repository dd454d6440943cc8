import { ArgumentError } from '../../engine/errors.ts'
import type { WeightInterval } from '../fit/confidence.ts'
import type { Masks, SamplingDesign } from '../samples/sampling.ts'
import { Attribution, contentsOn, type ShownPicture } from './attribution.ts'
import type { ByLabel, ExplanationContents } from './contents.ts'
import { type ExplanationJson, explanationFromJson, explanationToJson } from './explanation-json.ts'

/**
 * LIME's attribution: Python lime's ImageExplanation. Its weights are those of a linear model, the surrogate, that was fitted to
 * the classifier's answers about perturbed images; it says how well that fits, and keeps the samples.
 */
export class Explanation extends Attribution {
  /** label -> the surrogate's intercept. */
  readonly intercept: ByLabel<number>
  /** label -> the surrogate's in-sample weighted R²; 0 where nothing varied (1, as in Python, under `compatible`). */
  readonly score: ByLabel<number>
  /** label -> the surrogate's value for the image itself. */
  readonly localPred: ByLabel<number>
  /** Of automatic sampling: whether the order of the top features was settled in the end. */
  readonly settled: boolean | null
  /** How masks were drawn; null where all were taken. */
  readonly design: SamplingDesign | null
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

  constructor(private readonly contents: ExplanationContents) {
    super(contents)
    this.intercept = contents.intercept
    this.score = contents.score
    this.localPred = contents.localPred
    this.settled = contents.settled
    this.design = contents.design
    this.alpha = contents.alpha
    this.probabilities = contents.probabilities
    this.masks = contents.masks
    this.distances = contents.distances
    this.kernelWeights = contents.kernelWeights
  }

  override shownOn(picture: ShownPicture): Explanation {
    return new Explanation({ ...this.contents, ...contentsOn(picture) })
  }

  /** Everything, samples included where they were kept, as plain data: what JSON.stringify(explanation) writes. */
  override toJSON(): ExplanationJson {
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
}
