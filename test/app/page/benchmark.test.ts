import { type Browser, chromium, type Page } from 'playwright'
import { type PreviewServer, preview } from 'vite'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type BenchmarkReport, reportText } from '../../../src/app/benchmark/benchmark-report.ts'
import { chromiumFlags, findChromium } from '../../chromium.ts'
import { builtSite, quiet } from './built-site.ts'

/** The benchmark's page in a real Chromium. Not how fast it is: that it measures, stops and gives away what it found. */

let site: PreviewServer
let browser: Browser
let page: Page
let complaints: string[]

beforeAll(async () => {
  site = await preview({ ...quiet, build: { outDir: await builtSite() }, preview: { port: 0, open: false } })
  browser = await chromium.launch({ executablePath: findChromium(), args: chromiumFlags })
})

afterAll(async () => {
  await browser?.close()
  await site?.close()
})

beforeEach(async () => {
  const context = await browser.newContext({ permissions: ['clipboard-read', 'clipboard-write'] })
  page = await context.newPage()
  complaints = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(String(error)))
  await page.goto(site.resolvedUrls?.local[0] ?? '')
  await page.getByRole('link', { name: 'How fast is this device?' }).click()
  await page.getByRole('button', { name: 'Measure' }).waitFor()
  return () => context.close()
})

const rows = () => page.getByRole('region', { name: 'Measured' }).locator('tbody tr')

async function startOn(device: string): Promise<void> {
  await page.getByLabel('Compute on').selectOption(device)
  await page.getByRole('button', { name: 'Measure' }).click()
}

async function copiedAs(format: string): Promise<string> {
  await page.getByRole('button', { name: `Copy as ${format}` }).click()
  await page.getByText(`Copied as ${format}.`).waitFor()
  return page.evaluate(() => navigator.clipboard.readText())
}

test('measures on the processor until it is stopped, and what it found can be copied', async () => {
  await startOn('cpu')
  await rows().nth(1).waitFor({ timeout: 60_000 })
  await page.getByRole('button', { name: 'Stop' }).click()
  await page.getByRole('heading', { name: 'Results, as far as it came' }).waitFor()
  await page.getByRole('button', { name: 'Measure again' }).waitFor()
  const found = await rows().count()

  const report: BenchmarkReport = JSON.parse(await copiedAs('JSON'))
  expect(report.device).toBe('cpu')
  expect(report.ceilings).toBeUndefined()
  expect(report.results).toHaveLength(found)
  for (const result of report.results) {
    if ('leftOut' in result) continue
    expect(result.times.every((ms) => ms > 0)).toBe(true)
    expect(Math.min(...result.times)).toBeLessThanOrEqual(result.median)
    expect(Math.max(...result.times)).toBeGreaterThanOrEqual(result.median)
    expect(result.perSecond).toBeCloseTo((result.count / result.median) * 1000, 6)
  }
  expect(await copiedAs('text')).toBe(reportText(report))

  // What was stopped says nothing more.
  await new Promise((resolve) => setTimeout(resolve, 1000))
  expect(await rows().count()).toBe(found)
  expect(complaints).toEqual([])
})

test("measures the adapter's ceilings where a WebGPU adapter computes, and gives shares of them", async () => {
  await startOn('webgpu')
  await rows().nth(0).waitFor({ timeout: 110_000 })
  await page.getByRole('button', { name: 'Stop' }).click()
  const { device, ceilings, results }: BenchmarkReport = JSON.parse(await copiedAs('JSON'))
  expect(device).toBe('webgpu')
  expect(ceilings?.fma).toBeGreaterThan(0)
  expect(ceilings?.copy).toBeGreaterThan(0)
  expect(results[0].title).toBe('Forward pass, 1 image')
  expect(await rows().nth(0).locator('td').last().textContent()).toMatch(/^[\d.]+ %$/)
  expect(complaints).toEqual([])
})
