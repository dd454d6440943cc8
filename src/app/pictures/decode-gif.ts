import libnsgif from '@cwasm/nsgif/nsgif.wasm?url&inline'
import { FormatError } from '../../engine/errors.ts'
import { openCodec } from './codec.ts'
import { onCanvas } from './orientation.ts'
import { checkedSize } from './picture-size.ts'
import type { Raster } from './transparency.ts'

/** More than these, its decoder does not take. */
const mostGifPixels = 12 * 2 ** 20

/**
 * Reads a GIF's first frame, by libnsgif.
 * @throws FormatError when it is truncated, corrupt, or of more than 12.6 megapixels
 */
export async function decodeGif(bytes: Uint8Array): Promise<Raster> {
  if (bytes.length < 13) throw new FormatError(`the GIF is truncated: it has ${bytes.length} bytes`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const screen = checkedSize('GIF', view.getUint16(6, true), view.getUint16(8, true), mostGifPixels)
  const codec = await openCodec('GIF', libnsgif)
  const found = codec.reserve(12)
  const file = codec.store(bytes)
  if (codec.call('decode_gif', found, found + 4, found + 8, file, bytes.length) !== 0)
    throw new FormatError('the GIF is truncated or corrupt: its first picture makes no sense')
  const [pixels, width, height] = codec.numbers(found, 3)
  checkedSize('GIF', width, height, mostGifPixels)
  const raster: Raster = { data: codec.bytes(pixels, width * height * 4), height, width, samples: 4 }
  // A screen whose frames leave some of it free, it makes smaller.
  return onCanvas(raster, 0, 0, Math.max(width, screen.width), Math.max(height, screen.height))
}
