import {
  abortSignal,
  callback,
  check,
  type Expected,
  either,
  finiteNumber,
  flag,
  listOf,
  oneOf,
  shown,
  thatIs,
  wholeNumber,
} from '../../engine/arguments.ts'
import { ArgumentError } from '../../engine/errors.ts'
import type { AbortSignal } from '../../engine/platform/types.ts'
import { unlessAborted } from '../abort.ts'
import { fudgedImage, type HideColor } from '../images/fudged-image.ts'
import { type Image, type ImageInput, toImage, toRgb } from '../images/image.ts'
import type { UndoableDraws } from '../random/undoable-draws.ts'
import { checkPredictor, type Predictor } from '../samples/predictors.ts'
import { mostSamples } from '../samples/sampling.ts'
import { defaultSegmenter } from '../segmenters/default-segmenter.ts'
import {
  checkedLabelMap,
  distinctLabels,
  type LabelMap,
  relabelled,
  type SegmentationFn,
} from '../segmenters/label-map.ts'
import { quickshift } from '../segmenters/quickshift.ts'
import { limeQuickshift } from '../segmenters/registry.ts'
import { known } from '../steps.ts'

/** What is common to all ways of explaining: an image, its segments, and what is shown where they are hidden. */
export interface SubjectOptions {
  /** The classes to explain, or what chooses them by the image's probabilities; they count only when topLabels is null or left out. */
  readonly labels?: readonly number[] | ((probabilities: Float64Array) => readonly number[])
  /** How many of the most probable classes to explain: 5 unless labels are given. null: labels. */
  readonly topLabels?: number | null
  /**
   * What switched-off segments show: null their own mean colour, 'mean' the image's, 'blur' the image out of focus, 'noise' colours
   * of its pixels drawn by the random seed, 'inpaint' what surrounds each of them, else this colour.
   */
  readonly hideColor?: HideColor
  /** Images a call of a predict function (a model that blends by itself chooses its own). 10, as in Python. */
  readonly batchSize?: number
  /** Image -> label map; left out, quickshift with parameters that suit the image's size. */
  readonly segmentationFn?: SegmentationFn
  /** Seed of the segmenter, and of noise in hidden segments; left out, it is drawn from the explainer's stream. */
  readonly randomSeed?: number
  /**
   * Python's numbers to the last detail: labels stay as the segmenter made them (in a map that starts at 1 the first column
   * then switches nothing and the last segment is never hidden), and the default segmenter is lime's for small images too.
   */
  readonly compatible?: boolean
  /** false: a model of ours computes every sample by itself, instead of once what samples have in common. */
  readonly factored?: boolean
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: Progress) => void
}

export interface Progress {
  readonly phase: 'segmentation' | 'prediction' | 'fit'
  readonly done: number
  readonly total: number
}

export interface Subject {
  /** As the predictor takes it. */
  readonly image: Image
  readonly fudged: Image
  readonly segments: LabelMap
  readonly segmentCount: number
  readonly randomSeed: number
  readonly warnings: readonly string[]
  /** Milliseconds that segmenting took. */
  readonly segmentation: number
}

/** A number of samples, or one of these words in its place. @internal */
export function samplesOr(...words: readonly string[]): Expected {
  const quoted = words.map((word) => `'${word}'`)
  const many = `a whole number from 1 to ${mostSamples.toLocaleString('en-US')}`
  const last = quoted.pop()
  return either(`${[many, ...quoted].join(', ')} or ${last}`, wholeNumber(1, mostSamples), oneOf(...words))
}

const whole = wholeNumber(0)
const nothing = thatIs<null>('null', (value) => value === null)

/** What may be given for each option. @internal */
export const subjectOptions = {
  labels: either('a list of class numbers, or a function that chooses them', listOf('', finiteNumber), callback),
  topLabels: either('a positive integer or null', wholeNumber(1), nothing),
  hideColor: thatIs<HideColor>('a colour', () => true),
  batchSize: wholeNumber(1),
  segmentationFn: callback,
  randomSeed: whole,
  compatible: flag,
  factored: flag,
  signal: abortSignal,
  onProgress: callback,
} satisfies { readonly [K in keyof Required<SubjectOptions>]: Expected }

/** More than a fit can weigh: it keeps a square of numbers, 2 GB at so many segments. @internal */
export const mostSegments = 16_384

/** Fewer segments than this can hardly explain anything. */
const fewSegments = 3

/**
 * Checks the image and the options, and segments the image.
 * @throws ShapeError or ArgumentError for an image, option or label map that does not fit; signal.reason after an abort
 */
export async function prepareSubject(
  input: ImageInput,
  predictor: Predictor,
  options: SubjectOptions,
  draws: UndoableDraws,
): Promise<Subject> {
  const { hideColor = null, compatible = false, signal, onProgress } = options
  const started = performance.now()
  onProgress?.({ phase: 'segmentation', done: 0, total: 1 })
  const given = toImage(input)
  const randomSeed = options.randomSeed ?? (await draws.draw((random) => known(random.randint(0, 1000)), signal))
  const segment =
    options.segmentationFn ?? (compatible ? quickshift({ ...limeQuickshift, randomSeed }) : defaultSegmenter(given))
  const map = checkedLabelMap(await unlessAborted(segment(given, { randomSeed, signal }), signal), given)
  const segmentCount = distinctLabels(map.data).length
  if (segmentCount > mostSegments)
    throw new ArgumentError(
      `the image has ${segmentCount} segments; at most ${mostSegments} can be explained: take a coarser segmentation`,
    )
  const segments = compatible ? map : relabelled(map)
  onProgress?.({ phase: 'segmentation', done: 1, total: 1 })
  const warnings =
    segmentCount < fewSegments
      ? [
          `the image has only ${segmentCount} segment${segmentCount === 1 ? '' : 's'}: an explanation needs at least ${fewSegments} to say where to look; try a finer segmentation`,
        ]
      : []
  const segmentation = performance.now() - started

  // A grey [H, W] image is RGB for a predict function, as in Python. A model that blends by itself takes any grey image as it
  // is, unless what is to replace the segments has a colour.
  const inFunctionsColour = typeof predictor === 'function' && given.shape.length === 2
  const inHideColour = typeof predictor !== 'function' && Array.isArray(hideColor) && hideColor.length === 3
  const image = inFunctionsColour || inHideColour ? toRgb(given) : given
  const fudged = await fudgedImage(image, segments.data, hideColor, { randomSeed, signal })
  return { image, fudged, segments, segmentCount, randomSeed, warnings, segmentation }
}

/** @throws ArgumentError for a predictor or options that no image can make right @internal */
export function checkRequest(predictor: Predictor, options: SubjectOptions, expected: Expected): void {
  check('explainInstance', expected, options)
  options.signal?.throwIfAborted()
  checkPredictor(predictor)
}

/** How many labels are explained where nobody says. @internal */
export const usualTopLabels = 5

/** How many of the most probable labels to explain; null where labels are given. */
export function topCountOf({ topLabels, labels }: SubjectOptions): number | null {
  return topLabels === undefined ? (labels ? null : usualTopLabels) : topLabels
}

/**
 * The labels to explain, given the probabilities of the image itself.
 * @throws ArgumentError for a label that the predictor has not
 */
export function chosenLabels(original: Float64Array, options: SubjectOptions): readonly number[] {
  const topCount = topCountOf(options)
  if (topCount !== null) return mostProbable(original, topCount)
  const { labels: given = [1] } = options
  const chosen = typeof given === 'function' ? given(original) : given
  check('explainInstance', subjectOptions.labels, chosen, 'labels')
  const labels = [...new Set(chosen)]
  const classes = original.length
  for (const label of labels)
    if (!Number.isInteger(label) || label < 0 || label >= classes)
      throw new ArgumentError(
        `label ${shown(label)} can't be explained: the predictor has the classes 0 to ${classes - 1}`,
      )
  return labels
}

/** The labels of the largest probabilities, largest first; of equals the higher label first, as NumPy's argsort has it. */
function mostProbable(probabilities: Float64Array, count: number): number[] {
  const labels = Array.from(probabilities.keys())
  return labels
    .sort((a, b) => probabilities[a] - probabilities[b] || a - b)
    .reverse()
    .slice(0, count)
}
