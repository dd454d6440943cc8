import type { Explanation, Faithfulness, Stability } from '../../lime/index.ts'

/** An explanation as one JSON object. */

/** Of which image. */
export interface Explained {
  readonly index?: number
  /** Its true label. */
  readonly label?: number
}

/** What more than the explanation was asked for, by label. */
export interface Judgement {
  readonly stability?: ReadonlyMap<number, Stability>
  readonly faithfulness?: ReadonlyMap<number, Faithfulness>
}

/** What `limelight explain --json` prints, and what the page gives as a file. */
export function explanationRecord(
  { index, label }: Explained,
  explanation: Explanation,
  device: { name: string; adapter: string },
  { withMasks = false, stability, faithfulness }: Judgement & { readonly withMasks?: boolean } = {},
) {
  const { segments, masks, probabilities, labels, samples, sampling, settled, alpha } = explanation
  const [height, width] = segments.shape
  const classes = probabilities.shape[1]
  const first = Array.from(probabilities.data.subarray(0, classes))
  const rows = <T>(data: ArrayLike<T>, count: number, length: number): T[][] =>
    Array.from({ length: count }, (_, row) => Array.from({ length }, (_, i) => data[row * length + i]))
  return {
    index,
    label,
    predicted: first.indexOf(Math.max(...first)),
    probabilities: first,
    device,
    samples,
    sampling,
    ...(settled !== null && { settled }),
    alpha,
    segments: { count: masks.shape[1], map: rows(segments.data, height, width) },
    ...(withMasks && { masks: rows(masks.data, ...masks.shape) }),
    explanation: Object.fromEntries(
      labels.map((explained) => [
        explained,
        {
          intercept: explanation.intercept[explained],
          score: explanation.score[explained],
          localPrediction: explanation.localPred[explained],
          weights: explanation.localExp[explained],
          intervals: explanation.intervals(explained).map(({ low, high }) => [low, high] as const),
          ...(stability && { stability: stability.get(explained) }),
          ...(faithfulness && { faithfulness: faithfulnessJson(faithfulness.get(explained)) }),
        },
      ]),
    ),
    warnings: explanation.warnings,
    timings: explanation.timings,
  }
}

function faithfulnessJson(faithfulness: Faithfulness | undefined) {
  if (!faithfulness) return undefined
  const { order, deletion, insertion, random, irof } = faithfulness
  const curve = ({ probabilities, auc }: Faithfulness['deletion']) => ({ auc, curve: Array.from(probabilities) })
  return {
    order,
    deletion: curve(deletion),
    insertion: curve(insertion),
    random: { deletion: curve(random.deletion), insertion: curve(random.insertion) },
    irof,
  }
}
