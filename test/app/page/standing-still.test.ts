import { expect, test } from 'vitest'
import { expectClose, shownProbabilities, useSite } from './site.ts'

/** A Worker of the page that stands still while it starts, as Firefox's do now and then when they start another one. */

const site = useSite()

/** Of the engine's Worker: it is held for ever where it starts a thread. */
const stuck =
  'self.Worker = class { constructor() { Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0) } };\n'

async function openWithStuckWorkers(count: number) {
  const context = await site.browser.newContext({ serviceWorkers: 'block' })
  const page = await context.newPage()
  let started = 0
  await page.route(/engine-worker/, async (route) => {
    const response = await route.fetch()
    const script = await response.text()
    await route.fulfill({ response, body: started++ < count ? stuck + script : script })
  })
  await page.goto(`${site.address}?index=3`)
  return { context, page, started: () => started }
}

test('is replaced, and the page opens', async () => {
  const { context, page, started } = await openWithStuckWorkers(1)
  expectClose(await shownProbabilities(page), await site.predicted(site.pixelsOf(3)))
  expect(started()).toBe(2)
  // With its threads.
  expect(await page.locator('.device-name').textContent()).toContain(site.device.info.adapter)
  await context.close()
})

test('is not replaced where it does start, and not for ever', async () => {
  const lively = await openWithStuckWorkers(0)
  await shownProbabilities(lively.page)
  const { context, page, started } = await openWithStuckWorkers(9)
  await expect.poll(started, { timeout: 60_000 }).toBe(3)
  await page.waitForTimeout(12_000)
  expect([lively.started(), started()]).toEqual([1, 3])
  await lively.context.close()
  await context.close()
})
