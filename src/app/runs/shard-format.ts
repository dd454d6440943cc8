import * as v from 'valibot'
import { oneOf, parsed, text, wholeNumber } from '../../engine/arguments.ts'
import { type ColumnName, type ResultRow, schemaVersion } from './result-row.ts'
import type { StoredFile } from './store.ts'

/** What a file says of the shard that it holds. */
export interface ShardHeader {
  readonly run: string
  readonly shard: number
  readonly images: number
  readonly rows: number
  readonly errors: number
  /** contentOfRows. */
  readonly content: string
}

/** A format of files of results. */
export interface ShardFormat {
  encode(header: ShardHeader, rows: readonly ResultRow[]): Promise<Uint8Array>
  /** @throws FormatError for a file that holds no shard. @param name for people */
  header(name: string, file: StoredFile): Promise<ShardHeader>
  /**
   * Rows in pieces, so that memory holds only a few thousand at a time.
   * @param wanted the columns to read
   * @throws FormatError
   */
  rows<Name extends ColumnName>(
    name: string,
    file: StoredFile,
    wanted: readonly Name[],
  ): AsyncGenerator<readonly Pick<ResultRow, Name>[]>
}

const headerSchema = v.object({
  schema: oneOf(schemaVersion),
  run: text,
  shard: wholeNumber(0),
  images: wholeNumber(0),
  rows: wholeNumber(0),
  errors: wholeNumber(0),
  content: text,
})

/** @throws FormatError for what is no header, or one of another version of the columns. @param name for people */
export function headerFrom(name: string, value: unknown): ShardHeader {
  const { schema: _, ...header } = parsed(`${name}: what it says of itself`, headerSchema, value)
  return header
}

export function headerToJson(header: ShardHeader): object {
  return { schema: schemaVersion, ...header }
}
