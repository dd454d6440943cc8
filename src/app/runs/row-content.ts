import { createHash } from 'node:crypto'
import { type ColumnName, columnNames, columns, type ResultRow } from './result-row.ts'

/** What rows hold, whatever format they are in: in Node alone, where they are written. */

const lasting = columnNames.filter((name) => columns[name].varies !== true)

/** SHA-256 of rows in their order, but for what varies: equal for all who computed the same. */
export function contentOfRows(rows: readonly ResultRow[]): string {
  const hash = createHash('sha256')
  for (const row of rows) hash.update(`${JSON.stringify(lasting.map((name) => plain(row[name])))}\n`)
  return hash.digest('hex')
}

/** As JSON has it: bytes in base64. */
export function plain(value: ResultRow[ColumnName]): unknown {
  return value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value
}
