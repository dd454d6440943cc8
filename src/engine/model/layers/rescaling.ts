import { finiteNumber, optionsOf, text } from '../../arguments.ts'
import { add, mul } from '../../ops/elementwise.ts'
import { type LayerKind, withoutWeights } from './layer.ts'

export interface RescalingConfig {
  readonly scale: number
  /** 0 unless given. */
  readonly offset?: number
}

export interface RescalingLayer extends RescalingConfig {
  readonly layer: 'rescaling'
}

/** Keras's Rescaling: x · scale + offset, such as pixels of 0 to 255 made numbers from -1 to 1. */
export function rescaling(config: RescalingConfig): RescalingLayer {
  return { layer: 'rescaling', ...config }
}

/** @internal */
export const rescalingKind: LayerKind<RescalingLayer> = {
  options: optionsOf<RescalingLayer>({ layer: text, scale: finiteNumber, offset: finiteNumber }, 'scale'),
  build: (_caller, { scale, offset = 0 }, input) =>
    withoutWeights('Rescaling', input, (x) => (offset === 0 ? mul(x, scale) : add(mul(x, scale), offset))),
}
