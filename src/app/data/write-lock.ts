import { spawnSync } from 'node:child_process'
import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { hostname } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { LimelightError } from '../../engine/errors.ts'
import { FileWriteError, makeFolder, regularFileAt } from '../../engine/platform/atomic-write.ts'

/**
 * One process at a time writes a result. The lock is the kernel's own, on an open file: it ends with the process however
 * that ends, needs no sign of life from a process that computes, mistakes no process for another whose number it got, and
 * holds between containers, and between hosts on file systems that lock across them (NFS). A file that only says "taken"
 * would have none of this. What is written in it is for people: who has it.
 *
 * macOS and Windows lock as a file is opened. Linux has a system call that Node does not offer, but the program flock(1)
 * makes it for a file that it inherits, and what it locks is the open file, which stays ours. Where that program or the
 * file system has no locks, work goes on and says so; whoever appends to a file still looks whether it is alone there.
 */

/** Another process writes there. */
export class InUseError extends LimelightError {
  override readonly name = 'InUseError'
}

export interface WriteLock {
  /** Why nothing could be locked, if so. */
  readonly unlocked: string | null
  release(): void
}

/** The lock of all that is written into a folder. @throws InUseError, FileWriteError */
export function lockFolder(folder: string): Promise<WriteLock> {
  return lock(join(folder, '.lock'), folder)
}

/** The lock of one file, which may not be there yet. @throws InUseError, FileWriteError */
export async function lockFile(path: string): Promise<WriteLock> {
  const { file, isNull } = await regularFileAt(path)
  // Any number of processes may write to nowhere.
  if (isNull) return { unlocked: null, release() {} }
  return lock(join(dirname(file), `.${basename(file).slice(0, 200)}.lock`), path)
}

/** @param guarded as people named it */
async function lock(path: string, guarded: string): Promise<WriteLock> {
  await makeFolder(dirname(path))
  await regularFileAt(path)
  for (;;) {
    const { file, unlocked } = openLocked(path, guarded)
    if (!isAt(file, path)) {
      // Who had it removed it after it was opened here: this locks a file that nobody else will find.
      closeSync(file)
      continue
    }
    const owner: Owner = { process: process.pid, host: hostname(), since: new Date().toISOString() }
    try {
      ftruncateSync(file)
      writeSync(file, `${JSON.stringify(owner)}\n`, 0)
    } catch {
      // A full disk: it is locked all the same.
    }
    return {
      unlocked,
      release() {
        // While it is held, so that nobody else's is removed. Windows removes no open file; an empty lock bars nobody.
        if (isAt(file, path))
          try {
            unlinkSync(path)
          } catch {}
        closeSync(file)
      },
    }
  }
}

/** BSD's O_EXLOCK, and libuv's of the same meaning on Windows; Node passes on what it does not name. */
const lockOnOpen: Partial<Record<NodeJS.Platform, number>> = {
  darwin: 0x20,
  freebsd: 0x20,
  openbsd: 0x20,
  win32: 0x10000000,
}

function openLocked(path: string, guarded: string): { file: number; unlocked: string | null } {
  const ownFlag = lockOnOpen[process.platform]
  const flags = constants.O_RDWR | constants.O_CREAT | (constants.O_NONBLOCK ?? 0)
  let file: number
  try {
    file = openSync(path, flags | (ownFlag ?? 0))
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
    if (ownFlag !== undefined && (code === 'EAGAIN' || code === 'EBUSY')) throw inUse(path, guarded)
    throw new FileWriteError(path, cause)
  }
  if (ownFlag !== undefined) return { file, unlocked: null }
  const { error, status, stderr } = spawnSync('flock', ['-x', '-n', '3'], { stdio: ['ignore', 'ignore', 'pipe', file] })
  if (status === 0) return { file, unlocked: null }
  if (error) return { file, unlocked: 'the program flock is missing' }
  const reason = stderr.toString().trim()
  // Of a lock that another has it says nothing.
  if (status !== 1 || reason !== '') return { file, unlocked: reason || `flock ended with ${status}` }
  closeSync(file)
  throw inUse(path, guarded)
}

function isAt(file: number, path: string): boolean {
  const there = statSync(path, { throwIfNoEntry: false })
  const here = fstatSync(file)
  return there !== undefined && there.ino === here.ino && there.dev === here.dev
}

interface Owner {
  readonly process: number
  readonly host: string
  /** ISO 8601. */
  readonly since: string
}

function inUse(path: string, guarded: string): InUseError {
  return new InUseError(
    `${guarded} is being written by ${ownerOf(path)}: wait until that has ended, or write to another place`,
  )
}

function ownerOf(path: string): string {
  try {
    const { process: id, host, since } = JSON.parse(readFileSync(path, 'utf8')) as Owner
    return `process ${id} on ${host}, since ${since}`
  } catch {
    // It is writing its name this very moment, or lets nobody read.
    return 'another process'
  }
}
