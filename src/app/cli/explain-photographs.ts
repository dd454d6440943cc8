import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { LimelightError } from '../../engine/errors.ts'
import { writeFileAtomically } from '../../engine/platform/atomic-write.ts'
import { nameOfPhotograph, photographIndex, reportsFolder, thumbnailsFolder } from '../batch/photograph-index.ts'
import {
  type ExplainedLine,
  explainedLine,
  isFailed,
  type PhotographLine,
  photographLine,
} from '../batch/photograph-line.ts'
import { photographRecord } from '../batch/photograph-record.ts'
import { photographThumbnail } from '../batch/photograph-thumbnail.ts'
import type { RunSettings } from '../batch/run-settings.ts'
import { explainingPicture, readingPicture, UnexplainedPicture } from '../batch/unexplained-picture.ts'
import { packageVersion } from '../data/package-files.ts'
import { readInput } from '../inputs/input-file.ts'
import { explainPhotograph } from '../photographs/explain-photograph.ts'
import { explainMany, paceInWords, paceOf } from './explain-many.ts'
import { asksForLabels, type ExplainCommandOptions } from './explain-options.ts'
import { type PhotographNetwork, photographNetwork, readPhotograph, reportOf } from './explain-photograph.ts'
import { inLockedFolder } from './locked.ts'
import { deviceOf, placeModel, readModelFile } from './open-model.ts'
import { interruptSignal, note, result } from './terminal.ts'

/** Explanations of many photographs, one at a time: a picture that can't be explained is a line that says why. */

/** @throws LimelightError in the end, where a picture could not be explained */
export async function explainPhotographs(
  files: readonly string[],
  folder: string,
  options: ExplainCommandOptions,
): Promise<void> {
  const signal = interruptSignal(
    `what was explained is in ${folder}; the same command goes on from there`,
    options.device,
  )
  // Unless classes are asked for, each is explained for the most probable one.
  const asked = asksForLabels(options) ? options : { ...options, topLabels: 1 }
  const network = await photographNetwork(await readModelFile(options.model, options), asked)
  await inLockedFolder(folder, async () => {
    const opened = await placeModel(network, options)
    try {
      const many = await explainMany({
        folder,
        settings: settingsOf(network, options),
        kind: photographLine,
        sorted: (lines) => sortedByFile(files, lines),
        explain: lineOf,
      })
      const lines = files.flatMap((file) => many.lines.filter(({ image }) => image === file))
      await writeFileAtomically(join(folder, 'index.html'), photographIndex(lines, network.name))
      const summary = { ...summaryOf(lines), ...(many.explained > 0 && { now: paceOf(many) }) }
      await writeFileAtomically(join(folder, 'summary.json'), `${JSON.stringify(summary, null, 2)}\n`)
      result(
        options.json
          ? JSON.stringify(summary)
          : [paceInWords(lines.length, many), '', ...lines.map(inWords)].join('\n'),
      )
      note(`index.html, which leads to all reports, is in ${folder}`)
      if (summary.failed > 0)
        throw new LimelightError(
          `${summary.failed} of ${lines.length} pictures could not be explained; explanations.jsonl says why`,
        )
    } finally {
      opened.dispose()
    }

    async function lineOf(path: string): Promise<object> {
      const made = await explainedOf(path).catch((error: unknown) => {
        if (error instanceof UnexplainedPicture) return error
        throw error
      })
      if (made instanceof UnexplainedPicture) {
        note(`${path}: ${made.message}`)
        return { image: path, digest: await digestOf(path), error: made.message }
      }
      const { file, explained } = made
      const name = nameOfPhotograph(path, file.digest)
      // A line is the last that is written of a photograph: what it leads to is there.
      await writeFileAtomically(join(folder, thumbnailsFolder, `${name}.png`), photographThumbnail(explained))
      const report = await reportOf(file, explained, network, opened, signal)
      await writeFileAtomically(join(folder, reportsFolder, `${name}.html`), report)
      return explainedLine(photographRecord(file, explained, deviceOf(opened.device)), name)
    }

    /** @throws UnexplainedPicture for what is wrong with the picture, which says nothing about the others */
    async function explainedOf(path: string) {
      const { request, photograph } = network
      const { file, picture } = await readingPicture(readPhotograph(path, signal))
      const asked = { ...photograph, picture }
      const call = { signal, keepSamples: false }
      const explained = await explainingPicture(explainPhotograph(asked, opened.model, request, call))
      return { file, explained }
    }
  })
}

/** null for a file that can't be read. */
function digestOf(path: string): Promise<string | null> {
  return readInput(path, (bytes) => createHash('sha256').update(bytes).digest('hex')).catch(() => null)
}

/** A line counts for a file that is still as it was. */
async function sortedByFile(files: readonly string[], lines: readonly PhotographLine[]) {
  const known: PhotographLine[] = []
  const missing: string[] = []
  for (const file of files) {
    const own = lines.filter(({ image }) => image === file)
    const digest = own.length > 0 ? await digestOf(file) : undefined
    const line = own.find((each) => each.digest === digest)
    if (line) known.push(line)
    else missing.push(file)
  }
  return { known, missing }
}

/** Everything that decides what is in a line, but not which photographs or what computes them. */
function settingsOf(
  { request, task, digest, photograph }: PhotographNetwork,
  options: ExplainCommandOptions,
): RunSettings {
  const { arithmetic, convolution, halfPrecision } = options
  const { fit, segmentedIn } = photograph
  const pixels = { ...task.preprocessing?.value, channels: task.channels.value, output: task.output?.value }
  const classNames = task.classNames?.value
  return {
    version: packageVersion(),
    model: digest,
    pixels,
    classNames,
    fit,
    segmentedIn,
    request,
    arithmetic,
    convolution,
    halfPrecision,
  }
}

function summaryOf(lines: readonly PhotographLine[]) {
  const explained = lines.filter((line): line is ExplainedLine => !isFailed(line))
  const counts = new Map<string, number>()
  for (const { best } of explained) counts.set(best[0].name, (counts.get(best[0].name) ?? 0) + 1)
  const classes = [...counts].sort((a, b) => b[1] - a[1]).map(([name, images]) => ({ name, images }))
  return { images: lines.length, explained: explained.length, failed: lines.length - explained.length, classes }
}

function inWords(line: PhotographLine): string {
  if (isFailed(line)) return `${line.image}: not explained: ${line.error}`
  const [{ name, probability, value }] = line.best
  return `${line.image}: ${name} (${probability?.toFixed(4) ?? value?.toPrecision(6)})`
}
