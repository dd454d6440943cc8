import libwebp from '@cwasm/webp/webp.wasm?url&inline'
import { FormatError } from '../../engine/errors.ts'
import { openCodec } from './codec.ts'
import { onCanvas } from './orientation.ts'
import { checkedSize } from './picture-size.ts'
import type { Raster } from './transparency.ts'
import { firstFrame, stillFile } from './webp-frames.ts'

/**
 * Reads a WebP, lossy or lossless, with or without opacity, by libwebp; of an animated one the first frame.
 * @throws FormatError when it is truncated, corrupt or too large
 */
export async function decodeWebp(bytes: Uint8Array): Promise<Raster> {
  const frame = firstFrame(bytes)
  checkedSize('WebP', frame.width, frame.height)
  checkedSize('WebP', frame.canvas.width, frame.canvas.height)
  const file = stillFile(frame)
  const codec = await openCodec('WebP', libwebp)
  const size = codec.reserve(8)
  const pixels = codec.call('WebPDecodeRGBA', codec.store(file), file.length, size, size + 4)
  if (pixels === 0) throw new FormatError('the WebP is truncated or corrupt: its pixels make no sense')
  const [width, height] = codec.numbers(size, 2)
  if (width !== frame.width || height !== frame.height)
    throw new FormatError(
      `the WebP is corrupt: ${width}x${height} pixels where ${frame.width}x${frame.height} are said to be`,
    )
  const raster: Raster = { data: codec.bytes(pixels, width * height * 4), height, width, samples: 4 }
  return onCanvas(raster, frame.x, frame.y, frame.canvas.width, frame.canvas.height)
}
