import type { BrowserContext, BrowserContextOptions, Page } from 'playwright'
import { afterEach, describe, expect, test } from 'vitest'
import { FileHost } from './file-host.ts'
import { openSettings, shownProbabilities, shownWeights, useSite } from './site.ts'

/** A page that is open while its host gets another version: what it has not loaded yet is not there any more. */

const site = useSite()
const opened: { host: FileHost; context: BrowserContext }[] = []
afterEach(async () => {
  for (const { host, context } of opened.splice(0)) {
    await context.close()
    await host.close()
  }
})

/** Where service workers may not be, or the browser has thrown away what they kept, late scripts come from the host. */
async function open(
  options: BrowserContextOptions = { serviceWorkers: 'block' },
): Promise<{ host: FileHost; page: Page }> {
  const host = new FileHost(site.folder)
  const context = await site.browser.newContext(options)
  opened.push({ host, context })
  const page = await context.newPage()
  await page.goto(`${await host.open()}?index=3`)
  await shownProbabilities(page)
  return { host, page }
}

/** As if every file had another name by now. */
const replace = (host: FileHost) => {
  host.isGone = (name) => name.startsWith('assets/')
}

const choose = (name: string, option: string) => async (page: Page) => {
  await openSettings(page)
  await page.getByRole('combobox', { name }).selectOption(option)
  await page.getByRole('button', { name: 'Explain', exact: true }).click()
}

const explain = async (page: Page) => {
  await page.getByRole('button', { name: 'Explain', exact: true }).click()
  await shownWeights(page)
}

/** What is loaded late, what has to be there before, and how it is asked for. */
const late: readonly [what: string, before: (page: Page) => Promise<unknown>, ask: (page: Page) => Promise<unknown>][] =
  [
    ['a view', async () => {}, (page) => page.getByRole('link', { name: 'Compare' }).click()],
    ['a part of a view', explain, (page) => page.getByText('How far can this be trusted?').click()],
    ['a method, in the Worker', async () => {}, choose('Method', 'shapley')],
    ['a segmenter, in the Worker', async () => {}, choose('Segments', 'slic')],
    [
      'a training, in the Worker',
      async (page) => {
        await page.getByRole('link', { name: 'Train', exact: true }).click()
        await page.getByLabel('Training images').fill('200')
      },
      (page) => page.getByRole('button', { name: 'Train', exact: true }).click(),
    ],
    [
      'what files are written with, in the Worker',
      explain,
      async (page) => {
        await page.getByRole('button', { name: 'Save…' }).click()
        await page.getByRole('menuitem', { name: 'Numbers of all classes, JSON' }).click()
      },
    ],
  ]

describe('a page whose host has another version says so, and is that version after a reload', () => {
  test.each(late)('where it lacks %s', async (_, before, ask) => {
    const { host, page } = await open()
    await before(page)
    replace(host)
    await ask(page)
    const said = page
      .locator('[role="alert"], [role="status"]')
      .filter({ hasText: 'This page has a new version: reload it.' })
    await said.waitFor()
    const text = await said.textContent()
    expect(text).toMatch(/could not be loaded/)
    expect(text).not.toMatch(/module|https?:|assets/)
    host.isGone = () => false
    await Promise.all([page.waitForEvent('load'), said.getByRole('button', { name: 'Reload' }).click()])
    await page.locator('main').waitFor()
    expect(await page.getByText('This page has a new version').count()).toBe(0)
  })

  test('where its Worker is not there any more', async () => {
    const host = new FileHost(site.folder)
    const context = await site.browser.newContext({ serviceWorkers: 'block' })
    opened.push({ host, context })
    const page = await context.newPage()
    const address = await host.open()
    // The page itself came in time.
    let isReplaced = false
    host.isGone = (name) => {
      isReplaced ||= /engine-worker/.test(name)
      return isReplaced && name.startsWith('assets/')
    }
    await page.goto(address)
    const alert = page.getByRole('alert')
    await alert.getByText("Limelight can't start").waitFor()
    await alert.getByText('This page has a new version: reload it.').waitFor()
    await alert.getByRole('button', { name: 'Reload' }).waitFor()
  })

  test('where the browser has thrown away what the service worker kept', async () => {
    const { host, page } = await open({})
    await page.waitForFunction(() => crossOriginIsolated && document.readyState === 'complete')
    await shownProbabilities(page)
    await page.evaluate(async () => {
      for (const name of await caches.keys()) await caches.delete(name)
    })
    replace(host)
    await page.getByRole('link', { name: 'Judge', exact: true }).click()
    await page.getByText('This page has a new version: reload it.').waitFor()
  })
})

test('a script that fails on a host of the same version is no new version', async () => {
  const { host, page } = await open()
  host.isGone = (name) => /judge-view|slic-labels/.test(name)
  await choose('Segments', 'slic')(page)
  await page.getByRole('alert').getByText('The explanation failed: a part of the page could not be loaded').waitFor()
  await page.getByRole('link', { name: 'Judge', exact: true }).click()
  await page.getByText('This part of the page could not be loaded. Reload the page to try again.').waitFor()
  expect(await page.getByText('new version').count()).toBe(0)
  // Nor is a host that can't be reached.
  await host.close()
  await page.getByRole('link', { name: 'Train', exact: true }).click()
  await page.getByText('This part of the page could not be loaded. Reload the page to try again.').waitFor()
  expect(await page.getByText('new version').count()).toBe(0)
})
