import * as v from 'valibot'
import { parsed, thatIs } from '../../engine/arguments.ts'
import { FormatError, LimelightError } from '../../engine/errors.ts'
import { insideFolder } from '../../engine/formats/model-files.ts'
import type { RunImage } from './planned-run.ts'

/**
 * A list of images that people made: CSV with a line of column names, or JSON lines. Its columns are id, path and label; others are
 * left alone. A path is in the manifest's folder, or below: a list from somebody else must not have other files read.
 */

const texts = thatIs<string | number>(
  'a text or a number',
  (value) => typeof value === 'number' || (typeof value === 'string' && value !== ''),
)
const entry = v.object({ id: texts, path: texts, label: v.nullish(v.union([v.string(), v.number()])) })

/**
 * @param name of the file, for people; it ends in .csv, .jsonl or .ndjson
 * @throws FormatError that names the line, for what is no such list, a path that leads out of its folder, or an id that is given twice
 */
export async function imagesOfManifest(name: string, bytes: Uint8Array): Promise<RunImage[]> {
  const isLines = /\.(jsonl|ndjson)$/i.test(name)
  if (!isLines && !/\.csv$/i.test(name))
    throw new FormatError(`${name}: a manifest is a file that ends in .csv, .jsonl or .ndjson`)
  const text = decoded(name, bytes)
  const rows = isLines ? jsonRows(name, text) : await csvRows(name, text)
  const images = rows.map(({ line, value }) => imageOf(`${name}: line ${line}`, value))
  const lineOf = new Map<string, number>()
  images.forEach(({ id }, i) => {
    const { line } = rows[i]
    const before = lineOf.get(id)
    if (before !== undefined)
      throw new FormatError(`${name}: line ${line}: the id ${JSON.stringify(id)} was given in line ${before}`)
    lineOf.set(id, line)
  })
  return images
}

interface Row {
  readonly line: number
  readonly value: unknown
}

function imageOf(place: string, value: unknown): RunImage {
  const { id, path, label } = parsed(place, entry, value)
  try {
    const image = { id: String(id), path: insideFolder(String(path)) }
    return label === undefined || label === null || label === '' ? image : { ...image, label: String(label) }
  } catch (error) {
    if (error instanceof LimelightError) throw new FormatError(`${place}: ${error.message}`)
    throw error
  }
}

function decoded(name: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new FormatError(`${name}: it is not UTF-8`)
  }
}

function jsonRows(name: string, text: string): Row[] {
  return text.split('\n').flatMap((content, i) => {
    if (content.trim() === '') return []
    try {
      return [{ line: i + 1, value: JSON.parse(content) as unknown }]
    } catch {
      throw new FormatError(`${name}: line ${i + 1}: it is not JSON`)
    }
  })
}

async function csvRows(name: string, text: string): Promise<Row[]> {
  const { CsvError, parse } = await import('csv-parse/sync')
  try {
    const records: { record: unknown; info: { lines: number } }[] = parse(text, {
      columns: true,
      skip_empty_lines: true,
      info: true,
    })
    return records.map(({ record, info }) => ({ line: info.lines, value: record }))
  } catch (error) {
    if (error instanceof CsvError) throw new FormatError(`${name}: ${error.message}`)
    throw error
  }
}
