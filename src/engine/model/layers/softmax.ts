import { optionsOf, text, thatIs } from '../../arguments.ts'
import { ShapeError } from '../../errors.ts'
import { softmax as alongAxis } from '../../ops/softmax.ts'
import { formatShape } from '../../tensor.ts'
import { type LayerKind, withoutWeights } from './layer.ts'

export interface SoftmaxConfig {
  /** Of one sample, as in Keras with the batch axis counted: 1 is the first after it, -1 (unless given) the last. */
  readonly axis?: number
}

export interface SoftmaxLayer extends SoftmaxConfig {
  readonly layer: 'softmax'
}

/** Keras's Softmax: probabilities along an axis. */
export function softmax(config: SoftmaxConfig = {}): SoftmaxLayer {
  return { layer: 'softmax', ...config }
}

/** @internal */
export const softmaxKind: LayerKind<SoftmaxLayer> = {
  options: optionsOf<SoftmaxLayer>({ layer: text, axis: thatIs('a whole number', Number.isSafeInteger) }),
  build(caller, { axis = -1 }, input) {
    const own = axis < 0 ? axis + input.length + 1 : axis
    if (own < 1 || own > input.length)
      throw new ShapeError(`${caller}: axis ${axis} is none of samples ${formatShape(input)}; 1 is their first`)
    return withoutWeights('Softmax', input, (x) => alongAxis(x, { axis: own }))
  },
}
