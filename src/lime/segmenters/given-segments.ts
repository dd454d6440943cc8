import { check } from '../../engine/arguments.ts'
import { ArgumentError, LimelightError, ShapeError } from '../../engine/errors.ts'
import type { Image } from '../images/image.ts'
import { idsOfPixels, type LabelMap, labelMap, mapName } from './label-map.ts'

/**
 * Segments that people give: a label map that they drew, or made elsewhere. A request is plain data and can't hold one: it names
 * the map by its digest, so that a record says which one it was, and each call gets the map itself.
 */

/**
 * SHA-256 of a label map's height, width and labels as 32-bit integers, lowest byte first: 64 hexadecimal digits. Labels are the ids that were
 * given: the map that an explanation has is the one it was made with.
 * @throws ArgumentError for what is no label map
 * @throws LimelightError in a page that is not a secure context, where browsers offer no SHA-256
 */
export async function labelMapDigest(map: LabelMap): Promise<string> {
  check('labelMapDigest', labelMap, map, 'map')
  if (!globalThis.crypto?.subtle)
    throw new LimelightError('segments can only be told apart over HTTPS or on localhost: browsers offer SHA-256 there')
  const { shape } = map
  const data = idsOfPixels(map)
  const bytes = new DataView(new ArrayBuffer(4 * (2 + data.length)))
  shape.forEach((extent, i) => {
    bytes.setInt32(4 * i, extent, true)
  })
  data.forEach((label, i) => {
    bytes.setInt32(4 * (2 + i), label, true)
  })
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes.buffer))
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/**
 * What a request says as its segmenter where the segments are a label map of one's own:
 * `explainerFor({ version: 1, method: 'lime', segmenter: await mapSegmenter(map) })(image, model, { segments: map })`.
 * @throws as labelMapDigest
 */
export async function mapSegmenter(
  map: LabelMap,
): Promise<{ readonly name: 'map'; readonly parameters: { readonly digest: string } }> {
  return { name: mapName, parameters: { digest: await labelMapDigest(map) } }
}

/**
 * What segments by a request's label map.
 * @param digest the request's
 * @param given the call's map
 * @returns [H, W], as given
 * @throws ArgumentError for a map that is missing or another, ShapeError for one of another size than the image
 * @internal
 */
export async function givenSegments(
  digest: string,
  given: LabelMap | undefined,
  { height, width }: Image,
): Promise<LabelMap> {
  if (!given)
    throw new ArgumentError(
      `segments: the request's segments are the label map ${short(digest)}: give it to the call, { segments: { data, shape } }`,
    )
  const found = await labelMapDigest(given)
  if (found !== digest)
    throw new ArgumentError(
      `segments: this label map is ${short(found)}, the request is for ${short(digest)}: give that one, or make the request anew with segmenter: await mapSegmenter(segments)`,
    )
  const [rows, columns] = given.shape
  if (rows !== height || columns !== width)
    throw new ShapeError(
      `segments: a label map of [${rows}, ${columns}] for an image of [${height}, ${width}]; scale it: scaledLabelMap(segments, ${height}, ${width})`,
    )
  return given
}

function short(digest: string): string {
  return `${digest.slice(0, 8)}…`
}
