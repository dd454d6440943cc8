import { ArgumentError } from '../../engine/errors.ts'
import type { RandomState } from '../random/random-state.ts'
import { type Steps, stepSize } from '../steps.ts'
import { drawBalancedMasks } from './balanced-masks.ts'

/** Which segments each sample shows: [samples, segments] of 0/1, row-major. Row 0 is the image itself, all ones. */
export interface Masks {
  readonly data: Uint8Array
  readonly shape: readonly [number, number]
}

/** How masks are drawn: as Python draws them, each by itself, or in blocks that cover mixtures evenly (see balanced-masks.ts). */
export const samplingDesigns = ['plain', 'balanced'] as const
export type SamplingDesign = (typeof samplingDesigns)[number]

/** A weight's error is a thousandth of one sample's then: more make no difference that anybody could see. */
export const mostSamples = 1_000_000
/** One byte a sample and segment. */
const mostMaskBytes = 2 ** 27

/** Masks that can be drawn at once. */
export function mostMasks(segments: number): number {
  return Math.floor(mostMaskBytes / Math.max(1, segments))
}

/** @throws ArgumentError for more masks than are drawn at once */
export function checkRoomForMasks(rows: number, segments: number): void {
  if (rows > mostMasks(segments))
    throw new ArgumentError(
      `${rows} samples of ${segments} segments are too many; at most ${mostMasks(segments)} samples`,
    )
}

/** The next rows of masks of a stream, [rows, segments]; of balanced ones a new block comes first. @throws ArgumentError for too many */
export function* drawMasks(
  randomState: RandomState,
  rows: number,
  segments: number,
  design: SamplingDesign = 'plain',
): Steps<Uint8Array> {
  checkRoomForMasks(rows, segments)
  if (design === 'balanced') return yield* drawBalancedMasks(randomState, rows, segments)
  const data = new Uint8Array(rows * segments)
  for (let first = 0; first < data.length; first += stepSize) {
    yield first / data.length
    randomState.fillWithBits(data.subarray(first, first + stepSize))
  }
  return data
}

/**
 * The image itself and masks drawn. Plain ones are lime's sampling: `randint(0, 2, samples * segments)` in one go, row by row, then
 * row 0 set to ones; so the original counts as one of the samples, and the stream moves by samples * segments words.
 * Balanced ones come in whole blocks after the image, the last one cut off.
 */
export function* sampleMasks(
  randomState: RandomState,
  samples: number,
  segments: number,
  design: SamplingDesign = 'plain',
): Steps<Masks> {
  if (design === 'plain') {
    const data = yield* drawMasks(randomState, samples, segments)
    return { data: data.fill(1, 0, segments), shape: [samples, segments] }
  }
  checkRoomForMasks(samples, segments)
  const data = new Uint8Array(samples * segments).fill(1, 0, segments)
  data.set(yield* drawMasks(randomState, samples - 1, segments, design), segments)
  return { data, shape: [samples, segments] }
}
