import type { Expected } from '../../engine/arguments.ts'
import { ArgumentError } from '../../engine/errors.ts'
import type { AbortSignal } from '../../engine/platform/types.ts'
import type { Attribution } from '../explanation/attribution.ts'
import type { FeatureSelection } from '../fit/feature-selection.ts'
import type { HideColor } from '../images/fudged-image.ts'
import type { ImageInput } from '../images/image.ts'
import type { DistanceMetric } from '../samples/distances.ts'
import type { Predictor } from '../samples/predictors.ts'
import type { SamplingDesign } from '../samples/sampling.ts'
import { type LabelMap, mapName, type SegmentationFn } from '../segmenters/label-map.ts'
import { segmenterNamed } from '../segmenters/registry.ts'
import type { AutoSamples } from './settled-evidence.ts'
import type { Progress, SubjectOptions } from './subject.ts'

/** What an explainer is to the registry, and what all of them are asked in. */

export interface RequestedSegmenter {
  readonly name: string
  readonly parameters: Readonly<Record<string, number | boolean | string>>
}

/** What a request says whatever its method: the image's segments, the labels, and the seeds. */
export interface CommonFields {
  /**
   * By scikit-image's names; null takes one that suits the image's size; 'map' is a label map of the caller's own, by its digest
   * (mapSegmenter), which each call gets as `segments`.
   */
  readonly segmenter: RequestedSegmenter | null
  /** The classes to explain, each once. */
  readonly labels?: readonly number[]
  /** How many of the most probable classes, in place of labels: a complete request has one of the two. */
  readonly topLabels?: number
  /** What hidden segments show: null their own mean colour, 'mean', 'blur', 'noise' or 'inpaint' as HideColor has them, else this colour. */
  readonly hideColor: HideColor
  /** Seed of the samples; a complete request has none where none are drawn. */
  readonly randomState?: number
  /** Seed of the segmenter, and of noise in hidden segments. */
  readonly randomSeed: number
  /** false: every sample is computed by itself, not once what samples have in common. */
  readonly factored: boolean
}

/** What some methods take beyond that. A complete request has what its method looks at, and nothing else. */
export interface MethodFields {
  readonly samples?: number | 'exact' | 'auto'
  /** How masks are drawn; a complete request has it where some are. */
  readonly sampling?: SamplingDesign
  readonly autoSamples?: AutoSamples
  readonly alpha?: number
  readonly kernelWidth?: number
  readonly distanceMetric?: DistanceMetric
  readonly featureSelection?: FeatureSelection
  readonly numFeatures?: number
  readonly of?: 'probability' | 'logit'
}

/** As they may be given: names may be Python's. */
export interface MethodInput extends Omit<MethodFields, 'distanceMetric' | 'featureSelection'> {
  readonly distanceMetric?: string
  readonly featureSelection?: string
}

export interface RequestFields extends CommonFields, MethodFields {}

/** What a call adds that can't be written down. */
export interface CallOptions {
  /** In place of the request's segmenter. */
  readonly segmentationFn?: SegmentationFn
  /** The label map that the request's segmenter 'map' names, of the image's size. */
  readonly segments?: LabelMap
  /** In place of the request's labels. */
  readonly labels?: SubjectOptions['labels']
  /** Images a call of a predict function. */
  readonly batchSize?: number
  /** false: what the samples were is forgotten, by methods that would keep it. */
  readonly keepSamples?: boolean
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: Progress) => void
  /** Hears of what a tenth of the samples says, as soon as it is known; where answers come all at once, of nothing. */
  readonly onRough?: (rough: Attribution) => void
}

/** Explains one image. Calls that follow one another draw from one random stream. */
export type ExplainImage = (image: ImageInput, predictor: Predictor, call?: CallOptions) => Promise<Attribution>

/** A row of the registry: one way of explaining. @internal */
export interface Method {
  /** For people. */
  readonly title: string
  /** The fields that it takes beside the common ones, and what may be given for each. */
  readonly fields: { readonly [K in keyof MethodFields]: Expected }
  /**
   * Its fields with what is usual where nothing is given, without those that the others leave no meaning, and one name for what has
   * several. @throws ArgumentError for unknown names
   */
  complete(given: MethodInput): MethodFields
  /** Whether it draws samples, so that their seed matters. */
  draws(fields: MethodFields): boolean
  /** @throws ArgumentError for fields that no image can make right */
  explainer(request: RequestFields): ExplainImage
}

/** What segments as a request says; undefined where it leaves that to the image's size. */
function requestedSegmentation(
  segmenter: RequestedSegmenter | null,
  given: LabelMap | undefined,
): SegmentationFn | undefined {
  if (segmenter?.name === mapName)
    return async (image) => {
      // Loaded when it is asked for, as few do.
      const { givenSegments } = await import('../segmenters/given-segments.ts')
      return givenSegments(String(segmenter.parameters.digest), given, image)
    }
  if (given)
    return () => {
      const asked = segmenter ? `asks for ${segmenter.name}` : 'leaves the segmenter to the size of the image'
      throw new ArgumentError(
        `segments: the call gives some, but the request ${asked}: make it with segmenter: await mapSegmenter(segments)`,
      )
    }
  return segmenter ? segmenterNamed(segmenter.name, segmenter.parameters) : undefined
}

/** The part of an explainer's options that all of them share. */
export function sharedOptions(request: RequestFields, call: CallOptions): SubjectOptions {
  const { segmenter, labels, topLabels, hideColor, randomSeed, factored } = request
  const { batchSize, signal, onProgress } = call
  return {
    segmentationFn: call.segmentationFn ?? requestedSegmentation(segmenter, call.segments),
    ...(call.labels ? { labels: call.labels, topLabels: null } : { labels, topLabels }),
    hideColor,
    randomSeed,
    factored,
    batchSize,
    signal,
    onProgress,
  }
}
