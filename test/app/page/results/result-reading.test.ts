import { describe, expect, test } from 'vitest'
import { openParts } from '../../../../src/app/page/results/result-files.ts'
import { ResultReading, wholeRow } from '../../../../src/app/page/results/result-reading.ts'
import { columnNames, type ResultRow } from '../../../../src/app/runs/result-row.ts'
import { SummaryTally } from '../../../../src/app/runs/summarise.ts'
import { failedRow, fileOf, madePart, madeRow } from '../made-results.ts'

/** Reading results from files on somebody's disk: what is found, and how little of them is in memory. */

/** A file that counts what is read of it. */
function watched(file: File) {
  const read = { bytes: 0, largest: 0 }
  const slice = file.slice.bind(file)
  file.slice = (start, end, type) => {
    const piece = slice(start, end, type)
    read.bytes += piece.size
    read.largest = Math.max(read.largest, piece.size)
    return piece
  }
  return { file, read }
}

/** Numbers that nothing packs. */
function noise(seed: number, length: number): number[] {
  return Array.from({ length }, (_, i) => Math.abs(Math.sin(seed * 7919 + i * 104729) * 43758.5453) % 1)
}

const rows: ResultRow[] = [
  ...Array.from({ length: 2000 }, (_, i) => madeRow({ id: String(i), label_index: i % 10, r2: i / 2000 })),
  failedRow('broken.png', 'no picture'),
  madeRow({ id: '5000', label_index: 6, class_index: 4, weights: [0.1, 0.2, null, -0.4] }),
  madeRow({ id: '5000', label_index: 6, position: 1, class_index: 6, class_name: 'Shirt' }),
]

async function readAll(files: readonly File[]) {
  const { parts } = await openParts(files, null)
  const reading = new ResultReading(parts)
  let told = 0
  const isAll = await reading.goOn(() => told++)
  return { reading, told, isAll, parts }
}

describe.each(['parquet', 'jsonl'] as const)('results as %s', (format) => {
  const files = async () => [
    fileOf(await madePart(rows.slice(0, 1500), { shard: 0, of: 2, format })),
    fileOf(await madePart(rows.slice(1500), { shard: 1, of: 2, format })),
  ]

  test('come to what the command says of the same rows', async () => {
    const { reading, isAll, told } = await readAll(await files())
    const tally = new SummaryTally()
    for (const row of rows) tally.add(row)
    expect(isAll).toBe(true)
    expect(reading.results.summary).toEqual(tally.result())
    // Groups of 1,024: others come to their turn between them.
    expect(told).toBe(3)
    expect(reading.progress).toEqual({ done: rows.length, total: rows.length })
  })

  test('are listed in the run’s order, with what a list shows, and each row is found again whole', async () => {
    const { reading } = await readAll(await files())
    const { entries, classNames } = reading.results
    expect(entries.map(({ id }) => id)).toEqual(rows.map(({ id }) => id))
    expect(entries[2000]).toMatchObject({ error: 'no picture', uncertainty: null, explained: null })
    expect(entries[2002]).toMatchObject({ label: 6, predicted: 4, explained: 6, position: 1, r2: 0.8 })
    expect(entries[2001].uncertainty).toBeCloseTo(0.06 / 0.7, 12)
    expect([...classNames].sort()).toEqual([
      [4, 'Coat'],
      [6, 'Shirt'],
    ])
    for (const at of [0, 1023, 1024, 1499, 1500, 2000, 2002]) {
      const row = await wholeRow(entries[at], columnNames)
      expect({ ...row, segments: row.segments && [...row.segments] }).toEqual({
        ...rows[at],
        segments: rows[at].segments && [...(rows[at].segments ?? [])],
      })
    }
  })

  test('can be stopped between groups, and read on from there', async () => {
    const { parts } = await openParts(await files(), null)
    const reading = new ResultReading(parts)
    expect(await reading.goOn(() => reading.stop())).toBe(false)
    expect(reading.progress.done).toBe(1024)
    const stopped = reading.results
    expect(stopped.summary.rows).toBe(1024)
    expect(await reading.goOn(() => undefined)).toBe(true)
    expect(reading.results.entries.map(({ id }) => id)).toEqual(rows.map(({ id }) => id))
    expect(stopped.entries).toHaveLength(1024)
  })

  test('that have fewer rows than they say are damaged', async () => {
    const short = fileOf(await madePart(rows.slice(0, 3), { format, header: { rows: 5 } }))
    await expect(readAll([short])).rejects.toThrow('is damaged: it says 5 rows, and has 3')
  })
})

describe('of a file with heavy columns', () => {
  const heavy = async (format: 'parquet' | 'jsonl') =>
    watched(
      fileOf(
        await madePart(
          Array.from({ length: 4096 }, (_, i) =>
            madeRow({
              id: String(i),
              probabilities: noise(i, 100),
              segments: Uint8Array.from(noise(i, 400), (value) => value * 256),
            }),
          ),
          { format },
        ),
      ),
    )

  test('they are read for the row alone that is looked at, of Parquet by its group', async () => {
    const { file, read } = await heavy('parquet')
    const { reading } = await readAll([file])
    // Probabilities and segments are nine tenths of it.
    expect(file.size).toBeGreaterThan(4_000_000)
    expect(read.bytes).toBeLessThan(file.size / 6)
    expect(read.largest).toBeLessThan(file.size / 20)
    read.bytes = 0
    await wholeRow(reading.results.entries[3000], columnNames)
    expect(read.bytes).toBeGreaterThan(file.size / 5)
    expect(read.bytes).toBeLessThan(file.size / 3)
  })

  test('JSON lines are read once from end to end, a piece at a time', async () => {
    const { file, read } = await heavy('jsonl')
    await readAll([file])
    expect(read.largest).toBeLessThanOrEqual(2 ** 20)
    // What they are is in their first four bytes, what they say of themselves in the first piece, and whether they end in the last byte.
    expect(read.bytes).toBeLessThanOrEqual(file.size + 2 ** 20 + 5)
  })
})

test('a file that is gone meanwhile is said to be', async () => {
  const file = fileOf(await madePart(rows.slice(0, 3)))
  const { parts } = await openParts([file], null)
  file.slice = () => {
    throw new DOMException('gone', 'NotReadableError')
  }
  const reading = new ResultReading(parts)
  await expect(reading.goOn(() => undefined)).rejects.toThrow(
    /^part-00000-of-00001\.\w+\.parquet can't be read any more; was it moved or changed\? Choose it again$/,
  )
})
