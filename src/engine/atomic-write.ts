import { LimelightError } from './errors.ts'
import { nodeModule } from './node-module.ts'

/** A file that could not be written. Nothing is left of the attempt, and a file that was there before is unchanged. */
export class FileWriteError extends LimelightError {
  override readonly name = 'FileWriteError'
  readonly path: string
  /** The system's code, such as ENOSPC or EACCES, where it gave one. */
  readonly code: string | undefined

  constructor(path: string, cause: unknown) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : undefined
    const reason = (code && reasons[code]) ?? (cause instanceof Error ? cause.message : String(cause))
    super(`can't write ${path}: ${reason}`, { cause })
    this.path = path
    this.code = code
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'its folder does not exist and could not be made',
  EACCES: 'no permission to write in this folder',
  EPERM: 'no permission to write in this folder',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'the file is larger than is allowed here',
  EISDIR: 'there is a folder of this name',
  ENOTDIR: 'a part of this path is a file, not a folder',
  EEXIST: 'a part of this path is a file, not a folder',
  ENAMETOOLONG: 'the name is too long',
}

/**
 * Writes a file so that it is there whole or not at all, whatever happens in between and whoever else writes it: to a
 * name of its own in the same folder (rename can't cross file systems), to the disk (fsync), then renamed. Folders that
 * are missing are made.
 * @throws FileWriteError when that fails; the temporary file is removed
 */
export async function writeFileAtomically(path: string, content: Uint8Array | string): Promise<void> {
  const { open, rename, rm } = nodeModule('node:fs/promises')
  const { dirname } = nodeModule('node:path')
  const temporary = temporaryBeside(path)
  try {
    await makeFolder(dirname(path))
    const file = await open(temporary, 'wx')
    try {
      await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {})
    throw new FileWriteError(path, cause)
  }
  await syncFolder(dirname(path))
}

/**
 * Finds out before long work whether its result can be written: makes and removes an empty file beside it.
 * @throws FileWriteError when it can't
 */
export async function checkWritable(path: string): Promise<void> {
  const { open, rm, stat } = nodeModule('node:fs/promises')
  const { dirname } = nodeModule('node:path')
  const temporary = temporaryBeside(path)
  try {
    await makeFolder(dirname(path))
    if ((await stat(path).catch(() => undefined))?.isDirectory())
      throw Object.assign(new Error('a folder'), { code: 'EISDIR' })
    await (await open(temporary, 'wx')).close()
    await rm(temporary)
  } catch (cause) {
    throw new FileWriteError(path, cause)
  }
}

/** mkdir -p. Not Node's own: in folders that refuse new ones with ENOENT, as /proc does, that one never ends. */
async function makeFolder(path: string): Promise<void> {
  const { mkdir, stat } = nodeModule('node:fs/promises')
  const { dirname } = nodeModule('node:path')
  const make = async () => {
    try {
      await mkdir(path)
    } catch (error) {
      if (!(await stat(path).catch(() => undefined))?.isDirectory()) throw error
    }
  }
  try {
    await make()
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    if (!isMissing || dirname(path) === path) throw error
    await makeFolder(dirname(path))
    await make()
  }
}

/** A name of its own in the same folder. */
function temporaryBeside(path: string): string {
  const { basename, dirname, join } = nodeModule('node:path')
  const { randomUUID } = nodeModule('node:crypto')
  return join(dirname(path), `.${basename(path).slice(0, 100)}.${process.pid}.${randomUUID()}.partial`)
}

/** The rename itself lasts once the folder is on the disk. Not every system lets a folder be synced: the file is whole anyway. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await nodeModule('node:fs/promises')
    .open(folder, 'r')
    .catch(() => undefined)
  await handle?.sync().catch(() => {})
  await handle?.close()
}
