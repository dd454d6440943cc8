import { ShapeError } from '../../engine/errors.ts'
import {
  defaultSegmenter,
  type ExplanationRequest,
  type LabelMap,
  type SegmentationContext,
  segmenterNamed,
} from '../../lime/index.ts'
import type { Picture } from '../pictures/picture.ts'
import type { Region } from '../pictures/resized-picture.ts'
import { withinSide } from './framing.ts'

/**
 * Where segments are looked for: in what the network is asked about, whose pixels are all that it sees, or in the photograph, where
 * edges are finer. Those are then scaled to the network's size, where the smallest may have no pixel left.
 */
export const segmentedIn = ['network', 'photograph'] as const
export type SegmentedIn = (typeof segmentedIn)[number]

/** Pixels a side at which a photograph is segmented: finer edges than these are of no use to networks of a few hundred pixels. */
export const mostSegmentedSide = 512

/** Segments of what the network sees of a photograph, found there. */
export async function segmentsOfPhotograph(
  seen: Picture,
  { segmenter }: ExplanationRequest,
  context: SegmentationContext,
): Promise<LabelMap> {
  const { data, height, width, channels } = withinSide(seen, mostSegmentedSide)
  const image = { data, shape: [height, width, channels] }
  const segment = segmenter ? segmenterNamed(segmenter.name, segmenter.parameters) : defaultSegmenter(image)
  return segment(image, context)
}

/**
 * The part that the network sees of segments that people gave: a label map of the photograph in its proportions, or one of the
 * network's size, which is of that part already.
 * @throws ShapeError for a map of other proportions
 */
export function segmentsInRegion(
  map: LabelMap,
  picture: { readonly height: number; readonly width: number },
  { top, left, height, width }: Region,
  asked: { readonly height: number; readonly width: number },
): LabelMap {
  const [rows, columns] = map.shape
  const scale = rows / picture.height
  if (Math.abs(columns - scale * picture.width) > 1) {
    if (rows === asked.height && columns === asked.width) return map
    throw new ShapeError(
      `the segments are ${columns} x ${rows} pixels, the photograph is ${picture.width} x ${picture.height}: give them in its size or proportions, or in the network's size, ${asked.width} x ${asked.height}`,
    )
  }
  const across = columns / picture.width
  const [first, start] = [Math.round(top * scale), Math.round(left * across)]
  const size = [Math.max(1, Math.round(height * scale)), Math.max(1, Math.round(width * across))] as const
  const data = new Int32Array(size[0] * size[1])
  for (let y = 0; y < size[0]; y++) {
    const from = Math.min(rows - 1, first + y) * columns + Math.min(start, columns - size[1])
    data.set(map.data.subarray(from, from + size[1]), y * size[1])
  }
  return { data, shape: size }
}
