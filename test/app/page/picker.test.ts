import { expect, test } from 'vitest'
import { useSite } from './site.ts'

/** The fields that choose which pictures are shown. */

const site = useSite()

test.each([1600, 1280, 900, 390])('say all that they say on a page of %i pixels', async (width) => {
  const { page } = await site.open()
  await page.setViewportSize({ width, height: 1000 })
  // As wide as the longest of its options needs it to be.
  const widths = await page.locator('.picker select').evaluateAll((selects) =>
    selects.map((select) => {
      const free = select.cloneNode(true) as HTMLSelectElement
      free.style.cssText = 'position: absolute; width: max-content; max-width: none'
      select.after(free)
      const needed = free.getBoundingClientRect().width
      free.remove()
      return { needed, has: select.getBoundingClientRect().width }
    }),
  )
  expect(widths).toHaveLength(3)
  for (const { needed, has } of widths) expect(needed).toBeLessThanOrEqual(has)
})
