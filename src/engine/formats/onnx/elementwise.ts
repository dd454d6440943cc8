import * as ops from '../../ops/operations.ts'
import { largestFloat32, type Tensor } from '../../tensor.ts'
import type { NumberType } from '../operators/host-tensor.ts'
import type { OperatorCall, OperatorFunction } from '../operators/operator-call.ts'
import { HostValue, type Value } from '../operators/value.ts'
import { acos, acosh, asin, asinh, atan, atanh } from './inverse-functions.ts'
import type { OperatorTable } from './operator-table.ts'
import { flooredQuotient, truncated, truncatedQuotient } from './whole-numbers.ts'

/** Operators that make each number of those at the same place in their inputs: activations, arithmetic, questions. */

/** Of one input. */
function unary(compute: (x: Tensor, call: OperatorCall) => Tensor, type?: NumberType): OperatorFunction {
  return (call) => {
    const x = call.value(0)
    return call.elementwise([x], type ?? x.type, (tensor) => compute(tensor, call))
  }
}

/** Of two inputs; numbers of the first one's type come out unless another is named. */
function binary(compute: (a: Tensor, b: Tensor) => Tensor, type?: NumberType): OperatorFunction {
  return (call) => {
    const pair = operands(call)
    return call.elementwise(pair, type ?? pair[0].type, compute)
  }
}

/** Two inputs. Before opset 7 the second one's axes could be said to begin at some axis of the first. */
function operands(call: OperatorCall): readonly [Value, Value] {
  const [a, b] = [call.value(0), call.value(1)]
  if (call.node.version >= 7 || !call.flag('broadcast') || call.node.attributes.axis === undefined) return [a, b]
  return [a, beginningAt(call, b, call.axis(a, call.number('axis')), a)]
}

/** A value whose axes stand against those of another from this one on. */
function beginningAt(call: OperatorCall, value: Value, axis: number, other: Value): Value {
  const after = other.shape.length - axis - value.shape.length
  if (after < 0) call.invalid(`its second input has more axes than its first from axis ${axis} on`)
  return call.reshaped(value, [...value.shape, ...new Array<number>(after).fill(1)])
}

/** Of any number of inputs, two by two. */
function several(
  compute: (a: Tensor, b: Tensor) => Tensor,
  finish = (x: Tensor, _count: number) => x,
): OperatorFunction {
  return (call) => {
    const values = call.inputs.map((_, i) => call.value(i))
    if (values.length === 0) call.invalid('it has no inputs')
    return call.elementwise(values, values[0].type, (first, ...rest) =>
      finish(rest.reduce(compute, first), values.length),
    )
  }
}

/** Integers go by another rule than other numbers. */
function byType(numbers: OperatorFunction, integers: OperatorFunction): OperatorFunction {
  return (call) => (call.value(0).type === 'integer' ? integers(call) : numbers(call))
}

/** The remainder has the divisor's sign, or with fmod the dividend's. */
const remainder: OperatorFunction = (call) => {
  const [quotient, wholeQuotient] = call.flag('fmod')
    ? [(a: Tensor, b: Tensor) => truncated(ops.div(a, b)), truncatedQuotient]
    : [(a: Tensor, b: Tensor) => ops.floor(ops.div(a, b)), flooredQuotient]
  const rest = (divide: typeof quotient) => binary((a, b) => ops.sub(a, ops.mul(b, divide(a, b))))
  return byType(rest(quotient), rest(wholeQuotient))(call)
}

/** An integer's power is an integer: of a whole exponent the nearest to what a device finds. */
const integerPower: OperatorFunction = (call) => {
  const whole = call.value(1).type === 'integer' ? ops.round : truncated
  return binary((a, b) => whole(ops.pow(a, b)))(call)
}

/** Slopes of one channel each stood against the first axis of a sample before opset 7. */
const prelu: OperatorFunction = (call) => {
  const [x, slope] = [call.value(0), call.value(1)]
  const isByChannel = call.node.version < 7 && slope.shape.length === 1 && x.shape.length > 1
  return call.elementwise([x, isByChannel ? beginningAt(call, slope, 1, x) : slope], x.type, ops.prelu)
}

/** The bounds were attributes before opset 11. */
const clipBetweenAttributes = unary((x, call) =>
  ops.clip(x, { min: call.optionalNumber('min'), max: call.optionalNumber('max') }),
)

const clip: OperatorFunction = (call) => {
  const x = call.value(0)
  const bounds = [1, 2].map((index) => (call.has(index) ? call.value(index) : null))
  const known = bounds.map((bound) => (bound instanceof HostValue ? bound.tensor.data[0] : undefined))
  const [hasMin, hasMax] = bounds.map((bound) => bound !== null)
  if (bounds.every((bound) => !bound || bound instanceof HostValue))
    return call.elementwise([x], x.type, (tensor) => ops.clip(tensor, { min: known[0], max: known[1] }))
  return call.elementwise([x, ...bounds.filter((bound) => bound !== null)], x.type, (tensor, ...given) => {
    const raised = hasMin ? ops.maximum(tensor, given[0]) : tensor
    return hasMax ? ops.minimum(raised, given[hasMin ? 1 : 0]) : raised
  })
}

const isInfinite = unary((x, call) => {
  const asked = [
    ...(call.flag('detect_positive', true) ? [ops.greater(x, largestFloat32)] : []),
    ...(call.flag('detect_negative', true) ? [ops.less(x, -largestFloat32)] : []),
  ]
  return asked.length === 0 ? ops.mul(ops.equal(x, x), 0) : asked.reduce(ops.or)
}, 'boolean')

const shrink = unary((x, call) => {
  const [bias, limit] = [call.number('bias', 0), call.number('lambd', 0.5)]
  const above = ops.where(ops.greater(x, limit), ops.sub(x, bias), 0)
  return ops.where(ops.less(x, -limit), ops.add(x, bias), above)
})

/** To the left by multiplying: bits that would leave the integer's own width are kept. */
const bitShift: OperatorFunction = (call) => {
  const power = (b: Tensor) => ops.round(ops.pow(2, b))
  return call.choice('direction', ['LEFT', 'RIGHT']) === 'LEFT'
    ? binary((a, b) => ops.mul(a, power(b)))(call)
    : binary((a, b) => flooredQuotient(a, power(b)))(call)
}

const where: OperatorFunction = (call) => {
  const [condition, a, b] = [call.value(0), call.value(1), call.value(2)]
  return call.elementwise([condition, a, b], a.type, ops.where)
}

const arithmetic: OperatorTable = {
  Add: binary(ops.add),
  Sub: binary(ops.sub),
  Mul: binary(ops.mul),
  Div: byType(binary(ops.div), binary(truncatedQuotient)),
  Mod: remainder,
  Pow: byType(binary(ops.pow), integerPower),
  Neg: unary(ops.neg),
  Abs: unary(ops.abs),
  Sign: unary(ops.sign),
  Reciprocal: unary(ops.reciprocal),
  Sqrt: unary(ops.sqrt),
  Exp: unary(ops.exp),
  Log: unary(ops.log),
  Erf: unary(ops.erf),
  Floor: unary(ops.floor),
  Ceil: unary(ops.ceil),
  Round: unary(ops.round),
  Sum: several(ops.add),
  Mean: several(ops.add, (sum, count) => ops.mul(sum, 1 / count)),
  Max: several(ops.maximum),
  Min: several(ops.minimum),
  BitShift: bitShift,
}

const trigonometry: OperatorTable = {
  Sin: unary(ops.sin),
  Cos: unary(ops.cos),
  Tan: unary((x) => ops.div(ops.sin(x), ops.cos(x))),
  Asin: unary(asin),
  Acos: unary(acos),
  Atan: unary(atan),
  Sinh: unary((x) => ops.mul(ops.sub(ops.exp(x), ops.exp(ops.neg(x))), 0.5)),
  Cosh: unary((x) => ops.mul(ops.add(ops.exp(x), ops.exp(ops.neg(x))), 0.5)),
  Tanh: unary(ops.tanh),
  Asinh: unary(asinh),
  Acosh: unary(acosh),
  Atanh: unary(atanh),
}

const activations: OperatorTable = {
  Relu: unary(ops.relu),
  LeakyRelu: unary((x, call) => ops.leakyRelu(x, { alpha: call.number('alpha', 0.01) })),
  PRelu: prelu,
  ThresholdedRelu: unary((x, call) => ops.where(ops.greater(x, call.number('alpha', 1)), x, 0)),
  Elu: unary((x, call) => ops.elu(x, { alpha: call.number('alpha', 1) })),
  Selu: unary((x, call) =>
    ops.selu(x, { alpha: call.number('alpha', 1.6732632423543772), gamma: call.number('gamma', 1.0507009873554805) }),
  ),
  Celu: unary((x, call) => {
    const alpha = call.number('alpha', 1)
    return ops.mul(ops.elu(ops.div(x, alpha)), alpha)
  }),
  Sigmoid: unary(ops.sigmoid),
  HardSigmoid: unary((x, call) =>
    ops.hardSigmoid(x, { alpha: call.number('alpha', 0.2), beta: call.number('beta', 0.5) }),
  ),
  HardSwish: unary(ops.hardSwish),
  Softplus: unary(ops.softplus),
  Softsign: unary((x) => ops.div(x, ops.add(ops.abs(x), 1))),
  Mish: unary(ops.mish),
  Gelu: unary((x, call) =>
    ops.gelu(x, { approximate: call.choice('approximate', ['none', 'tanh'], 'none') === 'tanh' }),
  ),
  Swish: unary((x, call) => {
    const alpha = call.number('alpha', 1)
    return alpha === 1 ? ops.silu(x) : ops.mul(x, ops.sigmoid(ops.mul(x, alpha)))
  }),
  Shrink: shrink,
  Clip: [
    { since: 11, run: clip },
    { since: 6, run: clipBetweenAttributes },
  ],
}

const questions: OperatorTable = {
  Equal: binary(ops.equal, 'boolean'),
  Less: binary(ops.less, 'boolean'),
  LessOrEqual: binary(ops.lessEqual, 'boolean'),
  Greater: binary(ops.greater, 'boolean'),
  GreaterOrEqual: binary(ops.greaterEqual, 'boolean'),
  And: binary(ops.and, 'boolean'),
  Or: binary(ops.or, 'boolean'),
  Xor: binary(ops.xor, 'boolean'),
  Not: unary(ops.not, 'boolean'),
  IsNaN: unary((x) => ops.notEqual(x, x), 'boolean'),
  IsInf: isInfinite,
  Where: where,
}

export const elementwiseOperators: OperatorTable = { ...arithmetic, ...trigonometry, ...activations, ...questions }
