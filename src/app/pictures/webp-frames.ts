import { FormatError } from '../../engine/errors.ts'
import { joinedArrays } from '../../engine/platform/joined-arrays.ts'
import { lettersAt } from './signature.ts'

/** WebP's container: chunks in a RIFF, of an animation chunks in chunks (developers.google.com/speed/webp/docs/riff_container). */

interface Chunk {
  readonly name: string
  readonly data: Uint8Array
}

export interface WebpFrame {
  readonly width: number
  readonly height: number
  /** Where it lies on the canvas, which is no larger for a picture that is not animated. */
  readonly x: number
  readonly y: number
  readonly canvas: { readonly width: number; readonly height: number }
  readonly opacity: Chunk | undefined
  readonly pixels: Chunk
}

/** @throws FormatError when there is none, or it does not lie on the canvas */
export function firstFrame(bytes: Uint8Array): WebpFrame {
  const chunks = chunksOf(bytes.subarray(12))
  const extended = chunks.find(({ name }) => name === 'VP8X')?.data
  const animated = chunks.find(({ name }) => name === 'ANMF')?.data
  if (animated && animated.length < 16) throw corrupt('its first frame has no header')
  const parts = animated ? chunksOf(animated.subarray(16)) : chunks
  const pixels = parts.find(({ name }) => name === 'VP8 ' || name === 'VP8L')
  if (!pixels) throw corrupt('it holds no pixels')
  const size = sizeOf(pixels)
  const canvas =
    extended && extended.length >= 10
      ? { width: 1 + threeBytes(extended, 4), height: 1 + threeBytes(extended, 7) }
      : size
  const [x, y] = animated ? [2 * threeBytes(animated, 0), 2 * threeBytes(animated, 3)] : [0, 0]
  const fits = animated
    ? x + size.width <= canvas.width && y + size.height <= canvas.height
    : size.width === canvas.width && size.height === canvas.height
  if (!fits)
    throw corrupt(
      `${size.width}x${size.height} pixels at ${x}, ${y} don't fit into the ${canvas.width}x${canvas.height} it says it has`,
    )
  return { ...size, x, y, canvas, opacity: parts.find(({ name }) => name === 'ALPH'), pixels }
}

function corrupt(why: string): FormatError {
  return new FormatError(`the WebP is truncated or corrupt: ${why}`)
}

/** What is cut off at the end is left out. */
function chunksOf(bytes: Uint8Array): Chunk[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const chunks: Chunk[] = []
  for (let at = 0; at + 8 <= bytes.length; ) {
    const end = at + 8 + view.getUint32(at + 4, true)
    if (end > bytes.length) break
    chunks.push({ name: lettersAt(bytes, at, 4), data: bytes.subarray(at + 8, end) })
    at = end + (end & 1)
  }
  return chunks
}

/** As the coded picture itself has it: 14 bits an extent. */
function sizeOf({ name, data }: Chunk): { readonly width: number; readonly height: number } {
  const isLossy = name === 'VP8 '
  // A lossless picture of one colour takes a byte more than its header.
  if (data.length < (isLossy ? 10 : 5)) throw corrupt(`its pixels are ${data.length} bytes`)
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  if (isLossy) return { width: view.getUint16(6, true) & 0x3fff, height: view.getUint16(8, true) & 0x3fff }
  const bits = view.getUint32(1, true)
  return { width: 1 + (bits & 0x3fff), height: 1 + ((bits >>> 14) & 0x3fff) }
}

function threeBytes(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16)
}

/** The frame as a file of its own, so that a decoder sees nothing that was not looked at. */
export function stillFile({ width, height, opacity, pixels }: WebpFrame): Uint8Array {
  const header = new Uint8Array(10)
  header[0] = 0x10
  for (const [i, extent] of [width - 1, height - 1].entries())
    header.set([extent & 255, (extent >> 8) & 255, extent >> 16], 4 + 3 * i)
  const chunks = opacity && pixels.name === 'VP8 ' ? [{ name: 'VP8X', data: header }, opacity, pixels] : [pixels]
  const body = joinedArrays([lettersOf('WEBP'), ...chunks.flatMap(bytesOf)], Uint8Array)
  return joinedArrays(bytesOf({ name: 'RIFF', data: body }), Uint8Array)
}

function bytesOf({ name, data }: Chunk): Uint8Array[] {
  const size = new Uint8Array(4)
  new DataView(size.buffer).setUint32(0, data.length, true)
  return [lettersOf(name), size, data, new Uint8Array(data.length & 1)]
}

function lettersOf(text: string): Uint8Array {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0))
}
