import { afterEach, expect, test, vi } from 'vitest'
import { tuningMemory } from '../../../src/engine/platform/tuning-memory.ts'

afterEach(() => vi.unstubAllGlobals())

test('a browser remembers what several tabs found out at once', async () => {
  const machine = `a machine of ${performance.timeOrigin}`
  const names = Array.from({ length: 20 }, (_, i) => `choice ${i}`)
  await Promise.all(names.map((name) => tuningMemory().write(machine, { [name]: 'x' })))
  expect(Object.keys(await tuningMemory().read(machine)).sort()).toEqual(names.sort())
  expect(await tuningMemory().read('another machine')).toEqual({})
})

test('a database that does not answer is done without', async () => {
  vi.stubGlobal('indexedDB', { open: () => ({}) })
  await tuningMemory().write('a machine', { name: 'x' })
  expect(await tuningMemory().read('a machine')).toEqual({})
})
