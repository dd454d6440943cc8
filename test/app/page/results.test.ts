import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright'
import { beforeAll, describe, expect, test } from 'vitest'
import { openRun } from '../../../src/app/runs/open-run.ts'
import { planRun } from '../../../src/app/runs/plan-run.ts'
import type { ResultRow } from '../../../src/app/runs/result-row.ts'
import type { Run } from '../../../src/app/runs/run.ts'
import { SummaryTally, uncertaintyOfRow } from '../../../src/app/runs/summarise.ts'
import { computed, pictureFile, rowsOf, smallRun, useFolder } from '../runs/small-run.ts'
import { drop, dropFiles, type NamedBytes } from './dropped-files.ts'
import { madePart, madeRow } from './made-results.ts'
import { expectClose, shownWeights, useSite } from './site.ts'

/** Results of `limelight batch` on the page: opened from files, summed up, listed, and explained anew. */

const site = useSite()
const folder = useFolder()

interface Computed {
  /** The files in the output, by their names. */
  readonly files: readonly NamedBytes[]
  readonly rows: readonly ResultRow[]
}

async function computedRun(name: string, given: Partial<Run>): Promise<Computed> {
  const output = join(folder, name)
  await planRun(smallRun(output, given))
  const run = await openRun(output, { threads: 1 })
  await computed(run)
  await run.close()
  return {
    files: readdirSync(output).map((file) => [file, readFileSync(join(output, file))]),
    rows: await rowsOf(output),
  }
}

let ofTestImages: Computed
let ofPictures: Computed
const pictures = join(folder, 'pictures')
beforeAll(async () => {
  ofTestImages = await computedRun('test-images', {
    request: {
      version: 1,
      method: 'lime',
      samples: 100,
      segmenter: { name: 'felzenszwalb', parameters: { scale: 2 } },
    },
    images: { source: 'test-set', first: 120, end: 150 },
    shardSize: 10,
  })
  for (const seed of [1, 2]) pictureFile(join(pictures, `clothes/p${seed}.png`), seed)
  writeFileSync(join(pictures, 'broken.png'), 'no picture')
  ofPictures = await computedRun('of-pictures', { images: { source: 'folder', folder: pictures } })
})

const named = ({ files }: Computed, pattern: RegExp) => files.filter(([name]) => pattern.test(name))
const says = (page: Page, text: string | RegExp) => page.getByRole('alert').getByText(text).waitFor()

/** Opens these in the view, and waits until they are read. */
async function openResults(files: readonly NamedBytes[], search = '?view=results') {
  const { page, complaints } = await site.open(search)
  await page.getByRole('heading', { name: 'Results of many images' }).waitFor()
  await dropFiles(page, files)
  await allRead(page)
  return { page, complaints }
}

const allRead = (page: Page) => page.locator('.run-facts[aria-busy="false"]').waitFor()
const listed = (page: Page) => page.locator('.rows tbody th').allTextContents()
const chosenRow = (page: Page) => page.locator('.result-row[aria-busy="false"]')

function summaryOf(rows: readonly ResultRow[]) {
  const tally = new SummaryTally()
  for (const row of rows) tally.add(row)
  return tally.result()
}

describe('parts of a run', () => {
  test('dropped in any view are summed up as the command does it; what is missing is named, and added when it comes', async () => {
    const { page, complaints } = await site.open('?view=judge')
    await dropFiles(page, named(ofTestImages, /part-0000[02]/), 'main')
    await page.getByText('Missing is part-00001, with its images.').waitFor()
    await allRead(page)
    expect(new URL(page.url()).search).toBe('?view=results')
    await page.getByText('2 of 3', { exact: true }).waitFor()
    const some = ofTestImages.rows.filter(({ id }) => Number(id) < 130 || Number(id) >= 140)
    const shown = async () =>
      page
        .locator('.result-classes tbody tr')
        .evaluateAll((rows) => rows.map((row) => Array.from(row.children, (cell) => cell.textContent)))
    const expected = (rows: readonly ResultRow[]) =>
      summaryOf(rows).classes.map(({ name, images, recognised, meanR2, mostUnstable, errors }) => [
        name,
        String(images),
        expect.stringMatching(new RegExp(`^${recognised}\\b`)),
        meanR2?.toFixed(3),
        expect.anything(),
        `${mostUnstable?.id} (± ${Math.round((mostUnstable?.uncertainty ?? 0) * 100)} %)`,
        String(errors),
      ])
    expect(await shown()).toEqual(expected(some))

    await dropFiles(
      page,
      ofTestImages.files.filter(([name]) => !/part-0000[02]/.test(name)),
    )
    await page.getByText('3 of 3', { exact: true }).waitFor()
    await allRead(page)
    expect(await shown()).toEqual(expected(ofTestImages.rows))
    expect(await page.getByText('fashion-cnn.safetensors').count()).toBe(1)
    expect(await page.locator('.run-facts .warning').count()).toBe(0)
    expect(complaints).toEqual([])
  })

  test('are chosen by the button, too; after a reload the page asks for them again', async () => {
    const { page } = await site.open()
    await page.getByRole('link', { name: 'Results', exact: true }).click()
    const [[name, bytes]] = named(ofTestImages, /part-00001/)
    await page.getByLabel('Files of results').setInputFiles([{ name, mimeType: '', buffer: Buffer.from(bytes) }])
    await allRead(page)
    await page.getByText('1 of 3', { exact: true }).waitFor()
    await page.reload()
    await page.getByText('After a reload the page forgets them, so choose the files again then.').waitFor()
  })

  test('of several runs, and files that are none, are refused in a sentence; what is open stays', async () => {
    const { page } = await openResults(named(ofTestImages, /part-00000/))
    await dropFiles(page, [...named(ofTestImages, /part-00001/), ...named(ofPictures, /part-00000/)])
    await says(page, 'these are parts of 2 runs')
    await dropFiles(page, [['sales.parquet', Buffer.from('no results')]])
    await says(page, 'sales.parquet holds no results of limelight batch, or is damaged')
    const [[name, bytes]] = named(ofTestImages, /part-00001/)
    await dropFiles(page, [[name, bytes.slice(0, 5000)]])
    await says(page, `${name} is no Parquet file, or is damaged`)
    await dropFiles(page, named(ofPictures, /run\.json/))
    await says(page, 'run.json is of another run')
    // Damaged within: it is found as it is read.
    await dropFiles(page, [await madePart([madeRow()], { header: { rows: 7 } })])
    await says(page, 'is damaged: it says 7 rows, and has 1')
    await page.getByText('1 of 3', { exact: true }).waitFor()
    expect(await page.locator('.rows tbody tr').count()).toBeGreaterThan(9)
  })
})

test('rows are filtered and sorted, and chosen by keys alone', async () => {
  const { page, complaints } = await openResults(ofTestImages.files)
  const bySize = (of: (row: ResultRow) => number, rows = ofTestImages.rows) =>
    [...rows].sort((a, b) => of(a) - of(b)).map(({ id }) => id)
  expect(await listed(page)).toEqual(bySize((row) => -uncertaintyOfRow(row)))
  await page.getByLabel('Order').selectOption('Lowest R² first')
  expect(await listed(page)).toEqual(bySize(({ r2 }) => r2 ?? 2))
  await page.getByRole('combobox', { name: 'Show', exact: true }).selectOption('Taken for another class')
  const wrong = ofTestImages.rows.filter(({ label_index, predicted }) => label_index !== predicted)
  expect(wrong.length).toBeGreaterThan(2)
  expect(await listed(page)).toEqual(bySize(({ r2 }) => r2 ?? 2, wrong))
  await page.locator('.rows tbody button').first().focus()
  await page.keyboard.press('ArrowDown')
  const [first, second] = bySize(({ r2 }) => r2 ?? 2, wrong)
  await chosenRow(page).getByText(`Test image ${second}`, { exact: true }).waitFor()
  await page.keyboard.press('Home')
  await chosenRow(page).getByText(`Test image ${first}`, { exact: true }).waitFor()
  // A class of the table lists its images.
  await page.locator('.result-classes tbody button').first().click()
  const [{ label, images }] = summaryOf(ofTestImages.rows).classes
  expect(new Set(await listed(page)).size).toBe(images)
  expect(await page.getByLabel('Of the class').inputValue()).toBe(String(label))
  expect(complaints).toEqual([])
})

/** Colours in the picture that are no grey: the evidence's. */
const tints = (page: Page) =>
  page.locator('.result-row canvas').evaluate((canvas) => {
    const { width, height } = canvas as HTMLCanvasElement
    const data = (canvas as HTMLCanvasElement).getContext('2d')?.getImageData(0, 0, width, height).data ?? []
    let count = 0
    for (let at = 0; at < data.length; at += 4) if (Math.abs(data[at] - data[at + 1]) > 12) count++
    return count / (width * height)
  })

describe('a row of a test image', () => {
  test('has its evidence on the picture, and leads to the same explanation on the page; Back leads back to it', async () => {
    // As somebody who has looked at photographs before.
    const { page, complaints } = await openResults(ofTestImages.files, '?view=results&mode=photograph')
    const row = ofTestImages.rows.reduce((best, each) =>
      each.label_index !== each.predicted && Math.max(...(each.weights ?? []).map(Number)) > 0.3 ? each : best,
    )
    await page.getByLabel('Order').selectOption('As in the run')
    await page.locator('.rows').getByRole('button', { name: row.id, exact: true }).nth(row.position).click()
    const details = chosenRow(page)
    await details.getByRole('heading', { name: `Why ${row.class_name}?` }).waitFor()
    const weights = await details
      .locator('.segments td[data-weight]')
      .evaluateAll((cells) => cells.map((cell) => Number(cell.getAttribute('data-weight'))))
    const heaviest = (row.weights ?? []).map(Number).sort((a, b) => Math.abs(b) - Math.abs(a))
    expect(weights).toEqual(heaviest)
    expect(await details.locator('.interval').count()).toBe(heaviest.length)
    await expect.poll(() => tints(page)).toBeGreaterThan(0.05)
    const probability = row.probabilities?.[row.predicted ?? 0] ?? 0
    expect(await details.locator('.probabilities .is-predicted td').getAttribute('data-probability')).toBe(
      String(probability),
    )
    expect(await details.locator('.probabilities tbody tr').count()).toBeGreaterThanOrEqual(5)
    const facts = await details.locator('.facts').textContent()
    expect(facts).toContain(`Seed${row.random_seed}`)
    expect(facts).toContain(`R²${row.r2?.toFixed(4)}`)

    await details.getByText('The same request: the same weights.').waitFor()
    await details.getByRole('link', { name: 'Explain it here, with its own seeds' }).click()
    await page.getByText(`Test image ${row.id}`, { exact: true }).waitFor()
    const anew = new Map(await shownWeights(page))
    const asked = new URL(page.url()).searchParams
    expect(Object.fromEntries(asked)).toMatchObject({
      index: row.id,
      label: String(row.class_index),
      segmenter: 'felzenszwalb',
      scale: '2',
      samples: '100',
      seed: String(row.random_state),
    })
    const own = (row.weights ?? []).map(Number)
    expectClose(
      own.map((_, segment) => anew.get(segment) ?? Number.NaN),
      own,
    )

    await page.goBack()
    await details.getByText(`Test image ${row.id}`, { exact: true }).waitFor()
    expect(await page.getByLabel('Order').inputValue()).toBe('run')
    expect(complaints).toEqual([])
  })

  test('says where another network answers, and what the parts do not say', async () => {
    const { page } = await openResults(named(ofTestImages, /part-/))
    await page.getByRole('combobox', { name: 'Show', exact: true }).selectOption('Taken for another class')
    await page.locator('.rows tbody button').first().click()
    const details = chosenRow(page)
    await details.getByText('Settings that the parts do not say, as the segmenter, are the usual ones').waitFor()
    await page.getByRole('combobox', { name: 'Network', exact: true }).selectOption('resnet')
    await details.getByText('The network chosen above says something else of this picture').waitFor()
  })
})

test('pictures of one’s own are laid under the segments when they are dropped; a row that failed says why', async () => {
  const { page, complaints } = await openResults(named(ofPictures, /part-|_SUCCESS|images/))
  const { reasons } = summaryOf(ofPictures.rows)
  expect(await page.locator('.reasons li').allTextContents()).toEqual(reasons.map(({ error }) => `1 × ${error}`))
  await page.getByLabel('Order').selectOption('As in the run')
  await page.locator('.rows tbody button', { hasText: 'p2.png' }).click()
  const details = chosenRow(page)
  await details.getByText('The files hold no pictures. Drop p2.png here').waitFor()
  expect(await details.getByText('On the picture').count()).toBe(0)
  const picture = readFileSync(join(pictures, 'clothes/p2.png'))
  await drop(page, 'P2.png', 'image/png', picture)
  await details.getByText('On the picture').waitFor()
  await details.getByLabel('What the network saw of it').waitFor()
  expect(new URL(page.url()).search).toBe('?view=results')

  await page.getByRole('combobox', { name: 'Show', exact: true }).selectOption('Not explained')
  expect(await listed(page)).toEqual(['broken.png'])
  await page.locator('.rows tbody button').click()
  await details.getByRole('heading', { name: 'Not explained' }).waitFor()
  expect(await details.locator('.warning').textContent()).toBe(reasons[0].error)
  expect(complaints).toEqual([])
})

test('reading can be stopped, and read on', async () => {
  const { page, complaints } = await site.open('?view=results')
  await page.getByRole('heading', { name: 'Results of many images' }).waitFor()
  // A slow disk.
  await page.evaluate(() => {
    const read = Blob.prototype.arrayBuffer
    Blob.prototype.arrayBuffer = async function () {
      await new Promise((resolve) => setTimeout(resolve, 1000))
      return read.call(this)
    }
  })
  const rows = Array.from({ length: 6000 }, (_, i) => madeRow({ id: String(i), r2: i / 6000 }))
  await dropFiles(page, [await madePart(rows)])
  await page.getByText(/^[1-4],\d{3} of 6,000 rows read$/).waitFor()
  await page.getByRole('button', { name: 'Stop' }).click()
  await page.getByText(/^Stopped: [1-5],\d{3} of 6,000 rows read/).waitFor()
  const some = await page.locator('.result-classes td').first().textContent()
  expect(Number(some?.replace(',', '')) % 1024).toBe(0)
  await page.getByRole('button', { name: 'Read the rest' }).click()
  await page.getByText('6,000', { exact: true }).first().waitFor()
  await expect.poll(() => page.locator('.pages').textContent()).toContain('1 to 50 of 6,000')
  await page.getByRole('button', { name: 'Next' }).click()
  expect(await page.locator('.pages').textContent()).toContain('51 to 100 of 6,000')
  expect(complaints).toEqual([])
})
