import { FormatError } from '../../engine/errors.ts'
import { checkedSize } from './picture-size.ts'
import type { Raster } from './transparency.ts'

/**
 * Reads what else a browser can show, AVIF say. Its own colour management is asked to stay out of it.
 * @throws FormatError when it can't show it either, or it is too large
 */
export async function decodeInBrowser(bytes: Uint8Array): Promise<Raster> {
  const file = new Blob([new Uint8Array(bytes)])
  const bitmap = await createImageBitmap(file, { colorSpaceConversion: 'none', premultiplyAlpha: 'none' }).catch(
    (cause: unknown) => {
      throw new FormatError(
        `${bytes.length} bytes that are no picture, or of a kind that neither Limelight nor this browser reads`,
        { cause },
      )
    },
  )
  try {
    const { width, height } = checkedSize('picture', bitmap.width, bitmap.height)
    const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })
    if (!context) throw new FormatError('this browser draws no pictures off the screen')
    context.drawImage(bitmap, 0, 0)
    const { data } = context.getImageData(0, 0, width, height)
    return { data: new Uint8Array(data.buffer), height, width, samples: 4 }
  } finally {
    bitmap.close()
  }
}
