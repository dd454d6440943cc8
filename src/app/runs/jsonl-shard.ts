import { jsonLinesReader } from './jsonl-reader.ts'
import { columnNames } from './result-row.ts'
import { plain } from './row-content.ts'
import { headerToJson, type ShardFormat } from './shard-format.ts'

/** Results as JSON lines, for whoever reads no Parquet: a line of what the shard is, then a row a line; bytes are in base64. */

export const jsonLines: ShardFormat = {
  ...jsonLinesReader,

  async encode(header, rows) {
    const lines = [
      { limelight: headerToJson(header) },
      ...rows.map((row) => Object.fromEntries(columnNames.map((name) => [name, plain(row[name])]))),
    ]
    return Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
  },
}
