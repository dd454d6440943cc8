import { readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ObjectCache } from '../../../src/app/runs/object-cache.ts'
import { useFolder } from './small-run.ts'

const folder = useFolder()

/** Asks for an object whose content is its name, many times over; says whether it was fetched. */
async function ask(cache: ObjectCache, name: string, size = 1000): Promise<boolean> {
  let fetched = false
  const content = await cache.get(name, async () => {
    fetched = true
    return Buffer.alloc(size, name)
  })
  expect(content && Buffer.alloc(size, name).equals(content)).toBe(true)
  return fetched
}

test('what was fetched is kept, for other workers of the machine, too', async () => {
  const own = join(folder, 'kept')
  expect(await ask(new ObjectCache(10_000, own), 'a')).toBe(true)
  expect(await ask(new ObjectCache(10_000, own), 'a')).toBe(false)
  expect(await ask(new ObjectCache(10_000, own), 'b')).toBe(true)
})

test('what was damaged on the disk is fetched anew', async () => {
  const own = join(folder, 'damaged')
  await ask(new ObjectCache(10_000, own), 'a')
  const [file] = readdirSync(own).map((name) => join(own, name))
  const bytes = readFileSync(file)
  bytes[500] ^= 1
  writeFileSync(file, bytes)
  expect(await ask(new ObjectCache(10_000, own), 'a')).toBe(true)
  expect(await ask(new ObjectCache(10_000, own), 'a')).toBe(false)
})

test('what was used longest ago makes room, and what is larger than all of it is not kept', async () => {
  const own = join(folder, 'full')
  const cache = new ObjectCache(5000, own)
  const before = new Set<string>()
  for (const [i, name] of ['a', 'b', 'c', 'd'].entries()) {
    await ask(cache, name)
    const [made] = readdirSync(own).filter((file) => !before.has(file))
    before.add(made)
    utimesSync(join(own, made), 1000 + i, 1000 + i)
  }
  expect(await ask(cache, 'a')).toBe(false)
  await ask(cache, 'e')
  const total = readdirSync(own).reduce((sum, name) => sum + statSync(join(own, name)).size, 0)
  expect(total).toBeLessThanOrEqual(5000)
  // a was used a moment ago, b was not.
  expect(await ask(cache, 'a')).toBe(false)
  expect(await ask(cache, 'b')).toBe(true)
  expect(await ask(cache, 'huge', 6000)).toBe(true)
  expect(await ask(cache, 'huge', 6000)).toBe(true)
})

test('an object that is not there is not kept, and a cache that can’t be written costs nothing but time', async () => {
  const nowhere = new ObjectCache(5000, '/proc/limelight')
  expect(await ask(nowhere, 'a')).toBe(true)
  expect(await ask(nowhere, 'a')).toBe(true)
  expect(await nowhere.get('b', async () => null)).toBe(null)
})
