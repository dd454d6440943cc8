import type { Explanation, Faithfulness, Stability } from '../../lime/index.ts'
import { classNames } from '../data/fashion-mnist.ts'

/** An explanation as the command prints it: for people, and as one JSON object. */

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

/** What `--json` prints. */
export function asJson(
  { index, label }: Explained,
  explanation: Explanation,
  device: { name: string; adapter: string },
  { withMasks = false, stability, faithfulness }: Judgement & { readonly withMasks?: boolean } = {},
) {
  const { segments, masks, probabilities, labels, samples, sampling, settled } = explanation
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

export function nameOf(label: number): string {
  return classNames[label] ?? `class ${label}`
}

/** What people read: the prediction, and for every label the segments that count. */
export function asText(
  { index, label }: Explained,
  explanation: Explanation,
  { stability, faithfulness }: Judgement = {},
): string {
  const { probabilities, labels, masks, samples, sampling } = explanation
  const first = Array.from(probabilities.data.subarray(0, probabilities.shape[1]))
  const predicted = first.indexOf(Math.max(...first))
  const truth = label === undefined ? '' : `, in truth ${nameOf(label)}`
  const lines = [
    `${index === undefined ? 'The image' : `Test image ${index}`}: ${nameOf(predicted)} (${first[predicted].toFixed(4)})${truth}; ${masks.shape[1]} segments, ${sampling === 'exact' ? `all ${thousands(samples)} mixtures` : `${thousands(samples)} samples`}`,
  ]
  for (const explained of labels) {
    lines.push(
      '',
      `${nameOf(explained)}: probability ${first[explained].toFixed(4)}, R² of the surrogate ${explanation.score[explained].toFixed(3)}`,
    )
    const weights = explanation.intervals(explained).slice(0, 10)
    const largest = Math.abs(weights[0]?.weight ?? 0)
    for (const { segment, weight, high } of weights) {
      const sign = weight >= 0 ? '+' : '-'
      const bar = sign.repeat(Math.round((Math.abs(weight) / (largest || 1)) * 30))
      const reach = sampling === 'exact' ? '' : `± ${(high - weight).toPrecision(2)}`
      lines.push(
        `  segment ${String(segment).padStart(3)}  ${`${sign}${Math.abs(weight).toPrecision(3)}`.padEnd(11)} ${reach.padEnd(10)} ${bar}`,
      )
    }
    const stable = stability?.get(explained)
    if (stable)
      lines.push(
        `  over ${stable.runs} random states: the same top features in ${percent(stable.sameTop)} of pairs, VSI ${percent(stable.vsi)}, CSI ${percent(stable.csi)}; weights differ by ${stable.spread === 0 ? 'nothing' : `up to ${stable.spread.toPrecision(2)}`}`,
      )
    const faithful = faithfulness?.get(explained)
    if (faithful) {
      const { deletion, insertion, random } = faithful
      lines.push(
        `  hiding segments in this order: area ${deletion.auc.toFixed(3)} (in random order ${random.deletion.auc.toFixed(3)}; less is truer), showing them: ${insertion.auc.toFixed(3)} (${random.insertion.auc.toFixed(3)}; more is truer)`,
      )
    }
  }
  return lines.join('\n')
}

function thousands(count: number): string {
  return count.toLocaleString('en')
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`
}
