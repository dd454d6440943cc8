import { add, equal, mul, sub } from '../../ops/elementwise.ts'
import { constant, type Shape, sizeOf } from '../../tensor.ts'
import {
  checkExtents,
  type HostTensor,
  hostTensor,
  integerList,
  type NumberType,
  scalar,
} from '../operators/host-tensor.ts'
import type { OperatorCall } from '../operators/operator-call.ts'
import { DeviceValue, HostValue, type Value } from '../operators/value.ts'
import { unreadable } from './onnx-graph.ts'
import type { OperatorTable } from './operator-table.ts'
import { hangsOnBatch } from './shapes.ts'
import { elementTypeName, numberType } from './tensor-data.ts'

/** Operators that make tensors of nothing but attributes and shapes, or that choose by what is known. */
export const constantOperators: OperatorTable = {
  /** What the file has, but as no numbers. */
  [unreadable]: (call) => call.unsupported(call.text('why')),

  Constant: (call) => new HostValue(call.node.outputs[0], constantOf(call)),

  ConstantOfShape(call) {
    const shape = call.hostIntegers(0) ?? call.invalid('its shape is missing')
    const given = call.optionalTensor('value') ?? { type: 'float', data: Float32Array.of(0) }
    if (given.data.length !== 1) call.invalid(`its value has ${given.data.length} numbers; expected one`)
    call.reserve(shape, 'filled')
    const data = zeros(given.type, sizeOf(shape))
    const [value] = given.data
    return made(call, given.type, shape, value === 0 ? data : data.fill(value))
  },

  Range(call) {
    const [start, limit, delta] = [0, 1, 2].map((input) => call.hostNumber(input) ?? call.invalid('an end is missing'))
    const count = Math.max(0, Math.ceil((limit - start) / delta))
    call.reserve([count], 'numbers')
    const data = new Float64Array(count)
    for (let i = 0; i < count; i++) data[i] = start + i * delta
    return made(call, call.value(0).type, [count], data)
  },

  EyeLike(call) {
    const { shape, type } = call.value(0)
    if (shape.length !== 2) call.invalid(`its input has ${shape.length} axes; expected 2`)
    const [rows, columns] = shape
    call.reserve(shape, 'numbers')
    const data = new Float32Array(rows * columns)
    const diagonal = call.number('k', 0)
    for (let row = 0; row < rows; row++)
      if (row + diagonal >= 0 && row + diagonal < columns) data[row * columns + row + diagonal] = 1
    const asked = call.node.attributes.dtype === undefined ? type : numberType(call.number('dtype'))
    return made(call, asked ?? call.unsupported(`of ${elementTypeName(call.number('dtype'))}`), shape, data)
  },

  /** 1 where the depth is the index: indices below 0 count from the end, others beyond it are nowhere. */
  OneHot(call) {
    const depth = call.hostNumber(1) ?? call.invalid('its depth is missing')
    const [off, on] = call.hostIntegers(2) ?? call.invalid('its values are missing')
    const indices = call.value(0)
    const rank = indices.shape.length + 1
    const asked = call.number('axis', -1)
    const axis = asked < 0 ? asked + rank : asked
    if (axis < 0 || axis >= rank) call.invalid(`its axis is ${asked}; its result has ${rank}`)
    if (axis === 0) call.noteMixing()
    checkExtents('its result', [...indices.shape, depth])
    const spread = call.reshaped(indices, indices.shape.toSpliced(axis, 0, 1))
    call.reserve([depth], 'numbers')
    const places = Float32Array.from({ length: depth }, (_, i) => i)
    const steps = constant(
      places,
      spread.shape.map((_, i) => (i === axis ? depth : 1)),
    )
    const index = call.tensor(spread)
    const hits = add(equal(index, steps), equal(index, sub(steps, depth)))
    return new DeviceValue(add(mul(hits, on - off), off), undefined, call.value(2).type)
  },

  NonZero(call) {
    const { shape, data } = call.host(0)
    let count = 0
    for (let i = 0; i < data.length; i++) if (data[i] !== 0) count++
    call.reserve([shape.length, count], 'numbers')
    const places = new Float64Array(shape.length * count)
    let at = 0
    for (let i = 0; i < data.length; i++) {
      if (data[i] === 0) continue
      let rest = i
      for (let axis = shape.length - 1; axis >= 0; axis--) {
        places[axis * count + at] = rest % shape[axis]
        rest = Math.floor(rest / shape[axis])
      }
      at++
    }
    return made(call, 'integer', [shape.length, count], places)
  },

  If(call) {
    const condition = call.hostNumber(0) ?? call.invalid('its condition is missing')
    return call.run(condition !== 0 ? 'then_branch' : 'else_branch')
  },
}

/** A tensor that is known, whether or not what it is made of is. */
function made(call: OperatorCall, type: NumberType, shape: Shape, data: HostTensor['data']): Value {
  const isOfBatch = call.inputs.some((input) => input !== null && hangsOnBatch(input))
  return new HostValue(call.node.outputs[0], hostTensor('its result', type, shape, data), isOfBatch)
}

/** Zeros: floats are as devices have them. */
function zeros(type: NumberType, size: number): Float32Array | Float64Array {
  return type === 'float' ? new Float32Array(size) : new Float64Array(size)
}

function constantOf(call: OperatorCall): HostTensor {
  const { attributes } = call.node
  // Of a tensor that is none of numbers, its type's name is kept.
  if (typeof attributes.value === 'string') return call.unsupported(`of ${attributes.value}`)
  const tensor = call.optionalTensor('value')
  if (tensor) return tensor
  if (attributes.value_float !== undefined) return scalar('float', call.number('value_float'))
  if (attributes.value_int !== undefined) return scalar('integer', call.number('value_int'))
  if (attributes.value_ints !== undefined) return integerList(call.numbers('value_ints'))
  const floats = call.optionalNumbers('value_floats')
  if (floats) return { type: 'float', shape: [floats.length], data: Float64Array.from(floats) }
  return call.unsupported('its value is text, or sparse')
}
