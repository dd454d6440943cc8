import type { PlannedRun } from './planned-run.ts'

/** What files of results are called. */

export const shardFiles = 'part-'

interface ShardsOfRun {
  readonly hash: string
  readonly shardCount: number
  readonly format: PlannedRun['format']
}

const digits = 5

/** part-00003-of-00100.0123456789abcdef.parquet: shards are numbered from 0. */
export function shardFileName(shard: number, { hash, shardCount, format }: ShardsOfRun): string {
  const padded = (number: number) => String(number).padStart(digits, '0')
  return `${shardFiles}${padded(shard)}-of-${padded(shardCount)}.${hash}.${format}`
}

/** The shard that a file is of; null for a file that is of none of this run. */
export function shardOfFile(name: string, run: ShardsOfRun): number | null {
  const found = /^part-(\d+)-of-/.exec(name)
  const shard = found ? Number(found[1]) : -1
  return found && name === shardFileName(shard, run) && shard < run.shardCount ? shard : null
}

/** How many shards the run has of which a file is a part, as its name says; null where it was given another. */
export function shardCountIn(name: string): number | null {
  const found = /^part-\d+-of-(\d+)\./.exec(name)
  return found ? Number(found[1]) : null
}
