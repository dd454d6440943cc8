import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BrowserContext, Page } from 'playwright'
import { build } from 'vite'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { FileHost } from './file-host.ts'
import { expectClose, openSettings, quiet, shownProbabilities, shownWeights, useSite } from './site.ts'

/** The site without a network, on hosts that send no headers, in a folder of such a host, and when the next version comes. */

const site = useSite()
/** For what only the browser decides when to do. */
const patient = { timeout: 30_000 }
let context: BrowserContext
let complaints: string[] = []
const hosts: FileHost[] = []

async function open(address: string): Promise<Page> {
  const page = await context.newPage()
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning')
      complaints.push(`${message.text()} (${message.location().url})`)
  })
  page.on('pageerror', (error) => complaints.push(String(error)))
  await page.goto(address)
  return page
}

async function serve(folder: string, below?: string): Promise<{ host: FileHost; address: string }> {
  const host = new FileHost(folder, below)
  hosts.push(host)
  return { host, address: await host.open() }
}

const isKept = (page: Page) => page.evaluate(async () => (await navigator.serviceWorker.ready).active?.state)
const isIsolated = (page: Page) => page.waitForFunction(() => crossOriginIsolated && document.readyState === 'complete')

/** Whether it is the page of the version that was built after the site's. */
const isNext = async (page: Page) => (await page.locator('meta[name="next"]').count()) > 0

async function expectWorking(page: Page): Promise<void> {
  const shown = await shownProbabilities(page)
  const name = await page.locator('.picture-name').textContent()
  expectClose(shown, await site.predicted(site.pixelsOf(Number(/^Test image (\d+)$/.exec(name ?? '')?.[1]))))
  await openSettings(page)
  await page.getByLabel('Samples').fill('100')
  await page.getByRole('button', { name: 'Explain' }).click()
  expect((await shownWeights(page)).length).toBeGreaterThan(1)
}

beforeAll(async () => {
  context = await site.browser.newContext()
})
afterEach(async () => {
  await context.close()
  for (const host of hosts.splice(0)) await host.close()
  context = await site.browser.newContext()
  complaints = []
})
afterAll(() => context?.close())

test('after the first visit the page needs no network', async () => {
  const page = await open(site.address)
  await isKept(page)
  await context.setOffline(true)
  await page.reload()
  await expectWorking(page)
  // Nor does one opened anew, by another address.
  await page.close()
  const another = await open(`${site.address}index.html?index=3`)
  expectClose(await shownProbabilities(another), await site.predicted(site.pixelsOf(3)))
  await another.goto(`${site.address}benchmark.html`)
  await another.getByRole('button', { name: 'Measure' }).waitFor()
  expect(complaints).toEqual([])
})

test('a host without headers gets isolated by a reload, in any folder, and may then go away', async () => {
  const { host, address } = await serve(site.folder, '/some/folder/')
  const page = await open(`${address}?index=3`)
  expect(await page.evaluate(() => crossOriginIsolated)).toBe(false)
  await isIsolated(page)
  expectClose(await shownProbabilities(page), await site.predicted(site.pixelsOf(3)))
  // As many threads as under the right headers.
  expect(await page.locator('.device-name').textContent()).toContain(site.device.info.adapter)
  await host.close()
  await page.goto(address)
  await isIsolated(page)
  await expectWorking(page)
  expect(complaints).toEqual([])
})

test('a page in use is not reloaded, the next visit is isolated', async () => {
  const { host, address } = await serve(site.folder)
  let release = () => {}
  host.delayed.set('service-worker.js', new Promise((resolve) => (release = resolve)))
  const page = await open(address)
  await shownProbabilities(page)
  await page.getByLabel('Number', { exact: true }).click()
  await page.evaluate(() => document.body.setAttribute('data-same', ''))
  release()
  await isKept(page)
  await expectWorking(page)
  expect(await page.evaluate(() => crossOriginIsolated)).toBe(false)
  expect(await page.locator('body[data-same]').count()).toBe(1)
  await page.reload()
  await isIsolated(page)
  expect(complaints).toEqual([])
})

test('where a reload does not isolate, there is no second', async () => {
  const { address } = await serve(site.folder)
  const page = await context.newPage()
  let visits = 0
  page.on('domcontentloaded', () => visits++)
  // As if the browser dropped what the reload was for.
  await page.addInitScript(() => {
    Object.defineProperty(globalThis, 'crossOriginIsolated', { value: false })
    Object.defineProperty(navigator.serviceWorker, 'controller', { value: null })
  })
  await page.goto(address)
  await expect.poll(() => visits, patient).toBe(2)
  await shownProbabilities(page)
  await page.evaluate(async () => {
    const registration = await navigator.serviceWorker.ready
    await registration.update()
  })
  await shownProbabilities(page)
  expect(visits).toBe(2)
})

describe('the next version', () => {
  let next = ''
  beforeAll(async () => {
    next = await mkdtemp(join(tmpdir(), 'limelight-next-'))
    const plugins = [
      { name: 'next', transformIndexHtml: (html: string) => html.replace('</head>', '<meta name="next"></head>') },
      {
        name: 'next-file',
        generateBundle(this: { emitFile(file: object): string }) {
          this.emitFile({ type: 'asset', fileName: 'assets/only-next.css', source: 'a {}' })
        },
      },
    ]
    await build({ ...quiet, plugins, build: { outDir: next, emptyOutDir: false } })
  })
  afterAll(() => rm(next, { recursive: true, force: true }))

  const update = (page: Page) =>
    page.evaluate(async () => {
      const registration = await navigator.serviceWorker.ready
      const { installing, waiting } = await registration.update()
      const coming = installing ?? waiting
      if (!coming) return 'none'
      while (coming.state === 'installing')
        await new Promise((resolve) => coming.addEventListener('statechange', resolve, { once: true }))
      return coming.state
    })
  /** Addresses below the page's, with their digests. */
  const keptFiles = (page: Page) =>
    page.evaluate(async () => {
      const { scope } = await navigator.serviceWorker.ready
      const names = (await caches.keys()).filter((name) => name.startsWith('limelight-site'))
      const keys = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()))
      return keys.flat().map(({ url }) => url.slice(scope.length))
    })

  const filesOf = (kept: string[]) => kept.map((name) => name.split('?')[0]).sort()

  test('waits for all pages of the old one, then replaces it, and nothing of it is left', async () => {
    const { host, address } = await serve(site.folder)
    const page = await open(address)
    await isIsolated(page)
    const before = await keptFiles(page)
    // Both are in the site, and large: whoever wants them fetches them.
    for (const large of ['data', 'networks']) {
      expect(existsSync(join(site.folder, large))).toBe(true)
      expect(before.filter((name) => name.startsWith(`${large}/`))).toEqual([])
    }
    const other = await open(address)

    host.folder = next
    expect(await update(page)).toBe('installed')
    await page.reload()
    await expectWorking(page)
    expect(await isNext(page)).toBe(false)
    await other.close()

    await page.reload()
    await expect.poll(() => isNext(page), patient).toBe(true)
    await isIsolated(page)
    await expectWorking(page)
    const after = await keptFiles(page)
    expect(filesOf(after)).toEqual([...filesOf(before), 'assets/only-next.css'].sort())
    // What has not changed was not fetched again.
    expect(after.filter((name) => before.includes(name)).length).toBeGreaterThan(10)
    await host.close()
    await page.reload()
    await expectWorking(page)
    expect(await isNext(page)).toBe(true)
    expect(complaints).toEqual([])
  })

  test('is not taken half: as long as its files are not all there, the old one stays', async () => {
    const { host, address } = await serve(site.folder)
    const page = await open(address)
    await isIsolated(page)
    host.replaced.set('service-worker.js', join(next, 'service-worker.js'))
    expect(await update(page)).toBe('redundant')
    await page.reload()
    await expectWorking(page)
    expect(await isNext(page)).toBe(false)

    host.folder = next
    host.replaced.set('index.html', join(site.folder, 'index.html'))
    expect(await update(page)).toBe('redundant')
    host.replaced.clear()
    expect(await update(page)).toBe('installed')
    await page.reload()
    await expect.poll(() => isNext(page), patient).toBe(true)
    expect(complaints).toEqual([])
  })
})
