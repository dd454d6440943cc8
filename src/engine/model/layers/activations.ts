import { oneOf } from '../../arguments.ts'
import { relu, sigmoid, tanh } from '../../ops/elementwise.ts'
import { softmax } from '../../ops/softmax.ts'
import type { Tensor } from '../../tensor.ts'

export type ActivationName = 'linear' | 'relu' | 'softmax' | 'sigmoid' | 'tanh'

/** The functions that layers end in, by Keras's names. */
export const activations: Readonly<Record<ActivationName, (x: Tensor) => Tensor>> = {
  linear: (x) => x,
  relu,
  softmax,
  sigmoid,
  tanh,
}

/** @internal */
export const activationName = oneOf(...Object.keys(activations))
