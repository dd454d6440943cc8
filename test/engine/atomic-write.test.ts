import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { checkWritable, FileWriteError, writeFileAtomically } from '../../src/engine/atomic-write.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'limelight-write-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

it('writes bytes and text, into folders that it makes, over what was there, and leaves nothing else', async () => {
  const path = join(folder, 'a', 'b', 'file')
  await writeFileAtomically(path, 'first and longer')
  await writeFileAtomically(path, Uint8Array.of(1, 2, 3))
  expect([...(await readFile(path))]).toEqual([1, 2, 3])
  expect(await readdir(join(folder, 'a', 'b'))).toEqual(['file'])
})

it('of many that write one file at once, one wins whole', async () => {
  const path = join(folder, 'file')
  const contents = Array.from({ length: 12 }, (_, i) => new Uint8Array(200_000 + i).fill(i))
  await Promise.all(contents.map((content) => writeFileAtomically(path, content)))
  const read = new Uint8Array(await readFile(path))
  expect(read).toEqual(contents[read[0]])
  expect(await readdir(folder)).toEqual(['file'])
})

it('that fails leaves the file that was there, and no temporary one', async () => {
  // A folder that is not empty can't be renamed over: the failure comes after everything was written.
  const path = join(folder, 'taken')
  await mkdir(path)
  await writeFile(join(path, 'inside'), 'kept')
  const failure = await writeFileAtomically(path, 'new').catch((error: unknown) => error)
  expect(failure).toBeInstanceOf(FileWriteError)
  expect(failure).toMatchObject({ path })
  expect(await readdir(folder)).toEqual(['taken'])
  expect(await readFile(join(path, 'inside'), 'utf8')).toBe('kept')
})

it('says why it failed: a file in the way, a name too long', async () => {
  await writeFile(join(folder, 'file'), '')
  await expect(writeFileAtomically(join(folder, 'file', 'below'), 'x')).rejects.toThrow(
    `can't write ${join(folder, 'file', 'below')}: a part of this path is a file, not a folder`,
  )
  await expect(writeFileAtomically(join(folder, 'n'.repeat(300)), 'x')).rejects.toThrow('the name is too long')
})

it("says in words what the system's codes mean, and repeats what it does not know", () => {
  const failure = (code: string) =>
    new FileWriteError('/x/file', Object.assign(new Error('some reason'), { code })).message
  expect(failure('ENOSPC')).toBe("can't write /x/file: the disk is full")
  expect(failure('EACCES')).toBe("can't write /x/file: no permission to write in this folder")
  expect(failure('EROFS')).toBe("can't write /x/file: the file system is read-only")
  expect(failure('EWHATEVER')).toBe("can't write /x/file: some reason")
})

it('finds out beforehand whether a file can be written, and leaves no trace', async () => {
  const path = join(folder, 'new', 'file')
  await checkWritable(path)
  expect(await readdir(join(folder, 'new'))).toEqual([])
  await writeFile(path, 'kept')
  await checkWritable(path)
  expect(await readFile(path, 'utf8')).toBe('kept')
  await expect(checkWritable(join(path, 'below'))).rejects.toThrow(FileWriteError)
  await expect(checkWritable(folder)).rejects.toThrow(/there is a folder of this name/)
})

it('gives up where no folder can be made', async () => {
  // /proc refuses with ENOENT, as if the folder above were missing.
  const path = process.platform === 'linux' ? '/proc/limelight/file' : join(folder, 'file', 'below', 'file')
  if (process.platform !== 'linux') await writeFile(join(folder, 'file'), '')
  await expect(checkWritable(path)).rejects.toThrow(FileWriteError)
  await expect(writeFileAtomically(path, 'x')).rejects.toThrow(FileWriteError)
})
