import { concat } from '../../ops/concat.ts'
import { reshape } from '../../ops/reshape.ts'
import { broadcastTo, expand } from '../../ops/sum-and-broadcast.ts'
import { take } from '../../ops/take.ts'
import { constant, formatShape, type Shape, sizeOf } from '../../tensor.ts'
import { checkExtents, type HostTensor } from '../operators/host-tensor.ts'
import type { OperatorCall, OperatorFunction } from '../operators/operator-call.ts'
import { DeviceValue, HostValue, type Value } from '../operators/value.ts'

/**
 * Operators that move numbers, put tensors together and make them of nothing.
 *
 * A file that is made for one sample writes a batch of 1 into its shapes. Where a tensor's first axis is the batch's, a 1 that is
 * asked for there is as many samples as there are: each becomes what one alone would.
 */

/** Whether a shape that a file asks for, of one sample, is to be one of as many samples as the value has. */
function isOneSample(call: OperatorCall, value: Value, asked: readonly number[]): boolean {
  return value instanceof DeviceValue && call.batch > 1 && value.shape[0] === call.batch && asked[0] === 1
}

/** The shape that is asked for; -1 stands for whatever is left. */
function reshapedTo(call: OperatorCall, value: Value, asked: readonly number[]): Shape {
  const size = sizeOf(value.shape)
  const fits = !asked.includes(-1) && sizeOf(asked) === size
  const wanted = !fits && isOneSample(call, value, asked) ? [call.batch, ...asked.slice(1)] : asked
  const known = sizeOf(wanted.filter((extent) => extent !== -1))
  const shape = wanted.map((extent) => (extent === -1 ? size / known : extent))
  checkExtents('its result', shape)
  if (sizeOf(shape) !== size) call.invalid(`${formatShape(value.shape)} can't be ${formatShape(asked)}`)
  return shape
}

function reshaped(call: OperatorCall): Value {
  const x = call.value(0)
  return call.reshaped(x, reshapedTo(call, x, call.hostIntegers(1) ?? call.numbers('shape')))
}

function squeezed(call: OperatorCall): Value {
  const x = call.value(0)
  const given = call.numbers('squeeze_dims', [])
  const unit = x.shape.flatMap((extent, axis) => (extent === 1 ? [axis] : []))
  const axes = (given.length > 0 ? given : unit).map((axis) => call.axis(x, axis))
  for (const axis of axes)
    if (x.shape[axis] !== 1) call.invalid(`axis ${axis} of ${formatShape(x.shape)} can't be left out`)
  return call.reshaped(
    x,
    x.shape.filter((_, axis) => !axes.includes(axis)),
  )
}

/** A new axis of extent 1, counted in the result. */
function expanded(call: OperatorCall, x: Value, axis: number): Value {
  const rank = x.shape.length + 1
  const at = axis < 0 ? axis + rank : axis
  if (!Number.isInteger(at) || at < 0 || at >= rank) call.invalid(`its axis is ${axis}; its result has ${rank}`)
  if (at === 0 && x instanceof DeviceValue) call.noteMixing()
  return call.reshaped(x, x.shape.toSpliced(at, 0, 1))
}

function transposed(call: OperatorCall): DeviceValue {
  const x = call.value(0)
  const permutation = call.hostIntegers(1) ?? x.shape.map((_, axis) => x.shape.length - 1 - axis)
  const isOne = permutation.length === x.shape.length && x.shape.every((_, axis) => permutation.includes(axis))
  if (!isOne) call.invalid(`${formatShape(permutation)} is no order of the axes of ${formatShape(x.shape)}`)
  if (permutation[0] !== 0 && x instanceof DeviceValue) call.noteMixing()
  return call.onDevice(x).transposed(permutation)
}

/** @param at of the axis, in the result */
export function concatenated(call: OperatorCall, values: readonly Value[], at: number): DeviceValue {
  const leader = values.find((value) => value instanceof DeviceValue) ?? values[0]
  if (!leader) call.invalid('there is nothing to put together')
  const axis = call.axis(leader, at)
  if (values.some(({ shape }) => shape.length !== leader.shape.length))
    call.invalid(`its inputs are ${values.map(({ shape }) => formatShape(shape)).join(', ')}; expected as many axes`)
  const { tensors, order } = call.together(values)
  return new DeviceValue(concat(tensors, { axis: order.indexOf(axis) }), order, leader.type)
}

function packed(call: OperatorCall): DeviceValue {
  const axis = call.number('axis', 0)
  const values = call.node.inputs.map((_, i) => expanded(call, call.value(i), axis))
  return concatenated(call, values, axis)
}

/** Every index into the first list is one to the second: the axis that is picked along takes the shape of the indices. */
export function gathered(call: OperatorCall, axisOf: number): DeviceValue {
  if (call.number('batch_dims', 0) !== 0) call.unsupported('batch_dims')
  const x = call.value(0)
  const axis = call.axis(x, axisOf)
  const { data, shape } = call.host(1)
  const extent = x.shape[axis]
  if (!data.every((index) => Number.isInteger(index) && index >= 0 && index < extent))
    call.invalid(`its indices lie outside the ${extent} entries of axis ${axis}`)
  return new DeviceValue(take(call.tensor(x), constant(data, shape, 'i32'), { axis }), undefined, x.type)
}

function tiled(call: OperatorCall): DeviceValue {
  const x = call.value(0)
  const multiples = call.hostIntegers(1) ?? []
  if (multiples.length !== x.shape.length || !multiples.every((count) => count >= 0))
    call.invalid(`its multiples are ${formatShape(multiples)}; its input is ${formatShape(x.shape)}`)
  if (multiples[0] !== 1 && x instanceof DeviceValue) call.noteMixing()
  const shape = x.shape.map((extent, axis) => extent * multiples[axis])
  checkExtents('its result', shape)
  const between = x.shape.flatMap((extent, axis) => (multiples[axis] === 1 ? [extent] : [1, extent]))
  const stretched = x.shape.flatMap((extent, axis) => (multiples[axis] === 1 ? [extent] : [multiples[axis], extent]))
  const y = reshape(broadcastTo(reshape(call.tensor(x), between), stretched), shape)
  return new DeviceValue(y, undefined, x.type)
}

function broadcast(call: OperatorCall): DeviceValue {
  const x = call.value(0)
  const shape = call.hostIntegers(1) ?? []
  checkExtents('its result', shape)
  const wanted =
    isOneSample(call, x, shape) && shape.length === x.shape.length ? [call.batch, ...shape.slice(1)] : shape
  return new DeviceValue(expand(call.tensor(x), wanted), undefined, x.type)
}

function filled(call: OperatorCall): DeviceValue {
  const shape = call.hostIntegers(0) ?? []
  checkExtents('its result', shape)
  return new DeviceValue(constant(call.hostNumber(1) ?? 0, shape), undefined, call.value(1).type)
}

function range(call: OperatorCall): HostValue {
  const [start, limit, delta] = [0, 1, 2].map((i) => call.hostNumber(i) ?? 0)
  const count = Math.max(0, Math.ceil((limit - start) / delta))
  call.reserve([count], 'numbers')
  const data = new Float64Array(count)
  for (let i = 0; i < count; i++) data[i] = start + i * delta
  const tensor: HostTensor = { type: call.value(0).type, shape: [count], data }
  return new HostValue(call.node.outputs[0], tensor)
}

/** 1 at the place that each index names, else 0. */
function oneHot(call: OperatorCall): HostValue {
  const { data, shape } = call.host(0)
  const [depth, on, off] = [call.hostNumber(1) ?? 0, call.hostNumber(2) ?? 1, call.hostNumber(3) ?? 0]
  const axis = call.number('axis', -1)
  if (axis !== -1 && axis !== shape.length) call.unsupported(`one-hot numbers along axis ${axis}`)
  const made = [...shape, depth]
  call.reserve(made, 'numbers')
  const values = new Float32Array(sizeOf(made)).fill(off)
  data.forEach((index: number, i: number) => {
    if (index >= 0 && index < depth) values[i * depth + index] = on
  })
  return new HostValue(call.node.outputs[0], { type: call.value(2).type, shape: made, data: values })
}

const valuesOf = (call: OperatorCall, first: number, end: number) =>
  Array.from({ length: end - first }, (_, i) => call.value(first + i))

/** Under TensorFlow's names. */
export const shapeOperators: Readonly<Record<string, OperatorFunction>> = {
  BroadcastTo: broadcast,
  Concat: (call) => concatenated(call, valuesOf(call, 1, call.inputs.length), call.hostNumber(0) ?? 0),
  ConcatV2: (call) =>
    concatenated(call, valuesOf(call, 0, call.inputs.length - 1), call.hostNumber(call.inputs.length - 1) ?? 0),
  ExpandDims: (call) => expanded(call, call.value(0), call.hostNumber(1) ?? 0),
  Fill: filled,
  Flatten: (call) => {
    const [count, ...others] = call.value(0).shape
    return call.reshaped(call.value(0), [count, sizeOf(others)])
  },
  Gather: (call) => gathered(call, call.number('axis', 0)),
  GatherV2: (call) => gathered(call, call.hostNumber(2) ?? 0),
  OneHot: oneHot,
  Pack: packed,
  Range: range,
  Reshape: reshaped,
  Squeeze: squeezed,
  Tile: tiled,
  Transpose: transposed,
}
