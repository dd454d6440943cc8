import {
  callback,
  check,
  flag,
  numberFrom,
  oneOf,
  optionsOf,
  positiveNumber,
  text,
  thatIs,
  wholeNumber,
} from '../../engine/arguments.ts'
import { ArgumentError } from '../../engine/errors.ts'
import type { Timings } from '../explanation/contents.ts'
import { Explanation } from '../explanation/explanation.ts'
import { type Stability, stabilityOfRuns } from '../explanation/stability.ts'
import { type Evidence, exactEvidence, type Question, sampledEvidence } from '../fit/evidence.ts'
import { type FeatureSelection, featureSelectionNamed } from '../fit/feature-selection.ts'
import type { ModelRegressor, Surrogate } from '../fit/surrogate.ts'
import type { ImageInput } from '../images/image.ts'
import { type RandomState, randomSource, randomStateOf } from '../random/random-state.ts'
import { drawingUndoably, type UndoableDraws } from '../random/undoable-draws.ts'
import { checkDistanceMetric, type DistanceMetric } from '../samples/distances.ts'
import { exponentialKernel, type Kernel } from '../samples/kernel.ts'
import type { PredictionOptions, Predictor } from '../samples/predictors.ts'
import { drawMasks, type SamplingDesign, sampleMasks, samplingDesigns } from '../samples/sampling.ts'
import { fairTurns } from '../steps.ts'
import { type FitSettings, fitLabels, type LabelFits, surrogateOf } from './label-fits.ts'
import { type AutoSamples, autoSamplesOptions, settledEvidence } from './settled-evidence.ts'
import {
  checkRequest,
  chosenLabels,
  prepareSubject,
  type Subject,
  type SubjectOptions,
  samplesOr,
  subjectOptions,
  topCountOf,
} from './subject.ts'

/** The ridge's penalty where none is given: lime's for a number of samples, else none. @internal */
export function alphaFor(numSamples: NonNullable<ExplainOptions['numSamples']>): number {
  return typeof numSamples === 'number' ? 1 : 0
}

/** How masks are drawn where nobody says. @internal */
export function designFor(numSamples: NonNullable<ExplainOptions['numSamples']>): SamplingDesign {
  return numSamples === 'auto' ? 'balanced' : 'plain'
}

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

export interface ExplainOptions extends SubjectOptions {
  /** How many segments the surrogate may use at most. */
  readonly numFeatures?: number
  /**
   * How many samples, the image itself among them. 'exact' takes all 2^n masks, each once: no sampling noise, the same for every
   * random state, the limit of endless samples; for at most 24 segments where the predictor has tables of its logits (tabulateBlended), 16 elsewhere. 'auto'
   * samples until the order of the top features is settled.
   */
  readonly numSamples?: number | 'exact' | 'auto'
  /**
   * How masks are drawn: 'plain' as Python draws them from the same seed, each by itself, for a number of samples unless given;
   * 'balanced' in blocks that cover mixtures evenly, whose error was that of 1.9 to 2.6 times as many plain ones on small
   * pictures, of 1.1 to 1.6 times as many on photographs: for 'auto' unless given. At least twice as many samples as segments, or weights are not told apart.
   */
  readonly sampling?: SamplingDesign
  /** How 'auto' ends. */
  readonly autoSamples?: AutoSamples
  /** Keep the masks, probabilities, distances and weights of all samples in the explanation: true unless given. */
  readonly keepSamples?: boolean
  /**
   * The ridge's penalty, set against the sum over the samples. For a number of samples 1, as in Python, which shrinks the weights of
   * few segments or samples; for 'exact' and 'auto' 0, the limit of endless samples. What N samples come to on average, penalty
   * included, is 'exact' with alpha 2^segments / N.
   */
  readonly alpha?: number
  readonly distanceMetric?: DistanceMetric | (string & {})
  /** A linear model in place of the ridge regression. */
  readonly modelRegressor?: ModelRegressor
  /**
   * Hears of what a tenth of the samples says, or somewhat more, as soon as they are answered, and with 'auto' of every round after
   * which it goes on: an explanation like the last one, of fewer samples, which changes nothing of that. Where answers come all at
   * once, as from a model whose samples share nearly all their work, and with 'exact' it hears nothing.
   */
  readonly onRough?: (rough: Explanation) => void
}

const explainerOptions = optionsOf<LimeImageExplainerOptions>({
  kernelWidth: positiveNumber(),
  kernel: callback,
  verbose: flag,
  featureSelection: text,
  randomState: randomSource,
})

const explainOptions = optionsOf<ExplainOptions>({
  ...subjectOptions,
  numFeatures: wholeNumber(1),
  numSamples: samplesOr('exact', 'auto'),
  sampling: oneOf(...samplingDesigns),
  autoSamples: autoSamplesOptions,
  keepSamples: flag,
  distanceMetric: text,
  modelRegressor: callback,
  alpha: numberFrom(0),
  onRough: callback,
})

const imageSequence = thatIs<Iterable<unknown>>(
  'images one after another: a list or a generator',
  (value) => typeof value === 'object' && value !== null && (Symbol.iterator in value || Symbol.asyncIterator in value),
)

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
    check('LimeImageExplainer', explainerOptions, options)
    const { kernelWidth = 0.25, kernel = exponentialKernel, verbose = false, featureSelection = 'auto' } = options
    this.kernel = kernel
    this.kernelWidth = kernelWidth
    this.verbose = verbose
    this.featureSelection = featureSelectionNamed(featureSelection)
    this.randomState = randomStateOf(options.randomState)
  }

  /**
   * Explains what a classifier says about one image. Calls that follow one another draw from one random stream, as in Python. Calls
   * that run at once share it, so that the samples of each depend on who comes first: for numbers that can be had again, give each
   * an explainer of its own, or use explainBatch.
   * @param input [H, W] (given to a predict function as RGB), [H, W, 1] or [H, W, 3]
   * @param predictor a function from batches of images to probabilities, or a model that blends by itself
   * @throws ShapeError or ArgumentError for an image, option, label map or probabilities that do not fit; signal.reason after
   *   an abort. A call that throws leaves the explainer's random stream as it found it.
   */
  async explainInstance(input: ImageInput, predictor: Predictor, options: ExplainOptions = {}): Promise<Explanation> {
    return drawingUndoably(this.randomState, (draws) => this.explain(input, predictor, options, draws))
  }

  /**
   * Explains many images, each as if it were the first: all start at the same place of the random stream, so that an explanation
   * does not depend on which were explained before it. Samples are not kept unless asked for: memory does not grow.
   * @throws as explainInstance
   */
  async *explainBatch(
    images: Iterable<ImageInput> | AsyncIterable<ImageInput>,
    predictor: Predictor,
    options: ExplainOptions | ((index: number) => ExplainOptions) = {},
  ): AsyncGenerator<Explanation, void, undefined> {
    check('explainBatch', imageSequence, images, 'images')
    const start = this.randomState.snapshot()
    let index = 0
    for await (const image of images) {
      this.randomState.restore(start)
      const own = typeof options === 'function' ? options(index) : options
      yield await this.explainInstance(image, predictor, { keepSamples: false, ...own })
      index++
    }
  }

  /**
   * Explains an image again and again, and says how much the explanations differ: how far to trust one of them.
   * @param options as explainInstance takes them; `runs` explanations (10), and how many features are the top ones (5)
   * @returns label -> its stability, for the labels of the first explanation
   */
  async stability(
    input: ImageInput,
    predictor: Predictor,
    { runs, topFeatures, ...options }: ExplainOptions & { runs?: number; topFeatures?: number } = {},
  ): Promise<Map<number, Stability>> {
    return stabilityOfRuns(
      (first) =>
        this.explainInstance(input, predictor, {
          ...options,
          onRough: undefined,
          // The same segments and labels: only the samples differ.
          ...(first && { labels: first.labels, topLabels: null, randomSeed: first.randomSeed }),
        }),
      { runs, topFeatures },
    )
  }

  private async explain(
    input: ImageInput,
    predictor: Predictor,
    options: ExplainOptions,
    draws: UndoableDraws,
  ): Promise<Explanation> {
    checkRequest(predictor, options, explainOptions)
    const { kernel, kernelWidth, featureSelection, verbose } = this
    const settings: FitSettings = { ...settingsOf(options), featureSelection, verbose }
    const letOthersRun = fairTurns()
    const started = performance.now()
    const subject = await prepareSubject(input, predictor, options, draws)
    const { image, fudged, segments, segmentCount, segmentation } = subject
    const question: Question = {
      predictor,
      image,
      fudged,
      columns: segments.data,
      segmentCount,
      design: settings.design,
      distanceMetric: settings.distanceMetric,
      kernel,
      kernelWidth,
      chooseLabels: (original) => chosenLabels(original, options),
    }
    const concluded = async (answers: Answers, fit: FitSettings, heard: ExplainOptions): Promise<Explanation> => {
      const predicted = performance.now()
      const fits = await fitLabels(answers.evidence, fit, heard)
      const ended = performance.now()
      return explanationOf(subject, question, answers, fits, fit, options, {
        segmentation,
        prediction: predicted - started - segmentation,
        fit: ended - predicted,
        total: ended - started,
      })
    }
    const { onRough, signal } = options
    const tellRough = async (answers: Answers) => {
      // Of the last one only is told how far it is.
      onRough?.(await concluded(answers, { ...settings, verbose: false }, { signal }))
      signal?.throwIfAborted()
    }
    const answers = await ask(question, settings, options, draws, onRough && tellRough)
    // What came in with the last predictions was taken in without a turn for others.
    await letOthersRun()
    signal?.throwIfAborted()
    return concluded(answers, settings, options)
  }
}

/** @throws ArgumentError for options that contradict one another, or an unknown name */
function settingsOf({
  numFeatures = 100_000,
  numSamples = 1000,
  sampling = designFor(numSamples),
  distanceMetric = 'cosine',
  alpha,
  modelRegressor,
  compatible,
}: ExplainOptions): Omit<FitSettings, 'featureSelection' | 'verbose'> {
  if (typeof numSamples !== 'number' && modelRegressor)
    throw new ArgumentError(`modelRegressor fits samples: numSamples must be a number with it, not '${numSamples}'`)
  checkDistanceMetric(distanceMetric)
  if (modelRegressor && alpha !== undefined)
    throw new ArgumentError('alpha is the penalty of the ridge, in whose place modelRegressor stands: give only one')
  const penalty = alpha ?? alphaFor(numSamples)
  return { design: sampling, numFeatures, distanceMetric, alpha: penalty, modelRegressor, compatible }
}

/** What the classifier says about mixtures. */
interface Answers {
  readonly evidence: Evidence
  /** With 'auto', whether the order of the top features is settled. */
  readonly settled: boolean | null
  /** Images that it was asked about. */
  readonly evaluations: number
}

/**
 * Asks about as many mixtures as the options say.
 * @param tellRough takes what there is on the way
 */
async function ask(
  question: Question,
  settings: FitSettings,
  { numSamples = 1000, autoSamples = {}, batchSize = 10, factored, signal, onProgress }: ExplainOptions,
  draws: UndoableDraws,
  tellRough?: (answers: Answers) => Promise<void>,
): Promise<Answers> {
  const { segmentCount, design } = question
  let evaluations = 0
  const asked: PredictionOptions = {
    batchSize,
    factored,
    signal,
    onProgress: (done, total) => onProgress?.({ phase: 'prediction', done, total }),
    onAnswers: (images) => {
      evaluations += images
    },
  }
  const onEvidence =
    tellRough &&
    ((evidence: Evidence, settled: boolean | null) => tellRough({ evidence, settled, evaluations: evidence.samples }))
  if (numSamples === 'auto') {
    const draw = (rows: number, isFirst: boolean) =>
      draws.draw(function* (random) {
        if (!isFirst) return yield* drawMasks(random, rows, segmentCount, design)
        return (yield* sampleMasks(random, rows, segmentCount, design)).data
      }, signal)
    const fit = (evidence: Evidence, label: number) => surrogateOf(evidence, label, settings)
    return { ...(await settledEvidence(question, draw, fit, autoSamples, asked, onEvidence)), evaluations }
  }
  if (numSamples === 'exact') return { evidence: await exactEvidence(question, asked), settled: null, evaluations }
  const masks = await draws.draw((random) => sampleMasks(random, numSamples, segmentCount, design), signal)
  const evidence = await sampledEvidence(question, masks, asked, onEvidence && ((rough) => onEvidence(rough, null)))
  return { evidence, settled: null, evaluations }
}

function explanationOf(
  { segments, randomSeed, warnings }: Subject,
  { image, fudged, segmentCount, kernel, kernelWidth }: Question,
  { evidence, settled, evaluations }: Answers,
  { surrogates, intervals, caveats }: LabelFits,
  { alpha, modelRegressor }: FitSettings,
  options: ExplainOptions,
  timings: Timings,
): Explanation {
  const { labels, sampled, original, samples } = evidence
  const each = <T>(pick: (surrogate: Surrogate) => T): Record<number, T> =>
    Object.fromEntries(Array.from(surrogates, ([label, surrogate]) => [label, pick(surrogate)]))
  const kept = options.keepSamples === false ? null : sampled
  const unsettled = `the order of the top features is not settled after ${samples} samples: some of their weights are nearly equal`
  return new Explanation({
    method: 'lime',
    asked: image,
    fudgedAsked: fudged,
    segments,
    segmentCount,
    labels,
    topLabels: topCountOf(options) === null ? [] : labels,
    intercept: each((surrogate) => surrogate.intercept),
    localExp: each((surrogate) => surrogate.weights),
    score: each((surrogate) => surrogate.score),
    localPred: each((surrogate) => surrogate.localPrediction),
    prediction: original,
    provenance: {
      randomSeed,
      samples,
      sampling: options.numSamples === 'auto' && sampled ? 'auto' : sampled ? 'number' : 'exact',
      evaluations,
    },
    settled,
    design: sampled?.design ?? null,
    alpha: modelRegressor ? null : alpha,
    intervals: (label) => intervals?.get(label) ?? null,
    probabilities: kept?.probabilities ?? { data: original, shape: [1, original.length] },
    masks: kept?.masks ?? { data: new Uint8Array(segmentCount).fill(1), shape: [1, segmentCount] },
    distances: kept?.distances ?? new Float64Array(1),
    kernelWeights: kept?.weights ?? Float64Array.of(kernel(0, kernelWidth)),
    warnings: [...warnings, ...caveats, ...(settled === false ? [unsettled] : [])],
    timings,
  })
}
