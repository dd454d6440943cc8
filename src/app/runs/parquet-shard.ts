import type { SchemaElement } from 'hyparquet'
import { metadataName, parquetReader } from './parquet-reader.ts'
import { type ColumnKind, type ColumnName, columnNames, columns, type ResultRow } from './result-row.ts'
import { headerToJson, type ShardFormat } from './shard-format.ts'

/** Results as Parquet: what DuckDB, pandas and Spark read. */

/** A reader takes one group at a time into memory. */
const rowsInGroup = 1024

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
  ...parquetReader,

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
}

/** Numbers of 64 bits are bigints in the file. */
function stored(name: ColumnName, row: ResultRow): unknown {
  const value = row[name]
  return columns[name].kind === 'int64' && typeof value === 'number' ? BigInt(value) : value
}
