import { shown } from '../../engine/arguments.ts'
import { ArgumentError } from '../../engine/errors.ts'
import { type Steps, stepSize } from '../steps.ts'
import { gaussianFilter } from './gaussian.ts'
import { type Image, pixelsLike } from './image.ts'

/**
 * One value for all channels, one value a channel, null for every segment's own mean colour, 'mean' for the image's, or 'blur'
 * for the image out of focus.
 */
export type HideColor = number | readonly number[] | 'mean' | 'blur' | null

/** Of the blur's standard deviation to the image's larger side: fine detail goes, what is where stays. */
const blurShare = 1 / 14

/**
 * What switched-off segments show: the mean colour of the segment, channel by channel, or a constant colour. It has the
 * image's own type, so means of bytes lose their fraction as they do in Python.
 * @param labels [H*W] the segment of each pixel
 * @throws ArgumentError when hideColor is an unknown word, not finite, or has another number of channels than the image
 */
export function* fudgedImage(image: Image, labels: Int32Array, hideColor: HideColor): Steps<Image> {
  const { channels, height, width } = image
  if (hideColor === null) return { ...image, data: yield* segmentMeans(image, labels) }
  if (hideColor === 'mean') return { ...image, data: yield* segmentMeans(image, new Int32Array(labels.length)) }
  const data = pixelsLike(image.data, image.data.length)
  if (hideColor === 'blur') {
    const sigma = Math.max(height, width) * blurShare
    data.set(yield* gaussianFilter(Float64Array.from(image.data), height, width, channels, sigma))
    return { ...image, data }
  }
  const color = typeof hideColor === 'number' ? new Array<number>(channels).fill(hideColor) : hideColor
  if (!Array.isArray(color) || color.length !== channels || !color.every(Number.isFinite)) {
    const why = `must be one finite number or ${channels} of them, 'mean', 'blur' or null, not ${shown(hideColor)}`
    throw new ArgumentError(`hideColor ${why}`, { caller: 'explainInstance', argument: 'hideColor', why })
  }
  for (let i = 0; i < data.length; i++) data[i] = color[i % channels]
  return { ...image, data }
}

/** Pixels between two pauses: to find a segment takes as long as some thirty additions. */
const pixelStep = stepSize / 32

/** Every pixel in the mean colour of its segment. */
function* segmentMeans({ data: pixels, channels }: Image, labels: Int32Array): Steps<Image['data']> {
  const data = pixelsLike(pixels, pixels.length)
  const sums = new Map<number, { count: number; total: number[] }>()
  for (let pixel = 0; pixel < labels.length; pixel++) {
    const label = labels[pixel]
    let sum = sums.get(label)
    if (!sum) {
      sum = { count: 0, total: new Array<number>(channels).fill(0) }
      sums.set(label, sum)
    }
    sum.count++
    for (let c = 0; c < channels; c++) sum.total[c] += pixels[pixel * channels + c]
    if (pixel % pixelStep === pixelStep - 1) yield
  }
  for (let pixel = 0; pixel < labels.length; pixel++) {
    const sum = sums.get(labels[pixel])
    if (sum) for (let c = 0; c < channels; c++) data[pixel * channels + c] = sum.total[c] / sum.count
    if (pixel % pixelStep === pixelStep - 1) yield
  }
  return data
}
