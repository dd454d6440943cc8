import type { Attribution } from '../../lime/index.ts'
import { encodePng } from '../pictures/encode-png.ts'

/** How much of the white veil lies on what is not of the segment. */
const veil = 0.75

/** Pixels around it that show where it is, as a share of its larger side. */
const margin = 0.25

/** Small cut-outs are enlarged until their larger side has about this many pixels. */
const extent = 64

/** One segment of a picture and a little of what is around it, veiled, as PNG. null where the picture shows none of it. */
export function segmentCutout({ image, segments }: Attribution, segment: number): Uint8Array | null {
  const { height, width } = image
  let [top, left, bottom, right] = [height, width, -1, -1]
  segments.data.forEach((label, pixel) => {
    if (label !== segment) return
    const [y, x] = [Math.floor(pixel / width), pixel % width]
    top = Math.min(top, y)
    left = Math.min(left, x)
    bottom = Math.max(bottom, y)
    right = Math.max(right, x)
  })
  if (bottom < 0) return null
  const around = Math.ceil(margin * Math.max(bottom - top + 1, right - left + 1))
  top = Math.max(0, top - around)
  left = Math.max(0, left - around)
  const [rows, columns] = [Math.min(height, bottom + around + 1) - top, Math.min(width, right + around + 1) - left]
  const white = image.data instanceof Uint8Array ? 255 : 1
  const data = Float64Array.from({ length: rows * columns * 3 }, (_, i) => {
    const at = Math.floor(i / 3)
    const pixel = (top + Math.floor(at / columns)) * width + left + (at % columns)
    const value = image.data[3 * pixel + (i % 3)] / white
    return segments.data[pixel] === segment ? value : value + (1 - value) * veil
  })
  const scale = Math.max(1, Math.round(extent / Math.max(rows, columns)))
  return encodePng({ data, height: rows, width: columns, channels: 3 }, { scale })
}
