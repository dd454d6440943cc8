import { join } from 'node:path'
import type { Device } from '../../engine/device.ts'
import { ArgumentError } from '../../engine/errors.ts'
import type { Model } from '../../engine/facade/model.ts'
import { writeFileAtomically } from '../../engine/platform/atomic-write.ts'
import { type ExplanationRequest, explainerFor } from '../../lime/index.ts'
import { explanationRecord } from '../batch/explanation-record.ts'
import { ResultFile, type ResultLine } from '../batch/result-file.ts'
import { differences, type RunSettings, readSettings, runNameOf, writeSettings } from '../batch/run-settings.ts'
import { type ImageSet, pixelsOf } from '../data/image-set.ts'
import { packageVersion } from '../data/package-files.ts'
import { task } from '../tasks/chosen-task.ts'
import { classNamesOf, isFor, pictureOf } from '../tasks/task.ts'
import { loadSplit } from './data-set.ts'
import { inLockedFolder } from './locked.ts'
import { deviceOf, openModel } from './open-model.ts'
import type { DeviceOptions } from './options.ts'
import { interruptSignal, note, progressBar, result } from './terminal.ts'

/**
 * Explanations of many test images: a file of one JSON line an image, appended to as they are made, so that a run that was
 * killed at any moment is taken up where it stopped.
 */

const linesName = 'explanations.jsonl'
const settingsName = 'settings.json'
const summaryName = 'summary.json'

interface ManyOptions extends DeviceOptions {
  readonly model: string
  readonly labels?: readonly number[]
  readonly topLabels?: number
  readonly json?: boolean
}

export async function explainMany(
  request: ExplanationRequest,
  range: readonly [number, number],
  folder: string,
  options: ManyOptions,
): Promise<void> {
  const signal = interruptSignal(
    `what was explained is in ${folder}; the same command goes on from there`,
    options.device,
  )
  const test = await loadSplit('test', signal)
  const [first, end] = range
  if (end > test.count)
    throw new ArgumentError(`--indices ${first}:${end}: the test set has the images 0 to ${test.count - 1}`)
  await inLockedFolder(folder, async () => {
    const { model, digest, device, dispose } = await openModel(options.model, options)
    try {
      const settings = settingsOf(request, options, digest)
      const lines = await openRun(folder, settings)
      try {
        const run = { request, range, folder, name: runNameOf(settings), lines }
        await explainMissing(run, { test, model, device }, options, signal)
      } finally {
        await lines.close()
      }
    } finally {
      dispose()
    }
  })
}

interface Run {
  readonly request: ExplanationRequest
  readonly range: readonly [number, number]
  readonly folder: string
  readonly name: string
  readonly lines: ResultFile
}

async function explainMissing(
  { request, range: [first, end], folder, name, lines }: Run,
  { test, model, device }: { readonly test: ImageSet; readonly model: Model; readonly device: Device },
  options: ManyOptions,
  signal: AbortSignal,
): Promise<void> {
  const bar = progressBar('Explaining')
  const summary = new Summary(model)
  const known = new Set<number>()
  for (const line of lines.existing) {
    known.add(line.index)
    if (line.index >= first && line.index < end) summary.add(line)
  }
  const missing = Array.from({ length: end - first }, (_, i) => first + i).filter((index) => !known.has(index))
  if (missing.length < end - first)
    note(`${end - first - missing.length} of ${end - first} images are already in ${join(folder, linesName)}`)
  const labelled = asksForLabels(options)
  const knowsTruth = isFor(task, model)
  const started = performance.now()
  let done = 0
  try {
    for (const index of missing) {
      const label = test.labels[index]
      // Unless labels are asked for: the one that is predicted and, where the model has the test images' classes, the true one.
      const labels = (probabilities: Float64Array) => {
        const predicted = probabilities.indexOf(Math.max(...probabilities))
        return knowsTruth ? [predicted, label] : [predicted]
      }
      const image = pictureOf(task, pixelsOf(test, index))
      // Each image is explained as if it were the first: it does not matter which were explained before it.
      const call = { signal, keepSamples: false, ...(!labelled && { labels }) }
      const attribution = await explainerFor(request)(image, model, call)
      const json = explanationRecord({ index, label }, attribution, deviceOf(device))
      await lines.append(name, json)
      summary.add({ ...json, index, label })
      done++
      bar.update(end - first - missing.length + done, end - first)
    }
    await lines.checkAlone()
  } finally {
    bar.stop()
  }
  const seconds = (performance.now() - started) / 1000
  const whole = { ...summary.result(), ...(done > 0 && { explained: done, seconds, imagesASecond: done / seconds }) }
  await writeFileAtomically(join(folder, summaryName), `${JSON.stringify(whole, null, 2)}\n`)
  result(options.json ? JSON.stringify(whole) : summary.text(done, seconds))
}

/** Otherwise each image is explained for the class that is predicted and the true one. */
function asksForLabels({ labels, topLabels }: ManyOptions): boolean {
  return labels !== undefined || topLabels !== undefined
}

/** Everything that decides what is in a line, but not which images or what computes them. */
function settingsOf(request: ExplanationRequest, options: ManyOptions, digest: string): RunSettings {
  const { arithmetic, convolution, halfPrecision } = options
  const { topLabels, ...others } = request
  const asked = asksForLabels(options) ? { request } : { request: others, labels: 'the predicted and the true one' }
  return { version: packageVersion(), model: digest, ...asked, arithmetic, convolution, halfPrecision }
}

/**
 * The result file of a folder, ready for lines of this run.
 * @throws ArgumentError when it holds those of another
 */
async function openRun(folder: string, settings: RunSettings): Promise<ResultFile> {
  const run = runNameOf(settings)
  const path = join(folder, settingsName)
  const recorded = await readSettings(path)
  const lines = await ResultFile.open(join(folder, linesName))
  try {
    if (lines.run === null)
      throw new ArgumentError(
        `${folder} holds explanations that do not say how they were made, as those of earlier versions do not; take another folder`,
      )
    if (lines.run !== undefined && lines.run !== run) {
      const how = recorded?.run === lines.run ? `: ${differences(recorded.settings, settings)}` : ''
      throw new ArgumentError(
        `${folder} holds explanations of another run${how}; go on with what they were made with, or take another folder`,
      )
    }
    await lines.cutTornLine(run)
    if (recorded?.run !== run) await writeSettings(path, settings)
    return lines
  } catch (error) {
    await lines.close()
    throw error
  }
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
  private unstable: { index: number; uncertainty: number }[] = []
  /** Not all methods have one. */
  private hasScores = false

  constructor(model: Model) {
    this.knowsTruth = isFor(task, model)
    this.names = classNamesOf(task, model)
  }

  add({ index, label, predicted, explanation }: ResultLine): void {
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
    const reach = ofPredicted.intervals.reduce((sum, [low, high]) => sum + (high - low) / 2, 0)
    const size = ofPredicted.weights.reduce((sum, [, weight]) => sum + Math.abs(weight), 0)
    this.unstable.push({ index, uncertainty: size > 0 ? reach / size : 0 })
    if (this.unstable.length > 1000) this.unstable = mostUnstable(this.unstable)
  }

  result() {
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
      ...(this.unstable.length > 0 && { mostUnstable: mostUnstable(this.unstable) }),
    }
  }

  text(explained: number, seconds: number): string {
    const { images, classes, mostUnstable: worst } = this.result()
    return [
      `${images} images${explained > 0 ? `, ${explained} of them now: ${seconds.toFixed(1)} s, ${(explained / seconds).toFixed(1)} images a second` : ''}`,
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

function mostUnstable(images: readonly { index: number; uncertainty: number }[]) {
  return [...images].sort((a, b) => b.uncertainty - a.uncertainty).slice(0, 10)
}

/** JSON has no NaN: a score that is no number is null in a line that is read again. */
function finite(score: number | null | undefined): number {
  return Number.isFinite(score) ? Number(score) : 0
}
