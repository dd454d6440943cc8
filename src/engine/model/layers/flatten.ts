import { optionsOf, text } from '../../arguments.ts'
import { flatten as flattenTensor } from '../../ops/reshape.ts'
import { sizeOf } from '../../tensor.ts'
import { type LayerKind, withoutWeights } from './layer.ts'

export interface FlattenLayer {
  readonly layer: 'flatten'
}

/** [H, W, C] becomes [H · W · C]. */
export function flatten(): FlattenLayer {
  return { layer: 'flatten' }
}

/** @internal */
export const flattenKind: LayerKind<FlattenLayer> = {
  options: optionsOf<FlattenLayer>({ layer: text }),
  build: (_caller, _description, input) => withoutWeights('Flatten', [sizeOf(input)], flattenTensor),
}
