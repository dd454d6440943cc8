import * as v from 'valibot'
import { oneOf, parsed, text, wholeNumber } from '../../engine/arguments.ts'
import { FormatError } from '../../engine/errors.ts'
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

/** What reads files of results of a format, in Node and in the page. */
export interface ShardReader {
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
  /**
   * A single row, without the others' values where the format lets them be skipped.
   * @param at its place in the file, from 0
   * @throws FormatError, for a row that there is not, too
   */
  row<Name extends ColumnName>(
    name: string,
    file: StoredFile,
    at: number,
    wanted: readonly Name[],
  ): Promise<Pick<ResultRow, Name>>
}

/** A format of files of results. */
export interface ShardFormat extends ShardReader {
  encode(header: ShardHeader, rows: readonly ResultRow[]): Promise<Uint8Array>
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
  if (isOtherVersion(value))
    throw new FormatError(
      `${name} has version ${value.schema} of the columns, and this Limelight reads version ${schemaVersion}: open it with the one that wrote it`,
    )
  const { schema: _, ...header } = parsed(`${name}: what it says of itself`, headerSchema, value)
  return header
}

function isOtherVersion(value: unknown): value is { readonly schema: number } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'schema' in value &&
    typeof value.schema === 'number' &&
    value.schema !== schemaVersion
  )
}

export function headerToJson(header: ShardHeader): object {
  return { schema: schemaVersion, ...header }
}
