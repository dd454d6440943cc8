import { ArgumentError } from '../../engine/errors.ts'
import type { RandomState } from '../random/random-state.ts'
import { type Steps, stepSize } from '../steps.ts'

/** Which segments each sample shows: [samples, segments] of 0/1, row-major. Row 0 is the image itself, all ones. */
export interface Masks {
  readonly data: Uint8Array
  readonly shape: readonly [number, number]
}

/** A weight's error is a thousandth of one sample's then: more make no difference that anybody could see. */
export const mostSamples = 1_000_000
/** One byte a sample and segment. */
const mostMaskBytes = 2 ** 27

/** @throws ArgumentError for more masks than are drawn at once */
export function checkRoomForMasks(rows: number, segments: number): void {
  if (rows * segments > mostMaskBytes)
    throw new ArgumentError(
      `${rows} samples of ${segments} segments are too many; at most ${Math.floor(mostMaskBytes / segments)} samples`,
    )
}

/** The next rows of masks of a stream, [rows, segments]. @throws ArgumentError for too many */
export function* drawMasks(randomState: RandomState, rows: number, segments: number): Steps<Uint8Array> {
  checkRoomForMasks(rows, segments)
  const data = new Uint8Array(rows * segments)
  for (let first = 0; first < data.length; first += stepSize) {
    yield first / data.length
    randomState.fillWithBits(data.subarray(first, first + stepSize))
  }
  return data
}

/**
 * lime's sampling: `randint(0, 2, samples * segments)` in one go, row by row, then row 0 set to ones; so the original counts
 * as one of the samples, and the stream moves by samples * segments words.
 */
export function* sampleMasks(randomState: RandomState, samples: number, segments: number): Steps<Masks> {
  const data = yield* drawMasks(randomState, samples, segments)
  data.fill(1, 0, segments)
  return { data, shape: [samples, segments] }
}
