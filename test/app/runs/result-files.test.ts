import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { beforeAll, expect, test } from 'vitest'
import { openRun } from '../../../src/app/runs/open-run.ts'
import { openStore } from '../../../src/app/runs/open-store.ts'
import { planRun } from '../../../src/app/runs/plan-run.ts'
import { columnNames, columns, type ResultRow } from '../../../src/app/runs/result-row.ts'
import { contentOfRows } from '../../../src/app/runs/row-content.ts'
import { formats } from '../../../src/app/runs/shard-file.ts'
import type { ShardHeader } from '../../../src/app/runs/shard-format.ts'
import { SummaryTally } from '../../../src/app/runs/summarise.ts'
import { computed, lasting, root, rowsOf, smallRun, useFolder } from './small-run.ts'

/** DuckDB is the outside reader: what it finds in our files is what we say they hold. */

const folder = useFolder()
const output = join(folder, 'out')
const parts = `'${output}/part-*.parquet'`

async function ask(sql: string): Promise<readonly (readonly unknown[])[]> {
  const connection = await (await DuckDBInstance.create(':memory:')).connect()
  return (await connection.runAndReadAll(sql)).getRowsJson()
}

let rows: ResultRow[] = []
beforeAll(async () => {
  await planRun(smallRun(output, { images: { source: 'test-set', first: 0, end: 30 }, shardSize: 12 }))
  const run = await openRun(output, { threads: 1 })
  await computed(run)
  await run.close()
  rows = await rowsOf(output)
})

test('DuckDB finds the columns that docs/scale.md states', async () => {
  const described = await ask(`describe select * from ${parts}`)
  const text = readFileSync(join(root, 'docs/scale.md'), 'utf8')
  const documented = [...text.matchAll(/^\| `(\w+)` \| (\w+(?:\[\])?) \|/gm)].map(([, name, type]) => [name, type])
  expect(described.map(([name, type]) => [name, type])).toEqual(documented)
  expect(documented.map(([name]) => name)).toEqual(columnNames)
})

test('DuckDB reads every value as it was written', async () => {
  const numbers = columnNames.filter((name) =>
    ['double', 'int32', 'int64', 'text', 'doubles'].includes(columns[name].kind),
  )
  const read = await ask(`select ${numbers.join(', ')} from read_parquet(${parts}) order by id::int, position`)
  const own = [...rows].sort((a, b) => Number(a.id) - Number(b.id) || a.position - b.position)
  const written = own.map((row) =>
    numbers.map((name) => (columns[name].kind === 'int64' && row[name] !== null ? String(row[name]) : row[name])),
  )
  expect(read).toEqual(written)
  const [[lengths]] = await ask(
    `select list(octet_length(segments) order by id::int, position) from read_parquet(${parts})`,
  )
  expect((lengths as readonly unknown[]).map(Number)).toEqual(own.map(({ segments }) => segments?.length))
})

test('DuckDB’s own sums are those of the summary', async () => {
  const tally = new SummaryTally()
  for (const row of rows) tally.add(row)
  const { classes, images, rows: count } = tally.result()
  const asked = await ask(`
    select label_index, count(distinct id)::int,
      avg(r2) filter (where class_index = predicted),
      avg(list_sum(weights)) filter (where class_index = label_index)
    from read_parquet(${parts}) group by label_index order by label_index`)
  expect(classes.length).toBe(asked.length)
  classes.forEach(({ label, images: own, meanR2, meanEvidence }, i) => {
    expect([label, own]).toEqual(asked[i].slice(0, 2))
    expect(meanR2).toBeCloseTo(Number(asked[i][2]), 12)
    expect(meanEvidence).toBeCloseTo(Number(asked[i][3]), 12)
  })
  expect([images, count]).toEqual([30, rows.length])
})

/** What a mean does not show: which are told as the least certain. */
test('the least certain images are those whose intervals are the widest', () => {
  const [made] = rows
  const of = (id: string, half: number): ResultRow => ({
    ...made,
    id,
    class_index: made.predicted,
    weights: [1, -1],
    weights_low: [1 - half, -1 - half],
    weights_high: [1 + half, -1 + half],
  })
  const tally = new SummaryTally()
  const order = Array.from({ length: 5000 }, (_, i) => (i * 7919) % 5000)
  for (const i of order) tally.add(of(String(i), i / 5000))
  expect(tally.result().mostUnstable.map(({ id }) => id)).toEqual(
    Array.from({ length: 10 }, (_, i) => String(4999 - i)),
  )
  expect(tally.result().mostUnstable[0].uncertainty).toBeCloseTo(4999 / 5000, 12)
})

test('both formats give back the rows and the header that were written, whatever is null in them', async () => {
  const [row] = rows
  const nothing = Object.fromEntries(columnNames.map((name) => [name, columns[name].required ? row[name] : null]))
  const odd = [
    row,
    { ...(nothing as unknown as ResultRow), warnings: [], error: 'a "reason"\nof two lines – ü' },
    { ...row, weights: [null, -0.1, 1e-300], warnings: ['one', ''], random_seed: 2 ** 32 - 1 },
  ]
  const header: ShardHeader = { run: row.run, shard: 3, images: 3, rows: 3, errors: 1, content: contentOfRows(odd) }
  for (const [name, format] of Object.entries(formats)) {
    const store = await openStore(join(folder, name))
    await store.publish('part', await format.encode(header, odd))
    const file = await store.open('part')
    if (!file) throw new Error('it was published')
    expect(await format.header('part', file)).toEqual(header)
    const read: ResultRow[] = []
    for await (const piece of format.rows('part', file, columnNames)) read.push(...piece)
    expect(read.map(lasting)).toEqual(odd.map(lasting))
    expect(contentOfRows(read)).toBe(header.content)
    expect(lasting(await format.row('part', file, 2, columnNames))).toEqual(lasting(odd[2]))
    await expect(format.row('part', file, 3, ['id'])).rejects.toThrow('part has no row 3')
  }
})

test('what is no file of results is refused with its name', async () => {
  const store = await openStore(join(folder, 'others'))
  const files = {
    text: 'hello',
    cut: readFileSync(join(output, `part-00000-of-00003.${rows[0].run}.parquet`)).subarray(0, 5000),
  }
  for (const [name, content] of Object.entries(files)) {
    await store.publish(name, Buffer.from(content))
    const file = await store.open(name)
    if (!file) throw new Error('it was published')
    await expect(formats.parquet.header(name, file)).rejects.toThrow(`${name} is no Parquet file, or is damaged`)
    await expect(formats.jsonl.header(name, file)).rejects.toThrow(`${name} holds no explanations, or is damaged`)
  }
  await ask(`copy (select 1 as a) to '${folder}/foreign.parquet' (format parquet)`)
  const foreign = await (await openStore(folder)).open('foreign.parquet')
  if (!foreign) throw new Error('DuckDB wrote it')
  await expect(formats.parquet.header('foreign', foreign)).rejects.toThrow("another program's Parquet file")
})
