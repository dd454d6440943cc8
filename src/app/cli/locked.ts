import { lockFile, lockFolder, type WriteLock } from '../data/write-lock.ts'
import { note } from './terminal.ts'

/** Work while no other process writes to the same place; where nothing can be locked, that is said. */

/** @throws InUseError, FileWriteError */
export function inLockedFolder<T>(folder: string, work: () => Promise<T>): Promise<T> {
  return whileLocked(lockFolder(folder), folder, work)
}

/** @throws InUseError, FileWriteError */
export function withLockedFile<T>(path: string, work: () => Promise<T>): Promise<T> {
  return whileLocked(lockFile(path), path, work)
}

async function whileLocked<T>(locking: Promise<WriteLock>, what: string, work: () => Promise<T>): Promise<T> {
  const lock = await locking
  if (lock.unlocked !== null)
    note(`${what} can't be locked (${lock.unlocked}): see to it that no other process writes there`)
  try {
    return await work()
  } finally {
    lock.release()
  }
}
