import { FormatError } from '../../engine/errors.ts'
import { decompress } from '../../engine/platform/decompress.ts'

/** Files in gzip, and the zlib streams of pictures, unpacked to at most so many bytes. */

/** Whether the bytes start as a gzip file does. */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b
}

/**
 * Unpacks a gzip file of one member. `what` names it in error messages.
 * @throws FormatError when it is not gzip, truncated, corrupt, followed by something else, or unpacks to more than
 * `maxBytes`; a gzip bomb is left off at the limit
 */
export async function gunzip(bytes: Uint8Array, maxBytes: number, what = 'the file'): Promise<Uint8Array<ArrayBuffer>> {
  // A header of 10 bytes, a trailer of 8 (CRC-32 and size), and at least 2 of deflate data between them.
  if (!isGzip(bytes)) throw new FormatError(`${what} is not a gzip file`)
  if (bytes.byteLength < 20) throw new FormatError(`${what} is a truncated gzip file of ${bytes.byteLength} bytes`)
  const declared = new DataView(bytes.buffer, bytes.byteOffset + bytes.byteLength - 4, 4).getUint32(0, true)
  const unpacked = await decompress('gzip', bytes, maxBytes, what)
  // Node skips zeros after a member and unpacks further members, browsers do neither: the size, always last, tells.
  if (unpacked.byteLength !== declared)
    throw new FormatError(
      `${what} is a truncated or corrupt gzip file: it unpacks to ${unpacked.byteLength} bytes, its end says ${declared}`,
    )
  return unpacked
}

/**
 * Unpacks a zlib stream (RFC 1950), as PNG has it. `what` names it in error messages.
 * @throws FormatError when it is truncated, corrupt, or unpacks to more than `maxBytes`
 */
export function inflate(bytes: Uint8Array, maxBytes: number, what = 'the data'): Promise<Uint8Array<ArrayBuffer>> {
  return decompress('deflate', bytes, maxBytes, what)
}
