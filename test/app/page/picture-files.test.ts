import { describe, expect, test } from 'vitest'
import { encodePng } from '../../../src/app/pictures/encode-png.ts'
import { fashionMnist } from '../../../src/app/tasks/fashion-mnist/task.ts'
import { expectClose, shownProbabilities, useSite } from './site.ts'

const {
  inputShape: [imageExtent],
} = fashionMnist

/** Pictures of one's own, chosen or dropped. */

const site = useSite()
const uploads = 'A picture of your own'

describe('the page', () => {
  test('takes a file, and its negative', async () => {
    const { page, complaints } = await site.open()
    const pixels = site.pixelsOf(5)
    const grey = Array.from(pixels, (value) => value / 255)
    // Three times as large: it is brought back to 28 x 28 exactly.
    const png = encodePng({ data: grey, height: imageExtent, width: imageExtent, channels: 1 }, { scale: 3 })
    const file = { name: 'trousers.png', mimeType: 'image/png', buffer: Buffer.from(png) }
    await page.getByLabel(uploads).setInputFiles(file)
    await page.getByText('trousers.png', { exact: true }).waitFor()
    expectClose(await shownProbabilities(page), await site.predicted(pixels))
    await page.getByRole('button', { name: 'Invert' }).click()
    const negative = pixels.map((value) => 255 - value)
    const expected = await site.predicted(negative)
    await expect.poll(async () => Math.abs((await shownProbabilities(page))[0] - expected[0])).toBeLessThan(1e-5)
    expectClose(await shownProbabilities(page), expected)
    expect(complaints).toEqual([])
  })

  test('takes what only the browser can read, dropped on it', async () => {
    const { page } = await site.open()
    await page.evaluate(async () => {
      const canvas = new OffscreenCanvas(40, 20)
      const context = canvas.getContext('2d')
      context?.fillRect(10, 5, 20, 10)
      const file = new File([await canvas.convertToBlob({ type: 'image/webp' })], 'wide.webp', { type: 'image/webp' })
      const dataTransfer = new DataTransfer()
      dataTransfer.items.add(file)
      dispatchEvent(new DragEvent('drop', { dataTransfer, cancelable: true }))
    })
    await page.getByText('wide.webp', { exact: true }).waitFor()
    await page.getByText('This looks dark on light').waitFor()
  })

  test.each([
    ['notes.png', Buffer.from('not a picture'), 'notes.png is not a picture this browser can read'],
    ['empty.png', Buffer.alloc(0), 'empty.png is empty'],
    ['cut.png', Buffer.from(encodePng({ data: [0, 1], height: 1, width: 2, channels: 1 })).subarray(0, 40), 'cut.png'],
  ])('says what is wrong with %s and keeps the picture', async (name, buffer, message) => {
    const { page } = await site.open()
    const before = await shownProbabilities(page)
    await page.getByLabel(uploads).setInputFiles({ name, mimeType: 'image/png', buffer })
    await page.getByRole('alert').getByText(message).waitFor()
    expect(await shownProbabilities(page)).toEqual(before)
    await page.getByRole('button', { name: 'Dismiss' }).click()
    await expect.poll(() => page.getByRole('alert').textContent()).toBe('')
  })
})
