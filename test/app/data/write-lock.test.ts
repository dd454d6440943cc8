import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { devNull, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { InUseError, lockFile, lockFolder } from '../../../src/app/data/write-lock.ts'
import { FileWriteError } from '../../../src/engine/platform/atomic-write.ts'

/** What takes several processes, their kills among it, is in test/app/cli/files.test.ts. */

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'limelight-lock-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

it('lets one in at a time, says who that is, and leaves nothing behind', async () => {
  const out = join(folder, 'out')
  const first = await lockFolder(out)
  expect(first.unlocked).toBeNull()
  const refusal = await lockFolder(out).catch((error: unknown) => error)
  expect(refusal).toBeInstanceOf(InUseError)
  expect(String(refusal)).toContain(`${out} is being written by process ${process.pid} on `)
  first.release()
  expect(readdirSync(out)).toEqual([])
  const second = await lockFolder(out)
  second.release()
})

it('of many that ask again and again, never two have it', async () => {
  let inside = 0
  let most = 0
  let entries = 0
  const contend = async () => {
    for (let round = 0; round < 15; ) {
      const lock = await lockFolder(folder).catch((error: unknown) => {
        if (!(error instanceof InUseError)) throw error
      })
      if (lock) {
        most = Math.max(most, ++inside)
        await new Promise((resolve) => setImmediate(resolve))
        inside--
        lock.release()
        entries++
        round++
      }
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  await Promise.all([contend(), contend(), contend()])
  expect(most).toBe(1)
  expect(entries).toBe(45)
})

it('is not kept out by a file that a killed process left, though another process has its number now', async () => {
  writeFileSync(join(folder, '.lock'), JSON.stringify({ process: process.pid, host: 'here', since: 'then' }))
  const lock = await lockFolder(folder)
  expect(JSON.parse(readFileSync(join(folder, '.lock'), 'utf8'))).toMatchObject({ process: process.pid })
  lock.release()
})

it('locks one file, by whatever link it is named', async () => {
  const file = join(folder, 'model')
  symlinkSync('model', join(folder, 'link'))
  const lock = await lockFile(join(folder, 'link'))
  await expect(lockFile(file)).rejects.toThrow(InUseError)
  const other = await lockFile(join(folder, 'other'))
  other.release()
  lock.release()
  expect(readdirSync(folder)).toEqual(['link'])
})

it('keeps nobody from writing to nowhere', async () => {
  const locks = [await lockFile(devNull), await lockFile(devNull)]
  for (const lock of locks) lock.release()
})

it('refuses where no file can be made', async () => {
  await expect(lockFolder('/proc/limelight/x')).rejects.toThrow(FileWriteError)
})

it('says so where the system has no locks', { skip: process.platform !== 'linux' }, async () => {
  const { PATH } = process.env
  process.env.PATH = folder
  try {
    const lock = await lockFolder(join(folder, 'out'))
    expect(lock.unlocked).toBe('the program flock is missing')
    lock.release()
    // And where the program is there, but the file system refuses.
    writeFileSync(join(folder, 'flock'), '#!/bin/sh\necho "flock: 3: No locks available" >&2\nexit 1\n', {
      mode: 0o755,
    })
    const refused = await lockFolder(join(folder, 'out'))
    expect(refused.unlocked).toBe('flock: 3: No locks available')
    refused.release()
  } finally {
    process.env.PATH = PATH
  }
  expect(existsSync(join(folder, 'out', '.lock'))).toBe(false)
})
