import { join } from 'node:path'
import { ArgumentError } from '../../engine/errors.ts'
import { type LineKind, ResultFile } from '../batch/result-file.ts'
import { differences, type RunSettings, readSettings, runNameOf, writeSettings } from '../batch/run-settings.ts'
import { note, progressBar } from './terminal.ts'

/**
 * Explanations of many images: a file of one JSON line an image, appended to as they are made, so that a run that was killed at any
 * moment is taken up where it stopped. Which images these are, and what is in a line, is the caller's.
 */

const linesName = 'explanations.jsonl'
const settingsName = 'settings.json'

export interface ManyImages<Item, Line> {
  readonly folder: string
  /** Everything that decides what is in a line, but not which images or what computes them. */
  readonly settings: RunSettings
  readonly kind: LineKind<Line>
  /** Of all images that are asked for: the lines that there are of them, and those that have none. */
  readonly sorted: (lines: readonly Line[]) => Promise<{ known: readonly Line[]; missing: readonly Item[] }>
  /** An image's line. Each is explained as if it were the first: it does not matter which were explained before it. */
  readonly explain: (item: Item) => Promise<object>
}

/** All lines of the images that were asked for, and what of them was made now. */
export interface ManyExplained<Line> {
  readonly lines: readonly Line[]
  readonly explained: number
  readonly seconds: number
}

/** Explains the images that have no line yet. The folder is locked by the caller. @throws ArgumentError for a folder of another run */
export async function explainMany<Item, Line>(many: ManyImages<Item, Line>): Promise<ManyExplained<Line>> {
  const { folder, settings, kind } = many
  const file = await openRun(folder, settings, kind)
  try {
    return await explainMissing(many, file, runNameOf(settings))
  } finally {
    await file.close()
  }
}

async function explainMissing<Item, Line>(
  { folder, kind, sorted, explain }: ManyImages<Item, Line>,
  file: ResultFile<Line>,
  run: string,
): Promise<ManyExplained<Line>> {
  const { known, missing } = await sorted(file.existing)
  const total = known.length + missing.length
  if (known.length > 0) note(`${known.length} of ${total} images are already in ${join(folder, linesName)}`)
  const bar = progressBar('Explaining')
  const lines = [...known]
  const started = performance.now()
  try {
    for (const item of missing) {
      const content = await explain(item)
      await file.append(run, content)
      const line = kind.read(content)
      if (line !== null) lines.push(line)
      bar.update(lines.length, total)
    }
    await file.checkAlone()
  } finally {
    bar.stop()
  }
  return { lines, explained: missing.length, seconds: (performance.now() - started) / 1000 }
}

/** What a summary says of the work of this time; nothing where there was none. */
export function paceOf({ explained, seconds }: ManyExplained<unknown>) {
  return explained > 0 ? { explained, seconds, imagesASecond: explained / seconds } : {}
}

/** The same for people: '50 images, 20 of them now: 41.2 s, 0.5 images a second'. */
export function paceInWords(images: number, { explained, seconds }: ManyExplained<unknown>): string {
  if (explained === 0) return `${images} images`
  return `${images} images, ${explained} of them now: ${seconds.toFixed(1)} s, ${(explained / seconds).toFixed(1)} images a second`
}

/**
 * The result file of a folder, ready for lines of this run.
 * @throws ArgumentError when it holds those of another
 */
async function openRun<Line>(folder: string, settings: RunSettings, kind: LineKind<Line>): Promise<ResultFile<Line>> {
  const run = runNameOf(settings)
  const path = join(folder, settingsName)
  const recorded = await readSettings(path)
  const lines = await ResultFile.open(join(folder, linesName), kind)
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
