import libjpegTurbo from '@cwasm/jpeg-turbo/jpeg-turbo.wasm?url&inline'
import { FormatError } from '../../engine/errors.ts'
import { openCodec } from './codec.ts'
import { jpegMarkers } from './jpeg-markers.ts'
import { upright } from './orientation.ts'
import { checkedSize } from './picture-size.ts'
import type { Raster } from './transparency.ts'

/** TurboJPEG's names for how a file stores colours, and for how pixels are handed out. */
const colourSpace = { ycc: 1, grey: 2, cmyk: 3, ycck: 4 }
const pixelFormat = { rgb: 0, grey: 6, cmyk: 11 }

/** A block of 64 pixels takes a bit at least: a header that promises more pixels takes no time. */
const mostPixelsOfByte = 512
/** Files have some ten passes; each costs the time of a picture. */
const mostScans = 100
const mostScannedPixels = 2e9

/**
 * Reads a JPEG of 8 bits a sample: baseline or progressive, grey, YCbCr, RGB, CMYK or YCCK, by libjpeg-turbo with its accurate
 * transform and smooth chroma: the pixels of PIL and of browsers. Inks become light without a profile: red is (1 - cyan)(1 - black).
 * Where a file is damaged, but whole, pixels are what can be made of it, as all programs do.
 * @throws FormatError when it is truncated, too large, of a kind that browsers don't read either (lossless, arithmetic coding, 12
 * bits), or nothing can be made of it
 */
export async function decodeJpeg(bytes: Uint8Array): Promise<Raster> {
  const { orientation, scans } = jpegMarkers(bytes)
  const codec = await openCodec('JPEG', libjpegTurbo)
  const file = codec.store(bytes)
  const decompressor = codec.call('tjInitDecompress')
  const header = codec.reserve(16)
  const headerFields = [0, 4, 8, 12].map((offset) => header + offset)
  if (codec.call('tjDecompressHeader3', decompressor, file, bytes.length, ...headerFields) !== 0)
    throw new FormatError('the JPEG is corrupt, or of a kind that is not read: its header makes no sense')
  const [, , , space] = codec.numbers(header, 4)
  const [width, height] = codec.numbers(header, 2)
  checkedSize('JPEG', width, height)
  if (width * height > bytes.length * mostPixelsOfByte)
    throw new FormatError(`the JPEG is truncated: ${width}x${height} pixels don't fit into ${bytes.length} bytes`)
  if (scans > mostScans || scans * width * height > mostScannedPixels)
    throw new FormatError(`the JPEG has ${scans} passes over its ${width}x${height} pixels, which would take for ever`)

  const isInk = space === colourSpace.cmyk || space === colourSpace.ycck
  const [format, samples] = isInk
    ? [pixelFormat.cmyk, 4]
    : space === colourSpace.grey
      ? [pixelFormat.grey, 1]
      : [pixelFormat.rgb, 3]
  const pixels = codec.reserve(width * height * samples)
  // It tells of errors by giving up. What it returns is not 0 after a warning, too.
  codec.call('tjDecompress2', decompressor, file, bytes.length, pixels, width, 0, height, format, 0)
  const data = codec.bytes(pixels, width * height * samples)
  const raster: Raster = isInk
    ? { data: lightOfInks(data), height, width, samples: 3 }
    : { data, height, width, samples: samples === 1 ? 1 : 3 }
  return upright(raster, orientation)
}

/**
 * Files hold inks upside down, 0 is full: Adobe's programs began with it, and all readers take it for granted. In place: a pixel is
 * read before its place is written, further to the front.
 */
function lightOfInks(inks: Uint8Array<ArrayBuffer>): Uint8Array {
  for (let from = 0, to = 0; from < inks.length; from += 4)
    for (let c = 0, paper = inks[from + 3]; c < 3; c++, to++) inks[to] = Math.round((inks[from + c] * paper) / 255)
  return inks.subarray(0, (inks.length / 4) * 3)
}
