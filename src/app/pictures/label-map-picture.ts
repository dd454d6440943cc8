import { encode } from 'fast-png'
import { ArgumentError, FormatError } from '../../engine/errors.ts'
import type { LabelMap } from '../../lime/index.ts'
import { idsOfPixels } from '../../lime/segmenters/label-map.ts'
import { decodePicture } from './decode-picture.ts'
import type { Picture } from './picture.ts'
import { isAt, pngSignature } from './signature.ts'

/**
 * Label maps as PNG, the one format that every program that draws them writes and none of which loses a pixel. Each pixel's segment is
 * what it shows: of a grey picture the level, of 8 bits or 16 (fewer bits are spread over 0 to 255); of one in colours, with a palette
 * or without, the colour, 0xRRGGBB. What is transparent is white.
 */

const mostGrey = 0xffff
const mostColour = 0xffffff

/** @throws FormatError for colours of 16 bits, of which a segment's number could not tell all apart */
export function labelMapFromPicture({ data, height, width, channels }: Picture): LabelMap {
  if (channels === 1) return { data: Int32Array.from(data), shape: [height, width] }
  if (data instanceof Uint16Array)
    throw new FormatError(
      'a label map has grey levels of 8 or 16 bits, or colours of 8 bits a channel; this one has colours of 16: save it with 8',
    )
  const labels = new Int32Array(height * width)
  for (let pixel = 0; pixel < labels.length; pixel++)
    labels[pixel] = (data[3 * pixel] << 16) | (data[3 * pixel + 1] << 8) | data[3 * pixel + 2]
  return { data: labels, shape: [height, width] }
}

/**
 * Reads a label map from a file's bytes.
 * @throws FormatError for another format (JPEG and its like change colours at edges, and each would be a segment), or a PNG that can't
 *   be read; signal.reason after an abort
 */
export async function labelMapFromPng(bytes: Uint8Array, signal?: AbortSignal): Promise<LabelMap> {
  if (!isAt(bytes, 0, pngSignature))
    throw new FormatError('a label map is a PNG, whose pixels are kept as they are; this file is of another format')
  return labelMapFromPicture(await decodePicture(bytes, { signal }))
}

/**
 * Writes a label map: segments up to 255 in grey of 8 bits, up to 65,535 in grey of 16, up to 16,777,215 in colours.
 * @param map its `data` are the numbers written; of a map that an explanation has, whose segments are numbered anew, their ids are
 * @throws ArgumentError for a segment below 0, or above 16,777,215
 */
export function labelMapToPng(map: LabelMap): Uint8Array {
  const [height, width] = map.shape
  const labels = idsOfPixels(map)
  const [least, most] = labels.reduce(([low, high], label) => [Math.min(low, label), Math.max(high, label)], [0, 0])
  if (least < 0 || most > mostColour)
    throw new ArgumentError(
      `a PNG holds segments from 0 to ${mostColour.toLocaleString('en-US')}; the label map has ${least < 0 ? least : most}: number them anew`,
    )
  if (most <= 255) return encode({ data: Uint8Array.from(labels), height, width, channels: 1, depth: 8 })
  if (most <= mostGrey) return encode({ data: Uint16Array.from(labels), height, width, channels: 1, depth: 16 })
  const colours = new Uint8Array(3 * labels.length)
  labels.forEach((label, pixel) => {
    colours.set([label >> 16, label >> 8, label], 3 * pixel)
  })
  return encode({ data: colours, height, width, channels: 3, depth: 8 })
}
