import type { FloatImage } from './png.ts'

/**
 * Pictures of another size. Bilinear with antialiasing, as PIL (Image.BILINEAR) and most trainings do it: a pixel is a mean of the
 * pixels that it covers, weighted by a triangle that is as wide as two pixels of the coarser picture; at the edges what is missing
 * is left out of the mean. PIL rounds to whole levels of 255 after each direction, which is not imitated.
 */
export function resizedPicture(image: FloatImage, height: number, width: number): FloatImage {
  const { channels } = image
  const across = resampled(image.data, image.height, image.width, channels, width)
  // The other direction: rows are columns of single pixels, as wide as a row.
  const data = resampled(across, 1, image.height, width * channels, height)
  return { data, height, width, channels }
}

/** The middle of a picture, as large as it can be in these proportions. */
export function centreCrop(image: FloatImage, height: number, width: number): FloatImage {
  const scale = Math.min(image.height / height, image.width / width)
  const [rows, columns] = [Math.max(1, Math.round(height * scale)), Math.max(1, Math.round(width * scale))]
  const [top, left] = [Math.floor((image.height - rows) / 2), Math.floor((image.width - columns) / 2)]
  const { channels } = image
  const data = new Float64Array(rows * columns * channels)
  for (let row = 0; row < rows; row++) {
    const from = ((top + row) * image.width + left) * channels
    data.set(image.data.subarray(from, from + columns * channels), row * columns * channels)
  }
  return { data, height: rows, width: columns, channels }
}

/** As many channels as a network takes: grey is shown in all three, colours as grey by how bright they look. */
export function withChannels(image: FloatImage, channels: 1 | 3): FloatImage {
  if (image.channels === channels) return image
  const { height, width } = image
  const data = new Float64Array(height * width * channels)
  for (let pixel = 0; pixel < height * width; pixel++)
    if (channels === 3) data.fill(image.data[pixel], 3 * pixel, 3 * pixel + 3)
    else {
      const [red, green, blue] = image.data.subarray(3 * pixel, 3 * pixel + 3)
      data[pixel] = 0.2125 * red + 0.7154 * green + 0.0721 * blue
    }
  return { data, height, width, channels }
}

/** Rows of `extent` pixels become rows of `wanted`. */
function resampled(data: Float64Array, rows: number, extent: number, channels: number, wanted: number): Float64Array {
  if (extent === wanted) return data
  const scale = extent / wanted
  const support = Math.max(1, scale)
  const result = new Float64Array(rows * wanted * channels)
  for (let column = 0; column < wanted; column++) {
    const centre = (column + 0.5) * scale
    const first = Math.max(0, Math.trunc(centre - support + 0.5))
    const end = Math.min(extent, Math.trunc(centre + support + 0.5))
    const weights = Array.from({ length: end - first }, (_, i) =>
      Math.max(0, 1 - Math.abs((first + i + 0.5 - centre) / support)),
    )
    const total = weights.reduce((sum, weight) => sum + weight, 0)
    for (let row = 0; row < rows; row++)
      for (let channel = 0; channel < channels; channel++) {
        let sum = 0
        weights.forEach((weight, i) => {
          sum += weight * data[(row * extent + first + i) * channels + channel]
        })
        result[(row * wanted + column) * channels + channel] = sum / total
      }
  }
  return result
}
