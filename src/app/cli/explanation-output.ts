import type { Explanation } from '../../lime/index.ts'
import type { Explained, Judgement } from '../batch/explanation-record.ts'
import { task } from '../tasks/chosen-task.ts'

/** An explanation as the command prints it for people. */

/**
 * What people read: the prediction, and for every label the segments that count.
 * @param names what the model's classes are called; a test image's own class is the task's
 */
export function asText(
  { index, label }: Explained,
  explanation: Explanation,
  names: readonly string[],
  { stability, faithfulness }: Judgement = {},
): string {
  const { probabilities, labels, masks, samples, sampling } = explanation
  const first = Array.from(probabilities.data.subarray(0, probabilities.shape[1]))
  const predicted = first.indexOf(Math.max(...first))
  const truth = label === undefined ? '' : `, in truth ${task.classNames[label]}`
  const lines = [
    `${index === undefined ? 'The image' : `Test image ${index}`}: ${names[predicted]} (${first[predicted].toFixed(4)})${truth}; ${masks.shape[1]} segments, ${sampling === 'exact' ? `all ${thousands(samples)} mixtures` : `${thousands(samples)} samples`}`,
  ]
  for (const explained of labels) {
    lines.push(
      '',
      `${names[explained]}: probability ${first[explained].toFixed(4)}, R² of the surrogate ${explanation.score[explained].toFixed(3)}`,
    )
    const weights = explanation.intervals(explained).slice(0, 10)
    const largest = Math.abs(weights[0]?.weight ?? 0)
    for (const { segment, weight, low, high } of weights) {
      const sign = weight >= 0 ? '+' : '-'
      const bar = sign.repeat(Math.round((Math.abs(weight) / (largest || 1)) * 30))
      // Its middle need not be the weight: the ridge's bias is corrected in it.
      const interval = low === high && low === weight ? '' : `${signed(low)} to ${signed(high)}`
      lines.push(`  segment ${String(segment).padStart(3)}  ${signed(weight).padEnd(11)} ${interval.padEnd(23)} ${bar}`)
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

function signed(weight: number): string {
  return `${weight >= 0 ? '+' : '-'}${Math.abs(weight).toPrecision(3)}`
}

function thousands(count: number): string {
  return count.toLocaleString('en')
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`
}
