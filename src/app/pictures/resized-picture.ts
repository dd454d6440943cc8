import { ArgumentError } from '../../engine/errors.ts'
import { type FloatImage, type Picture, whiteOf } from './picture.ts'

/**
 * Pictures of another size, proportion or number of channels.
 */

/**
 * Bilinear with antialiasing, as PIL (Image.BILINEAR) and most trainings do it: a pixel is a mean of the pixels that it covers,
 * weighted by a triangle that is as wide as two pixels of the coarser picture; at the edges what is missing is left out of the mean.
 * PIL rounds to whole levels of 255 after each direction, which is not imitated: its values are at most one level away.
 *
 * Each row of the picture is resized once, and added to the rows that it is a part of: beside picture and result there is one row in
 * memory.
 * @throws ArgumentError when height or width is no positive integer
 */
export function resizedPicture(image: Picture | FloatImage, height: number, width: number): FloatImage {
  for (const extent of [height, width])
    if (!Number.isSafeInteger(extent) || extent < 1)
      throw new ArgumentError(`a picture's height and width are positive integers, not ${height} and ${width}`)
  const { channels } = image
  const across = sharesOf(image.width, width)
  const down = sharesOf(image.height, height)
  const data = new Float64Array(height * width * channels)
  const row = new Float64Array(width * channels)
  const white = whiteOf(image)
  // Rows of the result before `open` have all their parts.
  let open = 0
  for (let y = 0; y < image.height; y++) {
    resizeRow(image.data, y * image.width, channels, across, row)
    while (open < height && down.firsts[open] + down.counts[open] <= y) open++
    for (let to = open; to < height && down.firsts[to] <= y; to++) {
      const weight = down.weights[to * down.most + y - down.firsts[to]] / white
      for (let i = 0, at = to * row.length; i < row.length; i++, at++) data[at] += weight * row[i]
    }
  }
  return { data, height, width, channels }
}

/** For each pixel of the result the first one of those that it is a mean of, how many there are, and the weights of at most so many. */
interface Shares {
  readonly firsts: Int32Array
  readonly counts: Int32Array
  readonly most: number
  readonly weights: Float64Array
}

/** As PIL's precompute_coeffs has it. */
function sharesOf(extent: number, wanted: number): Shares {
  const scale = extent / wanted
  const support = Math.max(1, scale)
  const most = 2 * Math.ceil(support) + 1
  const [firsts, counts] = [new Int32Array(wanted), new Int32Array(wanted)]
  const weights = new Float64Array(wanted * most)
  for (let to = 0; to < wanted; to++) {
    const centre = (to + 0.5) * scale
    const first = Math.max(0, Math.trunc(centre - support + 0.5))
    const count = Math.min(extent, Math.trunc(centre + support + 0.5)) - first
    const own = weights.subarray(to * most, to * most + count)
    for (let i = 0; i < count; i++) own[i] = Math.max(0, 1 - Math.abs((first + i + 0.5 - centre) / support))
    const total = own.reduce((sum, weight) => sum + weight, 0)
    for (let i = 0; i < count; i++) own[i] /= total
    firsts[to] = first
    counts[to] = count
  }
  return { firsts, counts, most, weights }
}

function resizeRow(
  data: (Picture | FloatImage)['data'],
  start: number,
  channels: 1 | 3,
  { firsts, counts, most, weights }: Shares,
  row: Float64Array,
): void {
  for (let to = 0; to < firsts.length; to++) {
    let at = (start + firsts[to]) * channels
    const end = to * most + counts[to]
    if (channels === 1) {
      let sum = 0
      for (let i = to * most; i < end; i++) sum += weights[i] * data[at++]
      row[to] = sum
    } else {
      let [red, green, blue] = [0, 0, 0]
      for (let i = to * most; i < end; i++, at += 3) {
        const weight = weights[i]
        red += weight * data[at]
        green += weight * data[at + 1]
        blue += weight * data[at + 2]
      }
      row[3 * to] = red
      row[3 * to + 1] = green
      row[3 * to + 2] = blue
    }
  }
}

/** A part of a picture, in its pixels. */
export interface Region {
  readonly top: number
  readonly left: number
  readonly height: number
  readonly width: number
}

/** The middle of a picture, as large as it can be in the proportions of height and width. */
export function centreRegion(image: Pick<Picture, 'height' | 'width'>, height: number, width: number): Region {
  const scale = Math.min(image.height / height, image.width / width)
  const [rows, columns] = [Math.max(1, Math.round(height * scale)), Math.max(1, Math.round(width * scale))]
  const [top, left] = [Math.floor((image.height - rows) / 2), Math.floor((image.width - columns) / 2)]
  return { top, left, height: rows, width: columns }
}

/** The middle of a picture, as large as it can be in these proportions. */
export function centreCrop<Image extends Picture | FloatImage>(image: Image, height: number, width: number): Image {
  const { top, left, ...size } = centreRegion(image, height, width)
  if (size.height === image.height && size.width === image.width) return image
  const { channels } = image
  const data = blankAs(image.data, size.height * size.width * channels)
  for (let row = 0; row < size.height; row++) {
    const from = ((top + row) * image.width + left) * channels
    data.set(image.data.subarray(from, from + size.width * channels), row * size.width * channels)
  }
  return { ...image, data, ...size }
}

/** As many channels as a network takes: grey is shown in all three, colours as grey by how bright they look. */
export function withChannels<Image extends Picture | FloatImage>(image: Image, channels: 1 | 3): Image {
  if (image.channels === channels) return image
  const pixels = image.height * image.width
  const data = blankAs(image.data, pixels * channels)
  const isFloat = data instanceof Float64Array
  for (let pixel = 0, at = 0; pixel < pixels; pixel++)
    if (channels === 3) for (let end = at + 3; at < end; at++) data[at] = image.data[pixel]
    else {
      const brightness = 0.2125 * image.data[at++] + 0.7154 * image.data[at++] + 0.0721 * image.data[at++]
      data[pixel] = isFloat ? brightness : Math.round(brightness)
    }
  return { ...image, data, channels }
}

/** Numbers of the same kind. */
function blankAs(data: (Picture | FloatImage)['data'], length: number): (Picture | FloatImage)['data'] {
  if (data instanceof Float64Array) return new Float64Array(length)
  return data instanceof Uint16Array ? new Uint16Array(length) : new Uint8Array(length)
}
