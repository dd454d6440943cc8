import { LimelightError, type Sequential } from '../../../engine/index.ts'
import { yieldToEvents } from '../../../engine/platform/yield.ts'
import {
  defaultSegmenter,
  type ExplainOptions,
  type Explanation,
  type Faithfulness,
  LimeImageExplainer,
  type SegmentationFn,
  type Stability,
  segmenterNamed,
} from '../../../lime/index.ts'
import { task } from '../../tasks/chosen-task.ts'
import { classNamesOf, pictureOf } from '../../tasks/task.ts'
import type {
  ExplanationProgress,
  ExplanationResult,
  ExplanationSettings,
  HiddenChoice,
  LabelExplanation,
} from '../contract/engine-api.ts'
import { plainWarnings } from './plain-warnings.ts'
import { told } from './runs.ts'

/** Explanations of single pictures, and what can be asked about them afterwards. */

/** An explanation and what it was made with. */
export interface Explained {
  readonly explanation: Explanation
  readonly network: Sequential
  readonly settings: ExplanationSettings
}

/** Explanations that its stability is judged by. */
const stabilityRuns = 10

export async function explainPicture(
  network: Sequential,
  pixels: Uint8Array,
  settings: ExplanationSettings,
  signal: AbortSignal,
  onProgress: (progress: ExplanationProgress) => void,
): Promise<Explained> {
  const { seed, kernelWidth } = settings
  const explainer = new LimeImageExplainer({ randomState: seed, kernelWidth })
  const tell = {
    segmentation: told((done, total) => onProgress({ phase: 'segmentation', done, total })),
    prediction: told((done, total) => onProgress({ phase: 'prediction', done, total })),
    fit: told((done, total) => onProgress({ phase: 'fit', done, total })),
  }
  const explanation = await explainer.explainInstance(pictureOf(task, pixels), network, {
    ...optionsOf(settings),
    // All classes: looking at another one then costs nothing.
    topLabels: classNamesOf(task, network).length,
    signal,
    onProgress: ({ phase, done, total }) => tell[phase](done, total),
  })
  return { explanation, network, settings }
}

/** What the page shows of it. */
export async function resultOf(explained: Explained, signal: AbortSignal): Promise<ExplanationResult> {
  const { explanation, network, settings } = explained
  const classNames = classNamesOf(task, network)
  const { segments, labels, intercept, score, localPred, localExp, probabilities, timings } = explanation
  const each: LabelExplanation[] = []
  for (const label of labels) {
    // Of many segments and samples intervals take a while: whoever stops it meanwhile is heard.
    await yieldToEvents()
    signal.throwIfAborted()
    each.push({
      label,
      probability: probabilities.data[label],
      intercept: intercept[label],
      score: score[label],
      localPrediction: localPred[label],
      weights: localExp[label],
      intervals: explanation.intervals(label),
    })
  }
  return {
    settings,
    segments: segments.data,
    segmentCount: segments.data.reduce((most, segment) => Math.max(most, segment), 0) + 1,
    hiddenPixels: Uint8Array.from(explanation.fudgedAsked.data, (value) => Math.round(value * 255)),
    samples: explanation.samples,
    labels: each,
    classNames,
    flip: await flipOf(explained),
    warnings: plainWarnings(explanation, each, classNames),
    timings,
  }
}

/** Segments that may flip the answer by themselves, the heaviest first: more are hardly ever of use. */
const maxFlips = 5

async function flipOf(explained: Explained): Promise<ExplanationResult['flip']> {
  const [said] = explained.explanation.labels
  const heaviest = explained.explanation.localExp[said].filter(([, weight]) => weight > 0).slice(0, maxFlips)
  for (const [segment] of heaviest) {
    const probabilities = await predictWithout(explained, [segment])
    const predicted = probabilities.indexOf(Math.max(...probabilities))
    if (predicted !== said) return { segment, predicted }
  }
  return null
}

/** The probabilities of the picture with these of its segments hidden as its samples hid them. */
export async function predictWithout({ explanation, network }: Explained, hidden: readonly number[]) {
  const { asked, fudgedAsked, segments } = explanation
  const isHidden = new Set(hidden)
  const data = Float32Array.from(asked.data, (value, pixel) =>
    isHidden.has(segments.data[pixel]) ? fudgedAsked.data[pixel] : value,
  )
  return (await network.predict({ data, shape: [1, ...task.inputShape] })).data
}

export async function faithfulness(
  { explanation, network }: Explained,
  label: number,
  signal: AbortSignal,
): Promise<Faithfulness> {
  const { faithfulnessOf } = await import('../../../lime/explanation/faithfulness.ts')
  signal.throwIfAborted()
  return faithfulnessOf(explanation, network, { label, signal })
}

/** How much other random states would change a label's explanation. */
export async function stability(
  { explanation, network, settings }: Explained,
  label: number,
  signal: AbortSignal,
): Promise<Stability> {
  const { seed, kernelWidth } = settings
  const explainer = new LimeImageExplainer({ randomState: seed, kernelWidth })
  const options = { ...optionsOf(settings), labels: [label], topLabels: null, runs: stabilityRuns, signal }
  const stable = (await explainer.stability(explanation.asked, network, options)).get(label)
  if (!stable) throw new LimelightError(`label ${label} was not explained`)
  return stable
}

function optionsOf({ segmenter, parameters, samples, seed, hidden }: ExplanationSettings): ExplainOptions {
  const segmentationFn: SegmentationFn =
    segmenter === 'auto'
      ? (image, context) => defaultSegmenter(image)(image, context)
      : segmenterNamed(segmenter, parameters ?? {})
  return { segmentationFn, numSamples: samples, randomSeed: seed, hideColor: hideColorOf(hidden) }
}

function hideColorOf(hidden: HiddenChoice) {
  if (hidden === 'segment') return null
  return hidden === 'mean' || hidden === 'blur' ? hidden : Number(hidden)
}
