import { join } from 'node:path'
import { ArgumentError } from '../../engine/errors.ts'
import type { Model } from '../../engine/facade/model.ts'
import { writeFileAtomically } from '../../engine/platform/atomic-write.ts'
import { type ExplanationRequest, explainerFor, explanationRequest } from '../../lime/index.ts'
import { explanationRecord } from '../batch/explanation-record.ts'
import { predictedAndTrue } from '../batch/labels-that-count.ts'
import { LeastCertain, uncertaintyOf } from '../batch/least-certain.ts'
import type { RunSettings } from '../batch/run-settings.ts'
import { type TestImageLine, testImageLine } from '../batch/test-image-line.ts'
import { pixelsOf } from '../data/image-set.ts'
import { packageVersion } from '../data/package-files.ts'
import { task } from '../tasks/chosen-task.ts'
import { classNamesOf, isFor, pictureOf } from '../tasks/task.ts'
import { loadSplit } from './data-set.ts'
import { explainMany, type ManyExplained, paceInWords, paceOf } from './explain-many.ts'
import { asksForLabels, type ExplainCommandOptions, requestOf, withLabels } from './explain-options.ts'
import { inLockedFolder } from './locked.ts'
import { deviceOf, openModel } from './open-model.ts'
import { interruptSignal, result } from './terminal.ts'

/** Explanations of many test images. */

export async function explainTestImages(
  [first, end]: readonly [number, number],
  folder: string,
  options: ExplainCommandOptions,
): Promise<void> {
  const signal = interruptSignal(
    `what was explained is in ${folder}; the same command goes on from there`,
    options.device,
  )
  const test = await loadSplit('test', signal)
  if (end > test.count)
    throw new ArgumentError(`--indices ${first}:${end}: the test set has the images 0 to ${test.count - 1}`)
  await inLockedFolder(folder, async () => {
    const { model, digest, device, dispose } = await openModel(options.model, options)
    try {
      const request = explanationRequest(withLabels(requestOf(options), options, classNamesOf(task, model)))
      const labelled = asksForLabels(options)
      const knowsTruth = isFor(task, model)
      const explained = await explainMany({
        folder,
        settings: settingsOf(request, options, digest),
        kind: testImageLine,
        async sorted(lines) {
          const known = lines.filter(({ index }) => index >= first && index < end)
          const indices = new Set(known.map(({ index }) => index))
          const all = Array.from({ length: end - first }, (_, i) => first + i)
          return { known, missing: all.filter((index) => !indices.has(index)) }
        },
        async explain(index: number) {
          const label = test.labels[index]
          const labels = predictedAndTrue(knowsTruth ? label : undefined)
          const call = { signal, keepSamples: false, ...(!labelled && { labels }) }
          const attribution = await explainerFor(request)(pictureOf(task, pixelsOf(test, index)), model, call)
          return explanationRecord({ index, label }, attribution, deviceOf(device))
        },
      })
      const summary = new Summary(model, explained)
      await writeFileAtomically(join(folder, 'summary.json'), `${JSON.stringify(summary.result(), null, 2)}\n`)
      result(options.json ? JSON.stringify(summary.result()) : summary.text())
    } finally {
      dispose()
    }
  })
}

function settingsOf(request: ExplanationRequest, options: ExplainCommandOptions, digest: string): RunSettings {
  const { arithmetic, convolution, halfPrecision } = options
  const { topLabels, ...others } = request
  const asked = asksForLabels(options) ? { request } : { request: others, labels: 'the predicted and the true one' }
  return { version: packageVersion(), model: digest, ...asked, arithmetic, convolution, halfPrecision }
}

interface ClassSummary {
  images: number
  score: number
  positive: number
}

/** What many explanations come to, by true class; of a model that has other classes than the test images, by predicted class. */
class Summary {
  private readonly knowsTruth: boolean
  private readonly names: readonly string[]
  private readonly classes = new Map<number, ClassSummary>()
  /** Of weights that have intervals. */
  private readonly unstable = new LeastCertain<{ index: number; uncertainty: number }>()
  /** Not all methods have one. */
  private hasScores = false

  constructor(
    model: Model,
    private readonly many: ManyExplained<TestImageLine>,
  ) {
    this.knowsTruth = isFor(task, model)
    this.names = classNamesOf(task, model)
    for (const line of many.lines) this.add(line)
  }

  private add({ index, label, predicted, explanation }: TestImageLine): void {
    const of = this.knowsTruth ? label : predicted
    const own = this.classes.get(of) ?? { images: 0, score: 0, positive: 0 }
    this.classes.set(of, own)
    const ofPredicted = explanation[predicted]
    const ofTruth = this.knowsTruth ? explanation[label] : undefined
    own.images++
    if (Object.values(explanation).some(({ score }) => score !== undefined)) this.hasScores = true
    own.score += finite(ofPredicted?.score)
    if (ofTruth && ofTruth.weights.reduce((sum, [, weight]) => sum + weight, 0) > 0) own.positive++
    if (!ofPredicted?.intervals) return
    const weights = ofPredicted.weights.map(([, weight]) => weight)
    this.unstable.add({ index, uncertainty: uncertaintyOf(weights, ofPredicted.intervals) })
  }

  result() {
    const mostUnstable = this.unstable.list()
    return {
      images: [...this.classes.values()].reduce((sum, { images }) => sum + images, 0),
      classes: [...this.classes]
        .sort(([a], [b]) => a - b)
        .map(([label, { images, score, positive }]) => ({
          label,
          name: this.names[label],
          images,
          ...(this.hasScores && { meanScore: score / images }),
          ...(this.knowsTruth && { evidenceForTruth: positive / images }),
        })),
      ...(mostUnstable.length > 0 && { mostUnstable }),
      ...paceOf(this.many),
    }
  }

  text(): string {
    const { images, classes, mostUnstable: worst } = this.result()
    return [
      paceInWords(images, this.many),
      '',
      `${this.knowsTruth ? 'true class ' : 'predicted  '}     images${this.hasScores ? '   mean R²' : ''}${this.knowsTruth ? '   evidence for it' : ''}`,
      ...classes.map(
        ({ label, name, images: count, meanScore, evidenceForTruth }) =>
          `${`${label} ${name}`.padEnd(15)} ${String(count).padStart(6)}${meanScore === undefined ? '' : ` ${meanScore.toFixed(3).padStart(9)}`}${evidenceForTruth === undefined ? '' : ` ${`${(100 * evidenceForTruth).toFixed(1)} %`.padStart(17)}`}`,
      ),
      ...(worst
        ? [
            '',
            `least certain: ${worst.map(({ index, uncertainty }) => `${index} (± ${(100 * uncertainty).toFixed(0)} %)`).join(', ')}`,
          ]
        : []),
    ].join('\n')
  }
}

/** JSON has no NaN: a score that is no number is null in a line that is read again. */
function finite(score: number | null | undefined): number {
  return Number.isFinite(score) ? Number(score) : 0
}
