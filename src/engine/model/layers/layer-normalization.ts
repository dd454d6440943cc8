import { optionsOf, text } from '../../arguments.ts'
import { layerNorm } from '../../ops/normalization.ts'
import type { LayerKind } from './layer.ts'
import { type NormalizationConfig, normalizationOptions, scaleAndCenter, scaleOf } from './scale-and-center.ts'

export interface LayerNormalizationLayer extends NormalizationConfig {
  readonly layer: 'layerNormalization'
}

/** Keras's LayerNormalization: each place of each sample by itself, over its channels (the last axis). */
export function layerNormalization(config: NormalizationConfig = {}): LayerNormalizationLayer {
  return { layer: 'layerNormalization', ...config }
}

/** @internal */
export const layerNormalizationKind: LayerKind<LayerNormalizationLayer> = {
  options: optionsOf<LayerNormalizationLayer>({ layer: text, ...normalizationOptions }),
  build(_caller, config, input) {
    return {
      type: 'LayerNormalization',
      outputShape: input,
      weights: scaleAndCenter(config, input[input.length - 1]),
      apply(x, weights) {
        const { gamma, beta } = scaleOf(config, weights)
        return layerNorm(x, { gamma, beta, epsilon: config.epsilon })
      },
    }
  },
}
