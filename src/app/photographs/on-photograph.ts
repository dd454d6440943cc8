import { type Attribution, type Image, type LabelMap, scaledLabelMap } from '../../lime/index.ts'
import type { FloatImage } from '../pictures/picture.ts'
import { resizedPicture, withChannels } from '../pictures/resized-picture.ts'
import type { ExplainedPhotograph } from './explain-photograph.ts'
import { withinSide } from './framing.ts'

/** Pixels a side that pictures of explanations have at most: a screen shows no more of them, and files stay small. */
export const mostShownSide = 1024

/** How much of the white veil lies on what the network does not see. */
const veil = 0.7

/**
 * The evidence on the photograph itself, in its own proportions: whatever paints an attribution (overlay, heatmap, markBoundaries,
 * getImageAndMask) paints it there. What the network does not see is veiled, and of no segment.
 * @param most pixels a side, at most; a smaller photograph stays as large as it is
 */
export function shownOnPhotograph(explained: ExplainedPhotograph, most = mostShownSide): Attribution {
  const { photograph, attribution, segments, region } = explained
  const { picture } = photograph
  const shown = withChannels(withinSide(picture, most), 3)
  const scale = { y: shown.height / picture.height, x: shown.width / picture.width }
  const [top, left] = [Math.round(region.top * scale.y), Math.round(region.left * scale.x)]
  const bottom = Math.max(top + 1, Math.round((region.top + region.height) * scale.y))
  const right = Math.max(left + 1, Math.round((region.left + region.width) * scale.x))
  const [height, width] = [bottom - top, right - left]

  const labels = new Int32Array(shown.height * shown.width).fill(-1)
  const image = new Float32Array(shown.data)
  for (let i = 0; i < image.length; i++) image[i] = shown.data[i] + (1 - shown.data[i]) * veil
  const fudged = image.slice()
  const scaled = scaledLabelMap(segments, height, width).data
  const hidden = resizedPicture(floatsOf(attribution.fudged), height, width).data
  for (let y = 0; y < height; y++) {
    const from = (top + y) * shown.width + left
    labels.set(scaled.subarray(y * width, (y + 1) * width), from)
    image.set(shown.data.subarray(3 * from, 3 * (from + width)), 3 * from)
    fudged.set(hidden.subarray(3 * y * width, 3 * (y + 1) * width), 3 * from)
  }
  const shape = [shown.height, shown.width, 3]
  const map: LabelMap = { data: labels, shape: [shown.height, shown.width], ids: attribution.segmentIds }
  return attribution.shownOn({ image: { data: image, shape }, fudged: { data: fudged, shape }, segments: map })
}

/** What the network sees when these segments are hidden, [H, W, 3] in its own size. */
export function seenWithout({ image, fudged, segments }: Attribution, hidden: ReadonlySet<number>): Image {
  const data = image.data.slice()
  segments.data.forEach((segment, pixel) => {
    if (hidden.has(segment)) data.set(fudged.data.subarray(3 * pixel, 3 * pixel + 3), 3 * pixel)
  })
  return { ...image, data }
}

/** Values from 0 to 1. By a loop: a function for each of many values takes ten times as long, and a list of them besides. */
export function floatsOf({ data, height, width }: Image): FloatImage {
  const white = data instanceof Uint8Array ? 255 : 1
  const values = new Float64Array(data.length)
  for (let i = 0; i < values.length; i++) values[i] = data[i] / white
  return { data: values, height, width, channels: 3 }
}
