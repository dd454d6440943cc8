import * as ops from '../../ops/operations.ts'
import { constant, formatShape, sameShape, type Tensor } from '../../tensor.ts'
import type { OperatorCall, OperatorFunction } from '../operators/operator-call.ts'
import { DeviceValue, HostValue, type Value } from '../operators/value.ts'
import type { OperatorTable } from './operator-table.ts'

/**
 * Operators of quantised networks, on real numbers. A quantised number q stands for (q - zero point) x scale, and lies between the
 * limits of its integer type. What comes of the network's input is cut off at these limits, which is where such files hide their
 * ReLU, but not rounded: rounding is the file's loss of digits, not its meaning, and would leave no gradient. What is known while the
 * graph is built is rounded (weights are the file's to the last bit), and so are integers that leave the graph.
 */

/** How numbers are quantised. */
interface Quantisation {
  /** 1 where it is null. */
  readonly scale: Value | null
  /** 0 where it is null. */
  readonly zeroPoint: Value | null
  /** The axis along which each place has a scale and zero point of its own, where there are several. */
  readonly axis: number
  /** Places along the axis that share one; 0 where none do. */
  readonly block: number
}

/** A scale and the zero point behind it. */
export function quantisation(call: OperatorCall, scale: number, axis = 0, block = 0): Quantisation {
  return { scale: call.value(scale), zeroPoint: call.inputs[scale + 1] ?? null, axis, block }
}

/** Of the numbers that a type can hold the least and the largest, by TensorProto.DataType. */
const limits: Readonly<Record<number, readonly [number, number]>> = {
  2: [0, 255],
  3: [-128, 127],
  4: [0, 65_535],
  5: [-32_768, 32_767],
}

/** Quantised numbers are of the type of their zero point. One that is computed comes of DynamicQuantizeLinear: uint8. */
function limitsOf(call: OperatorCall, { zeroPoint }: Quantisation): readonly [number, number] {
  if (!zeroPoint) {
    const type = call.number('output_dtype', 2)
    return limits[type] ?? call.unsupported(`output_dtype ${type}`)
  }
  const data = zeroPoint instanceof HostValue ? zeroPoint.tensor.data : null
  if (data instanceof Int8Array) return limits[3]
  if (data instanceof Uint16Array) return limits[4]
  return limits[data instanceof Int16Array ? 5 : 2]
}

/** A scale or zero point in a shape that broadcasts to that of what is quantised by it. */
function against(call: OperatorCall, parameter: Value, value: Value, { axis, block }: Quantisation): Value {
  if (parameter.shape.every((extent) => extent === 1)) return call.reshaped(parameter, [])
  if (block > 0) return repeated(call, parameter, value, axis, block)
  if (parameter.shape.length === value.shape.length) return parameter
  const place = axis < 0 ? axis + value.shape.length : axis
  if (parameter.shape.length !== 1 || parameter.shape[0] !== value.shape[place])
    call.invalid(
      `a scale or zero point is ${formatShape(parameter.shape)} for axis ${axis} of ${formatShape(value.shape)}`,
    )
  const shape = value.shape.map((extent, i) => (i === place ? extent : 1))
  return call.reshaped(parameter, shape)
}

/** Each place of the axis takes the parameter of its block. */
function repeated(call: OperatorCall, parameter: Value, { shape }: Value, axis: number, block: number): Value {
  const known = call.onDevice(parameter)
  const place = axis < 0 ? axis + shape.length : axis
  const extents = shape.map((extent, i) => (i === place ? Math.ceil(extent / block) : extent))
  if (!sameShape(extents, parameter.shape))
    call.invalid(
      `a scale or zero point is ${formatShape(parameter.shape)}; expected ${formatShape(extents)} for blocks of ${block}`,
    )
  const blocks = Int32Array.from({ length: shape[place] }, (_, i) => Math.floor(i / block))
  const indices = constant(blocks, [blocks.length], 'i32')
  return known.with(ops.take(known.tensor, indices, { axis: known.placeOf(place) }))
}

const isKnown = (values: readonly (Value | null)[]) => values.every((value) => !(value instanceof DeviceValue))

/** What is left out where a zero point is 0 everywhere. */
function zeroPointOf({ zeroPoint }: Quantisation): Value | null {
  return zeroPoint instanceof HostValue && zeroPoint.tensor.data.every((value) => value === 0) ? null : zeroPoint
}

/** The numbers that quantised ones stand for. */
function dequantised(call: OperatorCall, value: Value, how: Quantisation): DeviceValue {
  const zeroPoint = zeroPointOf(how)
  const parameters = [zeroPoint, how.scale].filter((parameter) => parameter !== null)
  const values = [value, ...parameters.map((parameter) => against(call, parameter, value, how))]
  return call.elementwise(values, 'float', (q, ...given) => {
    const shifted = zeroPoint ? ops.sub(q, given[0]) : q
    return how.scale ? ops.mul(shifted, given[given.length - 1]) : shifted
  })
}

/** Numbers as quantised ones, between their limits. */
export function quantised(call: OperatorCall, value: Value, how: Quantisation): DeviceValue {
  const [min, max] = limitsOf(call, how)
  const zeroPoint = zeroPointOf(how)
  const parameters = [how.scale, zeroPoint].filter((parameter) => parameter !== null)
  const values = [value, ...parameters.map((parameter) => against(call, parameter, value, how))]
  return call.elementwise(values, 'integer', (x, scale, zero) => {
    const steps = stepsOf(call, x, scale)
    return ops.clip(zero ? ops.add(steps, zero) : steps, { min, max })
  })
}

/** How many steps of a scale: whole ones where the node hangs on constants alone, or integers leave the graph here. */
function stepsOf(call: OperatorCall, x: Tensor, scale: Tensor): Tensor {
  const steps = ops.div(x, scale)
  return isKnown(call.inputs) || call.makesOutput ? ops.round(steps) : steps
}

/** An input as real numbers: weights on the host, so that they are the network's like all weights. */
export function real(call: OperatorCall, index: number, how: Quantisation): Value {
  const value = call.value(index)
  if (!isKnown([value, how.scale, how.zeroPoint])) return dequantised(call, value, how)
  return call.folded(nameOf(call, index), (inner) => dequantised(inner, value, how))
}

const nameOf = ({ node }: OperatorCall, index: number) => `${node.outputs[0]}:${node.inputs[index]}`

const quantise: OperatorFunction = (call) =>
  quantised(call, call.value(0), quantisation(call, 1, call.number('axis', 1), call.number('block_size', 0)))

const dequantise: OperatorFunction = (call) =>
  dequantised(call, call.value(0), quantisation(call, 1, call.number('axis', 1), call.number('block_size', 0)))

/** Its range is that of the numbers: none lies further outside than rounding moves it, so nothing is cut off. */
const quantiseDynamically: OperatorFunction = (call) => {
  const x = call.onDevice(call.value(0))
  const least = ops.minimum(ops.min(x.tensor), 0)
  const range = ops.sub(ops.maximum(ops.max(x.tensor), 0), least)
  const scale = ops.where(ops.greater(range, 0), ops.div(range, 255), 1)
  const zeroPoint = ops.round(ops.div(ops.neg(least), scale))
  const y = ops.add(stepsOf(call, x.tensor, scale), zeroPoint)
  return [x.with(y, 'integer'), new DeviceValue(scale), new DeviceValue(zeroPoint, [], 'integer')]
}

const quantisedConvolution: OperatorFunction = (call) => {
  const [ofInput, ofKernel] = [quantisation(call, 1), quantisation(call, 4)]
  const inputs = [real(call, 0, ofInput), real(call, 3, ofKernel), biasOf(call, 8, ofInput, ofKernel)]
  return quantised(call, call.as('Conv', inputs), quantisation(call, 6))
}

/** int32 numbers, whose scale is the product of those of input and kernel; null where there are none. */
export function biasOf(call: OperatorCall, index: number, input: Quantisation, kernel: Quantisation): Value | null {
  if (!call.has(index) || !input.scale || !kernel.scale) return null
  const bias = call.value(index)
  const values = [bias, against(call, input.scale, bias, input), against(call, kernel.scale, bias, kernel)]
  const make = (inner: OperatorCall) =>
    inner.elementwise(values, 'float', (b, ofInput, ofKernel) => ops.mul(b, ops.mul(ofInput, ofKernel)))
  return isKnown(values) ? call.folded(nameOf(call, index), make) : make(call)
}

const quantisedProduct: OperatorFunction = (call) => {
  const [rows, columns] = [quantisation(call, 1, -2), quantisation(call, 4, -1)]
  return quantised(call, call.as('MatMul', [real(call, 0, rows), real(call, 3, columns)]), quantisation(call, 6, -2))
}

/** An operator of whole numbers from which their zero points are taken first. The axes are those along which each has its own. */
function ofIntegers(operator: string, axes: readonly [number, number]): OperatorFunction {
  return (call) => {
    const [a, b] = axes.map((axis, i) =>
      real(call, i, { scale: null, zeroPoint: call.inputs[2 + i] ?? null, axis, block: 0 }),
    )
    const made = call.onDevice(call.as(operator, [a, b]))
    return made.with(made.tensor, 'integer')
  }
}

export const quantisedOperators: OperatorTable = {
  QuantizeLinear: quantise,
  DequantizeLinear: dequantise,
  DynamicQuantizeLinear: quantiseDynamically,
  QLinearConv: quantisedConvolution,
  QLinearMatMul: quantisedProduct,
  ConvInteger: ofIntegers('Conv', [1, 0]),
  MatMulInteger: ofIntegers('MatMul', [-2, -1]),
}
