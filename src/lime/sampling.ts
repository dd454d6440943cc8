import { ArgumentError } from '../engine/errors.ts'
import type { RandomState } from './random-state.ts'

/** Which segments each sample shows: [samples, segments] of 0/1, row-major. Row 0 is the image itself, all ones. */
export interface Masks {
  readonly data: Uint8Array
  readonly shape: readonly [number, number]
}

/** Beyond this many segments their 2^n masks are too many to list. */
export const mostSegmentsForExact = 20

/**
 * lime's sampling: `randint(0, 2, samples * segments)` in one go, row by row, then row 0 set to ones; so the original counts
 * as one of the samples, and the stream moves by samples * segments words.
 */
export function sampleMasks(randomState: RandomState, samples: number, segments: number): Masks {
  const data = new Uint8Array(randomState.randint(0, 2, samples * segments))
  data.fill(1, 0, segments)
  return { data, shape: [samples, segments] }
}

/**
 * Every subset of the segments once: what sampling approaches with ever more samples (Garreau and Mardaoui, "What does LIME
 * really see in images?", ICML 2021). Draws nothing.
 * @throws ArgumentError for more than 20 segments
 */
export function allMasks(segments: number): Masks {
  if (segments > mostSegmentsForExact)
    throw new ArgumentError(
      `numSamples 'exact' takes all 2^n masks of at most ${mostSegmentsForExact} segments; this image has ${segments}`,
    )
  const samples = 2 ** segments
  const data = new Uint8Array(samples * segments)
  for (let row = 0; row < samples; row++)
    for (let segment = 0; segment < segments; segment++) data[row * segments + segment] = 1 - ((row >> segment) & 1)
  return { data, shape: [samples, segments] }
}
