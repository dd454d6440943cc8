import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect } from 'vitest'
import { encodePng } from '../../../src/app/pictures/encode-png.ts'
import { openStore } from '../../../src/app/runs/open-store.ts'
import type { OpenedRun } from '../../../src/app/runs/opened-run.ts'
import { columnNames, type ResultRow } from '../../../src/app/runs/result-row.ts'
import type { Run } from '../../../src/app/runs/run.ts'
import { formats } from '../../../src/app/runs/shard-file.ts'
import { shardFiles } from '../../../src/app/runs/shard-name.ts'

/** Runs of a few images, in shards of a few: what RUN.json refuses, as a shard is to be worth a job. */

export const root = fileURLToPath(new URL('../../../', import.meta.url))

/** A folder for the tests of the file that asks: it is gone after them. */
export function useFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'limelight-runs-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export const network = join(root, 'models/fashion-cnn.safetensors')

/** Ten test images, in four shards. */
export function smallRun(output: string, given: Partial<Run> = {}): Run {
  return {
    version: 1,
    request: {
      version: 1,
      method: 'lime',
      samples: 60,
      segmenter: { name: 'grid', parameters: { rows: 3, columns: 3 } },
    },
    model: { source: network },
    images: { source: 'test-set', first: 0, end: 10 },
    shardSize: 3,
    output,
    ...given,
  }
}

/** 1,100 test images in five shards of a size that RUN.json may have, each of which takes a few milliseconds. */
export function runOfFiveShards(output: string): Run {
  const segmenter = { name: 'grid', parameters: { rows: 2, columns: 2 } }
  return smallRun(output, {
    request: { version: 1, method: 'lime', samples: 16, segmenter },
    images: { source: 'test-set', first: 0, end: 1100 },
    shardSize: 256,
  })
}

/** A grey picture of 28 x 28 pixels that no other seed gives, as a file. */
export function pictureFile(path: string, seed: number): void {
  mkdirSync(dirname(path), { recursive: true })
  const data = Float64Array.from({ length: 28 * 28 }, (_, i) => ((i * (seed + 7) * 2654435761) % 256) / 255)
  writeFileSync(path, encodePng({ data, height: 28, width: 28, channels: 1 }))
}

/** Computes all shards and publishes the end. */
export async function computed(opened: OpenedRun) {
  for (let shard = 0; shard < opened.shardCount; shard++) await opened.compute(shard)
  return opened.finish()
}

/** All published rows in the order of the shards. */
export async function rowsOf(output: string, format: 'parquet' | 'jsonl' = 'parquet'): Promise<ResultRow[]> {
  const store = await openStore(output)
  const rows: ResultRow[] = []
  for (const name of (await store.list(shardFiles)).sort()) {
    const file = await store.open(name)
    expect(file).not.toBe(null)
    if (file) for await (const piece of formats[format].rows(name, file, columnNames)) rows.push(...piece)
  }
  return rows
}

/** Without what differs from one computation to the next. */
export function lasting(row: ResultRow) {
  const { seconds, seconds_fit, seconds_prediction, seconds_segmentation, segments, ...others } = row
  expect(seconds).toBeGreaterThan(0)
  return { ...others, segments: segments && Buffer.from(segments).toString('base64') }
}
