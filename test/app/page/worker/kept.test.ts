import { afterEach, expect, it, vi } from 'vitest'

afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

it('a database that does not answer is waited for once, and then done without', async () => {
  vi.useFakeTimers()
  vi.stubGlobal('indexedDB', { open: () => ({}) })
  const { forget, keep, kept } = await import('../../../../src/app/page/worker/kept.ts')
  const first = kept('network')
  await vi.advanceTimersByTimeAsync(10_000)
  expect(await first).toBeNull()
  expect(await keep('network', new Uint8Array(1))).toMatch(/does not answer/)
  expect(await kept('training')).toBeNull()
  await forget('training')
})

it('a database that refuses says why nothing is kept, each time', async () => {
  vi.resetModules()
  vi.stubGlobal('indexedDB', {
    open() {
      throw new Error('a private window')
    },
  })
  const { keep, kept } = await import('../../../../src/app/page/worker/kept.ts')
  for (let time = 0; time < 2; time++) expect(await keep('network', new Uint8Array(1))).toBe('a private window')
  expect(await kept('network')).toBeNull()
})
