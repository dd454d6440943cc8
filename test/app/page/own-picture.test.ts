import { type Browser, chromium, type Locator, type Page } from 'playwright'
import { describe, expect, test } from 'vitest'
import { type Brush, Stroke } from '../../../src/app/page/pictures/brush.ts'
import type { Point } from '../../../src/app/page/pictures/lines.ts'
import { fashionMnist } from '../../../src/app/tasks/fashion-mnist/task.ts'
import { chromiumFlags, findChromium } from '../../chromium.ts'
import { expectClose, pickNumber, shownProbabilities, useSite } from './site.ts'

const {
  classNames,
  inputShape: [imageExtent],
} = fashionMnist

/** Pictures that people make themselves: drawn with the mouse and by keys, changed from a test image, taken with a camera. */

const site = useSite()
const size = imageExtent * imageExtent
const middle = { x: imageExtent / 2 + 0.5, y: imageExtent / 2 + 0.5 }
/** The pad's first. */
const brush: Brush = { radius: 1, brightness: 204, fills: false, mirrors: false }

async function openPad(page: Page): Promise<Locator> {
  await page.getByText('Draw one, or draw on this one').click()
  return page.getByRole('application', { name: 'Drawing pad' })
}

/** The 28 x 28 pixels of the canvas in there. */
function pixelsIn(place: Locator): Promise<number[]> {
  return place.locator('canvas').evaluate((canvas) => {
    const { width, height } = canvas as HTMLCanvasElement
    // A copy: Chromium complains of a page's own canvas that is read again and again.
    const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })
    context?.drawImage(canvas as HTMLCanvasElement, 0, 0)
    const { data } = context?.getImageData(0, 0, width, height) ?? { data: [] }
    return Array.from({ length: width * height }, (_, pixel) => data[4 * pixel])
  })
}

/** Moves the mouse over these points of the pad, pressed; it stays pressed. */
async function draw(page: Page, pad: Locator, [first, ...rest]: readonly Point[]): Promise<void> {
  await pad.scrollIntoViewIfNeeded()
  const { x: left, y: top, width } = (await pad.boundingBox()) ?? { x: 0, y: 0, width: 0 }
  const at = ({ x, y }: Point) => [left + (x / imageExtent) * width, top + (y / imageExtent) * width] as const
  await page.mouse.move(...at(first))
  await page.mouse.down()
  for (const point of rest) await page.mouse.move(...at(point), { steps: 5 })
}

/** Waits until the page shows what the model in Node says about the pad's pixels. */
async function expectPredicted(page: Page, place: Locator): Promise<void> {
  await expect
    .poll(async () => {
      const expected = await site.predicted(Uint8Array.from(await pixelsIn(place)))
      const shown = await shownProbabilities(page)
      return Math.max(...shown.map((value, label) => Math.abs(value - expected[label])))
    })
    .toBeLessThan(1e-5)
}

function drawn(points: readonly Point[], from: Uint8Array = new Uint8Array(size), by = brush): Uint8Array {
  const stroke = new Stroke(from, by)
  for (const point of points) stroke.to(point)
  return stroke.pixels()
}

describe('a drawing', () => {
  test('is predicted while it is drawn, and can be undone and redone', async () => {
    const { page, complaints } = await site.open()
    const pad = await openPad(page)
    const undo = page.getByRole('button', { name: 'Undo' })
    expect(await undo.isDisabled()).toBe(true)
    await draw(page, pad, [
      { x: 4.5, y: 6.5 },
      { x: 24.5, y: 6.5 },
    ])
    // The mouse is still pressed.
    await page.getByText('Drawing', { exact: true }).waitFor()
    await expectPredicted(page, pad)
    await page.mouse.up()
    const once = await pixelsIn(pad)
    // One line without a gap, and nothing else.
    for (let x = 5; x < 24; x++) expect(once[6 * imageExtent + x]).toBeGreaterThan(190)
    expect(once.filter((value, pixel) => value > 0 && Math.abs(Math.floor(pixel / imageExtent) - 6) > 1)).toEqual([])

    await draw(page, pad, [
      { x: 14, y: 6 },
      { x: 14, y: 26 },
    ])
    await page.mouse.up()
    await expectPredicted(page, pad)
    const twice = await pixelsIn(pad)
    await undo.click()
    await expect.poll(() => pixelsIn(pad)).toEqual(once)
    await expectPredicted(page, pad)
    await undo.click()
    await expect.poll(() => pixelsIn(pad)).toEqual(Array.from(new Uint8Array(size)))
    for (let step = 0; step < 2; step++) await page.getByRole('button', { name: 'Redo' }).click()
    await expect.poll(() => pixelsIn(pad)).toEqual(twice)
    await expectPredicted(page, pad)
    expect(complaints).toEqual([])
  })

  test('is made by keys alone', async () => {
    const { page, complaints } = await site.open()
    const pad = await openPad(page)
    await pad.focus()
    await page.keyboard.press('Space')
    let expected = drawn([middle])
    await expect.poll(() => pixelsIn(pad)).toEqual(Array.from(expected))
    expect(await page.getByText(`Row ${imageExtent / 2 + 1}, column`).textContent()).toContain('80 % bright')

    // One stroke, for as long as Shift is held.
    await page.keyboard.down('Shift')
    for (let step = 0; step < 4; step++) await page.keyboard.press('ArrowRight')
    for (let step = 0; step < 6; step++) await page.keyboard.press('ArrowUp')
    await page.keyboard.up('Shift')
    const before = expected
    const corner = { x: middle.x + 4, y: middle.y }
    const end = { x: corner.x, y: corner.y - 6 }
    expected = drawn([middle, corner, end], expected)
    await expect.poll(() => pixelsIn(pad)).toEqual(Array.from(expected))
    await expectPredicted(page, pad)

    await page.keyboard.press('Delete')
    const erased = drawn([end], expected, { ...brush, brightness: 0 })
    await expect.poll(() => pixelsIn(pad)).toEqual(Array.from(erased))
    await page.keyboard.press('Control+z')
    await page.keyboard.press('Control+z')
    await expect.poll(() => pixelsIn(pad)).toEqual(Array.from(before))
    await page.keyboard.press('Control+Shift+Z')
    await expect.poll(() => pixelsIn(pad)).toEqual(Array.from(expected))
    await expectPredicted(page, pad)
    expect(complaints).toEqual([])
  })

  test('starts from a test image, which loses what is erased', async () => {
    const { page, complaints } = await site.open()
    await pickNumber(page, 9)
    const pad = await openPad(page)
    const start = page.getByRole('button', { name: 'Start from the picture shown' })
    await start.click()
    const original = Array.from(site.pixelsOf(9))
    await expect.poll(() => pixelsIn(pad)).toEqual(original)
    expect(await start.isDisabled()).toBe(true)
    // Nothing is changed yet: it is still the test image.
    expect(await page.locator('.picture-name').textContent()).toBe('Test image 9')

    await page.getByLabel('Erase').check()
    await page.getByLabel('Brush size').fill('8')
    await draw(page, pad, [
      { x: 2, y: 14 },
      { x: 26, y: 14 },
    ])
    await page.mouse.up()
    await page.getByText('Drawing', { exact: true }).waitFor()
    await expectPredicted(page, pad)
    const pixels = await pixelsIn(pad)
    for (let x = 3; x < 25; x++) expect(pixels[14 * imageExtent + x]).toBe(0)
    expect(pixels.slice(0, 8 * imageExtent)).toEqual(original.slice(0, 8 * imageExtent))

    await page.getByRole('button', { name: 'Undo' }).click()
    await expect.poll(() => pixelsIn(pad)).toEqual(original)
    await expectPredicted(page, pad)
    expect(complaints).toEqual([])
  })

  test('is filled and mirrored, and so half an outline makes a T-shirt', async () => {
    const { page, complaints } = await site.open()
    const pad = await openPad(page)
    await page.getByLabel('Fill what a stroke encloses').check()
    await page.getByLabel('Mirror').check()
    const outline = [14, 3, 9, 3, 2, 9, 6, 13, 9, 10, 9, 25, 14, 25]
    const points = Array.from({ length: outline.length / 2 }, (_, i) => ({ x: outline[2 * i], y: outline[2 * i + 1] }))
    await draw(page, pad, points)
    await page.mouse.up()
    await expectPredicted(page, pad)
    expect(await page.locator('.predicted').textContent()).toBe(classNames[0])
    const pixels = await pixelsIn(pad)
    for (let pixel = 0; pixel < size; pixel++) {
      const x = pixel % imageExtent
      expect(pixels[pixel]).toBe(pixels[pixel - x + imageExtent - 1 - x])
    }
    await page.getByRole('button', { name: 'Clear' }).click()
    await expect.poll(() => pixelsIn(pad)).toEqual(Array.from(new Uint8Array(size)))
    expect(complaints).toEqual([])
  })
})

describe('the camera', () => {
  const fakeCameras = '--use-fake-device-for-media-stream=device-count=2'
  async function withBrowser(flags: readonly string[], use: (browser: Browser) => Promise<void>): Promise<void> {
    const browser = await chromium.launch({ executablePath: findChromium(), args: [...chromiumFlags, ...flags] })
    try {
      await use(browser)
    } finally {
      await browser.close()
    }
  }

  const opener = (page: Page) => page.getByRole('button', { name: 'Use the camera' })
  const isFocused = (button: Locator) => button.evaluate((element) => element === document.activeElement)

  /** Whether what the camera sees is still looked at, asked when the video may be gone. */
  async function rememberTrack(page: Page): Promise<() => Promise<string>> {
    const track = await page
      .locator('video')
      .evaluateHandle((video) => ((video as HTMLVideoElement).srcObject as MediaStream).getTracks()[0])
    return () => track.evaluate(({ readyState }) => readyState)
  }

  test('takes a picture, and is off again', async () => {
    await withBrowser([fakeCameras, '--use-fake-ui-for-media-stream'], async (browser) => {
      const { page, complaints } = await site.open('', browser)
      const cancel = page.getByRole('button', { name: 'Cancel' })
      const take = page.getByRole('button', { name: 'Take picture' })
      const name = page.locator('.picture-name')
      const before = await name.textContent()

      // Two ways out without a picture.
      for (const leave of [() => cancel.click(), () => page.keyboard.press('Escape')]) {
        await opener(page).click()
        await expect.poll(() => isFocused(take)).toBe(true)
        const state = await rememberTrack(page)
        expect(await state()).toBe('live')
        await leave()
        await expect.poll(() => isFocused(opener(page))).toBe(true)
        expect(await state()).toBe('ended')
      }
      expect(await name.textContent()).toBe(before)

      await opener(page).click()
      await expect.poll(() => take.isEnabled()).toBe(true)
      const first = await rememberTrack(page)
      await page.getByRole('combobox', { name: 'Camera' }).selectOption({ index: 1 })
      await expect.poll(first).toBe('ended')
      await expect.poll(() => take.isEnabled()).toBe(true)
      const second = await rememberTrack(page)
      await take.click()
      await page.getByText('Camera picture', { exact: true }).waitFor()
      expect(await second()).toBe('ended')
      const view = page.locator('.picture-view')
      await expectPredicted(page, view)
      // The fake camera shows something on a ground that is not black.
      expect(new Set(await pixelsIn(view)).size).toBeGreaterThan(2)
      expect(await page.getByRole('alert').textContent()).toBe('')
      expect(complaints.filter((complaint) => !complaint.includes('powerPreference'))).toEqual([])
    })
  })

  test('is off when nobody looks at the page any more', async () => {
    await withBrowser([fakeCameras, '--use-fake-ui-for-media-stream'], async (browser) => {
      const { page } = await site.open('', browser)
      await opener(page).click()
      await page.locator('video').waitFor()
      const state = await rememberTrack(page)
      await page.evaluate(() => {
        Object.defineProperty(document, 'visibilityState', { value: 'hidden' })
        document.dispatchEvent(new Event('visibilitychange'))
      })
      await opener(page).waitFor()
      expect(await state()).toBe('ended')
    })
  })

  test('that may not be used is said to, and the picture stays', async () => {
    await withBrowser([fakeCameras, '--deny-permission-prompts'], async (browser) => {
      const { page } = await site.open('', browser)
      const before = await shownProbabilities(page)
      await opener(page).click()
      await page.getByRole('alert').getByText('The camera may not be used').waitFor()
      expectClose(await shownProbabilities(page), before)
      expect(await opener(page).isVisible()).toBe(true)
    })
  })

  test('that is not there, in use, or not to be had is told apart', async () => {
    const { page } = await site.open()
    const alert = page.getByRole('alert')
    await opener(page).click()
    await alert.getByText('No camera was found').waitFor()
    await page.evaluate(() => {
      navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotReadableError'))
    })
    await opener(page).click()
    await alert.getByText('another program may be using it').waitFor()
    // As in a page that came by HTTP from another machine.
    await page.evaluate(() => Object.defineProperty(navigator, 'mediaDevices', { value: undefined }))
    await opener(page).click()
    await alert.getByText('only be used over HTTPS or on localhost').waitFor()
  })
})
