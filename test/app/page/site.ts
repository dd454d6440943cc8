import { type Browser, type BrowserContext, chromium, type Locator, type Page } from 'playwright'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import { chromiumFlags, findChromium } from '../../chromium.ts'
import { BuiltSite, there } from './built-site.ts'

/** The built page in a real Chromium: what the tests of the page stand on. */

export { quiet, root } from './built-site.ts'

const withoutWebGPU = chromiumFlags.filter((flag) => flag !== '--enable-unsafe-webgpu')

/** A page and what it complained of: errors, warnings, and requests to elsewhere. */
export interface Opened {
  readonly page: Page
  readonly complaints: string[]
}

/** What a file of tests has until its end: the site, and a browser without WebGPU. */
export class Site extends BuiltSite {
  private chromium: Browser | null = null
  private readonly contexts: BrowserContext[] = []

  get browser(): Browser {
    return there(this.chromium)
  }

  override async start(): Promise<void> {
    await super.start()
    this.chromium = await chromium.launch({ executablePath: findChromium(), args: withoutWebGPU })
  }

  override async stop(): Promise<void> {
    await this.chromium?.close()
    await super.stop()
  }

  async closePages(): Promise<void> {
    for (const context of this.contexts.splice(0)) await context.close()
  }

  /** Opens the page and waits until it can compute; in its first view, until it has predicted. */
  async open(search = '', from = this.browser, at = this.address): Promise<Opened> {
    // A browser that has never been here: nothing is kept from another test.
    const context = await from.newContext({ viewport: { width: 1280, height: 900 } })
    this.contexts.push(context)
    const page = await context.newPage()
    const complaints: string[] = []
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
    })
    page.on('pageerror', (error) => complaints.push(String(error)))
    page.on('requestfailed', (request) => {
      const reason = request.failure()?.errorText
      // Somebody who leaves cuts off what the page was still fetching: no fault of the page's.
      if (reason !== 'net::ERR_ABORTED') complaints.push(`failed: ${request.url()} ${reason}`)
    })
    page.on('request', (request) => {
      // The engine's threads start from text, which browsers give an address of the page's own.
      const own = [at, `blob:${at}`, 'data:'].some((start) => request.url().startsWith(start))
      if (!own) complaints.push(request.url())
    })
    await page.goto(at + search)
    await page.locator('main').waitFor()
    await page.locator('.device-name strong').waitFor()
    if (!search.includes('view=')) await shownProbabilities(page)
    return { page, complaints }
  }
}

/** A site for the tests of the file that asks; its pages are closed after each of them. */
export function useSite(): Site {
  const site = new Site()
  beforeAll(() => site.start())
  afterEach(() => site.closePages())
  afterAll(() => site.stop())
  return site
}

/** The ten numbers behind the bars, once they are those of the picture shown. */
export async function shownProbabilities(page: Page): Promise<number[]> {
  const bars = page.locator('.probabilities[aria-busy="false"] td[data-probability]')
  await bars.nth(9).waitFor()
  return bars.evaluateAll((cells) => cells.map((cell) => Number(cell.getAttribute('data-probability'))))
}

/** Waits until what is asked for is explained: every change is, once something is. */
export async function explained(page: Page, side: 'left' | 'right' = 'left'): Promise<Locator> {
  const panel = page.locator(`[aria-labelledby="explanation-title-${side}"][aria-busy="false"]`)
  await panel.locator('.segments td[data-weight]').first().waitFor()
  return panel
}

/** Segments and weights as the table has them, once they are those asked for. */
export async function shownWeights(page: Page, side?: 'left' | 'right'): Promise<[segment: number, weight: number][]> {
  const panel = await explained(page, side)
  return panel
    .locator('.segments tbody tr')
    .evaluateAll((rows) =>
      rows.map((row) => [
        Number(row.getAttribute('data-segment')),
        Number(row.querySelector('[data-weight]')?.getAttribute('data-weight')),
      ]),
    )
}

/** How it is explained is folded away at first. */
export async function openSettings(within: Page | Locator): Promise<void> {
  await within.locator('.explanation-settings > summary').click()
}

export async function pickNumber(page: Page, index: number): Promise<void> {
  await page.getByLabel('Number', { exact: true }).fill(String(index))
  await page.keyboard.press('Enter')
  await page.getByText(`Test image ${index}`, { exact: true }).waitFor()
}

export function expectClose(actual: readonly number[], expected: readonly number[], tolerance = 1e-5): void {
  expect(actual).toHaveLength(expected.length)
  for (const [i, value] of expected.entries()) expect(Math.abs(actual[i] - value)).toBeLessThan(tolerance)
}
