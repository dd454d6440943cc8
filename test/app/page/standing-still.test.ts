import type { Page } from 'playwright'
import { expect, test } from 'vitest'
import { expectClose, shownProbabilities, useSite } from './site.ts'

/**
 * A Worker of the page that stands still while it starts, as Firefox's do now and then when they start another one. Time passes for the page
 * when a test says so; a Worker has its own.
 */

const site = useSite()

/** Of the engine's Worker: it says that it stands still, and is held for ever, where it starts a thread. */
const stuck = `
  self.Worker = class {
    constructor() {
      const request = new XMLHttpRequest()
      request.open('GET', new URL('/stuck', location.href), false)
      request.send()
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
    }
  };
`

async function openWithStuckWorkers(count: number) {
  const context = await site.browser.newContext({ serviceWorkers: 'block' })
  const page = await context.newPage()
  await page.clock.install()
  let started = 0
  let stood = 0
  await page.route(/engine-worker/, async (route) => {
    const response = await route.fetch()
    const script = await response.text()
    await route.fulfill({ response, body: started++ < count ? stuck + script : script })
  })
  await page.route('**/stuck', async (route) => {
    await route.fulfill({ status: 204 })
    stood++
  })
  await page.goto(`${site.address}?index=3`)
  return { context, page, started: () => started, stood: () => stood }
}

/** More than the ten seconds that the page waits for a sign of life. */
const passTime = (page: Page) => page.clock.runFor(12_000)

test('is replaced, and the page opens', async () => {
  const { context, page, started, stood } = await openWithStuckWorkers(1)
  await expect.poll(stood).toBe(1)
  expect(started()).toBe(1)
  await passTime(page)
  expectClose(await shownProbabilities(page), await site.predicted(site.pixelsOf(3)))
  expect(started()).toBe(2)
  // With its threads.
  expect(await page.locator('.device-name').textContent()).toContain(site.device.info.adapter)
  await context.close()
})

test('is not replaced where it does start, and not for ever', async () => {
  const lively = await openWithStuckWorkers(0)
  await shownProbabilities(lively.page)
  const { context, page, started, stood } = await openWithStuckWorkers(9)
  for (const nth of [1, 2, 3]) {
    await expect.poll(stood).toBe(nth)
    await passTime(page)
  }
  await passTime(lively.page)
  // Were another one started, its script would be asked for by now.
  await page.waitForTimeout(1000)
  expect([lively.started(), started()]).toEqual([1, 3])
  await lively.context.close()
  await context.close()
})
