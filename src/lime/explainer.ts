import { ArgumentError } from '../engine/errors.ts'
import { fairTurns, unlessAborted } from './abort.ts'
import { defaultSegmenter } from './default-segmenter.ts'
import { checkDistanceMetric, type DistanceMetric, distancesToFirst } from './distances.ts'
import { Explanation } from './explanation.ts'
import { type FeatureSelection, featureSelectionNamed } from './feature-selection.ts'
import { fudgedImage, type HideColor } from './fudged-image.ts'
import { type ImageInput, toImage, toRgb } from './image.ts'
import { exponentialKernel, type Kernel, kernelWeights } from './kernel.ts'
import { checkedLabelMap, distinctLabels, relabelled, type SegmentationFn } from './label-map.ts'
import { checkPredictor, type Predictor, predictPerturbed } from './predictors.ts'
import { quickshift } from './quickshift.ts'
import { RandomState } from './random-state.ts'
import { momentsOf } from './ridge.ts'
import { allMasks, type Masks, sampleMasks } from './sampling.ts'
import { limeQuickshift } from './segmenter-registry.ts'
import { fitSurrogate, type ModelRegressor, type Surrogate } from './surrogate.ts'
import { UndoableDraws } from './undoable-draws.ts'

export interface LimeImageExplainerOptions {
  /** Width of the default kernel, in units of the distance. */
  readonly kernelWidth?: number
  /** Distance -> weight, in place of sqrt(exp(-d^2 / kernelWidth^2)). */
  readonly kernel?: Kernel
  /** Reports each surrogate on stderr, as Python's lime prints it. */
  readonly verbose?: boolean
  /** 'auto', 'none', 'highestWeights', 'forwardSelection' or 'lassoPath'; Python's names serve too. */
  readonly featureSelection?: FeatureSelection | (string & {})
  /** A seed, or a stream to draw from; left out, every explainer has its own random seed. */
  readonly randomState?: number | RandomState
}

export interface Progress {
  readonly phase: 'segmentation' | 'prediction' | 'fit'
  readonly done: number
  readonly total: number
}

export interface ExplainOptions {
  /** The classes to explain; they count only when topLabels is null or left out. */
  readonly labels?: readonly number[]
  /** How many of the most probable classes to explain: 5 unless labels are given. null: labels. */
  readonly topLabels?: number | null
  /** What switched-off segments show: null their mean colour, else this colour. */
  readonly hideColor?: HideColor
  /** How many segments the surrogate may use at most. */
  readonly numFeatures?: number
  /** How many samples, the image itself among them; 'exact' takes all 2^n masks of at most 20 segments. */
  readonly numSamples?: number | 'exact'
  /** Images a call of a predict function (a model that blends by itself chooses its own). 10, as in Python. */
  readonly batchSize?: number
  /** Image -> label map; left out, quickshift with parameters that suit the image's size. */
  readonly segmentationFn?: SegmentationFn
  readonly distanceMetric?: DistanceMetric | (string & {})
  /** A linear model in place of the ridge regression. */
  readonly modelRegressor?: ModelRegressor
  /** Seed of the segmenter; left out, it is drawn from the explainer's stream. */
  readonly randomSeed?: number
  /**
   * Python's numbers to the last detail: labels stay as the segmenter made them (in a map that starts at 1 the first column
   * then switches nothing and the last segment is never hidden), and the default segmenter is lime's for small images too.
   */
  readonly compatible?: boolean
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: Progress) => void
}

/** Fewer segments than this can hardly explain anything. */
const fewSegments = 3

function checkCount(name: string, value: number): void {
  if (!Number.isInteger(value) || value < 1) throw new ArgumentError(`${name} must be a positive integer, not ${value}`)
}

/** The labels of the largest probabilities, largest first; of equals the higher label first, as NumPy's argsort has it. */
function mostProbable(probabilities: Float64Array, count: number): number[] {
  const labels = Array.from(probabilities.keys())
  return labels
    .sort((a, b) => probabilities[a] - probabilities[b] || a - b)
    .reverse()
    .slice(0, count)
}

/**
 * LIME for images (Ribeiro, Singh and Guestrin, "Why Should I Trust You?", KDD 2016), with the numbers of Python's lime 0.2.0.1:
 * the same seed gives the same explanation. One random stream is kept across calls: a second explanation continues it.
 */
export class LimeImageExplainer {
  private readonly kernel: Kernel
  private readonly kernelWidth: number
  private readonly verbose: boolean
  private readonly featureSelection: FeatureSelection
  private readonly randomState: RandomState

  /** @throws ArgumentError for an option outside its range or an unknown name */
  constructor(options: LimeImageExplainerOptions = {}) {
    const { kernelWidth = 0.25, kernel = exponentialKernel, verbose = false, featureSelection = 'auto' } = options
    if (!(kernelWidth > 0 && Number.isFinite(kernelWidth)))
      throw new ArgumentError(`kernelWidth must be a number > 0, not ${kernelWidth}`)
    const { randomState = Math.floor(Math.random() * 2 ** 32) } = options
    this.kernel = kernel
    this.kernelWidth = kernelWidth
    this.verbose = verbose
    this.featureSelection = featureSelectionNamed(featureSelection)
    this.randomState = typeof randomState === 'number' ? new RandomState(randomState) : randomState
  }

  /**
   * Explains what a classifier says about one image.
   * @param input [H, W] (given to a predict function as RGB), [H, W, 1] or [H, W, 3]
   * @param predictor a function from batches of images to probabilities, or a model that blends by itself
   * @throws ShapeError or ArgumentError for an image, option, label map or probabilities that do not fit; signal.reason after
   *   an abort. A call that throws leaves the explainer's random stream as it found it.
   */
  async explainInstance(input: ImageInput, predictor: Predictor, options: ExplainOptions = {}): Promise<Explanation> {
    const draws = new UndoableDraws(this.randomState)
    try {
      return await this.explain(input, predictor, options, draws)
    } catch (error) {
      draws.undo()
      throw error
    }
  }

  private async explain(
    input: ImageInput,
    predictor: Predictor,
    options: ExplainOptions,
    draws: UndoableDraws,
  ): Promise<Explanation> {
    const { hideColor = null, numFeatures = 100_000, numSamples = 1000, batchSize = 10 } = options
    const { distanceMetric = 'cosine', modelRegressor, compatible = false, signal, onProgress } = options
    const topCount = options.topLabels === undefined ? (options.labels ? null : 5) : options.topLabels
    signal?.throwIfAborted()
    const given = toImage(input)
    checkPredictor(predictor)
    checkCount('numFeatures', numFeatures)
    checkCount('batchSize', batchSize)
    if (numSamples !== 'exact') checkCount('numSamples', numSamples)
    if (topCount !== null) checkCount('topLabels', topCount)
    checkDistanceMetric(distanceMetric)
    const letOthersRun = fairTurns()

    const started = performance.now()
    onProgress?.({ phase: 'segmentation', done: 0, total: 1 })
    const randomSeed = options.randomSeed ?? draws.draw((random) => random.randint(0, 1000))
    const segment =
      options.segmentationFn ?? (compatible ? quickshift({ ...limeQuickshift, randomSeed }) : defaultSegmenter(given))
    const map = checkedLabelMap(await unlessAborted(segment(given, { randomSeed }), signal), given)
    const segmentCount = distinctLabels(map.data).length
    const segments = compatible ? map : relabelled(map)
    onProgress?.({ phase: 'segmentation', done: 1, total: 1 })
    const warnings: string[] = []
    if (segmentCount < fewSegments)
      warnings.push(
        `the image has only ${segmentCount} segment${segmentCount === 1 ? '' : 's'}: an explanation needs at least ${fewSegments} to say where to look; try a finer segmentation`,
      )
    const segmented = performance.now()

    // A grey [H, W] image is RGB for a predict function, as in Python. A model that blends by itself takes any grey image as it
    // is, unless what is to replace the segments has a colour.
    const inFunctionsColour = typeof predictor === 'function' && given.shape.length === 2
    const inHideColour = typeof predictor !== 'function' && typeof hideColor === 'object' && hideColor?.length === 3
    const image = inFunctionsColour || inHideColour ? toRgb(given) : given
    const fudged = fudgedImage(image, segments.data, hideColor)
    const masks: Masks =
      numSamples === 'exact'
        ? allMasks(segmentCount)
        : draws.draw((random) => sampleMasks(random, numSamples, segmentCount))
    const probabilities = await predictPerturbed(
      predictor,
      { image, fudged, columns: segments.data, masks },
      { batchSize, signal, onProgress: (done, total) => onProgress?.({ phase: 'prediction', done, total }) },
    )
    const predicted = performance.now()

    const distances = distancesToFirst(masks, distanceMetric)
    const weights = kernelWeights(distances, this.kernel, this.kernelWidth)
    const [rows, classes] = probabilities.shape
    const topLabels = topCount === null ? [] : mostProbable(probabilities.data.subarray(0, classes), topCount)
    const labels = topCount === null ? [...new Set(options.labels ?? [1])] : topLabels
    for (const label of labels)
      if (!Number.isInteger(label) || label < 0 || label >= classes)
        throw new ArgumentError(`label ${label} can't be explained: the predictor has the classes 0 to ${classes - 1}`)

    const moments = momentsOf({ data: masks.data, rows, columns: segmentCount, weights })
    const surrogates = new Map<number, Surrogate>()
    for (const label of labels) {
      await letOthersRun()
      signal?.throwIfAborted()
      const targets = Float64Array.from({ length: rows }, (_, row) => probabilities.data[row * classes + label])
      const settings = { numFeatures, featureSelection: this.featureSelection, modelRegressor }
      const surrogate = fitSurrogate(moments, targets, settings)
      surrogates.set(label, surrogate)
      if (this.verbose)
        console.warn(
          `Intercept ${surrogate.intercept}\nPrediction_local ${surrogate.localPrediction}\nRight: ${targets[0]}`,
        )
      onProgress?.({ phase: 'fit', done: surrogates.size, total: labels.length })
    }
    const ended = performance.now()

    const each = <T>(pick: (surrogate: Surrogate) => T): Record<number, T> =>
      Object.fromEntries(Array.from(surrogates, ([label, surrogate]) => [label, pick(surrogate)]))
    return new Explanation({
      image: toRgb(image),
      fudged: toRgb(fudged),
      segments,
      labels,
      topLabels,
      intercept: each((surrogate) => surrogate.intercept),
      localExp: each((surrogate) => surrogate.weights),
      score: each((surrogate) => surrogate.score),
      localPred: each((surrogate) => surrogate.localPrediction),
      probabilities,
      masks,
      distances,
      kernelWeights: weights,
      randomSeed,
      warnings,
      timings: {
        segmentation: segmented - started,
        prediction: predicted - segmented,
        fit: ended - predicted,
        total: ended - started,
      },
    })
  }
}
