import { FormatError } from '../../engine/errors.ts'
import { crc32 } from '../../engine/platform/crc32.ts'
import { isAt, lettersAt, pngSignature } from './signature.ts'

/** A PNG's outer form: a signature, and chunks that each carry a checksum. */

export interface Chunk {
  readonly type: string
  readonly data: Uint8Array
}

/** A second one of these would change, behind our back, what was checked of the first. */
const onceOnly = new Set(['IHDR', 'PLTE', 'tRNS'])
/** What pixels depend on. Everything else (text, colour profiles, animation) may be as it will. */
const needed = new Set([...onceOnly, 'IDAT', 'IEND'])

/**
 * The file's chunks, from IHDR to IEND. What follows IEND does not count.
 * @throws FormatError when it is no PNG, truncated or corrupt
 */
export function splitChunks(bytes: Uint8Array): Chunk[] {
  if (!isAt(bytes, 0, pngSignature)) throw new FormatError('not a PNG file')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const chunks: Chunk[] = []
  for (let start = pngSignature.length; chunks.at(-1)?.type !== 'IEND'; ) {
    const end = start + 12 <= bytes.byteLength ? start + 12 + view.getUint32(start) : Number.POSITIVE_INFINITY
    if (end > bytes.byteLength)
      throw new FormatError(`the PNG is truncated or corrupt: of its ${bytes.byteLength} bytes none end the image`)
    const type = lettersAt(bytes, start + 4, 4)
    if (onceOnly.has(type) && chunks.some((chunk) => chunk.type === type))
      throw new FormatError(`the PNG is corrupt: it has more than one ${type} chunk`)
    if (needed.has(type) && crc32(bytes.subarray(start + 4, end - 4)) !== view.getUint32(end - 4))
      throw new FormatError(`the PNG is corrupt: the checksum of a chunk ${type} does not fit`)
    chunks.push({ type, data: bytes.subarray(start + 8, end - 4) })
    start = end
  }
  return chunks
}
