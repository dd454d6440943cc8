import AxeBuilder from '@axe-core/playwright'
import type { Page } from 'playwright'
import { expect, test } from 'vitest'
import { dropFiles } from './dropped-files.ts'
import { failedRow, madePart, madeRow } from './made-results.ts'
import { bringNetwork } from './own-photograph-network.ts'
import { explained, openSettings, useSite } from './site.ts'

/** What axe-core finds in each view, in the light and in the dark, on a phone, at the narrowest and on a wide screen, with results shown. */

const site = useSite()

interface Screen {
  readonly name: string
  readonly width: number
  readonly height: number
  readonly colorScheme: 'light' | 'dark'
  readonly forcedColors: 'active' | 'none'
}

/** The narrowest first: a view is prepared there. */
const screens: readonly Screen[] = [
  {
    name: 'at 320 pixels, in the system’s own colours',
    width: 320,
    height: 640,
    colorScheme: 'light',
    forcedColors: 'active',
  },
  { name: 'on a phone, dark', width: 390, height: 844, colorScheme: 'dark', forcedColors: 'none' },
  { name: 'wide and light', width: 1600, height: 900, colorScheme: 'light', forcedColors: 'none' },
]

const views: Readonly<Record<string, { search: string; prepare: (page: Page) => Promise<void> }>> = {
  explain: {
    search: '',
    async prepare(page) {
      await explained(page)
      await openSettings(page)
      await page.getByText('More settings').click()
      await page.getByText('Draw one, or draw on this one').click()
      await page.getByText('How far can this be trusted?').click()
      await page.locator('.trust .line-chart canvas').waitFor()
      await page.getByText('As a table').click()
      await page.locator('.segments tbody button').first().click()
      await page.getByRole('radio', { name: 'Four panels' }).check()
      await page.locator('.four-panels img').nth(1).waitFor()
    },
  },
  photographs: {
    search: '?mode=photograph&view=explain&samples=40',
    async prepare(page) {
      await bringNetwork(page)
      await page.getByText('How it takes pictures').click()
      await page.getByRole('button', { name: 'Say it otherwise…' }).click()
      await page.getByLabel('It takes a pixel as').selectOption('by scale, mean and std…')
      await page.getByLabel('Mean', { exact: true }).fill('grey')
      await openSettings(page)
      await page.getByRole('button', { name: 'Explain', exact: true }).click()
      await explained(page)
      await page.getByText('Draw the parts yourself').click()
      await page.locator('.segment-editor').waitFor()
      await page.locator('.segments tbody button').first().click()
    },
  },
  'photographs compared': {
    search: '?mode=photograph&view=compare&network=mobilenet-v2&picture=file-000000000000',
    async prepare(page) {
      await page.getByText('This link was made with somebody’s own picture').first().waitFor()
      await page.getByText('Licence: Apache-2.0').waitFor()
    },
  },
  compare: {
    search: '?view=compare',
    async prepare(page) {
      await explained(page, 'left')
      await explained(page, 'right')
    },
  },
  train: {
    search: '?view=train',
    async prepare(page) {
      await page.getByLabel('Training images').fill('300')
      await page.getByLabel('Epochs', { exact: true }).fill('2')
      await page.getByRole('button', { name: 'Train', exact: true }).click()
      await page.locator('[data-phase="done"]').waitFor()
      await page.getByText('Shapes and parameters').click()
    },
  },
  judge: {
    search: '?view=judge',
    async prepare(page) {
      await page.getByRole('button', { name: 'Judge all 10,000 test images' }).click()
      await page.locator('.matrix button').first().waitFor()
    },
  },
  'results, before there are any': {
    search: '?view=results',
    async prepare(page) {
      await page.getByRole('heading', { name: 'Results of many images' }).waitFor()
    },
  },
  results: {
    search: '?view=results',
    async prepare(page) {
      await page.getByRole('heading', { name: 'Results of many images' }).waitFor()
      const rows = [
        madeRow(),
        madeRow({ id: '1', label_index: 6, warnings: ['One.'] }),
        failedRow('x.png', 'no picture'),
      ]
      await dropFiles(page, [await madePart(rows, { shard: 1, of: 3 })])
      await page.locator('.result-row canvas').waitFor()
    },
  },
}

test.each(Object.keys(views))('axe-core finds nothing in the view "%s", on any screen', async (name) => {
  const { search, prepare } = views[name]
  const { page, complaints } = await site.open(search)
  const turnTo = async ({ width, height, colorScheme, forcedColors }: Screen) => {
    await page.emulateMedia({ colorScheme, forcedColors, reducedMotion: 'reduce' })
    await page.setViewportSize({ width, height })
  }
  // Where there is the least room, all can be pressed; what is shown then stays while the screen changes.
  await turnTo(screens[0])
  await prepare(page)
  const found = []
  for (const screen of screens) {
    await turnTo(screen)
    const { violations } = await new AxeBuilder({ page }).analyze()
    for (const { id, help, nodes } of violations)
      found.push({ screen: screen.name, id, help, where: nodes.map(({ target }) => target) })
    // Nothing sticks out: the page itself never scrolls sideways.
    const sticksOut = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
    expect(sticksOut, screen.name).toBeLessThanOrEqual(0)
  }
  expect(found).toEqual([])
  expect(complaints).toEqual([])
})
