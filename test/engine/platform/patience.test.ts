import { expect, it } from 'vitest'
import { within } from '../../../src/engine/platform/patience.ts'

it('what never comes is done without, and so is what fails', async () => {
  expect(await within(10, new Promise<string>(() => {}), 'nothing')).toBe('nothing')
  expect(await within(10_000, Promise.reject<string>(new Error('refused')), 'nothing')).toBe('nothing')
  expect(await within(10_000, Promise.resolve('kept'), 'nothing')).toBe('kept')
})
