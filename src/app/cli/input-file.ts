import { readFile, stat } from 'node:fs/promises'
import { devNull } from 'node:os'
import { LimelightError } from '../../engine/errors.ts'

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'this is a folder, not a file',
  ENOTDIR: 'a part of this path is a file, not a folder',
  EACCES: 'no permission to read it',
  EPERM: 'no permission to read it',
  ELOOP: 'its symbolic links go round in a circle',
  ENAMETOOLONG: 'the name is too long',
  ERR_FS_FILE_TOO_LARGE: 'the file is larger than 2 GiB',
}

/**
 * Reads a file that people named and makes something of its bytes. Whatever is wrong with it is said with its path.
 * @throws LimelightError
 */
export async function readInput<Content>(
  path: string,
  parse: (bytes: Uint8Array) => Content | Promise<Content>,
): Promise<Content> {
  await refuseDevice(path)
  const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    throw new LimelightError(`${path}: ${reasons[cause.code ?? ''] ?? `can't be read: ${cause.message}`}`, { cause })
  })
  try {
    return await parse(bytes)
  } catch (cause) {
    if (cause instanceof LimelightError) throw new LimelightError(`${path}: ${cause.message}`, { cause })
    throw cause
  }
}

/** A device such as /dev/zero has no end, and a terminal waits for its reader. Pipes are read: `--model <(curl …)`. */
async function refuseDevice(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined)
  const isDevice = found?.isCharacterDevice() || found?.isBlockDevice()
  if (isDevice && path !== devNull) throw new LimelightError(`${path}: this is a device, not a file`)
}
