import type { FileMetaData } from 'hyparquet'
import { FormatError, LimelightError } from '../../engine/errors.ts'
import type { ColumnName, ResultRow } from './result-row.ts'
import { headerFrom, type ShardHeader, type ShardReader } from './shard-format.ts'
import type { StoredFile } from './store.ts'

/** Reads results as Parquet: of the groups of rows one at a time, of the columns only those that are asked for. */

/** The key of the metadata that hold the header, as JSON. */
export const metadataName = 'limelight'

export const parquetReader: ShardReader = {
  async header(name, file) {
    return headerIn(name, await metadataOf(name, file))
  },

  async *rows(name, file, wanted) {
    const metadata = await metadataOf(name, file)
    let start = 0
    for (const { num_rows: count } of metadata.row_groups) {
      const end = start + Number(count)
      yield await rowsBetween(name, file, metadata, [start, end], wanted)
      start = end
    }
  },

  async row(name, file, at, wanted) {
    const [row] = await rowsBetween(name, file, await metadataOf(name, file), [at, at + 1], wanted)
    if (!row) throw new FormatError(`${name} has no row ${at}`)
    return row
  },
}

async function rowsBetween<Name extends ColumnName>(
  name: string,
  file: StoredFile,
  metadata: FileMetaData,
  [rowStart, rowEnd]: readonly [start: number, end: number],
  wanted: readonly Name[],
): Promise<Pick<ResultRow, Name>[]> {
  const { parquetReadObjects } = await import('hyparquet')
  const rows = await readable(name, () =>
    parquetReadObjects({ file, metadata, columns: [...wanted], rowStart, rowEnd, utf8: false }),
  )
  return rows.map((row) => rowFrom(row, wanted))
}

function rowFrom<Name extends ColumnName>(
  row: Readonly<Record<string, unknown>>,
  wanted: readonly Name[],
): Pick<ResultRow, Name> {
  const values = wanted.map((name) => {
    const value = row[name]
    return [name, typeof value === 'bigint' ? Number(value) : (value ?? null)] as const
  })
  // The columns' types are the schema's, which the header's version vouches for.
  return Object.fromEntries(values) as Pick<ResultRow, Name>
}

/** Read from a file's end at first: the footer of a few groups. A longer one is asked for once more. */
const footerBytes = 1 << 16

async function metadataOf(name: string, file: StoredFile): Promise<FileMetaData> {
  const { parquetMetadataAsync } = await import('hyparquet')
  const metadata = await readable(name, () => parquetMetadataAsync(file, { initialFetchSize: footerBytes }))
  headerIn(name, metadata)
  return metadata
}

function headerIn(name: string, { key_value_metadata: entries = [] }: FileMetaData): ShardHeader {
  const text = entries.find(({ key }) => key === metadataName)?.value
  if (text === undefined) throw new FormatError(`${name} holds no explanations: it is another program's Parquet file`)
  return headerFrom(name, jsonIn(text))
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** @throws FormatError for what the library can't read; what a store refuses is its own error */
async function readable<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (cause instanceof LimelightError) throw cause
    throw new FormatError(
      `${name} is no Parquet file, or is damaged: ${cause instanceof Error ? cause.message : cause}`,
    )
  }
}
