import { flag, optionsOf, text, wholeNumber } from '../../arguments.ts'
import { ShapeError } from '../../errors.ts'
import { dense as product } from '../../ops/matmul.ts'
import { type ActivationName, activationName, activations } from './activations.ts'
import { type LayerKind, withBias } from './layer.ts'

export interface DenseConfig {
  readonly units: number
  readonly activation?: ActivationName
  readonly useBias?: boolean
}

export interface DenseLayer extends DenseConfig {
  readonly layer: 'dense'
}

/**
 * Keras's Dense: each output is a weighted sum of all features, the last axis; a bias and no activation unless given. Of images and
 * sequences each place is taken by itself, with the same weights: put flatten() before it where the places are to be weighed, too.
 */
export function dense(config: DenseConfig): DenseLayer {
  return { layer: 'dense', ...config }
}

/** @internal */
export const denseKind: LayerKind<DenseLayer> = {
  options: optionsOf<DenseLayer>(
    { layer: text, units: wholeNumber(1), activation: activationName, useBias: flag },
    'units',
  ),
  build(caller, { units, activation = 'linear', useBias }, input) {
    if (input.length === 0) throw new ShapeError(`${caller}: expected at least one axis behind the batch's, got none`)
    const features = input[input.length - 1]
    const activate = activations[activation]
    return {
      type: 'Dense',
      outputShape: [...input.slice(0, -1), units],
      weights: [
        { name: 'kernel', shape: [features, units], initializer: 'glorotUniform' },
        ...withBias(useBias, units),
      ],
      apply: (x, [kernel, bias]) => activate(product(x, kernel, bias)),
    }
  },
}
