import { expect, test } from 'vitest'
import { explained, useSite } from './site.ts'

/** Two tabs of one browser: what it keeps of a training has one place. */

const site = useSite()

test('one tab trains; the other says so, does everything else, and takes over when that one is closed', async () => {
  const { page: first, complaints } = await site.open('?view=train')
  const second = await first.context().newPage()
  await second.goto(`${site.address}?view=train`)
  const train = second.getByRole('button', { name: 'Train', exact: true })
  await expect.poll(() => train.isEnabled()).toBe(true)

  await first.getByLabel('Training images').fill('300')
  await first.getByLabel('Epochs', { exact: true }).fill('100')
  await first.getByRole('button', { name: 'Train', exact: true }).click()
  await first.locator('.course .facts').waitFor()
  const elsewhere = 'A training runs in another tab of this browser'
  await second.getByText(elsewhere).waitFor()
  expect(await train.isDisabled()).toBe(true)
  // A tab that comes later says the same, and not that a training was cut off.
  await second.reload()
  await second.getByText(elsewhere).waitFor()
  expect(await second.getByText('A training was cut off').count()).toBe(0)
  await second.getByRole('link', { name: 'Explain', exact: true }).click()
  await explained(second)
  expect(await first.locator('[data-phase="stopped"]').count()).toBe(0)

  // Closed in the midst of it, after it has kept where it was.
  await first.getByRole('button', { name: 'Pause' }).click()
  await first.locator('[data-phase="paused"]').waitFor()
  await first.close()
  await second.getByRole('link', { name: 'Train' }).click()
  await second.getByText('A training was cut off in epoch').waitFor()
  expect(await second.getByText(elsewhere).count()).toBe(0)
  await second.getByRole('button', { name: 'Go on' }).click()
  await second.locator('[data-phase="running"]').waitFor()
  await second.getByRole('button', { name: 'Stop' }).click()
  await second.locator('[data-phase="stopped"]').waitFor()
  await expect.poll(() => train.isEnabled()).toBe(true)
  expect(complaints).toEqual([])
})

test('a tab that has only waited for a training’s end, and has its turn for a moment, keeps no other from training', async () => {
  const { page: first, complaints } = await site.open('?view=train')
  const second = await first.context().newPage()
  await second.goto(`${site.address}?view=train`)
  await first.getByLabel('Training images').fill('300')
  await first.getByLabel('Epochs', { exact: true }).fill('1')
  // As watchOtherTabs() has it, but for longer.
  await second.evaluate(() => {
    let isHeld = () => {}
    const held = new Promise<void>((resolve) => {
      isHeld = resolve
    })
    void navigator.locks.request('limelight-training', { mode: 'shared' }, () => {
      isHeld()
      return new Promise((resolve) => setTimeout(resolve, 1500))
    })
    return held
  })
  await first.getByRole('button', { name: 'Train', exact: true }).click()
  await first.locator('[data-phase="done"]').waitFor()
  expect((await first.getByRole('alert').allTextContents()).join('')).toBe('')
  expect(complaints).toEqual([])
})

test('a training that is stopped before it has its turn never begins', async () => {
  const { page, complaints } = await site.open('?view=train')
  await page.getByLabel('Training images').fill('300')
  await page.getByLabel('Epochs', { exact: true }).fill('100')
  await page.evaluate(() => {
    const { locks } = navigator
    let grant = () => {}
    const granted = new Promise<void>((resolve) => {
      grant = resolve
    })
    document.addEventListener('grant', grant)
    const late: ProxyHandler<LockManager['request']> = {
      apply: (request, _self, given) => granted.then(() => Reflect.apply(request, locks, given)),
    }
    Object.defineProperty(locks, 'request', { value: new Proxy(locks.request, late) })
  })
  await page.getByRole('button', { name: 'Train', exact: true }).click()
  await page.locator('[data-phase="fetching"]').waitFor()
  await page.getByRole('button', { name: 'Stop' }).click()
  await page.evaluate(() => document.dispatchEvent(new Event('grant')))
  await page.getByRole('button', { name: 'Train', exact: true }).and(page.locator(':enabled')).waitFor()
  expect(await page.locator('[data-phase="running"], [data-phase="fetching"]').count()).toBe(0)
  expect((await page.getByRole('alert').allTextContents()).join('')).toBe('')
  expect(complaints).toEqual([])
})
