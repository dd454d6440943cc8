import type { Model } from '../../../../engine/index.ts'
import { type Attribution, type LabelMap, mapSegmenter, scaledLabelMap } from '../../../../lime/index.ts'
import { type ExplainedPhotograph, explainPhotograph } from '../../../photographs/explain-photograph.ts'
import type { Fit } from '../../../photographs/framing.ts'
import { shownOnPhotograph } from '../../../photographs/on-photograph.ts'
import { photographRequest } from '../../../photographs/photograph-request.ts'
import type { Picture } from '../../../pictures/picture.ts'
import { saysValues } from '../../../tasks/answers.ts'
import type { PictureTask } from '../../../tasks/picture-task.ts'
import { probabilityWords, valueWords } from '../../answer-words.ts'
import type { ExplanationProgress } from '../../contract/engine-api.ts'
import type { LabelExplanation } from '../../contract/label-explanation.ts'
import type { PhotographResult } from '../../contract/photograph-api.ts'
import { type PhotographSettings, photographRequestOf } from '../../contract/photograph-settings.ts'
import { type Explained, flipOf, labelOf, labelsOf, predictWithout } from '../explaining.ts'
import { plainWarnings } from '../plain-warnings.ts'
import { told } from '../runs.ts'
import { maxShown, pixelsOf } from './opened-photographs.ts'

/** Explanations of photographs, as the page shows them. */

/** A network that is asked, and what it is asked about. */
export interface Asking {
  /** The network's name. */
  readonly id: string
  readonly model: Model
  readonly task: PictureTask
  readonly classNames: readonly string[]
  readonly picture: Picture
  readonly fit: Fit
  readonly settings: PhotographSettings
  readonly own: LabelMap | null
  /** The classes explained. */
  readonly labels: readonly number[]
}

/** What was explained, for what can be asked about it afterwards. */
export interface PhotographExplained extends Explained {
  readonly asking: Asking
  readonly explained: ExplainedPhotograph
  /** On the photograph. */
  readonly shown: Attribution
  /** The explanation's, and what is to be said of drawn segments. */
  readonly warnings: readonly string[]
}

export async function explainAsked(
  asking: Asking,
  signal: AbortSignal,
  onProgress: (progress: ExplanationProgress) => void,
  onRough: (rough: PhotographExplained) => void,
): Promise<PhotographExplained> {
  const { model, task, picture, fit, settings, own, labels } = asking
  const [height, width] = task.pictureShape
  // Drawn larger; the request names the map that the network is asked with, which is the one that a file of the explanation has.
  const segments = own && scaledLabelMap(own, height, width)
  const left = new Set(segments?.data)
  const lost = Array.from(new Set(own?.data)).filter((id) => !left.has(id))
  const request = photographRequest(
    { ...photographRequestOf(settings), labels, ...(segments && { segmenter: await mapSegmenter(segments) }) },
    task,
  )
  const tell = {
    segmentation: told((done, total) => onProgress({ phase: 'segmentation', done, total })),
    prediction: told((done, total) => onProgress({ phase: 'prediction', done, total })),
    fit: told((done, total) => onProgress({ phase: 'fit', done, total })),
  }
  const whole = (explained: ExplainedPhotograph): PhotographExplained => ({
    asking,
    explained,
    shown: shownOnPhotograph(explained, maxShown),
    warnings: lost.length > 0 ? [...explained.warnings, lostInWords(lost, task)] : explained.warnings,
    attribution: explained.attribution,
    network: model,
    request,
  })
  const explained = await explainPhotograph(
    { picture, task, fit, segmentedIn: own ? 'network' : settings.segmentedIn },
    model,
    request,
    {
      signal,
      onProgress: ({ phase, done, total }) => tell[phase](done, total),
      onRough: (rough) => onRough(whole(rough)),
      ...(segments && { segments }),
    },
  )
  return whole(explained)
}

/** What the page shows of it. */
export async function photographResultOf(whole: PhotographExplained, signal: AbortSignal): Promise<PhotographResult> {
  const { attribution, asking, warnings } = whole
  const labels = await labelsOf(attribution, signal)
  const own = new Set(attribution.warnings)
  const isOfValues = saysValues(asking.task)
  const words = isOfValues ? valueWords : probabilityWords
  // Values have no largest that another may become.
  const flip = isOfValues ? null : await flipOf(whole)
  return {
    ...onPhotograph(whole),
    isRough: false,
    labels: labels.map((label) => withIds(label, attribution)),
    flip: flip && { ...flip, segment: attribution.segmentIds[flip.segment] },
    warnings: [
      ...plainWarnings(attribution, labels, asking.classNames, { words, hasExact: false }),
      ...warnings.filter((warning) => !own.has(warning)),
    ],
  }
}

function lostInWords(lost: readonly number[], { pictureShape: [height, width] }: PictureTask): string {
  const [which, has, it] = lost.length === 1 ? ['Segment', 'has', 'it'] : ['Segments', 'have', 'them']
  return `${which} ${lost.toSorted((a, b) => a - b).join(', ')} ${has} no pixel at the network’s size, ${width} × ${height}, and can’t be explained: draw ${it} larger, or join ${it} to others.`
}

/**
 * What the page shows of a rough result, all of it at once: the samples that are under way leave hardly a turn to others. What
 * flips the answer, the final one says.
 */
export function roughResultOf(whole: PhotographExplained): PhotographResult {
  const { attribution } = whole
  const labels = attribution.labels.map((label) => withIds(labelOf(attribution, label), attribution))
  return { ...onPhotograph(whole), isRough: true, labels, flip: null, warnings: [] }
}

/** What is hidden then, by the ids that the page knows segments by. */
export function predictWithoutIds(explained: PhotographExplained, ids: readonly number[]) {
  const { segmentIds } = explained.attribution
  return predictWithout(
    explained,
    ids.map((id) => segmentIds.indexOf(id)),
  )
}

/** People know a segment by the id that it has in the map which they drew. */
function withIds(label: LabelExplanation, { segmentIds }: Attribution): LabelExplanation {
  const { weights, evidence } = label
  return {
    ...label,
    weights: weights.map(([segment, weight]) => [segmentIds[segment], weight]),
    evidence:
      evidence.method === 'lime'
        ? {
            ...evidence,
            intervals: evidence.intervals.map((interval) => ({ ...interval, segment: segmentIds[interval.segment] })),
          }
        : evidence,
  }
}

function onPhotograph({ asking, explained, shown, attribution, request }: PhotographExplained) {
  const { classNames, picture } = asking
  const { top, left, height, width } = explained.region
  const down = (y: number) => Math.round((y * shown.image.height) / picture.height)
  const across = (x: number) => Math.round((x * shown.image.width) / picture.width)
  const region = { top: down(top), left: across(left), bottom: down(top + height), right: across(left + width) }
  return {
    request,
    pixels: pixelsOf(shown.image),
    hiddenPixels: pixelsOf(shown.fudged),
    segments: shown.segments.data.map((segment) => (segment < 0 ? segment : attribution.segmentIds[segment])),
    region,
    segmentCount: attribution.segmentCount,
    samples: attribution.samples,
    classNames,
    timings: attribution.timings,
  }
}
