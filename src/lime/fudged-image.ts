import { ArgumentError } from '../engine/errors.ts'
import { type Image, pixelsLike } from './image.ts'

/** One value for all channels, one value a channel, or null for every segment's own mean colour. */
export type HideColor = number | readonly number[] | null

/**
 * What switched-off segments show: the mean colour of the segment, channel by channel, or a constant colour. It has the
 * image's own type, so means of bytes lose their fraction as they do in Python.
 * @param labels [H*W] the segment of each pixel
 * @throws ArgumentError when hideColor is not finite or has another number of channels than the image
 */
export function fudgedImage(image: Image, labels: Int32Array, hideColor: HideColor): Image {
  const { channels } = image
  const data = pixelsLike(image.data, image.data.length)
  if (hideColor !== null) {
    const color = typeof hideColor === 'number' ? new Array<number>(channels).fill(hideColor) : hideColor
    if (color.length !== channels || !color.every(Number.isFinite))
      throw new ArgumentError(`hideColor must be one finite number or ${channels} of them, not [${color.join(', ')}]`)
    for (let i = 0; i < data.length; i++) data[i] = color[i % channels]
    return { ...image, data }
  }

  const sums = new Map<number, { count: number; total: number[] }>()
  labels.forEach((label, pixel) => {
    const sum = sums.get(label) ?? { count: 0, total: new Array<number>(channels).fill(0) }
    sums.set(label, sum)
    sum.count++
    for (let c = 0; c < channels; c++) sum.total[c] += image.data[pixel * channels + c]
  })
  labels.forEach((label, pixel) => {
    const sum = sums.get(label)
    if (sum) for (let c = 0; c < channels; c++) data[pixel * channels + c] = sum.total[c] / sum.count
  })
  return { ...image, data }
}
