import { FormatError } from '../../engine/errors.ts'
import { isAt } from './signature.ts'

/** What a JPEG says of itself outside of its pixels. */
export interface JpegMarkers {
  /** EXIF's: 1 upright, to 8. */
  readonly orientation: number
  /** How often a decoder goes over the picture: once, or of a progressive one about ten times. */
  readonly scans: number
}

const endOfImage = 0xd9
const startOfScan = 0xda
const app1 = 0xe1

/**
 * Walks from marker to marker (ISO/IEC 10918-1, annex B).
 * @throws FormatError when the file ends before the picture does
 */
export function jpegMarkers(bytes: Uint8Array): JpegMarkers {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let [orientation, scans] = [1, 0]
  for (let at = 2; ; ) {
    at = nextMarker(bytes, at)
    const marker = bytes[at + 1]
    if (marker === endOfImage) return { orientation, scans }
    at += 2
    const end = at + 2 <= bytes.length ? at + view.getUint16(at) : Number.POSITIVE_INFINITY
    if (end > bytes.length) throw truncated(bytes)
    const segment = bytes.subarray(at + 2, end)
    if (marker === startOfScan) scans++
    if (marker === app1) orientation = exifOrientation(segment) ?? orientation
    at = Math.max(end, at + 2)
  }
}

/** Of a pixel's data neither zeros after 0xff nor restarts are markers. */
function nextMarker(bytes: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(0xff, from); at >= 0 && at + 1 < bytes.length; at = bytes.indexOf(0xff, at + 1)) {
    const code = bytes[at + 1]
    if (code !== 0 && code !== 0xff && !(code >= 0xd0 && code <= 0xd7) && code !== 0x01) return at
  }
  throw truncated(bytes)
}

function truncated(bytes: Uint8Array): FormatError {
  return new FormatError(`the JPEG is truncated: of its ${bytes.length} bytes none end the picture`)
}

/** The tag Orientation of EXIF's first directory (CIPA DC-008); undefined where there is none that means something. */
function exifOrientation(segment: Uint8Array): number | undefined {
  if (!isAt(segment, 0, 'Exif\0\0')) return undefined
  const tiff = new DataView(segment.buffer, segment.byteOffset + 6, segment.byteLength - 6)
  if (tiff.byteLength < 8) return undefined
  const isLittle = tiff.getUint16(0) === 0x4949
  const directory = tiff.getUint32(4, isLittle)
  if (directory + 2 > tiff.byteLength) return undefined
  const entries = tiff.getUint16(directory, isLittle)
  for (let i = 0, at = directory + 2; i < entries && at + 12 <= tiff.byteLength; i++, at += 12) {
    const value = tiff.getUint16(at + 8, isLittle)
    if (tiff.getUint16(at, isLittle) === 0x0112) return value >= 1 && value <= 8 ? value : undefined
  }
  return undefined
}
