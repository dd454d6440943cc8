import { jsonLines } from './jsonl-shard.ts'
import { parquet } from './parquet-shard.ts'
import type { PlannedRun } from './planned-run.ts'
import type { ShardFormat } from './shard-format.ts'

/** How files of results are written and read. */
export const formats: Readonly<Record<PlannedRun['format'], ShardFormat>> = { parquet, jsonl: jsonLines }
