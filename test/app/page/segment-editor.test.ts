import { readFile } from 'node:fs/promises'
import { AxeBuilder } from '@axe-core/playwright'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright'
import { createServer, type ViteDevServer } from 'vite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { labelMapFromPng, labelMapToPng } from '../../../src/app/pictures/label-map-picture.ts'
import { chromiumFlags, findChromium } from '../../chromium.ts'

/** The editor of segments as people use it: by mouse, by keys alone, by finger. */

const root = new URL('../../../', import.meta.url).pathname
const [height, width] = [48, 64]
let server: ViteDevServer
let browser: Browser

beforeAll(async () => {
  server = await createServer({ root, configFile: false, logLevel: 'error', server: { port: 0, hmr: false } })
  await server.listen()
  browser = await chromium.launch({ executablePath: findChromium(), args: chromiumFlags })
})
afterAll(async () => {
  await browser.close()
  await server.close()
})

async function open(options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 760, height: 900 }, ...options })
  const page = await context.newPage()
  await page.goto(`${server.resolvedUrls?.local[0]}test/app/page/segments/harness.html`)
  await page.locator('.segment-pad').waitFor()
  return page
}

async function labelsOf(page: Page): Promise<number[]> {
  const labels = await page.locator('output').getAttribute('data-labels')
  return labels?.split(',').map(Number) ?? []
}

/** Segment -> pixels, ids ascending. */
async function areasOf(page: Page): Promise<[segment: number, pixels: number][]> {
  const areas = new Map<number, number>()
  for (const id of await labelsOf(page)) areas.set(id, (areas.get(id) ?? 0) + 1)
  return Array.from(areas).sort(([a], [b]) => a - b)
}

const half = (height * width) / 2
const says = (page: Page) => page.locator('.segment-says').textContent()
const take = (page: Page, tool: string) => page.getByRole('radio', { name: tool }).check()

/** Moves the pressed mouse over points of the map; it is let go at the last. */
async function draw(page: Page, points: readonly (readonly [x: number, y: number])[]): Promise<void> {
  const box = (await page.locator('.segment-pad').boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 }
  const at = ([x, y]: readonly [number, number]) =>
    [box.x + (x / width) * box.width, box.y + (y / height) * box.height] as const
  await page.mouse.move(...at(points[0]))
  await page.mouse.down()
  for (const point of points) await page.mouse.move(...at(point), { steps: 3 })
  await page.mouse.up()
}

describe('by mouse', () => {
  test('the lasso makes a segment of what it goes around, to the pixel, which can be undone and redone', async () => {
    const page = await open()
    const undo = page.getByRole('button', { name: 'Undo' })
    expect(await undo.isDisabled()).toBe(true)
    await draw(page, [
      [25.2, 10.2],
      [39.8, 10.2],
      [39.8, 17.8],
      [25.2, 17.8],
    ])
    const drawn = [
      [3, half - 7 * 8],
      [8, half - 8 * 8],
      [9, 15 * 8],
    ]
    expect(await areasOf(page)).toEqual(drawn)
    const labels = await labelsOf(page)
    for (const [x, y] of [
      [25, 10],
      [39, 10],
      [39, 17],
      [25, 17],
    ])
      expect(labels[y * width + x]).toBe(9)
    for (const [x, y] of [
      [24, 10],
      [40, 10],
      [39, 18],
      [25, 9],
    ])
      expect(labels[y * width + x]).not.toBe(9)
    expect(await says(page)).toBe('Segment 9 is drawn.')
    await undo.click()
    expect(await areasOf(page)).toEqual([
      [3, half],
      [8, half],
    ])
    await page.getByRole('button', { name: 'Redo' }).click()
    expect(await areasOf(page)).toEqual(drawn)
    await page.getByRole('button', { name: 'Start afresh' }).click()
    expect(await areasOf(page)).toHaveLength(2)
  })

  test('the brush enlarges the segment it begins in', async () => {
    const page = await open()
    await take(page, 'Brush')
    await page.getByRole('radio', { name: 'joins the segment it begins in' }).check()
    await draw(page, [
      [20.5, 24.5],
      [50.5, 24.5],
    ])
    const areas = new Map(await areasOf(page))
    // A brush of 4 pixels paints rows 23 to 26 at the middle of a row.
    expect(areas.get(3)).toBeGreaterThan(half + 4 * 18)
    expect((await labelsOf(page))[24 * width + 50]).toBe(3)
  })

  test('a line cuts what it crosses, a press splits and merges, and what is left becomes one', async () => {
    const page = await open()
    await take(page, 'Cut')
    await draw(page, [
      // Short of the picture's edge, and of the segment's.
      [1.5, 24],
      [31.5, 24],
    ])
    const areas = new Map(await areasOf(page))
    expect(Array.from(areas.keys())).toEqual([3, 8, 9])
    expect(areas.get(8)).toBe(half)
    expect((areas.get(3) ?? 0) + (areas.get(9) ?? 0)).toBe(half)
    await take(page, 'Split')
    await draw(page, [[50.5, 20.5]])
    expect(await says(page)).toBe('Segment 8 is split: 8 and 10.')
    expect(new Map(await areasOf(page)).get(10)).toBe(half / 2)
    await take(page, 'Merge')
    await draw(page, [[10.5, 5.5]])
    await draw(page, [[50.5, 5.5]])
    await draw(page, [[50.5, 40.5]])
    const merged = await areasOf(page)
    expect(merged).toHaveLength(2)
    expect(Math.max(...merged.map(([, pixels]) => pixels))).toBeGreaterThan(1.4 * half)
  })

  test('a press that is drawn out of the segment does nothing', async () => {
    const page = await open()
    await take(page, 'Split')
    await draw(page, [
      [10.5, 5.5],
      [50.5, 5.5],
    ])
    expect(await areasOf(page)).toHaveLength(2)
  })
})

describe('in files', () => {
  test('segments are saved, and opened again, undone and refused', async () => {
    const page = await open()
    await draw(page, [
      [25.2, 10.2],
      [39.8, 10.2],
      [39.8, 17.8],
      [25.2, 17.8],
    ])
    const labels = await labelsOf(page)
    const downloads = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Save segments' }).click()
    const download = await downloads
    expect(download.suggestedFilename()).toBe('segments.png')
    const saved = await readFile(await download.path())
    expect(await labelMapFromPng(saved)).toEqual({ data: Int32Array.from(labels), shape: [height, width] })

    await page.getByRole('button', { name: 'Start afresh' }).click()
    const choose = (buffer: Uint8Array) =>
      page
        .getByLabel('Segments, as PNG')
        .setInputFiles({ name: 'segments.png', mimeType: 'image/png', buffer: Buffer.from(buffer) })
    await choose(saved)
    await expect.poll(() => says(page)).toBe('There are 3 segments now.')
    expect(await labelsOf(page)).toEqual(labels)
    await page.getByRole('button', { name: 'Undo' }).click()
    expect(await areasOf(page)).toHaveLength(2)
    await choose(saved.subarray(0, 60))
    await expect.poll(() => says(page)).toMatch('truncated or corrupt')
    expect(await areasOf(page)).toHaveLength(2)
  })

  test('segments of another size are stretched if one says so', async () => {
    const page = await open()
    const quarters = Int32Array.from({ length: 16 * 12 }, (_, i) => (i % 16 < 8 ? 1 : 300) + (i < 96 ? 0 : 1000))
    const file = labelMapToPng({ data: quarters, shape: [12, 16] })
    const choose = () =>
      page
        .getByLabel('Segments, as PNG')
        .setInputFiles({ name: 'other.png', mimeType: 'image/png', buffer: Buffer.from(file) })
    await choose()
    await page.getByText('have 16 × 12 pixels, those here 64 × 48').waitFor()
    await page.getByRole('button', { name: 'Leave them' }).click()
    expect(await areasOf(page)).toHaveLength(2)
    await choose()
    await page.getByRole('button', { name: 'Stretch them to fit' }).click()
    await expect.poll(() => areasOf(page)).toEqual([1, 300, 1001, 1300].map((id) => [id, half / 2]))
  })
})

describe('by keys alone', () => {
  test('a segment is drawn, split, merged, undone and joined, and it is said what is under the cursor', async () => {
    const page = await open()
    await page.locator('.segment-pad').focus()
    const press = async (...keys: string[]) => {
      for (const key of keys) await page.keyboard.press(key)
    }
    const said = () => page.locator('.segment-picture [role="status"]').textContent()
    await press('ArrowLeft')
    expect(await said()).toMatch('Segment 3: 50.0 % of the picture. Row 25, column 32.')
    // A triangle: its corners' pixels are on its line, 8 to a side.
    await press('Enter', 'Shift+ArrowRight', 'Enter', 'Shift+ArrowDown', 'Enter', 'Enter')
    expect(await says(page)).toBe('Segment 9 is drawn.')
    expect(new Map(await areasOf(page)).get(9)).toBe(36)
    await press('m', 'PageUp', 'Enter', 'PageDown', 'Enter')
    expect(await says(page)).toMatch(/^Segments \d and \d are one/)
    expect(await areasOf(page)).toHaveLength(2)
    await press('Control+z')
    expect(await says(page)).toBe('Undone: 3 segments.')
    await press('Control+y')
    expect(await says(page)).toBe('Done again: 2 segments.')
    await press('Control+z', 's', 'PageDown', 'Enter')
    expect(await areasOf(page)).toHaveLength(4)
    // The focus stays where the keys go.
    expect(await page.locator('.segment-pad').evaluate((pad) => pad === document.activeElement)).toBe(true)
  })

  test('a line can be taken back: point by point, whole, or by another tool', async () => {
    const page = await open()
    await page.locator('.segment-pad').focus()
    for (const keys of [['Backspace', 'Backspace', 'Backspace'], ['Escape'], ['b', 'l']]) {
      for (const key of ['Enter', 'Shift+ArrowRight', 'Enter', 'Shift+ArrowDown', 'Enter', ...keys])
        await page.keyboard.press(key)
      expect(await page.locator('.segment-picture [role="status"]').textContent()).not.toMatch('A line of')
    }
    expect(await areasOf(page)).toHaveLength(2)
  })
})

describe('on any screen', () => {
  test.each(['light', 'dark'] as const)('it is accessible: %s', async (colorScheme) => {
    const page = await open({ colorScheme })
    await take(page, 'Brush')
    const { violations } = await new AxeBuilder({ page }).analyze()
    expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join()}`)).toEqual([])
  })

  test('lines are as sharp as a fine screen, and nothing is wider than a narrow one', async () => {
    const page = await open({ viewport: { width: 320, height: 640 }, deviceScaleFactor: 3 })
    const [canvas, pad] = await page
      .locator('.segment-layers > canvas + canvas')
      .first()
      .evaluate((canvas) => [(canvas as HTMLCanvasElement).width, canvas.getBoundingClientRect().width])
    expect(canvas).toBe(Math.round(3 * pad))
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(320)
  })

  test('one finger draws and the page stays; where the browser takes over for two, the line is dropped', async () => {
    const page = await open({ hasTouch: true })
    const box = (await page.locator('.segment-pad').boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 }
    const at = (x: number, y: number) => ({ x: box.x + (x / width) * box.width, y: box.y + (y / height) * box.height })
    const client = await page.context().newCDPSession(page)
    const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd' | 'touchCancel', ...points: [number, number][]) =>
      client.send('Input.dispatchTouchEvent', { type, touchPoints: points.map(([x, y]) => at(x, y)) })
    for (const end of ['touchCancel', 'touchEnd'] as const) {
      await touch('touchStart', [10.2, 10.2])
      for (const point of [
        [20.8, 10.2],
        [20.8, 20.8],
        [10.2, 20.8],
      ] as [number, number][])
        await touch('touchMove', point)
      await touch(end)
      const isDrawn = new Map(await areasOf(page)).get(9) === 121
      expect(isDrawn).toBe(end === 'touchEnd')
    }
    expect(await page.evaluate(() => scrollY)).toBe(0)
  })
})
