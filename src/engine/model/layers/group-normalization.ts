import { optionsOf, text, thatIs } from '../../arguments.ts'
import { ShapeError } from '../../errors.ts'
import { groupNorm } from '../../ops/normalization.ts'
import type { LayerKind } from './layer.ts'
import { type NormalizationConfig, normalizationOptions, scaleAndCenter, scaleOf } from './scale-and-center.ts'

export interface GroupNormalizationConfig extends NormalizationConfig {
  /** How many groups of neighbouring channels; -1: each channel is one (instance normalisation). 32 unless given. */
  readonly groups?: number
}

export interface GroupNormalizationLayer extends GroupNormalizationConfig {
  readonly layer: 'groupNormalization'
}

/** Keras's GroupNormalization: each group of channels (the last axis) of each sample by itself. */
export function groupNormalization(config: GroupNormalizationConfig = {}): GroupNormalizationLayer {
  return { layer: 'groupNormalization', ...config }
}

/** @internal */
export const groupNormalizationKind: LayerKind<GroupNormalizationLayer> = {
  options: optionsOf<GroupNormalizationLayer>({
    layer: text,
    groups: thatIs<number>(
      'a positive integer, or -1',
      (value) => Number.isSafeInteger(value) && (Number(value) > 0 || value === -1),
    ),
    ...normalizationOptions,
  }),
  build(caller, { groups = 32, ...config }, input) {
    const channels = input[input.length - 1]
    const count = groups === -1 ? channels : groups
    if (channels % count !== 0)
      throw new ShapeError(
        `${caller}: ${channels} channels do not make ${count} groups of as many; give it other groups`,
      )
    return {
      type: 'GroupNormalization',
      outputShape: input,
      weights: scaleAndCenter(config, channels),
      apply(x, weights) {
        const { gamma, beta } = scaleOf(config, weights)
        return groupNorm(x, count, { gamma, beta, epsilon: config.epsilon })
      },
    }
  },
}
