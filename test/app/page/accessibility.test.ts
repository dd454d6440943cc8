import AxeBuilder from '@axe-core/playwright'
import type { Page } from 'playwright'
import { describe, expect, test } from 'vitest'
import { bringNetwork } from './own-photograph-network.ts'
import { explained, openSettings, useSite } from './site.ts'

/** What axe-core finds in each view, in the light and in the dark, on a phone, at the narrowest and on a wide screen, with results shown. */

const site = useSite()

const screens = [
  { name: 'wide and light', width: 1600, height: 900, colorScheme: 'light' },
  { name: 'on a phone, dark', width: 390, height: 844, colorScheme: 'dark' },
  { name: 'at 320 pixels, in the system’s own colours', width: 320, height: 640, forcedColors: 'active' },
] as const

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
}

describe.each(screens)('axe-core finds nothing $name', ({ width, height, ...media }) => {
  test.each(Object.keys(views))('in the view "%s"', async (name) => {
    const { search, prepare } = views[name]
    const { page, complaints } = await site.open(search)
    await page.emulateMedia({ ...media, reducedMotion: 'reduce' })
    await page.setViewportSize({ width, height })
    await prepare(page)
    const { violations } = await new AxeBuilder({ page }).analyze()
    expect(violations.map(({ id, help, nodes }) => ({ id, help, where: nodes.map(({ target }) => target) }))).toEqual(
      [],
    )
    // Nothing sticks out: the page itself never scrolls sideways.
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0)
    expect(complaints).toEqual([])
  })
})
