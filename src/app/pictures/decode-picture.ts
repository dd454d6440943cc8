import { ArgumentError, FormatError } from '../../engine/errors.ts'
import type { Picture } from './picture.ts'
import { isAt, pngSignature } from './signature.ts'
import { type Ground, type Raster, withoutTransparency } from './transparency.ts'

/** A format of pictures. An addition is a row here. */
interface PictureFormat {
  readonly name: string
  /** By its bytes: names of files say anything. */
  readonly sniff: (bytes: Uint8Array) => boolean
  /** What reads it is loaded when the first one comes. */
  readonly decoder: () => Promise<(bytes: Uint8Array, signal?: AbortSignal) => Promise<Raster>>
}

const formats: readonly PictureFormat[] = [
  {
    name: 'PNG',
    sniff: (bytes) => isAt(bytes, 0, pngSignature),
    decoder: async () => (await import('./decode-png.ts')).decodePng,
  },
  {
    name: 'JPEG',
    sniff: (bytes) => isAt(bytes, 0, '\xff\xd8\xff'),
    decoder: async () => (await import('./decode-jpeg.ts')).decodeJpeg,
  },
  {
    name: 'WebP',
    sniff: (bytes) => isAt(bytes, 0, 'RIFF') && isAt(bytes, 8, 'WEBP'),
    decoder: async () => (await import('./decode-webp.ts')).decodeWebp,
  },
  {
    name: 'GIF',
    sniff: (bytes) => isAt(bytes, 0, 'GIF87a') || isAt(bytes, 0, 'GIF89a'),
    decoder: async () => (await import('./decode-gif.ts')).decodeGif,
  },
  {
    name: 'BMP',
    sniff: (bytes) => isAt(bytes, 0, 'BM'),
    decoder: async () => (await import('./decode-bmp.ts')).decodeBmp,
  },
]

/** There is a browser around, in a page or in a Worker. */
const isInBrowser = typeof createImageBitmap === 'function' && typeof OffscreenCanvas === 'function'

interface DecodeOptions {
  /** What shows where the picture is transparent: white, unless another is asked for. */
  readonly ground?: Ground
  readonly signal?: AbortSignal
}

/**
 * Reads a picture from a file's bytes, in Node and in browsers alike. What is transparent is laid on white. Colour profiles are left
 * aside, as trainings mostly do.
 * @returns 8 bits a sample, 16 where the file has 16
 * @throws ArgumentError when it is given no bytes, FormatError when they are no picture that is read here, truncated, corrupt, or
 * of more than a hundred megapixels
 */
export async function decodePicture(
  bytes: Uint8Array,
  { ground = 'white', signal }: DecodeOptions = {},
): Promise<Picture> {
  if (!(bytes instanceof Uint8Array)) throw new ArgumentError("a picture is read from its file's bytes, a Uint8Array")
  signal?.throwIfAborted()
  const format = formats.find(({ sniff }) => sniff(bytes))
  const decode = await (format ?? otherFormats(bytes)).decoder()
  return withoutTransparency(await decode(bytes, signal), ground)
}

/** What is none of ours: browsers may know it. */
function otherFormats(bytes: Uint8Array): Pick<PictureFormat, 'decoder'> {
  if (isInBrowser) return { decoder: async () => (await import('./decode-in-browser.ts')).decodeInBrowser }
  const names = formats.map(({ name }) => name).join(', ')
  throw new FormatError(`${bytes.length} bytes that are no picture of a kind that is read here: ${names}`)
}
