import { FormatError, LimelightError } from '../../../engine/errors.ts'
import { jsonLinesReader } from '../../runs/jsonl-reader.ts'
import { parquetReader } from '../../runs/parquet-reader.ts'
import type { ShardHeader, ShardReader } from '../../runs/shard-format.ts'
import { shardCountIn } from '../../runs/shard-name.ts'
import type { StoredFile } from '../../runs/store.ts'

/** The files of results that somebody chose: parts of one run, read where they lie. */

/** A file that is a part of a run: one shard. */
export interface Part {
  readonly name: string
  readonly file: StoredFile
  readonly reader: ShardReader
  readonly header: ShardHeader
}

export interface Parts {
  /** The run's hash. */
  readonly run: string
  /** In the order of the run. */
  readonly parts: readonly Part[]
  /** How many the run has; null where no file's name says so. */
  readonly of: number | null
  /** Numbers of those that are not among them, from 0. */
  readonly missing: readonly number[]
}

/** What of a folder of results holds none, and is dropped along with them. */
export function isBesideResults(name: string): boolean {
  return name === '_SUCCESS' || /^images\.[\da-f]{16}\.jsonl$/.test(name)
}

/**
 * Opens files as parts of one run: reads what each says of itself, and no more.
 * @param before parts that are open already: of the same run they stay
 * @throws FormatError for a file that is none, is damaged or of another version; LimelightError for parts of several runs
 */
export async function openParts(files: readonly File[], before: Parts | null): Promise<Parts> {
  const opened: Part[] = []
  for (const file of files) opened.push(await openPart(file))
  const runs = new Set(opened.map(({ header }) => header.run))
  if (runs.size > 1)
    throw new LimelightError(
      `these are parts of ${runs.size} runs, ${[...runs].join(' and ')}: choose those of one, whose names end alike`,
    )
  const [run] = runs
  const byShard = new Map<number, Part>()
  for (const part of [...(before?.run === run ? before.parts : []), ...opened]) {
    const same = byShard.get(part.header.shard)
    if (same && same.header.content !== part.header.content)
      throw new LimelightError(
        `${same.name} and ${part.name} are the same part of the run, but differ: choose the one that you trust`,
      )
    byShard.set(part.header.shard, part)
  }
  const parts = [...byShard.values()].sort((a, b) => a.header.shard - b.header.shard)
  const counts = parts.map(({ name }) => shardCountIn(name)).filter((count) => count !== null)
  const of = counts.length > 0 ? Math.max(...counts) : null
  const missing = Array.from({ length: of ?? 0 }, (_, shard) => shard).filter((shard) => !byShard.has(shard))
  return { run, parts, of, missing }
}

/** @throws FormatError for a file that holds no results, or what no browser can read any more */
async function openPart(file: File): Promise<Part> {
  const { name } = file
  const stored = storedFile(file)
  const reader = readerFor(name, new Uint8Array(await stored.slice(0, Math.min(4, file.size))))
  return { name, file: stored, reader, header: await reader.header(name, stored) }
}

const parquetMagic = 'PAR1'

function readerFor(name: string, start: Uint8Array): ShardReader {
  const text = String.fromCharCode(...start)
  if (text === parquetMagic) return parquetReader
  if (text.startsWith('{')) return jsonLinesReader
  throw new FormatError(
    `${name} holds no results of limelight batch, or is damaged: expected one of its files, part-….parquet or part-….jsonl`,
  )
}

/** A file on the visitor's disk, whose parts are read as they are asked for. */
function storedFile(file: File): StoredFile {
  return {
    byteLength: file.size,
    async slice(start, end) {
      try {
        return await file.slice(start, end).arrayBuffer()
      } catch (cause) {
        throw new LimelightError(`${file.name} can't be read any more; was it moved or changed? Choose it again`, {
          cause,
        })
      }
    },
  }
}
