import type { Page } from 'playwright'
import { describe, expect, test } from 'vitest'
import { encodePng } from '../../../src/app/pictures/encode-png.ts'
import { explained, openSettings, pickNumber, useSite } from './site.ts'

/** The page without a mouse, on paper, and in the system's own colours. */

const site = useSite()

const focused = (page: Page) => page.evaluate(() => document.activeElement?.textContent?.trim() ?? '')
const isLost = (page: Page) => page.evaluate(() => document.activeElement === document.body)

describe('the focus', () => {
  test('skips to the content', async () => {
    const { page } = await site.open()
    await page.keyboard.press('Tab')
    expect(await focused(page)).toBe('Skip to the content')
    await page.keyboard.press('Enter')
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('content')
    await page.keyboard.press('Tab')
    expect(await page.evaluate(() => document.activeElement?.closest('main') !== null)).toBe(true)
  })

  test('stays where a pressed button goes: Explain and Stop', async () => {
    const { page } = await site.open('?index=0&segmenter=grid&rows=14&columns=14&samples=8000')
    const button = page.locator('form.settings button[type="button"]')
    await button.focus()
    await page.keyboard.press('Enter')
    await page.locator('.explanation progress').waitFor()
    expect(await focused(page)).toBe('Stop')
    // Enter in a field of its settings does not stop it.
    await openSettings(page)
    await page.getByLabel('Random seed').press('Enter')
    expect(await page.getByText('Stopped before the end').count()).toBe(0)
    await button.press('Enter')
    await page.getByText('Stopped before the end').waitFor()
    expect(await focused(page)).toBe('Explain')
  })

  test('stays near where a pressed button vanishes: Train, Pause, Resume, Stop, Judge, Remove, Show all, Dismiss', async () => {
    const { page, complaints } = await site.open('?view=train')
    const press = async (name: string) => {
      const button = page.getByRole('button', { name, exact: true })
      await button.focus()
      await page.keyboard.press('Enter')
    }
    for (let layer = 3; layer > 0; layer--) {
      await press(`Remove layer ${layer}`)
      await expect.poll(() => isLost(page)).toBe(false)
    }
    await page.getByRole('button', { name: 'Add a layer' }).press('Enter')
    await expect.poll(() => focused(page)).toBe('Convolution')
    await page.keyboard.press('ArrowUp')
    expect(await focused(page)).toBe('Dropout')
    await page.keyboard.press('Escape')
    expect(await focused(page)).toMatch(/^Add a layer/)
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await page.getByText('Max pooling 2 × 2').first().waitFor()
    expect(await focused(page)).toMatch(/^Add a layer/)

    await page.getByLabel('Training images').fill('200')
    await page.getByLabel('Epochs', { exact: true }).fill('90')
    await press('Train')
    await page.locator('.course .facts').waitFor()
    await expect.poll(() => isLost(page)).toBe(false)
    await press('Pause')
    await page.locator('[data-phase="paused"]').waitFor()
    await expect.poll(() => focused(page)).toBe('Resume')
    await page.keyboard.press('Enter')
    await expect.poll(() => focused(page)).toBe('Pause')
    await press('Stop')
    await page.locator('[data-phase="stopped"]').waitFor()
    await expect.poll(() => isLost(page)).toBe(false)

    await page.getByRole('link', { name: 'Judge' }).click()
    await press('Judge all 10,000 test images')
    await expect.poll(() => focused(page)).toBe('Stop')
    await page.keyboard.press('Enter')
    await expect.poll(() => focused(page)).toMatch(/^Judge all/)

    await page.getByRole('link', { name: 'Explain', exact: true }).click()
    await explained(page)
    await press('Hide it')
    expect(await focused(page)).toBe('Show it again')
    await press('Show all')
    await expect.poll(() => isLost(page)).toBe(false)
    expect(complaints).toEqual([])
  })
})

describe('a button that asks for files', () => {
  test('does so by keys, one file or several, is one stop, and takes the same file again', async () => {
    const { page, complaints } = await site.open()
    // Whoever begins to listen with the press is too late.
    page.on('filechooser', () => {})
    const ask = async (name: string) => {
      await page.getByRole('button', { name }).focus()
      const asked = page.waitForEvent('filechooser')
      await page.keyboard.press('Enter')
      return asked
    }
    const picture = encodePng({ data: Array(784).fill(1), height: 28, width: 28, channels: 1 })
    for (let times = 0; times < 2; times++) {
      const chooser = await ask('Choose a file…')
      expect(chooser.isMultiple()).toBe(false)
      expect(await chooser.element().getAttribute('accept')).toBe('image/*')
      await chooser.setFiles({ name: 'mine.png', mimeType: 'image/png', buffer: Buffer.from(picture) })
      await page.getByText('mine.png', { exact: true }).waitFor()
      // A browser says nothing of a choice that is the one it has.
      expect(await page.getByLabel('A picture of your own').inputValue()).toBe('')
      expect(await focused(page)).toBe('Choose a file…')
      await pickNumber(page, 5)
    }
    await page.getByRole('button', { name: 'Choose a file…' }).press('Tab')
    expect(await focused(page)).toBe('Use the camera…')
    await page.getByRole('link', { name: 'Train', exact: true }).click()
    const chooser = await ask('Open weights…')
    expect(chooser.isMultiple()).toBe(true)
    expect(await chooser.element().getAttribute('accept')).toBe(null)
    expect(complaints).toEqual([])
  })
})

describe('other ways to see it', () => {
  test('in the system’s own colours the view and the picture that are chosen stand out', async () => {
    const { page } = await site.open()
    await page.emulateMedia({ forcedColors: 'active' })
    for (const places of ['Views', 'Pictures']) {
      const grounds = await page
        .getByRole('navigation', { name: places })
        .getByRole('link')
        .evaluateAll((links) => links.map((link) => getComputedStyle(link).backgroundColor))
      expect(grounds[0]).not.toBe(grounds[1])
      expect(new Set(grounds.slice(1)).size).toBe(1)
    }
    const outline = (isSelected: boolean) =>
      page
        .locator(`.thumbnail[aria-selected="${isSelected}"] canvas`)
        .first()
        .evaluate((canvas) => getComputedStyle(canvas).outlineStyle)
    expect(await outline(true)).toBe('solid')
    expect(await outline(false)).toBe('none')
  })

  test('on paper there are the picture, its evidence and the numbers, and nothing to press', async () => {
    const { page } = await site.open()
    await explained(page)
    await page.emulateMedia({ media: 'print' })
    for (const what of ['.overlay', '.predicted', '.follows', '.segments table', '.facts'])
      expect(await page.locator(what).first().isVisible(), what).toBe(true)
    for (const what of ['.views', '.pictures', 'form.settings', '.save-menu'])
      expect(await page.locator(what).filter({ visible: true }).count(), what).toBe(0)
    // All rows, not those that fit into a box that scrolls.
    expect(await page.locator('.segments').evaluate((box) => box.scrollHeight - box.clientHeight)).toBe(0)
  })

  test.each(['', '?view=compare', '?view=train', '?view=judge'])(
    'is read at 320 pixels without scrolling sideways: "%s"',
    async (search) => {
      const { page } = await site.open(search)
      await page.setViewportSize({ width: 320, height: 640 })
      if (!search || search.includes('compare')) {
        await explained(page)
        // No select is so narrow that its choice can't be read.
        if (search) await openSettings(page.locator('.explanation').first())
        const cut = await page
          .locator('main select:visible')
          .evaluateAll(
            (selects) =>
              (selects as HTMLSelectElement[]).filter(
                (select) => select.clientWidth < 110 && select.selectedOptions[0].text.length > 6,
              ).length,
          )
        expect(cut).toBe(0)
      }
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(320)
    },
  )
})
