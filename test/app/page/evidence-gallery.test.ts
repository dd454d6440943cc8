import AxeBuilder from '@axe-core/playwright'
import { expect, test } from 'vitest'
import type { ImageSet } from '../../../src/app/data/image-set.ts'
import { averageEvidence } from '../../../src/app/page/worker/average-evidence.ts'
import { fashionMnist } from '../../../src/app/tasks/fashion-mnist/task.ts'
import { expectClose, useSite } from './site.ts'

const { classNames } = fashionMnist

/** What counts as evidence on average, as the page shows it, against the same call in Node. */

const site = useSite()
/** The page averages 200 pictures, on as few cores as there are. */
const timeout = 300_000

/** The test images of these classes alone: their averages are the same. */
function imagesOf(classes: readonly number[]): ImageSet {
  const { images, labels, ...size } = site.images
  const taken = Array.from(labels.keys()).filter((index) => classes.includes(labels[index]))
  const pixels = size.height * size.width
  const some = new Uint8Array(taken.length * pixels)
  taken.forEach((index, i) => some.set(images.subarray(index * pixels, (index + 1) * pixels), i * pixels))
  return { ...size, count: taken.length, images: some, labels: Uint8Array.from(taken, (index) => labels[index]) }
}

test('the page averages the evidence, can be stopped meanwhile, and shows a cell in all ten pictures', {
  timeout,
}, async () => {
  const { page, complaints } = await site.open()
  await page.getByRole('link', { name: 'Judge' }).click()
  const gallery = page.locator('.evidence-gallery')
  const start = gallery.getByRole('button', { name: 'Average the evidence' })
  await start.click()
  await expect.poll(() => gallery.getByRole('progressbar').getAttribute('aria-valuetext')).toMatch(/of 200 pictures$/)
  await gallery.getByRole('button', { name: 'Stop' }).click()
  await start.click()
  await gallery.locator('.evidence-card').first().waitFor({ timeout })

  const compared = ['Coat', 'Bag'].map((name) => classNames.indexOf(name))
  const { columns, classes } = await averageEvidence(site.model, imagesOf(compared))
  const shown = await gallery
    .locator('tbody tr')
    .evaluateAll((rows) =>
      rows.map((row) =>
        Array.from(row.querySelectorAll('td'), (side) =>
          Array.from(side.querySelectorAll('li'), (cell) => [
            Number(cell.getAttribute('data-cell')),
            Number(cell.getAttribute('data-weight')),
          ]),
        ),
      ),
    )
  expect(shown).toHaveLength(classNames.length)
  for (const { label, weights } of compared.map((label) => classes[label]))
    for (const [side, sign] of [1, -1].entries()) {
      const order = Array.from(weights.keys()).sort((a, b) => sign * (weights[b] - weights[a]))
      const expected = order.slice(0, 5).filter((cell) => weights[cell] * sign > 0)
      expect(shown[label][side].map(([cell]) => cell)).toEqual(expected)
      expectClose(
        shown[label][side].map(([, weight]) => weight),
        expected.map((cell) => weights[cell]),
      )
    }

  // The keys begin at the strongest cell of the picture that has the focus.
  const bag = classNames.indexOf('Bag')
  const [strongest] = Array.from(classes[bag].weights.keys()).sort(
    (a, b) => Math.abs(classes[bag].weights[b]) - Math.abs(classes[bag].weights[a]),
  )
  const status = gallery.getByRole('status')
  const place = (cell: number) => `Bag, row ${Math.floor(cell / columns) + 1}, column ${(cell % columns) + 1}:`
  await gallery.locator('.evidence-picture').nth(bag).focus()
  await expect.poll(() => status.textContent()).toContain(place(strongest))
  await page.keyboard.press('ArrowRight')
  await expect.poll(() => status.textContent()).toContain(place(strongest + 1))
  const numbers = await gallery.locator('figcaption').allTextContents()
  expect(numbers).toHaveLength(classNames.length)
  for (const label of compared) {
    const text = numbers[label]
    const share = Math.round(classes[label].agreement[strongest + 1] * 100)
    expect(text).toContain(`${share} % agree`)
  }
  const { violations } = await new AxeBuilder({ page }).analyze()
  expect(violations.map(({ id, help }) => ({ id, help }))).toEqual([])
  expect(await page.getByRole('alert').textContent()).toBe('')
  expect(complaints).toEqual([])
})
