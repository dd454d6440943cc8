import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, type BrowserContext, chromium, type Locator, type Page } from 'playwright'
import { build, type PreviewServer, preview } from 'vite'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import { type ImageSet, imageExtent, readSplit } from '../../../src/app/data/fashion-mnist.ts'
import { tutorialArchitecture } from '../../../src/app/tutorial/network.ts'
import { type Device, loadModel, openDevice, type Sequential } from '../../../src/engine/index.ts'
import { chromiumFlags, findChromium } from '../../chromium.ts'

/** The built page in a real Chromium, beside the same model in Node: what the tests of the page stand on. */

export const root = new URL('../../../', import.meta.url).pathname
export const quiet = { root: `${root}src/app/page`, configFile: `${root}vite.config.ts`, logLevel: 'error' } as const
const size = imageExtent * imageExtent
const withoutWebGPU = chromiumFlags.filter((flag) => flag !== '--enable-unsafe-webgpu')

/** A page and what it complained of: errors, warnings, and requests to elsewhere. */
export interface Opened {
  readonly page: Page
  readonly complaints: string[]
}

/** What a file of tests has until its end: the site, a browser without WebGPU, the test images, the model on the processor. */
export class Site {
  folder = ''
  address = ''
  private server: PreviewServer | null = null
  private chromium: Browser | null = null
  private set: ImageSet | null = null
  private network: Sequential | null = null
  private processor: Device | null = null
  private readonly contexts: BrowserContext[] = []

  get browser(): Browser {
    return there(this.chromium)
  }
  get images(): ImageSet {
    return there(this.set)
  }
  get model(): Sequential {
    return there(this.network)
  }
  get device(): Device {
    return there(this.processor)
  }

  async start(): Promise<void> {
    this.folder = await mkdtemp(join(tmpdir(), 'limelight-page-'))
    await build({ ...quiet, build: { outDir: this.folder, emptyOutDir: false } })
    this.server = await preview({ ...quiet, build: { outDir: this.folder }, preview: { port: 0, open: false } })
    this.address = this.server.resolvedUrls?.local[0] ?? ''
    this.chromium = await chromium.launch({ executablePath: findChromium(), args: withoutWebGPU })
    const data = `${root}src/app/data/fashion-mnist/`
    this.set = await readSplit(
      'test',
      await readFile(`${data}t10k-images-idx3-ubyte.gz`),
      await readFile(`${data}t10k-labels-idx1-ubyte.gz`),
    )
    this.network = await loadModel(`${root}models/fashion-cnn.safetensors`, tutorialArchitecture(0))
    this.processor = await openDevice('cpu')
    await this.network.compile({ device: this.processor })
  }

  async stop(): Promise<void> {
    this.network?.dispose()
    this.processor?.dispose()
    await this.chromium?.close()
    await this.server?.close()
    await rm(this.folder, { recursive: true, force: true })
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
    page.on('requestfailed', (request) => complaints.push(`failed: ${request.url()}`))
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

  pixelsOf(index: number): Uint8Array {
    return this.images.images.slice(index * size, (index + 1) * size)
  }

  /** What the model says in Node. */
  async predicted(pixels: Uint8Array): Promise<number[]> {
    const { data } = await this.model.predict({ data: pixels, shape: [1, imageExtent, imageExtent, 1], scale: 1 / 255 })
    return Array.from(data)
  }
}

function there<T>(value: T | null): T {
  if (value === null) throw new Error('the site is not started yet')
  return value
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
