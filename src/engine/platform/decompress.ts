import { FormatError } from '../errors.ts'
import { joinedArrays } from './joined-arrays.ts'

/** Deflate expands at most 1032-fold: what one piece of input may unpack to before the limit is looked at again. */
const inputStepBytes = 16_384

/**
 * Decompression that can't be made to eat all memory, on the platform's own DecompressionStream: the same code in the
 * browser and in Node. `what` names the bytes in error messages.
 * @param format deflate is a zlib stream (RFC 1950), deflate-raw what zips hold (RFC 1951)
 * @throws FormatError when they are truncated, corrupt, or unpack to more than `maxBytes`
 */
export async function decompress(
  format: 'gzip' | 'deflate' | 'deflate-raw',
  bytes: Uint8Array,
  maxBytes: number,
  what: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = []
  for await (const part of decompressedParts(format, bytes, maxBytes, what)) parts.push(part)
  return joinedArrays(parts, Uint8Array)
}

/** As decompress, part by part as they come: for what needs not be in memory as a whole. */
export async function* decompressedParts(
  format: 'gzip' | 'deflate' | 'deflate-raw',
  bytes: Uint8Array,
  maxBytes: number,
  what: string,
): AsyncGenerator<Uint8Array> {
  let offset = 0
  const source = new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      pull(controller) {
        if (offset < bytes.byteLength) controller.enqueue(bytes.slice(offset, offset + inputStepBytes))
        else controller.close()
        offset += inputStepBytes
      },
    },
    { highWaterMark: 0 },
  )
  const reader = source.pipeThrough(new DecompressionStream(format)).getReader()
  const next = () =>
    reader.read().catch((cause: unknown) => {
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw new FormatError(`${what} is truncated or corrupt: it can't be decompressed (${reason})`, { cause })
    })
  let size = 0
  try {
    for (let part = await next(); !part.done; part = await next()) {
      size += part.value.byteLength
      if (size > maxBytes) throw new FormatError(`${what} unpacks to more than the ${maxBytes} bytes it may have`)
      yield part.value
    }
  } finally {
    await reader.cancel().catch(() => {})
  }
}
