import { shown } from '../../engine/arguments.ts'
import { ArgumentError } from '../../engine/errors.ts'
import { expOfNegative } from '../exponential.ts'

/** Distance to the original -> weight of a sample. */
export type Kernel = (distance: number, kernelWidth: number) => number

/**
 * lime's default: sqrt(exp(-d^2 / kernelWidth^2)). The image itself weighs 1 even where the width's square is too small for a
 * number. Math.exp is rounded in another way by WebKit than by V8 and Firefox.
 */
export const exponentialKernel: Kernel = (distance, kernelWidth) =>
  distance === 0 ? 1 : Math.sqrt(expOfNegative(-(distance ** 2) / kernelWidth ** 2))

/**
 * The weight of every sample.
 * @throws ArgumentError when the kernel returns anything but finite numbers >= 0, or zeros only
 */
export function kernelWeights(distances: Float64Array, kernel: Kernel, kernelWidth: number): Float64Array {
  const weights = distances.map((distance) => {
    const weight: unknown = kernel(distance, kernelWidth)
    if (typeof weight === 'number' && weight >= 0 && weight < Number.POSITIVE_INFINITY) return weight
    throw new ArgumentError(`the kernel gave the weight ${shown(weight)} for the distance ${distance}`)
  })
  if (!weights.some((weight) => weight > 0)) throw new ArgumentError('the kernel gave every sample the weight 0')
  return weights
}
