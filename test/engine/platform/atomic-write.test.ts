import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmod,
  chown,
  lstat,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { createServer } from 'node:net'
import { devNull, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import {
  checkWritable,
  FileWriteError,
  openToAppend,
  writeFileAtomically,
} from '../../../src/engine/platform/atomic-write.ts'

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

it('follows symbolic links, also to what is not there yet, and leaves them', async () => {
  await mkdir(join(folder, 'elsewhere'))
  await writeFile(join(folder, 'elsewhere', 'file'), 'old')
  await symlink(join('elsewhere', 'file'), join(folder, 'relative'))
  await symlink(join(folder, 'relative'), join(folder, 'chain'))
  await writeFileAtomically(join(folder, 'chain'), 'new')
  expect(await readFile(join(folder, 'elsewhere', 'file'), 'utf8')).toBe('new')
  await symlink(join('missing', 'file'), join(folder, 'dangling'))
  await checkWritable(join(folder, 'dangling'))
  await writeFileAtomically(join(folder, 'dangling'), 'made')
  expect(await readFile(join(folder, 'missing', 'file'), 'utf8')).toBe('made')
  // A folder may be a link to one that is to be made, and a link's ".." starts where it leads.
  await symlink('new-folder', join(folder, 'folder-link'))
  await writeFileAtomically(join(folder, 'folder-link', 'file'), 'inside')
  expect(await readFile(join(folder, 'new-folder', 'file'), 'utf8')).toBe('inside')
  await mkdir(join(folder, 'deep', 'deeper'), { recursive: true })
  await symlink(join(folder, 'deep', 'deeper'), join(folder, 'far'))
  await symlink('far/../beside', join(folder, 'up'))
  await writeFileAtomically(join(folder, 'up'), 'up')
  expect(await readFile(join(folder, 'deep', 'beside'), 'utf8')).toBe('up')
  for (const link of ['relative', 'chain', 'dangling', 'folder-link', 'up'])
    expect((await lstat(join(folder, link))).isSymbolicLink()).toBe(true)
  await symlink('round', join(folder, 'round'))
  await expect(writeFileAtomically(join(folder, 'round'), 'x')).rejects.toThrow(/symbolic links go round in a circle/)
})

/** As somebody who is not root, in the folder, which lies where only root may look: root may write what nobody may. */
async function asSomebody(work: () => Promise<void>): Promise<void> {
  const before = process.cwd()
  const isRoot = process.geteuid?.() === 0
  if (isRoot) await chown(folder, 65534, 65534)
  process.chdir(folder)
  if (isRoot) process.seteuid?.(65534)
  try {
    await work()
  } finally {
    if (isRoot) process.seteuid?.(0)
    process.chdir(before)
  }
}

it('keeps the mode of a file that it replaces, and leaves one alone that is write-protected', async () => {
  const path = join(folder, 'file')
  await writeFile(path, 'old')
  for (const mode of [0o600, 0o666, 0o755]) {
    await chmod(path, mode)
    await writeFileAtomically(path, 'new')
    expect((await stat(path)).mode & 0o777).toBe(mode)
  }
  await chmod(path, 0o444)
  await asSomebody(async () => {
    await expect(checkWritable('file')).rejects.toThrow("can't write file: the file is write-protected")
    await expect(writeFileAtomically('file', 'newer')).rejects.toThrow(FileWriteError)
  })
  expect(await readFile(path, 'utf8')).toBe('new')
})

it('refuses pipes, sockets, devices and streams, waits for none, and takes the null device', async () => {
  const refused = async (path: string, kind: string) => {
    const before = await lstat(path)
    for (const attempt of [checkWritable, openToAppend, (path: string) => writeFileAtomically(path, 'x')])
      await expect(attempt(path)).rejects.toThrow(`can't write ${path}: this is a ${kind}, not a regular file`)
    expect((await lstat(path)).ino).toBe(before.ino)
  }
  const server = createServer().listen(join(folder, 'socket'))
  await once(server, 'listening')
  await refused(join(folder, 'socket'), 'socket')
  server.close()
  await checkWritable(devNull)
  await writeFileAtomically(devNull, 'gone')
  expect((await stat(devNull)).isCharacterDevice()).toBe(true)
  await expect(openToAppend(devNull)).rejects.toThrow(FileWriteError)
  if (process.platform === 'win32') return
  const pipe = join(folder, 'pipe')
  execFileSync('mkfifo', [pipe])
  await refused(pipe, 'named pipe')
  await symlink(pipe, join(folder, 'link-to-pipe'))
  await refused(join(folder, 'link-to-pipe'), 'named pipe')
  await refused('/dev/zero', 'device')
  // Behind it is a pipe or, where the shell sends it to a file, what is printed.
  const file = await open(join(folder, 'printed'), 'w')
  await refused(`/dev/fd/${file.fd}`, 'stream of the process')
  await file.close()
})

it('takes a path that ends in a slash for a folder', async () => {
  await expect(writeFileAtomically(`${join(folder, 'models')}/`, 'x')).rejects.toThrow(/there is a folder of this name/)
  expect(await readdir(folder)).toEqual([])
})
