import { describe, expect, test } from 'vitest'
import { explained, openSettings, pickNumber, useSite } from './site.ts'

/** Where one is on the page: what the address says and may say, Back and Forward, the title, and numbers that can't be taken. */

const site = useSite()

describe('the address', () => {
  test('never holds a number that can’t be, whatever is typed; the field says what it takes', async () => {
    const { page, complaints } = await site.open('?index=135&segmenter=felzenszwalb&samples=200&explain=')
    await explained(page)
    await openSettings(page)
    const samples = page.getByLabel('Samples')
    for (const typed of ['', '0', '-3', '20001', '1.5']) {
      await samples.fill(typed)
      await page.locator('.field-problem').getByText('a whole number from 1 to 20,000').waitFor()
      expect(await samples.getAttribute('aria-invalid')).toBe('true')
      expect(new URL(page.url()).searchParams.get('samples')).toBe('200')
    }
    // Leaving the field brings the last good number back, and says so.
    await page.getByLabel('Random seed').focus()
    await page.getByText('It stays at 200.').waitFor()
    expect(await samples.inputValue()).toBe('200')
    await samples.fill('150')
    await expect.poll(() => page.locator('.field-problem').count()).toBe(0)
    await expect.poll(() => new URL(page.url()).searchParams.get('samples')).toBe('150')

    const number = page.getByLabel('Number', { exact: true })
    await number.fill('10000')
    await number.press('Enter')
    await page.getByText('10000 can’t be taken: expected a whole number from 0 to 9,999.').waitFor()
    await page.getByLabel('Random seed').focus()
    expect(await number.inputValue()).toBe('135')
    expect(complaints).toEqual([])
  })

  test.each([
    ['?index=7&samples=NaN&explain=', 'samples=NaN'],
    ['?index=7&samples=0', 'samples=0'],
    ['?index=7&samples=-3&seed=x', 'samples=-3 and seed=x'],
    ['?view=nowhere', 'view=nowhere'],
  ])('that says %s is told to say what can’t be', async (search, what) => {
    const { page } = await site.open(search.replace('view=nowhere', 'view=nowhere&index=7'))
    await page.getByRole('alert').getByText(`The address says ${what}, which can’t be`).waitFor()
    expect(new URL(page.url()).searchParams.get('samples')).toBe('1000')
  })

  test('that asks for a network of one’s own where there is none says so, and shows the tutorial’s', async () => {
    const { page } = await site.open('?index=7&network=own&explain=')
    await page.getByRole('alert').getByText('this browser has none: the tutorial’s network answers').waitFor()
    await expect.poll(() => new URL(page.url()).searchParams.get('network')).toBe(null)
    await explained(page)
  })
})

describe('Back', () => {
  test('leads to the picture before, to the view before, and Forward back again', async () => {
    const { page, complaints } = await site.open('?index=3')
    // As slowly as somebody picks who looks at each.
    const pickSlowly = async (index: number) => {
      await page.waitForTimeout(1100)
      await pickNumber(page, index)
    }
    await pickSlowly(5)
    await pickSlowly(8)
    await page.getByRole('link', { name: 'Judge' }).click()
    await page.getByRole('heading', { name: 'How good is it?' }).waitFor()
    expect(await page.title()).toBe('Judge – Limelight')
    await page.goBack()
    await page.getByText('Test image 8', { exact: true }).waitFor()
    await page.goBack()
    await page.getByText('Test image 5', { exact: true }).waitFor()
    expect(await page.title()).toBe('Explain test image 5 – Limelight')
    await page.goBack()
    await page.getByText('Test image 3', { exact: true }).waitFor()
    await page.goForward()
    await page.getByText('Test image 5', { exact: true }).waitFor()
    expect(new URL(page.url()).searchParams.get('index')).toBe('5')
    expect(complaints).toEqual([])
  })

  test('leads over what the keys ran past at once, and to a drawing as well', async () => {
    const { page } = await site.open('?index=20')
    await page.waitForTimeout(1100)
    const before = await page.evaluate(() => history.length)
    const grid = page.getByRole('listbox', { name: 'Test images' })
    for (let step = 0; step < 8; step++) await grid.press('ArrowRight')
    await page.getByText('Test image 28', { exact: true }).waitFor()
    expect(await page.evaluate(() => history.length)).toBe(before + 1)
    await page.waitForTimeout(1100)
    await page.getByText('Draw one, or draw on this one').click()
    await page.getByRole('application', { name: 'Drawing pad' }).press('Space')
    await page.getByText('Drawing', { exact: true }).waitFor()
    await page.waitForTimeout(1100)
    await pickNumber(page, 2)
    await page.goBack()
    await page.getByText('Drawing', { exact: true }).waitFor()
    // No address can hold it; a reload still shows it.
    await page.reload()
    await page.getByText('Drawing', { exact: true }).waitFor()
    await page.goBack()
    await page.getByText('Test image 28', { exact: true }).waitFor()
    await page.goBack()
    await page.getByText('Test image 20', { exact: true }).waitFor()
  })
})
