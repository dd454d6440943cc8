import { expect, test } from 'vitest'
import { openParts } from '../../../../src/app/page/results/result-files.ts'
import { ResultReading } from '../../../../src/app/page/results/result-reading.ts'
import { firstChoice, type ListChoice, shownEntries } from '../../../../src/app/page/results/shown-entries.ts'
import { failedRow, fileOf, madePart, madeRow } from '../made-results.ts'

/** Which rows a list shows, and in which order. */

const rows = [
  madeRow({ id: 'right', r2: 0.5, weights: [1, 1] }),
  madeRow({ id: 'unsure', r2: 0.9, weights: [0.05, -0.05] }),
  failedRow('broken', 'no picture'),
  madeRow({ id: 'wrong', r2: 0.2, label_index: 6, weights: [0.2, 0.2] }),
  madeRow({ id: 'nobody knows', r2: null, label_index: null, weights: [0.4, 0.4] }),
]

async function listed(choice: Partial<ListChoice>): Promise<string[]> {
  const { parts } = await openParts([fileOf(await madePart(rows))], null)
  const reading = new ResultReading(parts)
  await reading.goOn(() => undefined)
  return shownEntries(reading.results.entries, { ...firstChoice, ...choice }).map(({ id }) => id)
}

test('the least certain come first; what has no weights comes last', async () => {
  expect(await listed({})).toEqual(['unsure', 'wrong', 'nobody knows', 'right', 'broken'])
})

test('by R² the lowest come first; what has none comes last', async () => {
  expect(await listed({ order: 'lowest r2' })).toEqual(['wrong', 'right', 'unsure', 'broken', 'nobody knows'])
})

test('the run’s order is that of its files', async () => {
  expect(await listed({ order: 'run' })).toEqual(rows.map(({ id }) => id))
})

test('wrong and right are those alone of which the true class is known', async () => {
  expect(await listed({ selection: 'wrong' })).toEqual(['wrong'])
  expect(await listed({ selection: 'right' })).toEqual(['unsure', 'right'])
  expect(await listed({ selection: 'error' })).toEqual(['broken'])
})

test('images of a class are those that the summary counts for it', async () => {
  expect(await listed({ label: 6 })).toEqual(['wrong'])
  expect(await listed({ label: 4, order: 'run' })).toEqual(['right', 'unsure', 'nobody knows'])
})
