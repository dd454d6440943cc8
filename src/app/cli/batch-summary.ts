import { stat } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { ArgumentError, FormatError, LimelightError } from '../../engine/errors.ts'
import { isBucketAddress } from '../runs/bucket-address.ts'
import { computeAgain } from '../runs/errors.ts'
import { openStore } from '../runs/open-store.ts'
import { formats } from '../runs/shard-file.ts'
import { shardFiles } from '../runs/shard-name.ts'
import type { Store } from '../runs/store.ts'
import { type ClassSummary, type RunSummary, SummaryTally, summarised, type Unstable } from '../runs/summarise.ts'
import { progressBar, result } from './terminal.ts'
import { inOneLine } from './visible-text.ts'

/** `limelight batch summary`: reads results back, a piece at a time. */
export async function summariseResults(given: string, { json }: { readonly json?: boolean }): Promise<void> {
  const { store, names } = await filesIn(given)
  const tally = new SummaryTally()
  const bar = progressBar('Reading')
  let run: string | undefined
  const shards = new Map<number, string>()
  try {
    for (const [i, name] of names.entries()) {
      bar.update(i, names.length)
      const format = name.endsWith('.jsonl') ? formats.jsonl : formats.parquet
      const place = `${store.address}: ${name}`
      const file = await store.open(name)
      if (!file) throw new FormatError(`${place} is gone`)
      const header = await format.header(place, file)
      run ??= header.run
      if (header.run !== run)
        throw new LimelightError(
          `${given} holds results of several runs: ${names[0]} of ${run}, ${name} of ${header.run}; move one run's away, or give one file`,
        )
      const before = shards.get(header.shard)
      if (before !== undefined)
        throw new LimelightError(
          `${given} holds shard ${header.shard} twice, as ${before} and ${name}: one is a wrong copy`,
        )
      shards.set(header.shard, name)
      let count = 0
      for await (const rows of format.rows(place, file, summarised)) {
        for (const row of rows) tally.add(row)
        count += rows.length
      }
      if (count !== header.rows)
        throw new FormatError(`${place} is cut short: it has ${count} rows, of the ${header.rows} that it had`)
    }
  } catch (cause) {
    // A file of another name is somebody's own.
    const isShard = names.every((name) => name.startsWith(shardFiles))
    if (isShard && cause instanceof FormatError) throw new FormatError(`${cause.message}: ${computeAgain}`, { cause })
    throw cause
  } finally {
    bar.stop()
  }
  const summary = tally.result()
  result(json ? JSON.stringify({ run, shards: names.length, ...summary }) : inWords(summary))
}

const resultName = /\.(parquet|jsonl)$/

async function filesIn(given: string): Promise<{ readonly store: Store; readonly names: readonly string[] }> {
  const isFile = !isBucketAddress(given) && (await stat(given).catch(() => null))?.isFile()
  if (isFile && !resultName.test(given))
    throw new ArgumentError(`${given}: expected a run's output, or one of its files, which end in .parquet or .jsonl`)
  if (isFile) return { store: await openStore(dirname(resolve(given))), names: [basename(given)] }
  const store = await openStore(given)
  const names = (await store.list(shardFiles)).filter((name) => resultName.test(name)).sort()
  if (names.length === 0) throw new LimelightError(`${given} holds no results of a run`)
  return { store, names }
}

function inWords({ images, errors, classes, mostUnstable, reasons }: RunSummary): string {
  const number = (value: number | null, digits: number, width: number) =>
    (value === null ? '' : value.toFixed(digits)).padStart(width)
  const width = Math.max(5, ...classes.map(({ label, name }) => nameOf({ label, name }).length))
  return [
    `${images} images, ${errors} of which could not be explained`,
    '',
    `${'class'.padEnd(width)}  images  recognised  mean R²  mean evidence  errors  least certain`,
    ...classes.map(
      ({ label, name, images: count, recognised, meanR2, meanEvidence, mostUnstable: worst, errors: failed }) =>
        [
          nameOf({ label, name }).padEnd(width),
          String(count).padStart(6),
          String(recognised ?? '').padStart(10),
          number(meanR2, 3, 7),
          number(meanEvidence, 3, 13),
          String(failed).padStart(6),
          worst ? certaintyOf(worst) : '',
        ].join('  '),
    ),
    ...(mostUnstable.length > 0 ? ['', `least certain: ${mostUnstable.map(certaintyOf).join(', ')}`] : []),
    ...reasons.map(({ error, images: count }) => `not explained, ${count} x: ${inOneLine(error)}`),
  ].join('\n')
}

function nameOf({ label, name }: Pick<ClassSummary, 'label' | 'name'>): string {
  return `${label} ${inOneLine(name)}`
}

function certaintyOf({ id, uncertainty }: Unstable): string {
  return `${inOneLine(id)} (± ${(100 * uncertainty).toFixed(0)} %)`
}
