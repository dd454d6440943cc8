import type { FileMetaData, SchemaElement } from 'hyparquet'
import { FormatError, LimelightError } from '../../engine/errors.ts'
import { type ColumnKind, type ColumnName, columnNames, columns, type ResultRow } from './result-row.ts'
import { headerFrom, headerToJson, type ShardFormat, type ShardHeader } from './shard-format.ts'
import type { StoredFile } from './store.ts'

/** Results as Parquet: what DuckDB, pandas and Spark read. */

/** A reader takes one group at a time into memory. */
const rowsInGroup = 1024

/** The key of the metadata that hold the header, as JSON. */
const metadataName = 'limelight'

type Element = Pick<SchemaElement, 'type' | 'converted_type'>

const elements: Readonly<Record<ColumnKind, Element>> = {
  text: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  int32: { type: 'INT32' },
  int64: { type: 'INT64' },
  double: { type: 'DOUBLE' },
  doubles: { type: 'DOUBLE' },
  texts: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  bytes: { type: 'BYTE_ARRAY' },
}

function isList(kind: ColumnKind): boolean {
  return kind === 'doubles' || kind === 'texts'
}

function schemaOf(name: ColumnName): SchemaElement[] {
  const { kind, required } = columns[name]
  if (!isList(kind)) return [{ name, ...elements[kind], repetition_type: required ? 'REQUIRED' : 'OPTIONAL' }]
  // The three levels that Parquet's specification has lists in.
  return [
    { name, repetition_type: 'OPTIONAL', num_children: 1, converted_type: 'LIST' },
    { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
    { name: 'element', ...elements[kind], repetition_type: 'OPTIONAL' },
  ]
}

const schema: SchemaElement[] = [
  { name: 'limelight', num_children: columnNames.length },
  ...columnNames.flatMap(schemaOf),
]

export const parquet: ShardFormat = {
  async encode(header, rows) {
    const { ByteWriter, parquetWrite } = await import('hyparquet-writer')
    const writer = new ByteWriter()
    await parquetWrite({
      writer,
      schema,
      columnData: columnNames.map((name) => ({ name, data: rows.map((row) => stored(name, row)) })),
      rowGroupSize: rowsInGroup,
      kvMetadata: [{ key: metadataName, value: JSON.stringify(headerToJson(header)) }],
      createdBy: 'limelight',
    })
    return writer.getBytes()
  },

  async header(name, file) {
    return headerIn(name, await metadataOf(name, file))
  },

  async *rows(name, file, wanted) {
    const { parquetReadObjects } = await import('hyparquet')
    const metadata = await metadataOf(name, file)
    let start = 0
    for (const { num_rows: count } of metadata.row_groups) {
      const end = start + Number(count)
      yield await readable(name, () =>
        parquetReadObjects({ file, metadata, columns: [...wanted], rowStart: start, rowEnd: end, utf8: false }),
      ).then((rows) => rows.map((row) => rowFrom(row, wanted)))
      start = end
    }
  },
}

/** Numbers of 64 bits are bigints in the file. */
function stored(name: ColumnName, row: ResultRow): unknown {
  const value = row[name]
  return columns[name].kind === 'int64' && typeof value === 'number' ? BigInt(value) : value
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

async function metadataOf(name: string, file: StoredFile): Promise<FileMetaData> {
  const { parquetMetadataAsync } = await import('hyparquet')
  const metadata = await readable(name, () => parquetMetadataAsync(file))
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
