import { FormatError } from '../../engine/errors.ts'

/**
 * The idx file format (http://yann.lecun.com/exdb/mnist/), as far as image data sets use it: two zero bytes, the item
 * type (0x08: unsigned byte), the number of dimensions D, D big-endian 32-bit extents, then the items, row-major.
 */

const unsignedByte = 0x08

export interface IdxArray {
  readonly shape: readonly number[]
  /** Row-major, a view of the bytes that were parsed. */
  readonly data: Uint8Array
}

/**
 * Reads an idx file of unsigned bytes. `what` names the file in error messages.
 * @throws FormatError when the magic number is not 0x08 with `dimensions` dimensions, an extent is zero, or the file is
 * shorter or longer than its extents say
 */
export function parseIdx(bytes: Uint8Array, dimensions: number, what = 'the file'): IdxArray {
  const headerBytes = 4 + 4 * dimensions
  if (bytes.byteLength < headerBytes)
    throw new FormatError(
      `${what} is not an idx file, or a truncated one: ${bytes.byteLength} bytes, its header has ${headerBytes}`,
    )
  const view = new DataView(bytes.buffer, bytes.byteOffset, headerBytes)
  const magic = view.getUint32(0)
  const expected = (unsignedByte << 8) | dimensions
  if (magic !== expected)
    throw new FormatError(
      `${what} is not the idx file expected: it starts with ${hex(magic)}, not with ${hex(expected)}`,
    )
  const shape = Array.from({ length: dimensions }, (_, i) => view.getUint32(4 + 4 * i))
  // Hostile extents multiply to at most 2^(32 D): inexact as a number, but never equal to a file's true length.
  const size = shape.reduce((product, extent) => product * extent, 1)
  if (size === 0) throw new FormatError(`${what} is an empty idx file: its extents are [${shape.join(', ')}]`)
  const given = bytes.byteLength - headerBytes
  if (given !== size)
    throw new FormatError(
      `${what} is ${given < size ? 'truncated' : 'followed by something else'}: extents [${shape.join(', ')}] need ${size} bytes of data, there are ${given}`,
    )
  return { shape, data: bytes.subarray(headerBytes) }
}

export interface IdxImages {
  /** [count, height, width], 0 to 255, a view of the bytes that were parsed. */
  readonly images: Uint8Array
  readonly count: number
  readonly height: number
  readonly width: number
}

/**
 * Reads grey images (magic 0x803).
 * @throws FormatError as parseIdx does
 */
export function parseIdxImages(bytes: Uint8Array, what = 'the images'): IdxImages {
  const { shape, data } = parseIdx(bytes, 3, what)
  const [count, height, width] = shape
  return { images: data, count, height, width }
}

/**
 * Reads labels (magic 0x801): [count], a view of the bytes that were parsed.
 * @throws FormatError as parseIdx does
 */
export function parseIdxLabels(bytes: Uint8Array, what = 'the labels'): Uint8Array {
  return parseIdx(bytes, 1, what).data
}

function hex(word: number): string {
  return `0x${word.toString(16).padStart(8, '0')}`
}
