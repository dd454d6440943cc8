import { FormatError } from '../../engine/errors.ts'
import { type ColumnName, columns, type ResultRow } from './result-row.ts'
import { headerFrom, type ShardHeader, type ShardReader } from './shard-format.ts'
import type { StoredFile } from './store.ts'

/** Reads results as JSON lines, of a file as long as may be: a piece of it is in memory. */

export const jsonLinesReader: ShardReader = {
  async header(name, file) {
    for await (const line of linesOf(file)) {
      const header = headerIn(name, line)
      const [last] = new Uint8Array(await file.slice(file.byteLength - 1))
      if (last !== lineEnd) throw new FormatError(`${name} is cut short: its last line has no end`)
      return header
    }
    throw notOne(name)
  },

  async *rows(name, file, wanted) {
    let isFirst = true
    let piece: Pick<ResultRow, (typeof wanted)[number]>[] = []
    for await (const line of linesOf(file)) {
      if (isFirst) headerIn(name, line)
      else piece.push(rowFrom(name, line, wanted))
      isFirst = false
      if (piece.length < rowsInPiece) continue
      yield piece
      piece = []
    }
    if (piece.length > 0) yield piece
  },

  async row(name, file, at, wanted) {
    let next = -1
    for await (const line of linesOf(file)) if (next++ === at) return rowFrom(name, line, wanted)
    throw new FormatError(`${name} has no row ${at}`)
  },
}

const rowsInPiece = 1024

const lineEnd = 10

function headerIn(name: string, line: string): ShardHeader {
  const value: unknown = jsonIn(name, line)
  if (typeof value !== 'object' || value === null || !('limelight' in value)) throw notOne(name)
  return headerFrom(name, value.limelight)
}

function rowFrom<Name extends ColumnName>(name: string, line: string, wanted: readonly Name[]): Pick<ResultRow, Name> {
  const value: unknown = jsonIn(name, line)
  if (typeof value !== 'object' || value === null) throw notOne(name)
  const row = value as Readonly<Record<string, unknown>>
  const values = wanted.map((column) => {
    const given = row[column] ?? null
    if (given === null && columns[column].required) throw notOne(name)
    return [column, columns[column].kind === 'bytes' && typeof given === 'string' ? bytesIn(name, given) : given]
  })
  return Object.fromEntries(values) as Pick<ResultRow, Name>
}

function bytesIn(name: string, base64: string): Uint8Array {
  try {
    return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))
  } catch {
    throw notOne(name)
  }
}

function jsonIn(name: string, line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    throw notOne(name)
  }
}

function notOne(name: string): FormatError {
  return new FormatError(`${name} holds no explanations, or is damaged`)
}

const bytesAtOnce = 1 << 20

async function* linesOf(file: StoredFile): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for (let start = 0; start < file.byteLength; start += bytesAtOnce) {
    const end = Math.min(file.byteLength, start + bytesAtOnce)
    const lines = (rest + decoder.decode(await file.slice(start, end), { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
  if (rest !== '') yield rest
}
