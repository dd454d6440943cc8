import { optionsOf, text } from '../../arguments.ts'
import { avgPool, maxPool } from '../../ops/pool.ts'
import { type Padding, type Pair, pair } from '../../ops/window.ts'
import { type LayerKind, withoutWeights } from './layer.ts'
import { padding, walkOver } from './window.ts'

export interface Pooling2dConfig {
  readonly poolSize?: Pair
  readonly strides?: Pair
  readonly padding?: Padding
}

export interface MaxPooling2dLayer extends Pooling2dConfig {
  readonly layer: 'maxPooling2d'
}

export interface AveragePooling2dLayer extends Pooling2dConfig {
  readonly layer: 'averagePooling2d'
}

/** Keras's MaxPooling2D: windows of 2 x 2, moved by their own size unless given. */
export function maxPooling2d(config: Pooling2dConfig = {}): MaxPooling2dLayer {
  return { layer: 'maxPooling2d', ...config }
}

/** Keras's AveragePooling2D: windows of 2 x 2, moved by their own size unless given. */
export function averagePooling2d(config: Pooling2dConfig = {}): AveragePooling2dLayer {
  return { layer: 'averagePooling2d', ...config }
}

function pooling2dKind(type: string, pool: typeof maxPool): LayerKind<Pooling2dConfig> {
  return {
    options: optionsOf<MaxPooling2dLayer | AveragePooling2dLayer>({
      layer: text,
      poolSize: pair,
      strides: pair,
      padding,
    }),
    build(caller, { poolSize = 2, strides = poolSize, padding }, input) {
      const outputs = walkOver(caller, input, 'poolSize', poolSize, strides, padding)
      return withoutWeights(type, [...outputs, input[2]], (x) => pool(x, { poolSize, strides, padding }))
    },
  }
}

/** @internal */
export const maxPooling2dKind = pooling2dKind('MaxPooling2D', maxPool)
/** @internal */
export const averagePooling2dKind = pooling2dKind('AveragePooling2D', avgPool)
