import { flag, positiveNumber } from '../../arguments.ts'
import type { Tensor } from '../../tensor.ts'
import type { WeightDescription } from './layer.ts'

/** What all layers that normalise may be told, and what they learn. */

export interface NormalizationConfig {
  /** Added to the variance; 0.001 unless given. */
  readonly epsilon?: number
  /** Learn what to add to each channel; true unless given. */
  readonly center?: boolean
  /** Learn what to multiply each channel by; true unless given. */
  readonly scale?: boolean
}

/** @internal */
export const normalizationOptions = { epsilon: positiveNumber(), center: flag, scale: flag }

/** gamma and beta, [channels] each, as far as they are learned. */
export function scaleAndCenter(
  { scale = true, center = true }: NormalizationConfig,
  channels: number,
): WeightDescription[] {
  const shape = [channels]
  return [
    ...(scale ? [{ name: 'gamma', shape, initializer: 'ones' } as const] : []),
    ...(center ? [{ name: 'beta', shape, initializer: 'zeros' } as const] : []),
  ]
}

/** Which of a layer's weights are these, and what is left of them. */
export function scaleOf<T extends Tensor>(
  { scale = true, center = true }: NormalizationConfig,
  weights: readonly T[],
): { readonly gamma: T | undefined; readonly beta: T | undefined; readonly rest: readonly T[] } {
  const left = [...weights]
  const gamma = scale ? left.shift() : undefined
  const beta = center ? left.shift() : undefined
  return { gamma, beta, rest: left }
}
