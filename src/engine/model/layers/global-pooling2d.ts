import { flag, optionsOf, text } from '../../arguments.ts'
import { ShapeError } from '../../errors.ts'
import { type GlobalPoolOptions, globalAveragePool, globalMaxPool } from '../../ops/pool.ts'
import { formatShape } from '../../tensor.ts'
import { type LayerKind, withoutWeights } from './layer.ts'

export interface GlobalAveragePooling2dLayer extends GlobalPoolOptions {
  readonly layer: 'globalAveragePooling2d'
}

export interface GlobalMaxPooling2dLayer extends GlobalPoolOptions {
  readonly layer: 'globalMaxPooling2d'
}

/** Keras's GlobalAveragePooling2D: the mean of each channel. [H, W, C] becomes [C], or [1, 1, C] with `keepDims`. */
export function globalAveragePooling2d(config: GlobalPoolOptions = {}): GlobalAveragePooling2dLayer {
  return { layer: 'globalAveragePooling2d', ...config }
}

/** Keras's GlobalMaxPooling2D: the maximum of each channel. [H, W, C] becomes [C], or [1, 1, C] with `keepDims`. */
export function globalMaxPooling2d(config: GlobalPoolOptions = {}): GlobalMaxPooling2dLayer {
  return { layer: 'globalMaxPooling2d', ...config }
}

function globalPooling2dKind(type: string, pool: typeof globalMaxPool): LayerKind<GlobalPoolOptions> {
  return {
    options: optionsOf<GlobalAveragePooling2dLayer | GlobalMaxPooling2dLayer>({ layer: text, keepDims: flag }),
    build(caller, { keepDims }, input) {
      if (input.length !== 3) throw new ShapeError(`${caller}: expected images [H,W,C], got ${formatShape(input)}`)
      const output = keepDims ? [1, 1, input[2]] : [input[2]]
      return withoutWeights(type, output, (x) => pool(x, { keepDims }))
    },
  }
}

/** @internal */
export const globalAveragePooling2dKind = globalPooling2dKind('GlobalAveragePooling2D', globalAveragePool)
/** @internal */
export const globalMaxPooling2dKind = globalPooling2dKind('GlobalMaxPooling2D', globalMaxPool)
