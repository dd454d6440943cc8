import { open, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { writeFileOnce } from '../../engine/platform/atomic-write.ts'
import { StoreError } from './errors.ts'
import type { Store, StoredFile } from './store.ts'

/** Files in a folder, of a disk or of a file system that machines share. */
export class FolderStore implements Store {
  constructor(readonly address: string) {}

  publish(name: string, content: Uint8Array): Promise<boolean> {
    return writeFileOnce(join(this.address, name), content)
  }

  async open(name: string): Promise<StoredFile | null> {
    const path = join(this.address, name)
    const found = await told(path, stat(path))
    if (!found) return null
    if (!found.isFile()) throw new StoreError(`${path} is no file: remove it`)
    return { byteLength: found.size, slice: (start, end = found.size) => told(path, bytesOf(path, start, end), true) }
  }

  async list(beginning: string): Promise<string[]> {
    const names = (await told(this.address, readdir(this.address))) ?? []
    return names.filter((name) => name.startsWith(beginning))
  }

  async tidy(beginning: string): Promise<void> {
    const names = (await told(this.address, readdir(this.address))) ?? []
    const left = names.filter((name) => name.startsWith(`.${beginning}`) && name.endsWith('.partial'))
    for (const name of left) await rm(join(this.address, name), { force: true }).catch(() => {})
  }
}

async function bytesOf(path: string, start: number, end: number): Promise<ArrayBuffer> {
  const file = await open(path)
  try {
    const bytes = new Uint8Array(Math.max(0, end - start))
    let read = 0
    while (read < bytes.length) {
      const { bytesRead } = await file.read(bytes, read, bytes.length - read, start + read)
      if (bytesRead === 0) throw new Error('it ends too early')
      read += bytesRead
    }
    return bytes.buffer
  } finally {
    await file.close()
  }
}

function told<T>(path: string, work: Promise<T>, isThere: true): Promise<T>
function told<T>(path: string, work: Promise<T>): Promise<T | null>
/** @returns null for what is not there, unless it is known to be. @throws StoreError */
async function told<T>(path: string, work: Promise<T>, isThere = false): Promise<T | null> {
  try {
    return await work
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
    // Whoever writes there says that a part of the path is a file.
    if ((code === 'ENOENT' || code === 'ENOTDIR') && !isThere) return null
    throw new StoreError(`${path} can't be read: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}
