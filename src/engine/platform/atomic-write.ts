import type { Stats } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { LimelightError } from '../errors.ts'
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
  ELOOP: 'its symbolic links go round in a circle',
}

/**
 * Writes a file so that it is there whole or not at all, whatever happens in between and whoever else writes it: to a
 * name of its own in the same folder (rename can't cross file systems), to the disk (fsync), then renamed. Folders that
 * are missing are made. Symbolic links are followed, and a file that is replaced keeps its mode and, where the system lets
 * it, its owner. What is written to /dev/null is gone.
 * @throws FileWriteError when that fails, and for a folder, a pipe, a device, a socket; the temporary file is removed
 */
export async function writeFileAtomically(path: string, content: Uint8Array | string): Promise<void> {
  const { open, rename, rm } = nodeModule('node:fs/promises')
  const { dirname } = nodeModule('node:path')
  let temporary: string | undefined
  try {
    const { file: place, replaced, isNull } = await targetOf(path)
    if (isNull) return
    await makeFolders(dirname(place))
    temporary = temporaryBeside(place)
    const file = await open(temporary, 'wx', replaced && replaced.mode & 0o777)
    try {
      if (replaced) await takeAfter(file, replaced)
      await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, place)
    await syncFolder(dirname(place))
  } catch (cause) {
    if (temporary !== undefined) await rm(temporary, { force: true }).catch(() => {})
    throw new FileWriteError(path, cause)
  }
}

/**
 * Writes a file under a name that nobody has taken, whole or not at all: of several that write it at once, on one machine or several
 * that share the file system, one does. link(2), unlike rename(2), never replaces what is there.
 * @returns whether this call wrote it; false where there is something of this name, which stays as it is
 * @throws FileWriteError; the temporary file is removed
 */
export async function writeFileOnce(path: string, content: Uint8Array | string): Promise<boolean> {
  const { lstat, open, rm } = nodeModule('node:fs/promises')
  const { dirname } = nodeModule('node:path')
  let temporary: string | undefined
  try {
    await makeFolders(dirname(path))
    // Spares the writing of what is known to be for nothing.
    if (await lstat(path).catch(absent)) return false
    temporary = temporaryBeside(path)
    const file = await open(temporary, 'wx')
    try {
      await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
    const isOurs = await linked(temporary, path)
    await syncFolder(dirname(path))
    return isOurs
  } catch (cause) {
    throw new FileWriteError(path, cause)
  } finally {
    if (temporary !== undefined) await rm(temporary, { force: true }).catch(() => {})
  }
}

/** Gives a file a second name. @returns false where there is something of this name */
async function linked(file: string, name: string): Promise<boolean> {
  const { link, stat } = nodeModule('node:fs/promises')
  try {
    await link(file, name)
    return true
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    // NFS may have done it, lost the answer, and found the name taken when it asked again.
    if (code === 'EEXIST') return (await stat(file)).nlink === 2
    // Somebody tidied what was left, once all was there: so this was, too.
    if (code === 'ENOENT' && (await stat(name).then(Boolean, () => false))) return false
    if (['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(code))
      throw new LimelightError(
        'this file system gives no file a second name (a hard link), by which alone results are published',
      )
    throw error
  }
}

/**
 * Finds out before long work whether its result can be written: makes and removes an empty file beside it.
 * @throws FileWriteError when it can't
 */
export async function checkWritable(path: string): Promise<void> {
  const { open, rm } = nodeModule('node:fs/promises')
  const { dirname } = nodeModule('node:path')
  try {
    const { file: place, isNull } = await targetOf(path)
    if (isNull) return
    await makeFolders(dirname(place))
    const temporary = temporaryBeside(place)
    await (await open(temporary, 'wx')).close()
    await rm(temporary)
  } catch (cause) {
    throw new FileWriteError(path, cause)
  }
}

/**
 * Opens a file to read it and to append to it; makes it and its folder where they are missing.
 * @throws FileWriteError when it can't, and for what is no regular file
 */
export async function openToAppend(path: string): Promise<FileHandle> {
  const { open } = nodeModule('node:fs/promises')
  const { dirname } = nodeModule('node:path')
  try {
    const { file: place, isNull } = await targetOf(path)
    if (isNull) throw new LimelightError(kindOf.device)
    await makeFolders(dirname(place))
    return await open(place, 'a+')
  } catch (cause) {
    throw new FileWriteError(path, cause)
  }
}

/**
 * The regular file that a path stands for, or would be made for it: symbolic links are followed. A pipe or a device would
 * be replaced by a file, or keep the writer waiting for ever; /dev/null alone is taken, as other programs take it.
 * @throws FileWriteError
 */
export async function regularFileAt(path: string): Promise<{ readonly file: string; readonly isNull: boolean }> {
  try {
    return await targetOf(path)
  } catch (cause) {
    throw new FileWriteError(path, cause)
  }
}

interface Target {
  readonly file: string
  /** The file that is there now. */
  readonly replaced: Stats | undefined
  readonly isNull: boolean
}

const kindOf = {
  stream: 'this is a stream of the process, not a regular file',
  pipe: 'this is a named pipe, not a regular file',
  socket: 'this is a socket, not a regular file',
  device: 'this is a device, not a regular file',
} as const

async function targetOf(path: string): Promise<Target> {
  const { open, stat } = nodeModule('node:fs/promises')
  const { devNull } = nodeModule('node:os')
  if (/[/\\]$/.test(path)) throw Object.assign(new Error('a folder'), { code: 'EISDIR' })
  const file = await linksFollowed(path)
  const found = await stat(file).catch(absent)
  if (!found) return { file, replaced: undefined, isNull: false }
  if (found.isDirectory()) throw Object.assign(new Error('a folder'), { code: 'EISDIR' })
  if (found.isFIFO()) throw new LimelightError(kindOf.pipe)
  if (found.isSocket()) throw new LimelightError(kindOf.socket)
  if (!found.isFile()) {
    const isNull = found.isCharacterDevice() && found.rdev === (await stat(devNull)).rdev
    if (!isNull) throw new LimelightError(kindOf.device)
    return { file, replaced: undefined, isNull }
  }
  // rename() would replace it all the same.
  try {
    await (await open(file, 'r+')).close()
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'EACCES') throw new LimelightError('the file is write-protected')
    // Somebody may have removed it just now.
    if (code !== 'ENOENT') throw error
  }
  return { file, replaced: found, isNull: false }
}

/** As many as Linux follows. */
const mostLinks = 40

/** The path behind symbolic links, which may lead to what is not there yet: realpath() fails then. */
async function linksFollowed(path: string): Promise<string> {
  const { lstat, readlink, realpath } = nodeModule('node:fs/promises')
  const { dirname, isAbsolute } = nodeModule('node:path')
  let at = path
  for (let links = 0; links <= mostLinks; links++) {
    const found = await lstat(at).catch(absent)
    if (!found?.isSymbolicLink()) return at
    const folder = await realpath(dirname(at))
    // /dev/stdout and the like: behind them is a pipe, or a file that the shell writes the printed result to.
    if (/^\/proc\/.*\/fd$|^\/dev\/fd$/.test(folder)) throw new LimelightError(kindOf.stream)
    const link = await readlink(at)
    // Not join(): where a part of the link is a link itself, its ".." is another folder than the text's.
    at = isAbsolute(link) ? link : `${folder}/${link}`
  }
  throw Object.assign(new Error('a circle'), { code: 'ELOOP' })
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}

/** Gives a new file the owner and the mode of the one that it replaces; a stranger's owner only root may give. */
async function takeAfter(file: FileHandle, { mode, uid, gid }: Stats): Promise<void> {
  const made = await file.stat()
  if (made.uid !== uid || made.gid !== gid) await file.chown(uid, gid).catch(() => {})
  if (made.mode !== mode) await file.chmod(mode & 0o777)
}

/** Makes a folder, and those above it that are missing. @throws FileWriteError */
export async function makeFolder(path: string): Promise<void> {
  try {
    await makeFolders(path)
  } catch (cause) {
    throw new FileWriteError(path, cause)
  }
}

/**
 * mkdir -p. Not Node's own: in folders that refuse new ones with ENOENT, as /proc does, that one never ends.
 * @throws the system's error
 */
async function makeFolders(path: string): Promise<void> {
  const { mkdir, stat } = nodeModule('node:fs/promises')
  const { dirname } = nodeModule('node:path')
  const make = async () => {
    try {
      await mkdir(await linksFollowed(path))
    } catch (error) {
      if (!(await stat(path).catch(() => undefined))?.isDirectory()) throw error
    }
  }
  try {
    await make()
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    if (!isMissing || dirname(path) === path) throw error
    await makeFolders(dirname(path))
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
