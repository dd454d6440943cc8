import { LimelightError } from '../errors.ts'
import { nodeModule } from './node-module.ts'
import type { URL as Address } from './types.ts'

/**
 * The bytes of a file that people named (in Node). A device such as /dev/zero has no end, and a terminal waits for its
 * reader; pipes are read to theirs: `--model <(curl …)`.
 * @throws LimelightError for a device; the system's error when the file can't be read
 */
export async function readWholeFile(source: string | Address): Promise<Uint8Array> {
  const { readFile, stat } = nodeModule('node:fs/promises')
  const { devNull } = nodeModule('node:os')
  const found = await stat(source)
  const isDevice = found.isCharacterDevice() || found.isBlockDevice()
  if (isDevice && found.rdev !== (await stat(devNull)).rdev) throw new LimelightError('this is a device, not a file')
  return readFile(source)
}
