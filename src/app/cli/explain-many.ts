import { createHash } from 'node:crypto'
import { mkdir, open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeFileAtomically } from '../../engine/atomic-write.ts'
import { ArgumentError } from '../../engine/errors.ts'
import type { ExplainOptions, LimeImageExplainer } from '../../lime/index.ts'
import { classNames, type ImageSet, imageExtent } from '../data/fashion-mnist.ts'
import { explanationRecord } from '../explanation-record.ts'
import { imageAt, loadSplit } from './data-set.ts'
import { deviceOf, openModel } from './open-model.ts'
import type { DeviceOptions } from './options.ts'
import { interruptSignal, note, progressBar, result } from './terminal.ts'

/**
 * Explanations of many test images: a file of one JSON line an image, appended to as they are made, so that a run that was
 * killed at any moment is taken up where it stopped. What a line is made of is written down beside it, once.
 */

const linesName = 'explanations.jsonl'
const settingsName = 'settings.json'
const summaryName = 'summary.json'

type Pair = readonly [number, number]

/** What the summary needs of a line. */
interface Line {
  readonly index: number
  readonly label: number
  readonly predicted: number
  readonly explanation: Readonly<
    Record<string, { score: number; weights: readonly Pair[]; intervals: readonly Pair[] }>
  >
}

interface ManyOptions extends DeviceOptions {
  readonly model: string
  readonly json?: boolean
  readonly labels?: readonly number[]
  readonly topLabels?: number
}

export async function explainMany(
  explainer: LimeImageExplainer,
  asked: ExplainOptions,
  [first, end]: readonly [number, number],
  folder: string,
  options: ManyOptions,
): Promise<void> {
  const signal = interruptSignal(`what was explained is in ${folder}; the same command goes on from there`)
  const test = await loadSplit('test', signal)
  if (end > test.count)
    throw new ArgumentError(`--indices ${first}:${end}: the test set has the images 0 to ${test.count - 1}`)
  const { model, device, dispose } = await openModel(options.model, options)
  const bar = progressBar('Explaining')
  try {
    await mkdir(folder, { recursive: true })
    await claimFolder(folder, await settingsOf(options))
    const lines = await LineFile.open(join(folder, linesName))
    try {
      const summary = new Summary()
      const done = new Set<number>()
      for (const line of lines.existing) {
        done.add(line.index)
        if (line.index >= first && line.index < end) summary.add(line)
      }
      const missing = Array.from({ length: end - first }, (_, i) => first + i).filter((index) => !done.has(index))
      if (missing.length < end - first)
        note(`${end - first - missing.length} of ${end - first} images are already in ${join(folder, linesName)}`)
      // Without a wish for labels: the one that is predicted and the true one.
      const labelled = options.labels !== undefined || options.topLabels !== undefined
      const optionsOf = (at: number): ExplainOptions => ({
        ...asked,
        ...(!labelled && {
          topLabels: null,
          labels: (probabilities) => [probabilities.indexOf(Math.max(...probabilities)), test.labels[missing[at]]],
        }),
        signal,
      })
      const started = performance.now()
      let at = 0
      for await (const explanation of explainer.explainBatch(imagesAt(test, missing), model, optionsOf)) {
        const index = missing[at++]
        const json = explanationRecord({ index, label: test.labels[index] }, explanation, deviceOf(device))
        await lines.append(json)
        summary.add({ ...json, index, label: test.labels[index] })
        bar.update(end - first - missing.length + at, end - first)
      }
      bar.stop()
      const seconds = (performance.now() - started) / 1000
      const whole = { ...summary.result(), ...(at > 0 && { explained: at, seconds, imagesASecond: at / seconds }) }
      await writeFileAtomically(join(folder, summaryName), `${JSON.stringify(whole, null, 2)}\n`)
      result(options.json ? JSON.stringify(whole) : summary.text(at, seconds))
    } finally {
      await lines.close()
    }
  } finally {
    bar.stop()
    dispose()
  }
}

function* imagesAt(test: ImageSet, indices: readonly number[]) {
  for (const index of indices) yield { data: imageAt(test, index), shape: [imageExtent, imageExtent] }
}

/** Everything that decides what is in a line: the options and the model, but not which images or what computes them. */
async function settingsOf({ model, json: _json, device: _device, ...options }: ManyOptions): Promise<string> {
  const { indices: _indices, out: _out, threads: _threads, ...rest } = options as Record<string, unknown>
  const weights = createHash('sha256')
    .update(await readFile(model))
    .digest('hex')
  return `${JSON.stringify({ model: weights, ...rest }, null, 2)}\n`
}

/** @throws ArgumentError when the folder holds explanations that were made otherwise */
async function claimFolder(folder: string, settings: string): Promise<void> {
  const path = join(folder, settingsName)
  const existing = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
  if (existing === null) await writeFileAtomically(path, settings)
  else if (existing !== settings)
    throw new ArgumentError(
      `${folder} holds explanations made with other options or another model (see ${path}); take another folder`,
    )
}

/** A file of JSON lines that grows. What a kill left of its last line is cut off when it is opened. */
class LineFile {
  private constructor(
    private readonly file: Awaited<ReturnType<typeof open>>,
    readonly existing: readonly Line[],
    private end: number,
  ) {}

  static async open(path: string): Promise<LineFile> {
    const file = await open(path, 'a+')
    try {
      const bytes = await file.readFile()
      const end = bytes.lastIndexOf('\n') + 1
      if (end < bytes.length) await file.truncate(end)
      const seen = new Set<number>()
      const lines: Line[] = []
      for (const text of bytes.subarray(0, end).toString('utf8').split('\n')) {
        if (text === '') continue
        const line = JSON.parse(text) as Line
        if (!seen.has(line.index)) lines.push(line)
        seen.add(line.index)
      }
      return new LineFile(file, lines, end)
    } catch (error) {
      await file.close()
      throw error
    }
  }

  /** Whole or not at all, should the disk be full. */
  async append(value: unknown): Promise<void> {
    const bytes = Buffer.from(`${JSON.stringify(value)}\n`)
    try {
      let written = 0
      while (written < bytes.length) written += (await this.file.write(bytes, written)).bytesWritten
    } catch (error) {
      await this.file.truncate(this.end).catch(() => {})
      throw error
    }
    this.end += bytes.length
  }

  close(): Promise<void> {
    return this.file.close()
  }
}

interface ClassSummary {
  images: number
  score: number
  positive: number
}

/** What many explanations come to. */
class Summary {
  private readonly classes = new Map<number, ClassSummary>()
  private unstable: { index: number; uncertainty: number }[] = []

  add({ index, label, predicted, explanation }: Line): void {
    const own = this.classes.get(label) ?? { images: 0, score: 0, positive: 0 }
    this.classes.set(label, own)
    const ofPredicted = explanation[predicted]
    const ofTruth = explanation[label]
    own.images++
    own.score += ofPredicted?.score ?? 0
    if (ofTruth && ofTruth.weights.reduce((sum, [, weight]) => sum + weight, 0) > 0) own.positive++
    if (!ofPredicted) return
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
          name: classNames[label],
          images,
          meanScore: score / images,
          evidenceForTruth: positive / images,
        })),
      mostUnstable: mostUnstable(this.unstable),
    }
  }

  text(explained: number, seconds: number): string {
    const { images, classes, mostUnstable: worst } = this.result()
    return [
      `${images} images${explained > 0 ? `, ${explained} of them now: ${seconds.toFixed(1)} s, ${(explained / seconds).toFixed(1)} images a second` : ''}`,
      '',
      'true class      images   mean R²   evidence for it',
      ...classes.map(
        ({ label, name, images: count, meanScore, evidenceForTruth }) =>
          `${`${label} ${name}`.padEnd(15)} ${String(count).padStart(6)} ${meanScore.toFixed(3).padStart(9)} ${`${(100 * evidenceForTruth).toFixed(1)} %`.padStart(17)}`,
      ),
      '',
      `least certain: ${worst.map(({ index, uncertainty }) => `${index} (± ${(100 * uncertainty).toFixed(0)} %)`).join(', ')}`,
    ].join('\n')
  }
}

function mostUnstable(images: readonly { index: number; uncertainty: number }[]) {
  return [...images].sort((a, b) => b.uncertainty - a.uncertainty).slice(0, 10)
}
