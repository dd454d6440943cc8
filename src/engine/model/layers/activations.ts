import { oneOf } from '../../arguments.ts'
import {
  abs,
  add,
  div,
  elu,
  exp,
  gelu,
  hardSigmoid,
  hardSwish,
  leakyRelu,
  mish,
  relu,
  relu6,
  selu,
  sigmoid,
  silu,
  softplus,
  tanh,
} from '../../ops/elementwise.ts'
import { logSoftmax, softmax } from '../../ops/softmax.ts'
import type { Tensor } from '../../tensor.ts'

export type ActivationName =
  | 'linear'
  | 'relu'
  | 'softmax'
  | 'sigmoid'
  | 'tanh'
  | 'elu'
  | 'exponential'
  | 'gelu'
  | 'hardSigmoid'
  | 'hardSwish'
  | 'leakyRelu'
  | 'logSoftmax'
  | 'mish'
  | 'relu6'
  | 'selu'
  | 'silu'
  | 'softplus'
  | 'softsign'
  | 'swish'

/** The functions that layers end in, by Keras's names and with its defaults: gelu is the exact one, leakyRelu's slope 0.2. */
export const activations: Readonly<Record<ActivationName, (x: Tensor) => Tensor>> = {
  linear: (x) => x,
  relu,
  softmax,
  sigmoid,
  tanh,
  elu,
  exponential: exp,
  gelu,
  hardSigmoid,
  hardSwish,
  leakyRelu,
  logSoftmax,
  mish,
  relu6,
  selu,
  silu,
  softplus,
  softsign: (x) => div(x, add(abs(x), 1)),
  swish: silu,
}

/** @internal */
export const activationName = oneOf(...Object.keys(activations))
