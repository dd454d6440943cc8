import { describe, expect, test } from 'vitest'
import { explained, shownWeights, useSite } from './site.ts'

/** What somebody sees who has come for the first time and has not scrolled, and whether it says how much is at stake. */

const site = useSite()

describe('the first screen', () => {
  test.each([
    [1280, 800],
    [390, 844],
  ])(
    'at %d x %d shows the picture with its evidence, the verdict and what follows; settings are folded',
    async (width, height) => {
      const { page, complaints } = await site.open()
      await page.setViewportSize({ width, height })
      await explained(page)
      await page.evaluate(() => scrollTo(0, 0))
      for (const what of ['.overlay', '.predicted', '.mark', '.legend', '.follows']) {
        const box = await page.locator(what).boundingBox()
        expect(box, what).not.toBeNull()
        if (!box) continue
        expect(box.y, what).toBeGreaterThanOrEqual(0)
        expect(box.y + box.height, what).toBeLessThanOrEqual(height)
        expect(box.x + box.width, what).toBeLessThanOrEqual(width)
      }
      expect(await page.locator('.predicted').textContent()).toBe('Coat')
      expect(await page.locator('.follows').textContent()).toBe('Without segment 3 the network says Shirt.')
      expect(await page.getByLabel('Random seed').isVisible()).toBe(false)
      expect(await page.locator('.explanation-settings > summary').textContent()).toContain(
        'Felzenszwalb, 1,000 samples, seed 123',
      )
      expect(complaints).toEqual([])
    },
  )
})

describe('on a laptop', () => {
  test('the network is chosen beside the views, also where its name is long', async () => {
    const { page } = await site.open()
    const select = page.getByRole('combobox', { name: 'Network', exact: true })
    const isBeside = async () => {
      const views = await page.getByRole('navigation', { name: 'Views' }).boundingBox()
      const box = await select.boundingBox()
      return views !== null && box !== null && box.x > views.x + views.width && box.y < views.y + views.height
    }
    expect(await isBeside()).toBe(true)
    const width = await select.evaluate((field) => field.clientWidth)
    await select.evaluate((field) => field.append(new Option('A network whose title is as long as people make them')))
    expect(await isBeside()).toBe(true)
    expect(await select.evaluate((field) => field.clientWidth)).toBeGreaterThanOrEqual(width)
  })
})

describe('on a phone', () => {
  test('what is said of a segment moves nothing: a press lands where the finger is', async () => {
    const { page } = await site.open()
    await page.setViewportSize({ width: 390, height: 844 })
    await explained(page)
    const segments = page.locator('.segments tbody button')
    await segments.first().scrollIntoViewIfNeeded()
    const heightOf = () => page.locator('.what-if').evaluate((element) => element.getBoundingClientRect().height)
    const before = await heightOf()
    await segments.first().hover()
    await page.mouse.down()
    await page.locator('.what-if tr').nth(1).locator('[data-probability]').waitFor()
    expect(await heightOf()).toBe(before)
    await page.mouse.up()
    await page.locator('.what-if tr').nth(2).locator('[data-probability]').waitFor()
    expect(await heightOf()).toBe(before)
  })
})

describe('the scale', () => {
  /** The strongest colour in the picture: how far green and magenta are from grey, 0 to 255. */
  const strongestTint = () => {
    const canvas = document.querySelector<HTMLCanvasElement>('.overlay')
    const copy = new OffscreenCanvas(28, 28).getContext('2d', { willReadFrequently: true })
    if (!canvas || !copy) return Number.NaN
    copy.imageSmoothingEnabled = false
    copy.drawImage(canvas, 0, 0, 28, 28)
    const { data } = copy.getImageData(0, 0, 28, 28)
    return Math.max(...Array.from({ length: 784 }, (_, pixel) => Math.abs(data[4 * pixel] - data[4 * pixel + 1])))
  }

  test('ends at what the strongest part is worth, in percentage points', async () => {
    const { page } = await site.open('?index=135&segmenter=felzenszwalb&explain=')
    const [[, weight]] = await shownWeights(page)
    expect(weight).toBeGreaterThan(0.4)
    const ends = page.locator('.legend-ends')
    expect(await ends.textContent()).toBe(
      `−${Math.round(weight * 100)} against Coatfor Coat +${Math.round(weight * 100)}`,
    )
    expect(await page.locator('.consequence').textContent()).toContain(
      'Segment 3 counts most: 41 percentage points for Coat',
    )
  })

  test('says that no part matters much where none does, and paints none as if it did', async () => {
    const loud = await site.open('?index=135&segmenter=felzenszwalb&explain=')
    await explained(loud.page)
    const { page } = await site.open('?index=35&segmenter=felzenszwalb&explain=')
    const [[strongest, weight]] = await shownWeights(page)
    expect(Math.abs(weight)).toBeLessThan(0.05)
    expect(await page.locator('.follows').textContent()).toContain('No part matters much')
    expect(await page.locator('.consequence').textContent()).toContain(
      `Even segment ${strongest}, which counts most, is worth no more than`,
    )
    expect(await page.locator('.legend-ends').textContent()).toMatch(/^−10 against .*\+10$/)
    expect(await page.evaluate(strongestTint)).toBeLessThan((await loud.page.evaluate(strongestTint)) / 2)
    // The bars have the picture's scale.
    const bar = await page
      .locator('.segments .weight')
      .first()
      .evaluate((element) => (element as HTMLElement).style.width)
    expect(Number.parseFloat(bar)).toBeCloseTo((Math.abs(weight) / 0.1) * 50, 3)
  })
})
