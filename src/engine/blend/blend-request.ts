import { callback, flag, optionsOf, thatIs, wholeNumber, withFields } from '../arguments.ts'
import { ArgumentError, ShapeError } from '../errors.ts'
import { type ChunkOptions, longCallOptions } from '../model/compiled.ts'
import { formatShape, type Shape, sizeOf } from '../tensor.ts'

/** Perturbed images by their recipe; see blendBySegments. */
export interface BlendRequest {
  /** [H·W·C], as is `fudged`. */
  readonly image: Float32Array
  readonly fudged: Float32Array
  /** [H·W], labels from 0. */
  readonly segments: Int32Array
  /** [count, segmentCount] of 0 and 1. */
  readonly masks: Uint8Array
  readonly count: number
  readonly segmentCount: number
}

/** The two images of which all mixtures are asked for. */
export type BlendedImages = Omit<BlendRequest, 'masks' | 'count'>

/** onRows hears nothing where all rows come at once, as they do where samples share nearly all their work. */
export interface BlendOptions extends ChunkOptions {
  /** Compute what samples have in common once, where that pays: the default. false: every sample by itself. */
  readonly factored?: boolean
}

const arrayOf = (type: typeof Float32Array | typeof Int32Array | typeof Uint8Array) =>
  thatIs<InstanceType<typeof type>>(`a ${type.name}`, (value) => value instanceof type)

const images = {
  image: arrayOf(Float32Array),
  fudged: arrayOf(Float32Array),
  segments: arrayOf(Int32Array),
  segmentCount: wholeNumber(1),
}

/** @internal */
export const blendedImages = withFields<BlendedImages>(images)
/** @internal */
export const blendRequest = withFields<BlendRequest>({ ...images, masks: arrayOf(Uint8Array), count: wholeNumber(1) })
/** @internal */
export const blendOptions = optionsOf<BlendOptions>({ ...longCallOptions, onRows: callback, factored: flag })

/**
 * @param inputShape of one image that the network takes
 * @throws ShapeError, ArgumentError where the images do not fit it, hold what is no number, or have stray segment labels
 */
export function checkBlendedImages(
  caller: string,
  { image, fudged, segments, segmentCount }: BlendedImages,
  inputShape: Shape,
): void {
  const pixels = inputShape[0] * inputShape[1]
  const size = sizeOf(inputShape)
  if (inputShape.length !== 3 || image.length !== size || fudged.length !== size || segments.length !== pixels)
    throw new ShapeError(
      `${caller}: image of ${image.length}, fudged of ${fudged.length} numbers, ${segments.length} segment labels; the model takes ${formatShape(inputShape)}`,
    )
  for (const [what, values] of Object.entries({ image, fudged }))
    if (!values.every(Number.isFinite)) {
      const strange = values.find((value) => !Number.isFinite(value))
      throw new ArgumentError(`${caller}: the ${what} holds ${strange}; expected finite numbers`)
    }
  const stray = segments.find((segment) => segment < 0 || segment >= segmentCount)
  if (stray !== undefined)
    throw new ArgumentError(`${caller}: a pixel is of segment ${stray}; expected 0 to ${segmentCount - 1}`)
}

/** @throws ShapeError where the masks are not as many as they should be */
export function checkMasks(caller: string, { masks, count, segmentCount }: BlendRequest): void {
  if (masks.length !== count * segmentCount)
    throw new ShapeError(`${caller}: ${masks.length} mask values; expected ${count} x ${segmentCount}`)
}
