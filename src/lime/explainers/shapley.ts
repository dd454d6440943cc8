import { callback, check, oneOf, optionsOf } from '../../engine/arguments.ts'
import { ArgumentError } from '../../engine/errors.ts'
import type { AbortSignal } from '../../engine/platform/types.ts'
import { caveatsOfAnswers, tooFewSamples } from '../explanation/caveats.ts'
import { ShapleyAttribution } from '../explanation/shapley-attribution.ts'
import { choose, EveryMaskTargets, momentsOfEveryMask } from '../fit/every-mask.ts'
import { sumEveryAnswer } from '../fit/evidence.ts'
import { range, rounding, SampleMoments, targetMomentsOf } from '../fit/moments.ts'
import { type LinearFit, weightedScore } from '../fit/ridge.ts'
import { kernelShap, sampleCoalitions, shapleyOfTables, shapleyShares } from '../fit/shapley-values.ts'
import type { SegmentWeight } from '../fit/surrogate.ts'
import type { ImageInput } from '../images/image.ts'
import { type RandomState, randomSource, randomStateOf } from '../random/random-state.ts'
import { drawingUndoably, type UndoableDraws } from '../random/undoable-draws.ts'
import { extremeLogits, softmaxOf } from '../samples/logit-tables.ts'
import {
  type Answers,
  lookingAtTenth,
  type PerturbedImages,
  type PredictionOptions,
  type Predictor,
  predictPerturbed,
  tabulatePerturbed,
} from '../samples/predictors.ts'
import type { Masks } from '../samples/sampling.ts'
import { inOneGo, inTurns, type Steps } from '../steps.ts'
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

export interface ShapleyImageExplainerOptions {
  /** A seed, or a stream to draw from; left out, every explainer has its own random seed. */
  readonly randomState?: number | RandomState
}

export interface ShapleyOptions extends SubjectOptions {
  /**
   * What is shared out among the segments: a label's probability, or its logit. Logits are exact, for any number of segments, and
   * need a predictor with tables of them (tabulateBlended). 'probability' unless given.
   */
  readonly of?: 'probability' | 'logit'
  /**
   * How many mixtures KernelSHAP draws, the image and the one with all segments hidden among them; 'exact' takes all 2^n, of at
   * most 24 segments where the predictor has tables of its logits, 16 elsewhere. 1,000 unless given; of logits none are drawn.
   */
  readonly numSamples?: number | 'exact'
  /**
   * Hears of what a tenth of the mixtures says, or somewhat more, as soon as they are answered: an attribution like the last one, which
   * it does not change. Where answers come all at once, with 'exact' and of logits it hears nothing.
   */
  readonly onRough?: (rough: ShapleyAttribution) => void
}

const explainerOptions = optionsOf<ShapleyImageExplainerOptions>({ randomState: randomSource })

const shapleyOptions = optionsOf<ShapleyOptions>({
  ...subjectOptions,
  of: oneOf('probability', 'logit'),
  numSamples: samplesOr('exact'),
  onRough: callback,
})

interface Shares {
  readonly labels: readonly number[]
  /** Of the image itself, [classes]. */
  readonly original: Float64Array
  /** What the label gets with all segments hidden. */
  base(label: number): number
  /** [segments] */
  values(label: number): Float64Array
  /** null where nothing was fitted. */
  readonly score: ((label: number) => number) | null
  /** Whether the label's answers depend on what is hidden at all. */
  varies(label: number): boolean
  readonly samples: number
}

/**
 * Explains images by Shapley values: like LIME's weights they say which segments speak for and against a label, and they add up
 * to what the image gives the label beyond an image with nothing shown.
 */
export class ShapleyImageExplainer {
  private readonly randomState: RandomState

  /** @throws ArgumentError for an option outside its range or an unknown name */
  constructor(options: ShapleyImageExplainerOptions = {}) {
    check('ShapleyImageExplainer', explainerOptions, options)
    this.randomState = randomStateOf(options.randomState)
  }

  /**
   * @param input [H, W] (given to a predict function as RGB), [H, W, 1] or [H, W, 3]
   * @returns an attribution whose weights are Shapley values and whose base is the value with nothing shown
   * @throws ShapeError or ArgumentError for an image, option, label map or probabilities that do not fit; signal.reason after
   *   an abort. A call that throws leaves the explainer's random stream as it found it.
   */
  async explainInstance(
    input: ImageInput,
    predictor: Predictor,
    options: ShapleyOptions = {},
  ): Promise<ShapleyAttribution> {
    return drawingUndoably(this.randomState, (draws) => this.explain(input, predictor, options, draws))
  }

  private async explain(
    input: ImageInput,
    predictor: Predictor,
    options: ShapleyOptions,
    draws: UndoableDraws,
  ): Promise<ShapleyAttribution> {
    checkRequest(predictor, options, shapleyOptions)
    const { of = 'probability', numSamples = 1000, batchSize = 10, factored, signal, onProgress, onRough } = options
    const started = performance.now()
    const subject = await prepareSubject(input, predictor, options, draws)
    const { segments } = subject
    const work: Work = { ...subject, columns: segments.data, predictor, options }
    let evaluations = 0
    const asked: PredictionOptions = {
      batchSize,
      signal,
      factored,
      onProgress: (done, total) => onProgress?.({ phase: 'prediction', done, total }),
      onAnswers: (images) => {
        evaluations += images
      },
    }
    const concluded = (shares: Shares, evaluations: number) =>
      attributionOf(subject, shares, options, evaluations, performance.now() - started)
    const tellRough = (shares: Shares) => {
      onRough?.(concluded(shares, shares.samples))
      signal?.throwIfAborted()
    }
    const shares =
      of === 'logit'
        ? await logitShares(work, asked)
        : numSamples === 'exact'
          ? await exactShares(work, asked)
          : await sampledShares(work, asked, numSamples, draws, onRough && tellRough)
    return concluded(shares, evaluations)
  }
}

function attributionOf(
  subject: Subject,
  shares: Shares,
  options: ShapleyOptions,
  evaluations: number,
  total: number,
): ShapleyAttribution {
  const { of = 'probability', numSamples = 1000 } = options
  const { segments, segmentCount, segmentation } = subject
  const { labels, original, samples } = shares
  const caveats = caveatsOfAnswers(
    labels,
    labels.filter((label) => !shares.varies(label)),
  )
  // Of as many values as there are segments one follows from the others.
  if (of === 'probability' && numSamples !== 'exact' && samples - 2 < segmentCount - 1)
    caveats.push(tooFewSamples(samples, segmentCount))
  const each = <T>(pick: (label: number) => T): Record<number, T> =>
    Object.fromEntries(labels.map((label) => [label, pick(label)]))
  return new ShapleyAttribution({
    method: 'shapley',
    asked: subject.image,
    fudgedAsked: subject.fudged,
    segments,
    segmentCount,
    labels,
    topLabels: topCountOf(options) === null ? [] : labels,
    localExp: each((label) =>
      Array.from(shares.values(label), (value, segment): SegmentWeight => [segment, value]).sort(
        ([, a], [, b]) => Math.abs(b) - Math.abs(a),
      ),
    ),
    prediction: original,
    provenance: {
      randomSeed: subject.randomSeed,
      samples,
      sampling: of === 'logit' || numSamples === 'exact' ? 'exact' : 'number',
      evaluations,
    },
    of,
    base: each(shares.base),
    score: shares.score && each(shares.score),
    warnings: [...subject.warnings, ...caveats],
    timings: { segmentation, prediction: total - segmentation, fit: 0, total },
  })
}

interface Work extends Omit<PerturbedImages, 'masks'> {
  readonly predictor: Predictor
  readonly segmentCount: number
  readonly options: ShapleyOptions
}

/** In closed form. @throws ArgumentError where the predictor has no tables */
async function logitShares(work: Work, { signal }: PredictionOptions): Promise<Shares> {
  const { predictor, segmentCount, options } = work
  const tables = await tabulatePerturbed(predictor, work, segmentCount, signal)
  if (!tables)
    throw new ArgumentError(
      "of 'logit' needs a predictor that says its logits as tables: a model of local layers, a dense one and a softmax or sigmoid, whose receptive fields touch few segments. Take fewer segments, or of 'probability'",
    )
  const { classes } = tables
  const values = shapleyOfTables(tables, segmentCount)
  const none = extremeLogits(tables, false)
  const original = softmaxOf(extremeLogits(tables, true))
  return {
    labels: chosenLabels(original, options),
    original,
    base: (label) => none[label],
    values: (label) => Float64Array.from({ length: segmentCount }, (_, s) => values[s * classes + label]),
    score: null,
    varies: (label) => range(segmentCount).some((s) => values[s * classes + label] !== 0),
    samples: 0,
  }
}

/** Every mixture once. */
async function exactShares(work: Work, asked: PredictionOptions): Promise<Shares> {
  const n = work.segmentCount
  const { within, without } = shapleyShares(n)
  const kernel = shapleyKernel(n)
  const { samples, original, sums } = await sumEveryAnswer(work, asked, (image) => {
    const labels = chosenLabels(image, work.options)
    const [shown, hidden, fitted] = [within, without, kernel].map((weights) => new EveryMaskTargets(n, weights, labels))
    const last = new Float64Array(image.length)
    const add = (probabilities: Float64Array, at: number) => {
      for (const each of [shown, hidden, fitted]) each.add(probabilities, at)
      for (let c = 0; c < last.length; c++) last[c] = probabilities[at + c]
    }
    return { labels, shown, hidden, fitted, last, add }
  })
  const { labels, shown, hidden, fitted, last } = sums
  const moments = momentsOfEveryMask(n, kernel)
  const values = (label: number) => {
    const index = labels.indexOf(label)
    const [gained, lost] = [shown.sums(index), hidden.sums(index)]
    return Float64Array.from({ length: n }, (_, s) => gained.total - gained.hidden[s] - lost.hidden[s])
  }
  const varies = (label: number) => {
    const index = labels.indexOf(label)
    return shown.sums(index).square + hidden.sums(index).square > (rounding * original[label]) ** 2
  }
  return {
    labels,
    original,
    varies,
    // The last mask hides everything.
    base: (label) => last[label],
    values,
    score: (label) =>
      n < 2
        ? Number(varies(label))
        : inOneGo(
            weightedScore(
              moments,
              fitted.target(labels.indexOf(label), moments),
              fitOf(values(label), last[label]),
              range(n),
            ),
          ),
    samples,
  }
}

/** KernelSHAP. */
async function sampledShares(
  work: Work,
  asked: PredictionOptions,
  numSamples: number,
  draws: UndoableDraws,
  onRough?: (rough: Shares) => void,
): Promise<Shares> {
  const masks = await draws.draw((random) => sampleCoalitions(random, numSamples, work.segmentCount), asked.signal)
  const first =
    onRough &&
    lookingAtTenth(masks, async (some, answers) => onRough(await fittedShares(work, some, answers, asked.signal)))
  const answers = await predictPerturbed(work.predictor, { ...work, masks }, { ...asked, first })
  return fittedShares(work, masks, answers, asked.signal)
}

/** @param masks the image's, that of nothing shown, and those drawn */
async function fittedShares(
  work: Work,
  masks: Masks,
  { data, shape: [rows, classes] }: Answers,
  signal: AbortSignal | undefined,
): Promise<Shares> {
  const n = work.segmentCount
  const original = data.slice(0, classes)
  const targetsOf = (label: number) => Float64Array.from({ length: rows }, (_, row) => data[row * classes + label])
  const base = (label: number) => data[classes + label]
  const varies = (label: number) =>
    targetsOf(label).some((target) => Math.abs(target - original[label]) > rounding * original[label])
  const labels = chosenLabels(original, work.options)
  const values = new Map<number, Float64Array>()
  const scores = new Map<number, number>()
  function* fitting(): Steps<void> {
    const solve = yield* kernelShap(masks)
    for (const label of labels) values.set(label, yield* solve(targetsOf(label)))
    // Nothing was drawn but the two rows that the fit meets exactly.
    if (rows < 3) return
    const weights = new Float64Array(rows).fill(1).fill(0, 0, 2)
    const moments = yield* SampleMoments.of({ data: masks.data, rows, columns: n, weights })
    for (const [label, own] of values) {
      const target = yield* targetMomentsOf(moments, targetsOf(label))
      scores.set(label, yield* weightedScore(moments, target, fitOf(own, base(label)), range(n)))
    }
  }
  await inTurns(fitting(), signal)
  return {
    labels,
    original,
    base,
    values: (label) => values.get(label) ?? new Float64Array(n),
    varies,
    score: (label) => scores.get(label) ?? (n < 2 ? Number(varies(label)) : 0),
    samples: rows,
  }
}

/** (n - 1) / (C(n, s) s (n - s)): endless for all segments and none, which the fit meets exactly and so need no weight. */
function shapleyKernel(n: number): Float64Array {
  return Float64Array.from({ length: n + 1 }, (_, s) =>
    s === 0 || s === n ? 0 : (n - 1) / (choose(n, s) * s * (n - s)),
  )
}

function fitOf(coefficients: Float64Array, intercept: number): LinearFit {
  return { coefficients, intercept }
}
