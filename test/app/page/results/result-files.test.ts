import { parquetWriteBuffer } from 'hyparquet-writer'
import { describe, expect, test } from 'vitest'
import { isBesideResults, openParts } from '../../../../src/app/page/results/result-files.ts'
import { fileOf, madePart, madeRow } from '../made-results.ts'

/** Which files are taken as results of one run, and what is said of the others. */

const other = 'fedcba9876543210'
const rows = [madeRow({ id: '1' }), madeRow({ id: '2' })]
const part = async (shard: number, of = 3) => fileOf(await madePart([rows[shard % 2]], { shard, of }))

describe('parts of a run', () => {
  test('are put in order, and those that are missing are named', async () => {
    const { run, parts, of, missing } = await openParts([await part(2), await part(0)], null)
    expect([run, of, missing]).toEqual(['0123456789abcdef', 3, [1]])
    expect(parts.map(({ header }) => header.shard)).toEqual([0, 2])
  })

  test('are added to those of the same run that are open, and take the place of another run’s', async () => {
    const first = await openParts([await part(0)], null)
    const both = await openParts([await part(1)], first)
    expect(both.parts.map(({ header }) => header.shard)).toEqual([0, 1])
    const another = await openParts([fileOf(await madePart(rows, { run: other }))], both)
    expect([another.run, another.parts.length]).toEqual([other, 1])
  })

  test('are taken once when they come twice; two that differ are refused', async () => {
    expect((await openParts([await part(0), await part(0)], null)).parts).toHaveLength(1)
    const changed = fileOf(await madePart([madeRow({ id: '9' })], { shard: 0, of: 3 }))
    await expect(openParts([await part(0), changed], null)).rejects.toThrow('are the same part of the run, but differ')
  })

  test('may have names of their own: how many the run has is not known then', async () => {
    const [, bytes] = await madePart(rows, { shard: 4, of: 9 })
    const { parts, of, missing } = await openParts([new File([bytes], 'mine.bin')], null)
    expect([parts[0].header.shard, of, missing]).toEqual([4, null, []])
    // What a browser calls a second download.
    const again = await openParts([new File([bytes], 'part-00004-of-00009.0123456789abcdef (1).parquet')], null)
    expect(again.of).toBe(9)
  })

  test('may be Parquet and JSON lines side by side', async () => {
    const lines = fileOf(await madePart([rows[1]], { shard: 1, of: 3, format: 'jsonl' }))
    expect((await openParts([await part(0), lines], null)).parts).toHaveLength(2)
  })
})

describe('refused, by name and in a sentence, is', () => {
  const says = async (file: File | readonly File[]) => {
    try {
      await openParts([file].flat() as File[], null)
    } catch (error) {
      return error instanceof Error ? error.message : ''
    }
    return 'nothing'
  }

  test('a part of another run', async () => {
    const another = fileOf(await madePart(rows, { run: other }))
    expect(await says([await part(0), another])).toContain(`parts of 2 runs, 0123456789abcdef and ${other}`)
  })

  test('another program’s Parquet file', async () => {
    const bytes = parquetWriteBuffer({ columnData: [{ name: 'a', data: [1, 2], type: 'INT32' }] })
    expect(await says(new File([bytes], 'sales.parquet'))).toBe(
      "sales.parquet holds no explanations: it is another program's Parquet file",
    )
  })

  test.each(['parquet', 'jsonl'] as const)('a part of a later version of the columns: %s', async (format) => {
    const [name, bytes] = await madePart(rows, { format })
    const text = Buffer.from(bytes).toString('latin1').replace('"schema":1', '"schema":2')
    expect(await says(new File([Buffer.from(text, 'latin1')], name))).toBe(
      `${name} has version 2 of the columns, and this Limelight reads version 1: open it with the one that wrote it`,
    )
  })

  test('a file that is cut off', async () => {
    const [name, bytes] = await madePart(rows)
    expect(await says(new File([bytes.slice(0, bytes.length - 100)], name))).toContain(
      'is no Parquet file, or is damaged',
    )
  })

  test.each([
    ['images.parquet', 'no results at all'],
    ['part-00000-of-00001.0123456789abcdef.jsonl', '{"id": 1}\n'],
    ['empty.jsonl', ''],
  ])('what holds none: %s', async (name, content) => {
    expect(await says(new File([content], name))).toMatch(new RegExp(`^${name} holds no .*, or is damaged`))
  })
})

test('what lies beside parts is known by its name', () => {
  const names = ['_SUCCESS', 'images.0123456789abcdef.jsonl', 'run.json', 'part-00000-of-00001.0123456789abcdef.jsonl']
  expect(names.filter(isBesideResults)).toEqual(names.slice(0, 2))
})
