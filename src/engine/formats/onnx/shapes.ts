import { abs, floor, mul, notEqual, sign } from '../../ops/elementwise.ts'
import { formatShape, type Shape, sizeOf } from '../../tensor.ts'
import { integerList, type NumberType, scalar } from '../operators/host-tensor.ts'
import type { OperatorCall } from '../operators/operator-call.ts'
import { DeviceValue, HostValue, type Value } from '../operators/value.ts'
import type { OperatorTable } from './operator-table.ts'
import { elementTypeName, numberType } from './tensor-data.ts'

/** Operators that leave the numbers as they are: their shape, or what type they are said to have. */
export const shapeOperators: OperatorTable = {
  Shape(call) {
    const { shape } = call.value(0)
    const [start, end] = [call.number('start', 0), call.number('end', shape.length)]
    return ofShape(call, integerList(shape.slice(start, end)))
  },

  Size: (call) => ofShape(call, scalar('integer', sizeOf(call.value(0).shape))),

  Reshape(call) {
    const value = call.value(0)
    const asked = call.hostIntegers(1) ?? call.invalid('its shape is missing')
    const copies = !call.flag('allowzero')
    return call.reshaped(value, batchedShape(call, value, asked, copies))
  },

  Flatten(call) {
    const value = call.value(0)
    const { shape } = value
    const given = call.number('axis', 1)
    const axis = given < 0 ? given + shape.length : given
    if (axis < 0 || axis > shape.length) call.invalid(`its axis is ${given}; its input has ${shape.length}`)
    if (axis === 0) call.noteMixing()
    return call.reshaped(value, [sizeOf(shape.slice(0, axis)), sizeOf(shape.slice(axis))])
  },

  Squeeze: [
    { since: 13, run: (call) => squeezed(call, call.hostIntegers(1)) },
    { since: 6, run: (call) => squeezed(call, call.optionalNumbers('axes')) },
  ],

  Unsqueeze: [
    { since: 13, run: (call) => unsqueezed(call, call.hostIntegers(1) ?? []) },
    { since: 6, run: (call) => unsqueezed(call, call.numbers('axes')) },
  ],

  Identity: (call) => call.value(0),

  Dropout(call) {
    const value = call.value(0)
    if (call.has(2) && call.hostNumber(2) !== 0) call.unsupported('training_mode is on')
    if (!wants(call, 1)) return value
    const { shape } = value
    call.reserve(shape, 'filled')
    // The mask: nothing is dropped.
    const kept = { type: 'boolean' as const, shape, data: new Uint8Array(sizeOf(shape)).fill(1) }
    return [value, new HostValue(call.node.outputs[1], kept, hangsOnBatch(value))]
  },

  Cast(call) {
    const to = call.number('to')
    return cast(call, numberType(to) ?? call.unsupported(`to ${elementTypeName(to)}`))
  },

  CastLike: (call) => cast(call, call.value(1).type),
}

/** Whether somebody may read this output: whatever follows it can be left out. */
export function wants({ node }: OperatorCall, output: number): boolean {
  return (node.outputs[output] ?? '') !== ''
}

/** A value that is known with the shape of another. */
function ofShape(call: OperatorCall, tensor: HostValue['tensor']): HostValue {
  return new HostValue(call.node.outputs[0], tensor, hangsOnBatch(call.value(0)))
}

export function hangsOnBatch(value: Value): boolean {
  return value instanceof DeviceValue || value.isOfBatch
}

/**
 * The shape that Reshape asks for, -1 and 0 filled in, for the batch at hand. A file that is made for one sample may say [1,1000]
 * where it means one row a sample: samples lie one behind the other, so a shape of one sample becomes that of several with so
 * many times as much along its first axis.
 */
function batchedShape(call: OperatorCall, value: Value, asked: readonly number[], copies: boolean): Shape {
  const { fileBatch, batch } = call
  const isForOthers = value instanceof DeviceValue && fileBatch !== null && fileBatch !== batch && asked[0] > 0
  if (!isForOthers) return filledShape(call, value.shape, asked, copies)
  const scaled = [(asked[0] / fileBatch) * batch, ...asked.slice(1)]
  const fits = (shape: readonly number[]) => sizeOf(shape) === sizeOf(value.shape)
  const shapeHangsOnBatch = call.inputs[1] instanceof HostValue && call.inputs[1].isOfBatch
  const mayHaveBatch = shapeHangsOnBatch && asked[0] % batch === 0
  const hasOpen = asked.includes(-1)
  const chosen = hasOpen ? (mayHaveBatch ? asked : scaled) : fits(asked) && mayHaveBatch ? asked : scaled
  return filledShape(call, value.shape, chosen, copies)
}

function filledShape(call: OperatorCall, shape: Shape, asked: readonly number[], copies: boolean): Shape {
  const copied = asked.map((extent, axis) => (extent === 0 && copies ? (shape[axis] ?? -2) : extent))
  const open = copied.indexOf(-1)
  const known = sizeOf(copied.filter((_, axis) => axis !== open))
  const filled = open < 0 ? copied : copied.with(open, known === 0 ? 0 : sizeOf(shape) / known)
  if (sizeOf(filled) !== sizeOf(shape) || !filled.every((extent) => Number.isSafeInteger(extent) && extent >= 0))
    call.invalid(`its input is ${formatShape(shape)}, which can't become ${formatShape(asked)}`)
  return filled
}

function squeezed(call: OperatorCall, axes: readonly number[] | undefined): Value {
  const value = call.value(0)
  const { shape } = value
  const asked = axes ?? shape.flatMap((extent, axis) => (extent === 1 ? [axis] : []))
  const dropped = asked.map((axis) => call.axis(value, axis))
  for (const axis of dropped)
    if (shape[axis] !== 1) call.invalid(`its input is ${formatShape(shape)}, of which axis ${axis} can't be dropped`)
  return call.reshaped(
    value,
    shape.filter((_, axis) => !dropped.includes(axis)),
  )
}

function unsqueezed(call: OperatorCall, axes: readonly number[]): Value {
  const value = call.value(0)
  const rank = value.shape.length + axes.length
  const added = axes.map((axis) => (axis < 0 ? axis + rank : axis))
  if (new Set(added).size !== axes.length || added.some((axis) => !Number.isInteger(axis) || axis < 0 || axis >= rank))
    call.invalid(`its axes are ${formatShape(axes)}; expected places among ${rank}, each once`)
  if (added.includes(0)) call.noteMixing()
  const extents = [...value.shape]
  const shape = Array.from({ length: rank }, (_, axis) => (added.includes(axis) ? 1 : (extents.shift() ?? 1)))
  return call.reshaped(value, shape)
}

/** Floats are cut off to whole numbers, whatever is not 0 is true; all else is only called otherwise. */
function cast(call: OperatorCall, type: NumberType): Value {
  const value = call.value(0)
  if (type === 'integer' && value.type === 'float')
    return call.elementwise([value], type, (x) => mul(sign(x), floor(abs(x))))
  if (type === 'boolean' && value.type !== 'boolean') return call.elementwise([value], type, (x) => notEqual(x, 0))
  return value instanceof DeviceValue
    ? value.with(value.tensor, type)
    : new HostValue(value.name, { ...value.tensor, type }, value.isOfBatch)
}
