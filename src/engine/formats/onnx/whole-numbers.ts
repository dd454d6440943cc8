import * as ops from '../../ops/operations.ts'
import type { Tensor } from '../../tensor.ts'

/**
 * Division of whole numbers that are kept as floats. Half a step is added above the line: the quotient is then far from whole, and a
 * device that divides with an error in its last digit still finds the right whole number below it.
 */

/** a / b, what is behind the point cut off: C's rule, and ONNX's Div. */
export function truncatedQuotient(a: Tensor, b: Tensor): Tensor {
  const whole = ops.floor(ops.div(ops.add(ops.abs(a), 0.5), ops.abs(b)))
  return ops.mul(ops.mul(ops.sign(a), ops.sign(b)), whole)
}

/** The largest whole number that is not above a / b: Python's rule. */
export function flooredQuotient(a: Tensor, b: Tensor): Tensor {
  return ops.floor(ops.div(ops.add(ops.mul(a, ops.sign(b)), 0.5), ops.abs(b)))
}

/** What is behind the point cut off. */
export function truncated(x: Tensor): Tensor {
  return ops.mul(ops.sign(x), ops.floor(ops.abs(x)))
}
