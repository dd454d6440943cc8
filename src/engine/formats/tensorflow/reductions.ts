import { div, maximum, mul, sqrt, square } from '../../ops/elementwise.ts'
import { argMax, argMin, l2, max, mean, min, product } from '../../ops/reduce.ts'
import type { ReduceOptions } from '../../ops/reduction.ts'
import { logSoftmax, softmax } from '../../ops/softmax.ts'
import { sum } from '../../ops/sum-and-broadcast.ts'
import { take } from '../../ops/take.ts'
import { constant, type Tensor } from '../../tensor.ts'
import type { NumberType } from '../operators/host-tensor.ts'
import type { OperatorCall, OperatorFunction } from '../operators/operator-call.ts'
import { type DeviceValue, HostValue, type Value } from '../operators/value.ts'

/** What is made of all numbers along an axis: one of them, or as many again. */

function reduced(fold: (x: Tensor, options: ReduceOptions) => Tensor, type?: NumberType): OperatorFunction {
  return (call) => {
    const x = call.value(0)
    const axes = [...new Set((call.hostIntegers(1) ?? []).map((axis) => call.axis(x, axis)))]
    const value = call.onDevice(x)
    if (axes.length === 0) return x
    const options = { axes: axes.map((axis) => value.placeOf(axis)), keepDims: true }
    return without(call, value.with(fold(value.tensor, options), type ?? x.type), axes)
  }
}

/** Axes of extent 1 are left out, unless the node keeps them. */
function without(call: OperatorCall, value: DeviceValue, axes: readonly number[]): DeviceValue {
  if (call.flag('keep_dims')) return value
  return value.reshaped(value.shape.filter((_, axis) => !axes.includes(axis)))
}

/** Places are whole numbers; on devices they are looked up among floats, which other operators take. */
function located(find: (x: Tensor, options: { axis: number; keepDims: boolean }) => Tensor): OperatorFunction {
  return (call) => {
    const x = call.value(0)
    const axis = call.axis(x, call.hostNumber(1) ?? -1)
    const value = call.onDevice(x)
    const places = Float32Array.from({ length: Math.min(value.shape[axis], mostPlaces) }, (_, place) => place)
    if (places.length < value.shape[axis]) call.unsupported(`an axis of ${value.shape[axis]}`)
    const index = find(value.tensor, { axis: value.placeOf(axis), keepDims: true })
    return without(call, value.with(take(constant(places, [places.length]), index), 'integer'), [axis])
  }
}

const mostPlaces = 2 ** 24

function alongLast(compute: (x: Tensor, options: { readonly axis: number }, call: OperatorCall) => Tensor) {
  return (call: OperatorCall): DeviceValue => {
    const axis = call.axis(call.value(0), -1)
    const value = call.onDevice(call.value(0))
    return value.with(compute(value.tensor, { axis: value.placeOf(axis) }, call))
  }
}

/** Vectors of length 1; what is shorter than a millionth counts as that. */
const unitLength = (x: Tensor, { axis }: { readonly axis: number }) =>
  div(x, maximum(l2(x, { axes: axis, keepDims: true }), 1e-6))

/** Under TensorFlow's names. */
export const reductionOperators: Readonly<Record<string, OperatorFunction>> = {
  All: reduced(min),
  Any: reduced(max),
  EuclideanNorm: reduced((x, options) => sqrt(sum(square(x), options))),
  Max: reduced(max),
  Mean: reduced(mean),
  Min: reduced(min),
  Prod: reduced(product),
  Sum: reduced(sum),
  ArgMax: located(argMax),
  ArgMin: located(argMin),
  L2Normalization: alongLast(unitLength),
  LogSoftmax: alongLast(logSoftmax),
  Softmax: alongLast((x, options, call) => softmax(mul(x, call.number('beta', 1)), options)),
  Rank: (call) => counted(call, (shape) => Float64Array.of(shape.length), []),
  Shape: (call) => counted(call, (shape) => Float64Array.from(shape), [call.value(0).shape.length]),
  Size: (call) => counted(call, (shape) => Float64Array.of(shape.reduce((all, extent) => all * extent, 1)), []),
}

/** What is known of a tensor whose numbers are not: it would be another for another batch. */
function counted(
  call: OperatorCall,
  count: (shape: readonly number[]) => Float64Array,
  shape: readonly number[],
): HostValue {
  const x: Value = call.value(0)
  const isOfBatch = x instanceof HostValue ? x.isOfBatch : true
  return new HostValue(call.node.outputs[0], { type: 'integer', shape, data: count(x.shape) }, isOfBatch)
}
