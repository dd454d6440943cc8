import { shown } from '../../engine/arguments.ts'
import { ArgumentError } from '../../engine/errors.ts'
import type { AbortSignal } from '../../engine/platform/types.ts'
import type { DefaultRng } from '../random/default-rng.ts'
import { inTurns, known, type Steps, stepSize } from '../steps.ts'
import { gaussianFilter } from './gaussian.ts'
import { type Image, pixelsLike } from './image.ts'

/** What hidden segments can show by name. */
export const hiddenFills = ['mean', 'blur', 'noise', 'inpaint'] as const
export type HiddenFill = (typeof hiddenFills)[number]

/**
 * What hidden segments show: one value for all channels or one value a channel, null for every segment's own mean colour, or
 * - 'mean': the mean colour of the image;
 * - 'blur': the image out of focus;
 * - 'noise': colours of the image's own pixels, drawn for each pixel anew by the random seed;
 * - 'inpaint': what surrounds the segment, flowing into it.
 */
export type HideColor = number | readonly number[] | HiddenFill | null

/** The words for what may be given. */
export const hideColorWords = `${hiddenFills.map((name) => `'${name}'`).join(', ')} or null`

/** @internal */
export function isHiddenFill(value: unknown): value is HiddenFill {
  return hiddenFills.some((name) => name === value)
}

/** An image, the segment of each pixel, and the seed of what is drawn -> [pixels * channels]. */
type Fill = (image: Image, labels: Int32Array, randomSeed: number) => Steps<ArrayLike<number>>

/** A row for each name; what few ask for is loaded when it is asked for. */
const fills: Readonly<Record<HiddenFill, () => Fill | Promise<Fill>>> = {
  mean: () => (image, labels) => segmentMeans(image, new Int32Array(labels.length)),
  blur: () => outOfFocus,
  noise: async () => {
    const { DefaultRng } = await import('../random/default-rng.ts')
    return (image, labels, randomSeed) => ownColours(image, labels, new DefaultRng(randomSeed))
  },
  inpaint: async () => {
    const { inpainted } = await import('./inpainting.ts')
    return function* (image, labels) {
      return inLevelsOf(image.data, yield* inpainted(image, labels))
    }
  },
}

/**
 * What the image shows where its segments are hidden, all of them at once: of the image's own type, so that means of bytes lose their
 * fraction as they do in Python.
 * @param labels [H*W] the segment of each pixel
 * @param randomSeed of noise, which is the same wherever it is drawn
 * @throws ArgumentError when hideColor is an unknown word, not finite, or has another number of channels than the image;
 *   signal.reason after an abort
 */
export async function fudgedImage(
  image: Image,
  labels: Int32Array,
  hideColor: HideColor,
  { randomSeed, signal }: { readonly randomSeed: number; readonly signal?: AbortSignal },
): Promise<Image> {
  const fill =
    hideColor === null ? segmentMeans : isHiddenFill(hideColor) ? await fills[hideColor]() : plain(image, hideColor)
  const values = await inTurns(fill(image, labels, randomSeed), signal)
  const data = pixelsLike(image.data, image.data.length)
  data.set(values)
  return { ...image, data }
}

/** @throws ArgumentError for what is no colour of the image */
function plain({ channels }: Image, hideColor: number | readonly number[]): Fill {
  const color = typeof hideColor === 'number' ? new Array<number>(channels).fill(hideColor) : hideColor
  if (!Array.isArray(color) || color.length !== channels || !color.every(Number.isFinite)) {
    const why = `must be one finite number or ${channels} of them, ${hideColorWords}, not ${shown(hideColor)}`
    throw new ArgumentError(`hideColor ${why}`, { caller: 'explainInstance', argument: 'hideColor', why })
  }
  return ({ data }) => known(Float64Array.from(data, (_, i) => color[i % channels]))
}

/** Pixels between two pauses: to find a segment takes as long as some thirty additions. */
const pixelStep = stepSize / 32

/** Every pixel in the mean colour of its segment. */
function* segmentMeans({ data: pixels, channels }: Image, labels: Int32Array): Steps<Float64Array> {
  const data = new Float64Array(pixels.length)
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

/** Of the blur's standard deviation to the image's larger side: fine detail goes, what is where stays. */
const blurShare = 1 / 14

function* outOfFocus({ data, height, width, channels }: Image): Steps<Float64Array> {
  const sigma = Math.max(height, width) * blurShare
  return inLevelsOf(data, yield* gaussianFilter(Float64Array.from(data), height, width, channels, sigma))
}

/**
 * Noise as the image's colours have it: each pixel shows one of its pixels, all equally probable. So it is in the image's range,
 * whatever that is, and only whole numbers decide it.
 */
function* ownColours({ data, channels }: Image, labels: Int32Array, random: DefaultRng): Steps<Float64Array> {
  const values = new Float64Array(data.length)
  for (let pixel = 0; pixel < labels.length; pixel++) {
    const drawn = Math.floor(random.random() * labels.length)
    for (let c = 0; c < channels; c++) values[pixel * channels + c] = data[drawn * channels + c]
    if (pixel % pixelStep === pixelStep - 1) yield
  }
  return values
}

/** Rounded where the image's values are whole: what is computed of equal bytes may lack a last digit. */
function inLevelsOf(pixels: Image['data'], values: Float64Array): Float64Array {
  return pixels instanceof Uint8Array ? values.map(Math.round) : values
}
