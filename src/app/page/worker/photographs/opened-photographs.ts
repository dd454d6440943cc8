import { LimelightError } from '../../../../engine/index.ts'
import { withinSide } from '../../../photographs/framing.ts'
import { decodePicture } from '../../../pictures/decode-picture.ts'
import type { Picture } from '../../../pictures/picture.ts'
import { withChannels } from '../../../pictures/resized-picture.ts'
import type { Photograph, Pixels } from '../../contract/photograph-api.ts'
import { keep, kept } from '../kept.ts'
import { fileId } from './sha256.ts'

/** Pixels of the longer side that the page shows: a larger picture is shown smaller. */
export const maxShown = 960

/** One that is looked at, and one that comes in its place. */
const maxOpened = 2

/** The photograph that is looked at; one's own is kept between visits. */
export class OpenedPhotographs {
  /** The last one comes last. */
  private opened: readonly { readonly id: string; readonly picture: Picture }[] = []

  /** @param id a first picture's name; null for a picture of one's own */
  async open(file: Blob, name: string, id: string | null): Promise<Photograph> {
    const bytes = new Uint8Array(await file.arrayBuffer())
    const own = id === null ? await fileId(bytes) : null
    const photograph = await this.decoded(bytes, name, own ?? id ?? '')
    if (own) await keep('photograph', { id: own, name, bytes })
    return photograph
  }

  async kept(id: string): Promise<Photograph | null> {
    const there = await kept('photograph')
    return there?.id === id ? this.decoded(there.bytes, there.name, id) : null
  }

  /** @throws LimelightError for one that others have come in the place of */
  find(id: string): Picture {
    const opened = this.opened.find((each) => each.id === id)
    if (!opened) throw new LimelightError('this picture is not open any more')
    return opened.picture
  }

  private async decoded(bytes: Uint8Array<ArrayBuffer>, name: string, id: string): Promise<Photograph> {
    const picture = await decodePicture(bytes)
    this.opened = [...this.opened.filter((each) => each.id !== id), { id, picture }].slice(-maxOpened)
    const { height, width } = picture
    return { id, name, height, width, shown: shownPixels(picture) }
  }
}

function shownPixels(picture: Picture): Pixels {
  return pixelsOf(withChannels(withinSide(picture, maxShown), 3))
}

/** A picture of three channels, 0 to 1, as a canvas takes it. */
export function pixelsOf({
  data: values,
  height,
  width,
}: {
  readonly data: ArrayLike<number>
  readonly height: number
  readonly width: number
}): Pixels {
  const data = new Uint8ClampedArray(height * width * 4).fill(255)
  for (let pixel = 0; pixel < height * width; pixel++)
    for (let channel = 0; channel < 3; channel++) data[4 * pixel + channel] = 255 * values[3 * pixel + channel]
  return { data, height, width }
}
