import * as ops from '../../ops/operations.ts'
import { constant, sizeOf, type Tensor } from '../../tensor.ts'
import type { NumberType } from '../operators/host-tensor.ts'
import type { OperatorCall, OperatorFunction } from '../operators/operator-call.ts'
import { DeviceValue } from '../operators/value.ts'
import type { OperatorTable } from './operator-table.ts'
import { truncatedQuotient } from './whole-numbers.ts'

/** Operators that fold axes, look along one, or add up along it. */

interface Folding {
  /** As they lie in memory. */
  readonly axes: readonly number[]
  readonly keepDims: boolean
}

/** @param type of what comes out; the input's unless given */
function reduction(fold: (x: Tensor, folding: Folding) => Tensor, type?: NumberType): OperatorFunction {
  return (call) => {
    const value = call.onDevice(call.value(0))
    const axes = foldedAxes(call, value)
    const keepDims = call.flag('keepdims', true)
    const tensor = fold(value.tensor, { axes: axes.map((axis) => value.placeOf(axis)), keepDims })
    return new DeviceValue(tensor, keepDims ? value.order : orderWithout(value.order, axes), type ?? value.type)
  }
}

/** An attribute at first, an input since opset 13 (ReduceSum) or 18 (the others). None are all, unless the node says otherwise. */
function foldedAxes(call: OperatorCall, value: DeviceValue): number[] {
  const given = call.hostIntegers(1) ?? call.optionalNumbers('axes') ?? []
  if (given.length === 0 && call.flag('noop_with_empty_axes')) return []
  const axes = given.length === 0 ? value.shape.map((_, axis) => axis) : given
  return [...new Set(axes.map((axis) => call.axis(value, axis)))]
}

/** The order in memory of the axes that are left. */
function orderWithout(order: readonly number[], gone: readonly number[]): number[] {
  return order.filter((axis) => !gone.includes(axis)).map((axis) => axis - gone.filter((other) => other < axis).length)
}

/** The largest is taken out first: its power of e would be infinite. */
function logSumExp(x: Tensor, folding: Folding): Tensor {
  const most = ops.max(x, { axes: folding.axes, keepDims: true })
  const sum = ops.log(ops.sum(ops.exp(ops.sub(x, most)), folding))
  return ops.add(sum, ops.reshape(most, sum.shape))
}

const sizeAlong = (x: Tensor, axes: readonly number[]) => sizeOf(axes.map((axis) => x.shape[axis]))

const mean: OperatorFunction = (call) => {
  const ofIntegers = call.value(0).type === 'integer'
  return reduction((x, folding) =>
    ofIntegers ? truncatedQuotient(ops.sum(x, folding), constant(sizeAlong(x, folding.axes))) : ops.mean(x, folding),
  )(call)
}

/** The index of an extreme number along an axis, as a float like all whole numbers: of equal ones the first, or the last where asked. */
function extremeIndex(find: typeof ops.argMax): OperatorFunction {
  return (call) => {
    const value = call.onDevice(call.value(0))
    const axis = call.axis(value, call.number('axis', 0))
    const place = value.placeOf(axis)
    const extent = value.shape[axis]
    const fromLast = call.flag('select_last_index')
    const steps = value.order.map((_, at) => (at === place && fromLast ? -1 : 1))
    const keepDims = call.flag('keepdims', true)
    const found = find(ops.slice(value.tensor, { steps }), { axis: place, keepDims })
    const order = keepDims ? value.order : orderWithout(value.order, [axis])
    return new DeviceValue(ops.take(places(extent, fromLast), found), order, 'integer')
  }
}

/** 0, 1, … or the same backwards: an index of i32 picks itself of them as a float. */
function places(extent: number, backwards = false): Tensor {
  const indices = Float32Array.from({ length: extent }, (_, i) => i)
  return constant(backwards ? indices.reverse() : indices, [extent])
}

/** A value with one axis moved to the end, as rows along it. */
function rowsAlong(value: DeviceValue, axis: number) {
  const order = [...value.order.filter((other) => other !== axis), axis]
  const { shape } = value
  const tensor = value.inOrder(order)
  const rows = ops.reshape(tensor, [sizeOf(shape.filter((_, other) => other !== axis)), shape[axis]])
  /** The value of rows of so many numbers. */
  const back = (x: Tensor, extent: number, type: NumberType = value.type) =>
    new DeviceValue(
      ops.reshape(
        x,
        order.map((other) => (other === axis ? extent : shape[other])),
      ),
      order,
      type,
    )
  return { rows, back }
}

/** Sums are products with a triangle of ones, which has as many numbers as the axis squared. */
const longestSums = 2048

const cumulativeSum: OperatorFunction = (call) => {
  const value = call.onDevice(call.value(0))
  const axis = call.axis(value, call.hostNumber(1) ?? call.invalid('its axis is missing'))
  const extent = value.shape[axis]
  if (!(extent <= longestSums)) call.unsupported(`${extent} numbers along its axis; expected at most ${longestSums}`)
  const [exclusive, reverse] = [call.flag('exclusive'), call.flag('reverse')]
  const takesPart = (from: number, to: number) => (from === to ? !exclusive : reverse ? from > to : from < to)
  const triangle = Float32Array.from({ length: extent ** 2 }, (_, i) =>
    takesPart(Math.floor(i / extent), i % extent) ? 1 : 0,
  )
  const { rows, back } = rowsAlong(value, axis)
  return back(ops.matmul(rows, constant(triangle, [extent, extent])), extent)
}

/** Each of the largest takes a search. */
const mostOfTheLargest = 128

/** k was an attribute before opset 10. Of equal numbers the first comes first. */
const topK: OperatorFunction = (call) => {
  const value = call.onDevice(call.value(0))
  const axis = call.axis(value, call.number('axis', -1))
  const extent = value.shape[axis]
  const k = call.hostNumber(1) ?? call.number('k')
  if (!(Number.isInteger(k) && k >= 1 && k <= extent)) call.invalid(`its k is ${k}; its axis has ${extent}`)
  if (k > mostOfTheLargest) call.unsupported(`its k is ${k}; expected at most ${mostOfTheLargest}`)
  const { rows, back } = rowsAlong(value, axis)
  const [find, out] = call.flag('largest', true)
    ? [ops.argMax, Number.NEGATIVE_INFINITY]
    : [ops.argMin, Number.POSITIVE_INFINITY]
  const indices = places(extent)
  const found: { readonly number: Tensor; readonly index: Tensor }[] = []
  for (let rest = rows; found.length < k; ) {
    const index = ops.take(indices, find(rest, { axis: 1, keepDims: true }))
    const isIt = ops.equal(indices, index)
    found.push({ number: ops.sum(ops.where(isIt, rows, 0), { axes: 1, keepDims: true }), index })
    rest = ops.where(isIt, out, rest)
  }
  const together = (parts: readonly Tensor[]) => ops.concat(parts, { axis: 1 })
  return [
    back(together(found.map(({ number }) => number)), k),
    back(together(found.map(({ index }) => index)), k, 'integer'),
  ]
}

export const reductionOperators: OperatorTable = {
  ReduceSum: reduction(ops.sum),
  ReduceMean: mean,
  ReduceMax: reduction(ops.max),
  ReduceMin: reduction(ops.min),
  ReduceProd: reduction(ops.product),
  ReduceL1: reduction((x, folding) => ops.sum(ops.abs(x), folding)),
  ReduceL2: reduction((x, folding) => (folding.axes.length === 0 ? ops.abs(x) : ops.l2(x, folding))),
  ReduceLogSum: reduction((x, folding) => ops.log(ops.sum(x, folding))),
  ReduceLogSumExp: reduction(logSumExp),
  ReduceSumSquare: reduction((x, folding) => ops.sum(ops.square(x), folding)),
  ArgMax: extremeIndex(ops.argMax),
  ArgMin: extremeIndex(ops.argMin),
  CumSum: cumulativeSum,
  TopK: topK,
}
