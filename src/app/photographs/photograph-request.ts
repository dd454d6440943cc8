import { type ExplanationRequest, explanationRequest, type RequestInput } from '../../lime/index.ts'
import type { PictureTask } from '../tasks/picture-task.ts'

/**
 * About fifty segments. On scikit-image's chelsea, coffee and rocket at 224 x 224 this makes 48 to 51 of a few hundred to two
 * thousand pixels each, which keep to what a person would point at: an eye, the cup's rim, the rocket in one piece. Half of the usual
 * compactness (10) leaves ragged edges in fur and wood, 30 cuts across the rocket and the cup; a blur of a pixel keeps noise and the
 * grain of JPEG out of the edges. Quickshift as lime has it finds fewer and larger segments there (30 to 35, up to 11 % of the
 * picture), and takes ten times as long.
 */
export const photographSegmenter = { name: 'slic', parameters: { n_segments: 50, compactness: 20, sigma: 1 } } as const

/** Pictures whose shorter side is at most this are no photographs, even if they were: fifty segments would be of a few pixels each. */
const smallSide = 64

/**
 * What is asked of a photograph, complete: where nothing is said of segments, about fifty, which a thousand samples explain. A
 * network of small pictures gets the segments that are usual for these.
 * @throws ArgumentError as explanationRequest
 */
export function photographRequest(
  given: RequestInput,
  { pictureShape: [height, width] }: PictureTask,
): ExplanationRequest {
  const usual = Math.min(height, width) <= smallSide ? null : photographSegmenter
  return explanationRequest({ ...given, segmenter: given.segmenter ?? usual })
}
