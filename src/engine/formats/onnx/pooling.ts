import { abs, mul, pow, sqrt, square } from '../../ops/elementwise.ts'
import { avgPool, maxPool } from '../../ops/pool.ts'
import { max, mean } from '../../ops/reduce.ts'
import { sum } from '../../ops/sum-and-broadcast.ts'
import type { Tensor } from '../../tensor.ts'
import type { OperatorCall } from '../operators/operator-call.ts'
import { type DeviceValue, inOrder } from '../operators/value.ts'
import type { OperatorTable } from './operator-table.ts'
import { wants } from './shapes.ts'
import { ImageWindow } from './windows.ts'

/** Poolings of images [N,C,H,W], or of rows [N,C,W]. */
export const poolingOperators: OperatorTable = {
  MaxPool(call) {
    if (wants(call, 1)) call.unsupported('its output Indices is used')
    const { window, x, options } = walk(call)
    return window.result(maxPool(x, { ...options, dilation: window.dilation }), call.value(0).type)
  },

  AveragePool(call) {
    const { window, x, options } = undilatedWalk(call)
    return window.result(avgPool(x, { ...options, countIncludePad: call.flag('count_include_pad') }))
  },

  /** The root of the sum of powers: a mean over the window with the zeros around, times its size. */
  LpPool(call) {
    const { window, x, options } = undilatedWalk(call)
    if (options.ceilMode) call.unsupported('ceil_mode')
    const p = call.number('p', 2)
    const means = avgPool(power(x, p), { ...options, countIncludePad: true })
    return window.result(root(mul(means, window.size[0] * window.size[1]), p))
  },

  GlobalAveragePool: (call) => overall(call, (x, axes) => mean(x, { axes, keepDims: true })),

  GlobalMaxPool: (call) => overall(call, (x, axes) => max(x, { axes, keepDims: true })),

  GlobalLpPool(call) {
    const p = call.number('p', 2)
    return overall(call, (x, axes) => root(sum(power(x, p), { axes, keepDims: true }), p))
  },
}

function walk(call: OperatorCall) {
  const value = call.value(0)
  const window = ImageWindow.of(call, value, call.numbers('kernel_shape'))
  const options = {
    poolSize: window.size,
    strides: window.strides,
    padding: window.padding(value),
    ceilMode: call.flag('ceil_mode'),
  }
  return { window, x: window.images(value), options }
}

function undilatedWalk(call: OperatorCall) {
  const made = walk(call)
  if (made.window.dilation.some((step) => step !== 1)) call.unsupported('dilations')
  return made
}

/** One number a channel, over all axes behind it. */
function overall(call: OperatorCall, fold: (x: Tensor, axes: number[]) => Tensor): DeviceValue {
  const value = call.onDevice(call.value(0))
  const axes = inOrder(value.shape.length).slice(2)
  return value.with(
    fold(
      value.tensor,
      axes.map((axis) => value.placeOf(axis)),
    ),
  )
}

function power(x: Tensor, p: number): Tensor {
  return p === 2 ? square(x) : pow(abs(x), p)
}

function root(x: Tensor, p: number): Tensor {
  return p === 2 ? sqrt(x) : pow(x, 1 / p)
}
