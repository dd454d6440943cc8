import type { FloatImage, Picture } from '../pictures/picture.ts'
import { centreCrop, centreRegion, type Region, resizedPicture, withChannels } from '../pictures/resized-picture.ts'
import type { PictureTask } from '../tasks/picture-task.ts'

/**
 * How a photograph comes to a network, whose pictures have one size: the whole of it is squashed to that size, or its middle is
 * taken in the network's proportions. Neither is right for every network, so results say which it was.
 */
export const fits = ['squash', 'crop'] as const
export type Fit = (typeof fits)[number]

/** Where in a photograph is what the network sees. */
export function regionSeen(picture: Picture, { pictureShape: [height, width] }: PictureTask, fit: Fit): Region {
  if (fit === 'crop') return centreRegion(picture, height, width)
  return { top: 0, left: 0, height: picture.height, width: picture.width }
}

/** What the network sees of a photograph, at the photograph's own resolution. */
export function partSeen(picture: Picture, { pictureShape: [height, width] }: PictureTask, fit: Fit): Picture {
  return fit === 'crop' ? centreCrop(picture, height, width) : picture
}

/** The photograph as the network is asked about it: in its size and channels, values from 0 to 1. */
export function askedPicture(picture: Picture, task: PictureTask, fit: Fit): FloatImage {
  const [height, width, channels] = task.pictureShape
  return withChannels(resizedPicture(partSeen(picture, task, fit), height, width), channels)
}

/** A picture of at most `most` pixels a side, in its proportions; a smaller one stays as large as it is. */
export function withinSide(picture: Picture, most: number): FloatImage {
  const scale = Math.min(1, most / Math.max(picture.height, picture.width))
  const side = (extent: number) => Math.max(1, Math.round(extent * scale))
  return resizedPicture(picture, side(picture.height), side(picture.width))
}
