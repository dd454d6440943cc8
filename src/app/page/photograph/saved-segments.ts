import { FormatError } from '../../../engine/errors.ts'
import type { LabelMap } from '../../../lime/index.ts'
import type { PhotographResult } from '../contract/photograph-api.ts'

/** Segments from one place to another: out of an explanation, and out of its file. */

/** The segments of what the network sees of a photograph. */
export function segmentsSeen({
  segments,
  pixels: { width },
  region: { top, left, bottom, right },
}: Pick<PhotographResult, 'segments' | 'pixels' | 'region'>): LabelMap {
  const data = new Int32Array((bottom - top) * (right - left))
  for (let y = top; y < bottom; y++)
    data.set(segments.subarray(y * width + left, y * width + right), (y - top) * (right - left))
  return { data, shape: [bottom - top, right - left] }
}

/** The segments of an explanation that was saved as JSON. @throws FormatError */
export function savedSegments(text: string): LabelMap {
  let file: unknown
  try {
    file = JSON.parse(text)
  } catch {
    throw new FormatError('it is no JSON; expected an explanation that was saved as such')
  }
  const { segments } = (file ?? {}) as { segments?: { map?: unknown } }
  const map = segments?.map
  if (!Array.isArray(map) || map.length === 0 || !map.every(Array.isArray))
    throw new FormatError('it has no map of segments; expected an explanation that was saved as JSON')
  const rows: readonly unknown[][] = map
  const width = rows[0].length
  const data = rows.flat()
  if (rows.some((row) => row.length !== width) || width === 0 || !data.every(isId))
    throw new FormatError('its map of segments is damaged: expected rows of whole numbers from 0 on, all of one length')
  return { data: Int32Array.from(data, Number), shape: [rows.length, width] }
}

/** Below 0 is what is of no segment. */
function isId(label: unknown): boolean {
  return Number.isInteger(label) && Number(label) >= 0
}
