import {
  type Attribution,
  type CallOptions,
  type ExplainImage,
  type ExplanationRequest,
  explainerFor,
  type LabelMap,
  type Predictor,
  type RequestInput,
  scaledLabelMap,
} from '../../lime/index.ts'
import type { FloatImage, Picture } from '../pictures/picture.ts'
import type { Region } from '../pictures/resized-picture.ts'
import { saysValues } from '../tasks/answers.ts'
import type { PictureTask } from '../tasks/picture-task.ts'
import { askedPicture, type Fit, partSeen, regionSeen } from './framing.ts'
import { photographRequest } from './photograph-request.ts'
import { type SegmentedIn, segmentsInRegion, segmentsOfPhotograph } from './photograph-segments.ts'

/** A photograph, and how it comes to a network. */
export interface Photograph {
  /** As it was decoded, in its own size. */
  readonly picture: Picture
  /** What the network takes. */
  readonly task: PictureTask
  readonly fit: Fit
  /** Where segments are looked for; 'network' unless given. */
  readonly segmentedIn?: SegmentedIn
  /** Segments that people give, in place of those that are looked for: of the photograph in any size, or of the network's size. */
  readonly segments?: LabelMap
}

/** What was found out about a photograph. */
export interface ExplainedPhotograph {
  readonly photograph: Photograph
  /** At the network's resolution. `shownOnPhotograph` has it on the photograph. */
  readonly attribution: Attribution
  /** What the network was asked about, values from 0 to 1. */
  readonly asked: FloatImage
  /** Where in the photograph that is. */
  readonly region: Region
  /** The segments of that part as they were found, in the attribution's numbers; -1 is of none. */
  readonly segments: LabelMap
  /** Segments of the photograph that have no pixel at the network's size. */
  readonly vanished: number
  /** The attribution's, and what is to be said of the segments. */
  readonly warnings: readonly string[]
}

/** What a call adds that can't be written down; a rough result is of the photograph, too. */
export interface PhotographCall extends Omit<CallOptions, 'onRough'> {
  /** What explains, where several explanations are to draw from one random stream: explainerFor(photographRequest(request, task)). */
  readonly explain?: ExplainImage
  /** Hears a first result, of a tenth of the samples; the final one follows. */
  readonly onRough?: (rough: ExplainedPhotograph) => void
}

/**
 * Explains what a network says of a photograph.
 * @param predictor the network for pictures as they are here, on a device: `pictureModel(model, task)`, compiled
 * @param request what is asked; `photographRequest` says what is usual
 * @throws ArgumentError, ShapeError for what does not fit; signal.reason after an abort
 */
export async function explainPhotograph(
  photograph: Photograph,
  predictor: Predictor,
  request: RequestInput,
  { onRough, explain, ...call }: PhotographCall = {},
): Promise<ExplainedPhotograph> {
  const { picture, task, fit } = photograph
  const asked = askedPicture(picture, task, fit)
  const { height, width, channels } = asked
  const image = { data: asked.data, shape: [height, width, channels] }
  const complete = photographRequest(request, task)
  let found: LabelMap | undefined
  const region = regionSeen(picture, task, fit)
  const inPhotograph: CallOptions = {
    async segmentationFn(_, context) {
      found = photograph.segments
        ? segmentsInRegion(photograph.segments, picture, region, asked)
        : await segmentsOfPhotograph(partSeen(picture, task, fit), complete, context)
      return scaledLabelMap(found, height, width)
    },
  }
  const ownSegments = photograph.segments !== undefined || photograph.segmentedIn === 'photograph'
  const explained = (attribution: Attribution): ExplainedPhotograph => {
    const segments = found ? numberedAs(attribution.segments, found) : { map: attribution.segments, vanished: 0 }
    const { map, vanished } = segments
    return {
      photograph,
      attribution,
      asked,
      region,
      segments: map,
      vanished,
      warnings: [...attribution.warnings, ...(vanished > 0 ? [vanishedInWords(vanished, height, width)] : [])],
    }
  }
  const attribution = await (explain ?? explainerFor(complete))(image, predictor, {
    ...(saysValues(task) && { labels: firstValues(complete) }),
    ...call,
    ...(ownSegments && !call.segmentationFn && inPhotograph),
    ...(onRough && { onRough: (rough: Attribution) => onRough(explained(rough)) }),
  })
  return explained(attribution)
}

/** Values have no order: the first ones, as many as most probable classes are explained elsewhere, or those that are asked for. */
function firstValues({ labels, topLabels }: ExplanationRequest) {
  return labels ?? ((values: Float64Array) => Array.from(values.keys()).slice(0, topLabels))
}

/** Segments as they were found, in the numbers that an explanation has for what is left of them at the network's size. */
function numberedAs({ data, shape: [height, width] }: LabelMap, found: LabelMap): { map: LabelMap; vanished: number } {
  const numbers = new Map<number, number>()
  scaledLabelMap(found, height, width).data.forEach((label, pixel) => {
    numbers.set(label, data[pixel])
  })
  const vanished = new Set(found.data.filter((label) => !numbers.has(label))).size
  return { map: { data: found.data.map((label) => numbers.get(label) ?? -1), shape: found.shape }, vanished }
}

function vanishedInWords(vanished: number, height: number, width: number): string {
  const many = vanished === 1 ? '1 segment of the photograph has' : `${vanished} segments of the photograph have`
  return `${many} no pixel at the network's size, ${width} x ${height}, and can't be explained`
}
