import { shown } from '../../engine/arguments.ts'
import { ArgumentError, ShapeError } from '../../engine/errors.ts'

export type PixelData = Float64Array | Float32Array | Uint8Array

/** What callers give: pixels in row-major order, and the shape [H, W], [H, W, 1] or [H, W, 3]. */
export interface ImageInput {
  readonly data: PixelData
  readonly shape: readonly number[]
}

/**
 * A grey (one channel) or RGB (three channels) picture, row-major, channels last. Values keep their own range: [0, 1] for
 * floats and 0..255 for bytes by convention, but nothing here depends on it except the segmenters, which divide bytes by 255.
 */
export interface Image extends ImageInput {
  readonly height: number
  readonly width: number
  readonly channels: 1 | 3
}

/**
 * Checks a picture and names its extents. The pixels are not copied.
 * @throws ShapeError for another shape, or when the data's length does not fit it
 * @throws ArgumentError when a value is not finite, naming the first one
 */
export function toImage(input: ImageInput): Image {
  const { data, shape } = input ?? {}
  if (!(data instanceof Float64Array || data instanceof Float32Array || data instanceof Uint8Array))
    throw new ArgumentError(
      `an image needs \`data\` as a Float64Array, a Float32Array or a Uint8Array, not ${shown(data ?? input)}`,
    )
  if (!Array.isArray(shape)) throw new ShapeError('an image needs a `shape`: [H, W], [H, W, 1] or [H, W, 3]')
  const [height, width, channels = 1] = shape as readonly number[]
  const extentsFit = Number.isInteger(height) && Number.isInteger(width) && height > 0 && width > 0
  if ((shape.length !== 2 && shape.length !== 3) || !extentsFit || (channels !== 1 && channels !== 3))
    throw new ShapeError(`an image has the shape [H, W], [H, W, 1] or [H, W, 3], not ${shown(shape)}`)
  if (data.length !== height * width * channels)
    throw new ShapeError(
      `an image of shape [${shape.join(', ')}] has ${height * width * channels} values, not ${data.length}`,
    )
  if (!(data instanceof Uint8Array)) {
    const bad = (data as Float64Array).findIndex((value) => !Number.isFinite(value))
    if (bad >= 0) throw new ArgumentError(`the image's value at position ${bad} is ${data[bad]}, not a finite number`)
  }
  return { data, shape: [...shape], height, width, channels }
}

/** A new array of the same type. */
export function pixelsLike(data: PixelData, length: number): PixelData {
  if (data instanceof Uint8Array) return new Uint8Array(length)
  return data instanceof Float32Array ? new Float32Array(length) : new Float64Array(length)
}

/** [H, W, 3] of the same type: a grey value repeated in the three channels. A picture in colour comes back as it is. */
export function toRgb(image: Image): Image {
  const { height, width, channels } = image
  if (channels === 3) return image
  const data = pixelsLike(image.data, height * width * 3)
  for (let i = 0; i < height * width; i++) {
    data[3 * i] = image.data[i]
    data[3 * i + 1] = image.data[i]
    data[3 * i + 2] = image.data[i]
  }
  return { data, shape: [height, width, 3], height, width, channels: 3 }
}

/** What the segmenters work on: RGB in float64 [H*W*3]; bytes are divided by 255 (scikit-image's img_as_float). */
export function toUnitRgb(image: Image): Float64Array {
  const { data } = toRgb(image)
  const scale = data instanceof Uint8Array ? 255 : 1
  const unit = new Float64Array(data.length)
  for (let i = 0; i < unit.length; i++) unit[i] = data[i] / scale
  return unit
}
