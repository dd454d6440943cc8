import { isUtf8 } from 'node:buffer'
import { Readable } from 'node:stream'
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
  if (!isUtf8(bytes)) throw new FormatError(`${name}: it is not UTF-8`)
  const images: RunImage[] = []
  const lines: number[] = []
  const ids = new Set<string>()
  // Row by row: a list of millions is longer than a text may be, and its rows take up more than its images.
  for await (const { line, value } of isLines ? jsonRows(name, bytes) : csvRows(name, bytes)) {
    const image = imageOf(`${name}: line ${line}`, value)
    if (ids.has(image.id)) {
      const before = lines[images.findIndex(({ id }) => id === image.id)]
      throw new FormatError(`${name}: line ${line}: the id ${JSON.stringify(image.id)} was given in line ${before}`)
    }
    ids.add(image.id)
    images.push(image)
    lines.push(line)
  }
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

const newLine = 10

function* jsonRows(name: string, bytes: Uint8Array): Generator<Row> {
  const decoder = new TextDecoder()
  for (let line = 1, start = 0; start < bytes.length; line++) {
    const found = bytes.indexOf(newLine, start)
    const end = found < 0 ? bytes.length : found
    const content = decoder.decode(bytes.subarray(start, end))
    start = end + 1
    if (content.trim() !== '') yield { line, value: jsonIn(`${name}: line ${line}`, content) }
  }
}

function jsonIn(place: string, content: string): unknown {
  try {
    return JSON.parse(content)
  } catch {
    throw new FormatError(`${place}: it is not JSON`)
  }
}

async function* csvRows(name: string, bytes: Uint8Array): AsyncGenerator<Row> {
  const { CsvError, parse } = await import('csv-parse')
  const parser = parse({ bom: true, columns: true, skip_empty_lines: true, info: true })
  const records: AsyncIterable<{ readonly record: unknown; readonly info: { readonly lines: number } }> = Readable.from(
    pieces(bytes),
  ).pipe(parser)
  try {
    for await (const { record, info } of records) yield { line: info.lines, value: record }
  } catch (error) {
    if (error instanceof CsvError) throw new FormatError(`${name}: ${error.message}`)
    throw error
  }
}

const bytesAtOnce = 1 << 16

function* pieces(bytes: Uint8Array): Generator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += bytesAtOnce) yield bytes.subarray(start, start + bytesAtOnce)
}
