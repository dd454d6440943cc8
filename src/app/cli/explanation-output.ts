import { type Attribution, Explanation, ShapleyAttribution } from '../../lime/index.ts'
import type { ImageSource, Judgement } from '../batch/explanation-record.ts'
import { mostAnswers } from '../batch/photograph-record.ts'
import { seenInWords } from '../batch/photograph-report.ts'
import type { ExplainedPhotograph } from '../photographs/explain-photograph.ts'
import { answerInWords, saysValues, topAnswers } from '../tasks/answers.ts'
import { task } from '../tasks/chosen-task.ts'
import { className } from '../tasks/picture-task.ts'

/** An explanation as the command prints it for people. */

/**
 * What people read: the prediction, and for every label the segments that count.
 * @param names what the model's classes are called; a test image's own class is the task's
 */
export function asText(
  { index, label }: ImageSource,
  attribution: Attribution,
  names: readonly string[],
  { stability, faithfulness }: Judgement = {},
): string {
  const { prediction, labels, segmentCount } = attribution
  const predicted = prediction.indexOf(Math.max(...prediction))
  const truth = label === undefined ? '' : `, in truth ${task.classNames[label]}`
  const head = `${index === undefined ? 'The image' : `Test image ${index}`}: ${names[predicted]} (${prediction[predicted].toFixed(4)})${truth}; ${segmentCount} segments, ${howFound(attribution)}`
  const parts = labels.map((explained) => {
    const summary = summaryOf(attribution, explained, `probability ${prediction[explained].toFixed(4)}`)
    return [`${names[explained]}: ${summary}`, ...evidenceOf(attribution, explained, { stability, faithfulness })]
  })
  return [[head], ...parts].map((lines) => lines.join('\n')).join('\n\n')
}

/** What people read of a photograph: how it came to the network, the most probable classes, and for every label the segments that count. */
export function photographText(path: string, explained: ExplainedPhotograph, judgement: Judgement = {}): string {
  const { attribution, photograph } = explained
  const { task } = photograph
  const { prediction, labels, segmentCount } = attribution
  const say = (number: number) => answerInWords(number, task)
  const head = [
    `${path}: ${segmentCount} segments, ${howFound(attribution)}. ${seenInWords(explained)}`,
    ...topAnswers(prediction, mostAnswers, task).map(({ name, number }) => `  ${say(number)}  ${name}`),
  ]
  const what = saysValues(task) ? 'value' : 'probability'
  const parts = labels.map((label) => {
    const summary = summaryOf(attribution, label, `${what} ${say(prediction[label])}`)
    return [`${className(task, label)}: ${summary}`, ...evidenceOf(attribution, label, judgement)]
  })
  return [head, ...parts].map((lines) => lines.join('\n')).join('\n\n')
}

/** The heaviest segments of a label, and what was found out about them. */
function evidenceOf(attribution: Attribution, label: number, { stability, faithfulness }: Judgement): string[] {
  const lines = barsOf(attribution, label)
  const stable = stability?.get(label)
  if (stable)
    lines.push(
      `  over ${stable.runs} random states: the same top features in ${percent(stable.sameTop)} of pairs, VSI ${percent(stable.vsi)}${stable.csi === null ? '' : `, CSI ${percent(stable.csi)}`}; weights differ by ${stable.spread === 0 ? 'nothing' : `up to ${stable.spread.toPrecision(2)}`}`,
    )
  const faithful = faithfulness?.get(label)
  if (faithful) {
    const { deletion, insertion, random } = faithful
    lines.push(
      `  hiding segments in this order: area ${deletion.auc.toFixed(3)} (in random order ${random.deletion.auc.toFixed(3)}; less is truer), showing them: ${insertion.auc.toFixed(3)} (${random.insertion.auc.toFixed(3)}; more is truer)`,
    )
  }
  return lines
}

function howFound(attribution: Attribution): string {
  const { samples, sampling } = attribution
  const isBalanced = attribution instanceof Explanation && attribution.design === 'balanced'
  const mixtures =
    samples === 0
      ? 'in closed form'
      : sampling === 'exact'
        ? `all ${thousands(samples)} mixtures`
        : `${thousands(samples)} ${isBalanced ? 'balanced ' : ''}samples`
  return attribution instanceof ShapleyAttribution ? `Shapley values of the ${attribution.of}, ${mixtures}` : mixtures
}

/** What a method says of a label beside the weights. @param said what the network says of it */
function summaryOf(attribution: Attribution, label: number, said: string): string {
  if (attribution instanceof Explanation) return `${said}, R² of the surrogate ${attribution.score[label].toFixed(3)}`
  if (!(attribution instanceof ShapleyAttribution)) return said
  const { of, base } = attribution
  const sum = attribution.sumOf(label)
  const parts = `${base[label].toFixed(4)} with all segments hidden, and ${signed(sum - base[label])} from the segments`
  return of === 'probability' ? `${said} = ${parts}` : `${said}, logit ${sum.toFixed(4)} = ${parts}`
}

/** The ten largest weights, each with its interval where it has one. */
function barsOf(attribution: Attribution, label: number): string[] {
  const weights = attribution.weightsOf(label).slice(0, 10)
  const intervals = attribution instanceof Explanation ? attribution.intervals(label) : null
  const largest = Math.abs(weights[0]?.[1] ?? 0)
  return weights.map(([segment, weight], rank) => {
    const bar = (weight >= 0 ? '+' : '-').repeat(Math.round((Math.abs(weight) / (largest || 1)) * 30))
    const start = `  segment ${String(attribution.segmentIds[segment]).padStart(3)}  ${signed(weight).padEnd(11)}`
    if (!intervals) return `${start} ${bar}`
    const { low, high } = intervals[rank]
    // Its middle need not be the weight: the ridge's bias is corrected in it.
    const interval = low === high && low === weight ? '' : `${signed(low)} to ${signed(high)}`
    return `${start} ${interval.padEnd(23)} ${bar}`
  })
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
