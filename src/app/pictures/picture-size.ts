import { FormatError } from '../../engine/errors.ts'

/** A hundred megapixels: what the largest cameras take, and, at three bytes a pixel, what still fits into memory. */
export const maxPixels = 100e6

/**
 * The size that a file's header tells, before any memory is taken for it.
 * @throws FormatError for a picture of no pixels, or of more than `most`
 */
export function checkedSize(
  format: string,
  width: number,
  height: number,
  most = maxPixels,
): { readonly width: number; readonly height: number } {
  if (!(width > 0 && height > 0)) throw new FormatError(`the ${format} is ${width}x${height} pixels: it shows nothing`)
  if (width * height > most)
    throw new FormatError(
      `the ${format} is ${width}x${height} pixels, ${Number(((width * height) / 1e6).toFixed(2))} megapixels; at most ${Number((most / 1e6).toFixed(2))} megapixels are taken`,
    )
  return { width, height }
}
