import {
  clip,
  elu,
  hardSwish,
  leakyRelu,
  prelu,
  relu,
  relu6,
  selu,
  sigmoid,
  silu,
  tanh,
} from '../../ops/elementwise.ts'
import type { Tensor } from '../../tensor.ts'
import type { OperatorCall, OperatorFunction } from '../operators/operator-call.ts'
import type { DeviceValue, Value } from '../operators/value.ts'

/** Functions that stand behind an operator, as one of its own or fused to it. */

type Activation = (x: Tensor, call: OperatorCall) => Tensor

/** Between -1 and 1: TensorFlow Lite's RELU_N1_TO_1. */
const unitClip: Activation = (x) => clip(x, { min: -1, max: 1 })

/** Under TensorFlow's names, which nodes with fused activations call them by, too. */
const activations: Readonly<Record<string, Activation>> = {
  Elu: (x) => elu(x),
  HardSwish: (x) => hardSwish(x),
  LeakyRelu: (x, call) => leakyRelu(x, { alpha: call.number('alpha', 0.2) }),
  Relu: (x) => relu(x),
  Relu0To1: (x) => clip(x, { min: 0, max: 1 }),
  Relu6: (x) => relu6(x),
  ReluN1To1: unitClip,
  Selu: (x) => selu(x),
  Sigmoid: (x) => sigmoid(x),
  Silu: (x) => silu(x),
  Tanh: (x) => tanh(x),
}

/** Each as an operator of its own. */
export function rectifiers(
  unary: (compute: (x: Tensor) => Tensor) => OperatorFunction,
): Record<string, OperatorFunction> {
  return Object.fromEntries(
    Object.entries(activations).map(([name, activation]): [string, OperatorFunction] => [
      name,
      (call) => unary((x) => activation(x, call))(call),
    ]),
  )
}

/** What an operation that is fused to a node makes of its result. */
export function activated(call: OperatorCall, value: DeviceValue, name: string): DeviceValue {
  if (!Object.hasOwn(activations, name)) return call.unsupported(`the fused operation ${name}`)
  return value.with(activations[name](value.tensor, call))
}

/** x where it is not below 0, else slope times x; the slopes are of one sample, without its batch axis. */
export function prelued(call: OperatorCall, x: Value, slope: Value): DeviceValue {
  return call.elementwise([x, slope], x.type, prelu)
}

/** TensorFlow's nodes that convolve, or multiply matrices, and then do what their attribute fused_ops says. */
export function withFusedOperations(compute: (call: OperatorCall, bias?: Tensor) => DeviceValue): OperatorFunction {
  return (call) => {
    const [first, ...others] = call.texts('fused_ops', [])
    const isBiased = first === 'BiasAdd'
    let value = compute(call, isBiased ? call.tensor(call.value(2)) : undefined)
    for (const name of isBiased || first === undefined ? others : [first, ...others])
      if (name === 'Prelu') value = prelued(call, value, call.value(isBiased ? 3 : 2))
      else if (name === 'LeakyRelu')
        value = value.with(leakyRelu(value.tensor, { alpha: call.number('leakyrelu_alpha', 0.2) }))
      else value = activated(call, value, name)
    return value
  }
}
