import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { ImageReadError, StoreError } from '../../../src/app/runs/errors.ts'
import { openImageSource } from '../../../src/app/runs/image-source.ts'
import { ObjectCache } from '../../../src/app/runs/object-cache.ts'
import { pictureFile, useFolder } from './small-run.ts'

/** A disk that fails, and files that may not be read: nothing refuses a test that root runs. */

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>()
  return { ...real, readFile: vi.fn(real.readFile) }
})

const folder = useFolder()

it.each(['EACCES', 'EIO', 'ESTALE'])('%s of one image is no fault of the picture, nor of the place', async (code) => {
  pictureFile(join(folder, 'a.png'), 1)
  const source = await openImageSource(folder, 'run', new ObjectCache(0))
  vi.mocked(readFile).mockRejectedValueOnce(Object.assign(new Error(`${code}: it failed`), { code }))
  const refusal = await source.read({ path: 'a.png' }).catch((error: unknown) => error)
  expect(refusal).toBeInstanceOf(ImageReadError)
  expect(String(refusal)).toBe(`ImageReadError: ${join(folder, 'a.png')} can't be read: ${code}: it failed`)
  expect((await source.read({ path: 'a.png' })).length).toBeGreaterThan(0)
})

it('a folder of images that is not there is the fault of the place', async () => {
  const source = await openImageSource(join(folder, 'nowhere'), 'run', new ObjectCache(0))
  await expect(source.read({ path: 'a.png' })).rejects.toBeInstanceOf(StoreError)
})
