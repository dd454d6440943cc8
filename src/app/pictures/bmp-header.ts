import { FormatError } from '../../engine/errors.ts'
import { checkedSize } from './picture-size.ts'

export interface BmpHeader {
  readonly width: number
  readonly height: number
  readonly isTopDown: boolean
  /** Bits a pixel. */
  readonly depth: number
  readonly compression: number
  /** Where pixels begin. */
  readonly start: number
  /** Of up to 8 bits a pixel: red, green, blue for each index; black where the file names no colour. */
  readonly palette: Uint8Array
  /** Of more: which bits are red, green, blue and, where there is any, opacity. */
  readonly masks: readonly number[]
}

export const compressions = { none: 0, rle8: 1, rle4: 2, masks: 3, masksWithOpacity: 6 }

/** Which depths each may have. */
const depthsOf: Readonly<Record<number, readonly number[]>> = {
  [compressions.none]: [1, 4, 8, 16, 24, 32],
  [compressions.rle8]: [8],
  [compressions.rle4]: [4],
  [compressions.masks]: [16, 32],
  [compressions.masksWithOpacity]: [16, 32],
}

/** @throws FormatError when it is truncated, makes no sense, or tells of too many pixels */
export function readBmpHeader(bytes: Uint8Array): BmpHeader {
  if (bytes.length < 26) throw new FormatError(`the BMP is truncated: it has ${bytes.length} bytes`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const size = view.getUint32(14, true)
  const isOld = size === 12
  if ((!isOld && size < 40) || 14 + size > bytes.length)
    throw new FormatError(`the BMP is truncated or corrupt: a header of ${size} bytes`)
  const [width, height] = isOld
    ? [view.getUint16(18, true), view.getUint16(20, true)]
    : [view.getInt32(18, true), view.getInt32(22, true)]
  checkedSize('BMP', width, Math.abs(height))
  const depth = view.getUint16(isOld ? 24 : 28, true)
  const compression = isOld ? compressions.none : view.getUint32(30, true)
  if (!depthsOf[compression]?.includes(depth))
    throw new FormatError(`the BMP has ${depth} bits a pixel, packed by method ${compression}, which is not read`)
  const hasMasks = compression === compressions.masks || compression === compressions.masksWithOpacity
  // After a short header the masks stand by themselves, in a long one they stand at the same place.
  const masksAfter = hasMasks && size === 40 ? (compression === compressions.masks ? 12 : 16) : 0
  const hasOpacity = compression === compressions.masksWithOpacity || size >= 56
  return {
    width,
    height: Math.abs(height),
    isTopDown: height < 0,
    depth,
    compression,
    start: view.getUint32(10, true),
    palette:
      depth <= 8 ? paletteOf(bytes, 14 + size, isOld ? 3 : 4, isOld ? 0 : view.getUint32(46, true)) : new Uint8Array(0),
    masks: hasMasks ? masksOf(view, hasOpacity ? 4 : 3, 54 + masksAfter) : usualMasks(depth),
  }
}

function paletteOf(bytes: Uint8Array, at: number, entry: number, count: number): Uint8Array {
  const palette = new Uint8Array(3 * 256)
  const end = Math.min(bytes.length, at + entry * (count > 0 && count < 256 ? count : 256))
  for (let from = at, to = 0; from + 2 < end; from += entry, to += 3)
    palette.set([bytes[from + 2], bytes[from + 1], bytes[from]], to)
  return palette
}

function usualMasks(depth: number): readonly number[] {
  return depth === 16 ? [0x7c00, 0x03e0, 0x001f] : [0xff0000, 0xff00, 0xff]
}

function masksOf(view: DataView, count: number, end: number): readonly number[] {
  if (Math.max(end, 54 + 4 * count) > view.byteLength)
    throw new FormatError('the BMP is truncated: it ends in its masks')
  const masks = Array.from({ length: count }, (_, i) => view.getUint32(54 + 4 * i, true))
  // No opacity at all is told by a mask of no bits.
  if (masks[3] === 0) masks.pop()
  for (const mask of masks) {
    const bits = mask >>> (31 - Math.clz32(mask & -mask))
    if (mask === 0 || (bits & (bits + 1)) !== 0)
      throw new FormatError(`the BMP is corrupt: ${mask.toString(2)} is no mask of a colour`)
  }
  return masks
}
