import * as ops from '../../ops/operations.ts'
import type { Tensor } from '../../tensor.ts'

/**
 * The inverses of the trigonometric and hyperbolic functions, made of operations that there are: no classifier is slow by them, so
 * no device has kernels of its own for them. They are differentiable wherever the functions are.
 */

/** 1 from 0 on, -1 below: unlike sign, which is 0 at 0 and would take the slope along. */
const sideOf = (x: Tensor): Tensor => ops.where(ops.greaterEqual(x, 0), 1, -1)

/** atan t is twice atan of this, which is less than half of t. */
const halved = (t: Tensor): Tensor => ops.div(t, ops.add(ops.sqrt(ops.add(ops.square(t), 1)), 1))

/** atan(t) / t in powers of t squared, the highest first: up to t = 0.1 all digits of float64. */
const series = [1 / 13, -1 / 11, 1 / 9, -1 / 7, 1 / 5, -1 / 3, 1]

/** Beyond 1 the angle is a right one less that of the reciprocal; it is halved three times before the series. */
export function atan(x: Tensor): Tensor {
  const side = sideOf(x)
  const rise = ops.mul(side, x)
  const isSteep = ops.greater(rise, 1)
  const t = halved(halved(halved(ops.where(isSteep, ops.reciprocal(ops.maximum(rise, 1)), rise))))
  const square = ops.square(t)
  const highest = ops.mul(square, -1 / 15)
  const sum = series.reduce((inner, term, i) => ops.add(i === 0 ? inner : ops.mul(inner, square), term), highest)
  const angle = ops.mul(ops.mul(t, sum), 8)
  return ops.mul(side, ops.where(isSteep, ops.sub(Math.PI / 2, angle), angle))
}

export function asin(x: Tensor): Tensor {
  return atan(ops.div(x, ops.sqrt(ops.mul(ops.sub(1, x), ops.add(1, x)))))
}

export function acos(x: Tensor): Tensor {
  return ops.mul(atan(ops.sqrt(ops.div(ops.sub(1, x), ops.add(1, x)))), 2)
}

export function asinh(x: Tensor): Tensor {
  const side = sideOf(x)
  return ops.mul(side, ops.log(ops.add(ops.mul(side, x), ops.sqrt(ops.add(ops.square(x), 1)))))
}

export function acosh(x: Tensor): Tensor {
  return ops.log(ops.add(x, ops.sqrt(ops.mul(ops.sub(x, 1), ops.add(x, 1)))))
}

export function atanh(x: Tensor): Tensor {
  return ops.mul(ops.log(ops.div(ops.add(1, x), ops.sub(1, x))), 0.5)
}
