import { LimelightError, type Model } from '../../../engine/index.ts'
import { yieldToEvents } from '../../../engine/platform/yield.ts'
import {
  type Attribution,
  Explanation,
  type ExplanationRequest,
  explainerFor,
  explanationRequest,
  type Faithfulness,
  type RequestInput,
  ShapleyAttribution,
  type Stability,
  stabilityOfRuns,
} from '../../../lime/index.ts'
import { task } from '../../tasks/chosen-task.ts'
import { classNamesOf, pictureOf } from '../../tasks/task.ts'
import type { ExplanationProgress, ExplanationResult, LabelExplanation } from '../contract/engine-api.ts'
import { plainWarnings } from './plain-warnings.ts'
import { told } from './runs.ts'

/** Explanations of single pictures, and what can be asked about them afterwards. */

/** What was explained, and what it was made with. */
export interface Explained {
  readonly attribution: Attribution
  readonly network: Model
  readonly request: ExplanationRequest
}

/** Explanations that its stability is judged by. */
const stabilityRuns = 10

export async function explainPicture(
  network: Model,
  pixels: Uint8Array,
  asked: RequestInput,
  signal: AbortSignal,
  onProgress: (progress: ExplanationProgress) => void,
): Promise<Explained> {
  // All classes: looking at another one then costs nothing.
  const request = explanationRequest({ ...asked, topLabels: classNamesOf(task, network).length })
  const tell = {
    segmentation: told((done, total) => onProgress({ phase: 'segmentation', done, total })),
    prediction: told((done, total) => onProgress({ phase: 'prediction', done, total })),
    fit: told((done, total) => onProgress({ phase: 'fit', done, total })),
  }
  const attribution = await explainerFor(request)(pictureOf(task, pixels), network, {
    signal,
    onProgress: ({ phase, done, total }) => tell[phase](done, total),
  })
  return { attribution, network, request }
}

/** What the page shows of it. */
export async function resultOf(explained: Explained, signal: AbortSignal): Promise<ExplanationResult> {
  const { attribution, network, request } = explained
  const classNames = classNamesOf(task, network)
  const { segments, segmentCount, fudgedAsked, samples, timings } = attribution
  const labels = await labelsOf(attribution, signal)
  return {
    request,
    segments: segments.data,
    segmentCount,
    hiddenPixels: Uint8Array.from(fudgedAsked.data, (value) => Math.round(value * 255)),
    samples,
    labels,
    classNames,
    flip: await flipOf(explained),
    warnings: plainWarnings(attribution, labels, classNames),
    timings,
  }
}

/** What an attribution says of each of its labels. */
export async function labelsOf(attribution: Attribution, signal: AbortSignal): Promise<LabelExplanation[]> {
  const labels: LabelExplanation[] = []
  for (const label of attribution.labels) {
    // Of many segments and samples intervals take a while: whoever stops it meanwhile is heard.
    await yieldToEvents()
    signal.throwIfAborted()
    labels.push(labelOf(attribution, label))
  }
  return labels
}

/** What an attribution says of one of its labels. */
export function labelOf(attribution: Attribution, label: number): LabelExplanation {
  return {
    label,
    probability: attribution.prediction[label],
    weights: attribution.weightsOf(label),
    evidence: evidenceOf(attribution, label),
  }
}

function evidenceOf(attribution: Attribution, label: number): LabelExplanation['evidence'] {
  if (attribution instanceof Explanation) {
    const { intercept, score, localPred } = attribution
    return {
      method: 'lime',
      intercept: intercept[label],
      score: score[label],
      localPrediction: localPred[label],
      intervals: attribution.intervals(label),
    }
  }
  if (attribution instanceof ShapleyAttribution)
    return { method: 'shapley', base: attribution.base[label], sum: attribution.sumOf(label) }
  throw new LimelightError(`the page can't show what ${attribution.method} says`)
}

/** Segments that may flip the answer by themselves, the heaviest first: more are hardly ever of use. */
const maxFlips = 5

/** Which segment alone makes the network say something else. */
export async function flipOf(explained: Explained): Promise<ExplanationResult['flip']> {
  const [said] = explained.attribution.labels
  const heaviest = explained.attribution.localExp[said].filter(([, weight]) => weight > 0).slice(0, maxFlips)
  for (const [segment] of heaviest) {
    const probabilities = await predictWithout(explained, [segment])
    const predicted = probabilities.indexOf(Math.max(...probabilities))
    if (predicted !== said) return { segment, predicted }
  }
  return null
}

/** The probabilities of the picture with these of its segments hidden as its samples hid them. */
export async function predictWithout({ attribution, network }: Explained, hidden: readonly number[]) {
  const { asked, fudgedAsked, segments } = attribution
  const isHidden = new Set(hidden)
  const data = Float32Array.from(asked.data, (value, i) =>
    isHidden.has(segments.data[Math.floor(i / asked.channels)]) ? fudgedAsked.data[i] : value,
  )
  return (await network.predict({ data, shape: [1, asked.height, asked.width, asked.channels] })).data
}

export async function faithfulness(
  { attribution, network }: Explained,
  label: number,
  signal: AbortSignal,
): Promise<Faithfulness> {
  const { faithfulnessOf } = await import('../../../lime/explanation/faithfulness.ts')
  signal.throwIfAborted()
  return faithfulnessOf(attribution, network, { label, signal })
}

/** How much other random states would change a label's explanation. */
export async function stability(
  { attribution, network, request }: Explained,
  label: number,
  signal: AbortSignal,
): Promise<Stability> {
  const explain = explainerFor(request)
  const again = () => explain(attribution.asked, network, { labels: [label], keepSamples: false, signal })
  const stable = (await stabilityOfRuns(again, { runs: stabilityRuns })).get(label)
  if (!stable) throw new LimelightError(`label ${label} was not explained`)
  return stable
}
