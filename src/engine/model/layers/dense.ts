import { flag, optionsOf, text, wholeNumber } from '../../arguments.ts'
import { ShapeError } from '../../errors.ts'
import { dense as product } from '../../ops/matmul.ts'
import { formatShape } from '../../tensor.ts'
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

/** Keras's Dense: units, a bias and no activation unless given. */
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
    if (input.length !== 1)
      throw new ShapeError(`${caller}: expected vectors, got ${formatShape(input)}; put flatten() before it`)
    const activate = activations[activation]
    return {
      type: 'Dense',
      outputShape: [units],
      weights: [
        { name: 'kernel', shape: [input[0], units], initializer: 'glorotUniform' },
        ...withBias(useBias, units),
      ],
      apply: (x, [kernel, bias]) => activate(product(x, kernel, bias)),
    }
  },
}
