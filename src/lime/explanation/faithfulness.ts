import { abortSignal, callback, check, flag, optionsOf, wholeNumber } from '../../engine/arguments.ts'
import type { AbortSignal } from '../../engine/platform/types.ts'
import { RandomState } from '../random/random-state.ts'
import { checkPredictor, type Predictor, predictPerturbed } from '../samples/predictors.ts'
import { checkRoomForMasks } from '../samples/sampling.ts'
import { type Attribution, anAttribution } from './attribution.ts'

export interface FaithfulnessOptions {
  /** The label whose probability is followed; the first that was explained unless given. */
  readonly label?: number
  /** Orders drawn at random to compare with; 20 unless given. */
  readonly randomOrders?: number
  /** Their seed; 0 unless given. */
  readonly seed?: number
  readonly batchSize?: number
  readonly factored?: boolean
  readonly signal?: AbortSignal
  readonly onProgress?: (done: number, total: number) => void
}

/** A label's probability while segments go, or come, one by one. */
export interface Curve {
  /** [segments + 1], after none, one, … all of them. */
  readonly probabilities: Float64Array
  /** Under the curve, with all segments as one unit of length: between 0 and 1. */
  readonly auc: number
}

const faithfulnessOptions = optionsOf<FaithfulnessOptions>({
  label: wholeNumber(0),
  randomOrders: wholeNumber(0, 10_000),
  seed: wholeNumber(0, 2 ** 32 - 1),
  batchSize: wholeNumber(1),
  factored: flag,
  signal: abortSignal,
  onProgress: callback,
})

export interface Faithfulness {
  readonly label: number
  /** Segments, those that speak most for the label first. */
  readonly order: readonly number[]
  /** Segments are hidden in that order: a true explanation falls fast. */
  readonly deletion: Curve
  /** Segments are shown in that order, beginning with none: a true explanation rises fast. */
  readonly insertion: Curve
  /** The means over orders drawn at random. */
  readonly random: { readonly deletion: Curve; readonly insertion: Curve }
  /**
   * Area over the deletion curve as a share of the image's own probability: Rieger and Hansen's IROF ("IROF: a low resource
   * evaluation metric for explanation methods", 2020). Larger is better.
   */
  readonly irof: number
}

/**
 * How true an explanation is to the classifier: whether hiding what it calls important changes the answer more than hiding
 * anything else does (deletion and insertion: Petsiuk, Das and Saenko, "RISE", BMVC 2018; by segments instead of pixels).
 * @throws ArgumentError for a label that was not explained; signal.reason after an abort
 */
export async function faithfulnessOf(
  explanation: Attribution,
  predictor: Predictor,
  options: FaithfulnessOptions = {},
): Promise<Faithfulness> {
  check('faithfulnessOf', anAttribution, explanation, 'explanation')
  check('faithfulnessOf', faithfulnessOptions, options)
  checkPredictor(predictor)
  const { label = explanation.labels[0], randomOrders = 20, seed = 0, batchSize = 10 } = options
  const { asked, fudgedAsked, segments } = explanation
  const n = explanation.segmentCount
  const weightOf = new Map(explanation.weightsOf(label))
  const all = Array.from({ length: n }, (_, segment) => segment)
  const order = [...all].sort((a, b) => (weightOf.get(b) ?? 0) - (weightOf.get(a) ?? 0))
  checkRoomForMasks((randomOrders + 1) * 2 * (n + 1), n)
  const random = new RandomState(seed)
  const orders = [order, ...Array.from({ length: randomOrders }, () => Array.from(random.permutation(n)))]

  // For each order the masks of its deletion and then of its insertion.
  const length = n + 1
  const data = new Uint8Array(orders.length * 2 * length * n)
  orders.forEach((segmentOrder, index) => {
    for (let done = 0; done <= n; done++)
      segmentOrder.forEach((segment, rank) => {
        data[(2 * index * length + done) * n + segment] = rank >= done ? 1 : 0
        data[((2 * index + 1) * length + done) * n + segment] = rank < done ? 1 : 0
      })
  })
  const masks = { data, shape: [orders.length * 2 * length, n] as const }
  const work = { image: asked, fudged: fudgedAsked, columns: segments.data, masks }
  const { onProgress = () => {}, signal, factored } = options
  const answers = await predictPerturbed(predictor, work, { batchSize, signal, factored, onProgress })
  const classes = answers.shape[1]
  const curves = Array.from({ length: orders.length * 2 }, (_, curve) =>
    curveOf(Float64Array.from({ length }, (_, done) => answers.data[(curve * length + done) * classes + label])),
  )
  const meanOf = (which: 0 | 1) => {
    const drawn = curves.filter((_, index) => index >= 2 && index % 2 === which)
    return curveOf(
      Float64Array.from(
        { length },
        (_, done) => drawn.reduce((sum, { probabilities }) => sum + probabilities[done], 0) / Math.max(1, drawn.length),
      ),
    )
  }
  const [deletion, insertion] = curves
  return {
    label,
    order,
    deletion,
    insertion,
    random: { deletion: meanOf(0), insertion: meanOf(1) },
    irof: deletion.probabilities[0] > 0 ? 1 - deletion.auc / deletion.probabilities[0] : 0,
  }
}

/** The trapezoidal rule. */
function curveOf(probabilities: Float64Array): Curve {
  const steps = probabilities.length - 1
  let area = 0
  for (let i = 0; i < steps; i++) area += (probabilities[i] + probabilities[i + 1]) / 2
  return { probabilities, auc: steps > 0 ? area / steps : probabilities[0] }
}
