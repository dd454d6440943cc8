import {
  type Attribution,
  Explanation,
  type ExplanationRequest,
  type Faithfulness,
  ShapleyAttribution,
  type Stability,
} from '../../lime/index.ts'

/** What was explained about an image as one JSON object. */

/** Where the image is from. */
export interface ImageSource {
  /** Its place in the test set. */
  readonly index?: number
  /** Its true label. */
  readonly label?: number
}

/** What more than the explanation was asked for, by label. */
export interface Judgement {
  readonly stability?: ReadonlyMap<number, Stability>
  readonly faithfulness?: ReadonlyMap<number, Faithfulness>
}

interface RecordOptions extends Judgement {
  readonly withMasks?: boolean
  /** What was asked; not repeated in each line of many. */
  readonly request?: ExplanationRequest
}

/** What `limelight explain --json` prints, and what the page gives as a file. Segments go by what their segmenter called them. */
export function explanationRecord(
  { index, label }: ImageSource,
  attribution: Attribution,
  device: { name: string; adapter: string },
  { withMasks = false, request, stability, faithfulness }: RecordOptions = {},
) {
  const { method, segments, segmentCount, segmentIds, prediction, labels, samples, sampling, localExp } = attribution
  const idOf = (segment: number) => segmentIds[segment]
  const [height, width] = segments.shape
  const probabilities = Array.from(prediction)
  return {
    index,
    label,
    predicted: probabilities.indexOf(Math.max(...probabilities)),
    probabilities,
    device,
    method,
    ...(request && { request }),
    samples,
    sampling,
    ...(attribution instanceof Explanation && howFitted(attribution)),
    ...(attribution instanceof ShapleyAttribution && { of: attribution.of }),
    segments: {
      count: segmentCount,
      map: rows(segments.data.map(idOf), height, width),
      // The columns of the masks.
      ...(segments.ids && { ids: segmentIds }),
    },
    ...(withMasks &&
      attribution instanceof Explanation && { masks: rows(attribution.masks.data, ...attribution.masks.shape) }),
    explanation: Object.fromEntries(
      labels.map((explained) => [
        explained,
        {
          ...(attribution instanceof Explanation && surrogateOf(attribution, explained)),
          ...(attribution instanceof ShapleyAttribution && sharesOf(attribution, explained)),
          weights: localExp[explained].map(([segment, weight]) => [idOf(segment), weight] as const),
          ...(attribution instanceof Explanation && { intervals: intervalsOf(attribution, explained) }),
          ...(stability && { stability: stability.get(explained) }),
          ...(faithfulness && { faithfulness: faithfulnessJson(faithfulness.get(explained), idOf) }),
        },
      ]),
    ),
    warnings: attribution.warnings,
    timings: attribution.timings,
  }
}

function rows<T>(data: ArrayLike<T>, count: number, length: number): T[][] {
  return Array.from({ length: count }, (_, row) => Array.from({ length }, (_, i) => data[row * length + i]))
}

function howFitted({ settled, design, alpha }: Explanation) {
  return { ...(settled !== null && { settled }), ...(design !== null && { design }), alpha }
}

function surrogateOf({ intercept, score, localPred }: Explanation, label: number) {
  return { intercept: intercept[label], score: score[label], localPrediction: localPred[label] }
}

function intervalsOf(explanation: Explanation, label: number) {
  return explanation.intervals(label).map(({ low, high }) => [low, high] as const)
}

/** The base and all weights add up to the sum. */
function sharesOf(attribution: ShapleyAttribution, label: number) {
  const { base, score } = attribution
  return { base: base[label], sum: attribution.sumOf(label), ...(score && { score: score[label] }) }
}

function faithfulnessJson(faithfulness: Faithfulness | undefined, idOf: (segment: number) => number) {
  if (!faithfulness) return undefined
  const { order, deletion, insertion, random, irof } = faithfulness
  const curve = ({ probabilities, auc }: Faithfulness['deletion']) => ({ auc, curve: Array.from(probabilities) })
  return {
    order: order.map(idOf),
    deletion: curve(deletion),
    insertion: curve(insertion),
    random: { deletion: curve(random.deletion), insertion: curve(random.insertion) },
    irof,
  }
}
