import { stat } from 'node:fs/promises'
import { ArgumentError, LimelightError } from '../../engine/errors.ts'
import { readWholeFile } from '../../engine/platform/read-file.ts'

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
  try {
    const bytes = await readWholeFile(path).catch((cause: NodeJS.ErrnoException) => {
      if (cause instanceof LimelightError) throw cause
      throw new LimelightError(reasons[cause.code ?? ''] ?? `can't be read: ${cause.message}`, { cause })
    })
    return await parse(bytes)
  } catch (cause) {
    if (cause instanceof LimelightError) throw new LimelightError(`${path}: ${cause.message}`, { cause })
    throw cause
  }
}

/**
 * A result must not take the place of what it is made from: by a slip of the hand a trained network would be gone.
 * @throws ArgumentError where the output is one of the inputs, by whatever names
 */
export async function checkNotItsInput(output: string, inputs: readonly string[]): Promise<void> {
  const [written, ...read] = await Promise.all([output, ...inputs].map((file) => stat(file).catch(() => null)))
  if (!written?.isFile()) return
  if (read.some((file) => file?.ino === written.ino && file.dev === written.dev))
    throw new ArgumentError(`${output} is a file that is read: give the result another name`)
}
