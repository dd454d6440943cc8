import {
  abs,
  add,
  and,
  ceil,
  cos,
  div,
  equal,
  erf,
  exp,
  floor,
  gelu,
  greater,
  greaterEqual,
  less,
  lessEqual,
  log,
  maximum,
  minimum,
  mul,
  neg,
  not,
  notEqual,
  or,
  pow,
  reciprocal,
  round,
  rsqrt,
  sign,
  sin,
  softplus,
  sqrt,
  square,
  sub,
} from '../../ops/elementwise.ts'
import { where } from '../../ops/where.ts'
import { constant, type Tensor } from '../../tensor.ts'
import type { NumberType } from '../operators/host-tensor.ts'
import type { OperatorCall, OperatorFunction } from '../operators/operator-call.ts'
import type { DeviceValue, Value } from '../operators/value.ts'
import { prelued, rectifiers } from './activations.ts'

/** What TensorFlow's graphs and TensorFlow Lite's do to each number by itself. */

export function unary(compute: (x: Tensor) => Tensor): OperatorFunction {
  return (call) => call.elementwise([call.value(0)], call.value(0).type, compute)
}

/** @param type of the result, where it is not that of the first input */
export function binary(compute: (a: Tensor, b: Tensor) => Tensor, type?: NumberType): OperatorFunction {
  return (call) => {
    const [a, b] = [call.value(0), call.value(1)]
    return call.elementwise([a, b], type ?? a.type, compute)
  }
}

const question = (compute: (a: Tensor, b: Tensor) => Tensor) => binary(compute, 'boolean')

/** Without what stands behind the point. */
const truncated = (x: Tensor) => where(less(x, 0), ceil(x), floor(x))
const floorOfRatio = (a: Tensor, b: Tensor) => floor(div(a, b))

/** Of whole numbers the quotient is one, too, nearer to 0. */
export const quotient: OperatorFunction = (call) => {
  const values = [call.value(0), call.value(1)]
  const isWhole = values.every(({ type }) => type === 'integer')
  const compute = (a: Tensor, b: Tensor) => (isWhole ? truncated(div(a, b)) : div(a, b))
  return call.elementwise(values, isWhole ? 'integer' : 'float', compute)
}

/** Under TensorFlow's names. */
export const elementwiseOperators: Readonly<Record<string, OperatorFunction>> = {
  ...rectifiers(unary),
  Abs: unary(abs),
  Ceil: unary(ceil),
  Cos: unary(cos),
  Erf: unary(erf),
  Exp: unary(exp),
  Expm1: unary((x) => sub(exp(x), 1)),
  Floor: unary(floor),
  Inv: unary(reciprocal),
  Log: unary(log),
  Log1p: unary((x) => log(add(x, 1))),
  LogicalNot: unary(not),
  Neg: unary(neg),
  Reciprocal: unary(reciprocal),
  Round: unary(round),
  Rint: unary(round),
  Rsqrt: unary(rsqrt),
  Sign: unary(sign),
  Sin: unary(sin),
  Softplus: unary(softplus),
  Sqrt: unary(sqrt),
  Square: unary(square),
  Gelu: (call) => unary((x) => gelu(x, { approximate: call.flag('approximate') }))(call),
  Prelu: (call) => prelued(call, call.value(0), call.value(1)),

  Add: binary(add),
  AddV2: binary(add),
  Div: quotient,
  RealDiv: binary(div, 'float'),
  DivNoNan: binary((a, b) => where(b, div(a, where(b, b, 1)), 0)),
  FloorDiv: binary(floorOfRatio),
  FloorMod: binary((a, b) => sub(a, mul(floorOfRatio(a, b), b))),
  Maximum: binary(maximum),
  Minimum: binary(minimum),
  Mul: binary(mul),
  Multiply: binary(mul),
  Pow: binary(pow),
  SquaredDifference: binary((a, b) => square(sub(a, b))),
  Sub: binary(sub),
  ClipByValue: (call) =>
    call.elementwise([call.value(0), call.value(1), call.value(2)], call.value(0).type, (x, least, most) =>
      maximum(minimum(x, most), least),
    ),

  Equal: question(equal),
  Greater: question(greater),
  GreaterEqual: question(greaterEqual),
  Less: question(less),
  LessEqual: question(lessEqual),
  NotEqual: question(notEqual),
  LogicalAnd: question(and),
  LogicalOr: question(or),

  AddN: (call) =>
    call.elementwise(
      call.node.inputs.map((_, i) => call.value(i)),
      call.value(0).type,
      (...parts) => parts.reduce(add),
    ),
  Cast: cast,
  Select: select,
  SelectV2: chosen,
  OnesLike: filledLike(1),
  ZerosLike: filledLike(0),
}

function filledLike(number: number): OperatorFunction {
  return (call) => {
    const x = call.onDevice(call.value(0))
    return x.with(constant(number, x.tensor.shape))
  }
}

const wholeTypes = /^(DT_)?U?INT(4|8|16|32|64)$/

function cast(call: OperatorCall): Value {
  const x = call.value(0)
  const type = call.text('DstT').toUpperCase()
  if (/BOOL$/.test(type)) return call.elementwise([x], 'boolean', (one) => notEqual(one, 0))
  if (!wholeTypes.test(type)) {
    if (/FLOAT|DOUBLE|HALF/.test(type)) return call.elementwise([x], 'float', (one) => one)
    return call.unsupported(`numbers of type ${type}`)
  }
  return call.elementwise([x], 'integer', x.type === 'float' ? truncated : (one) => one)
}

/** NumPy's where. */
function chosen(call: OperatorCall): DeviceValue {
  const [condition, a, b] = [call.value(0), call.value(1), call.value(2)]
  return call.elementwise([condition, a, b], a.type, where)
}

/** The first version of it: a list of conditions is for the entries of the first axis. */
function select(call: OperatorCall): DeviceValue {
  const [condition, a, b] = [call.value(0), call.value(1), call.value(2)]
  const rank = a.shape.length
  if (condition.shape.length !== 1 || rank < 2) return chosen(call)
  const shape = [condition.shape[0], ...new Array<number>(rank - 1).fill(1)]
  return call.elementwise([call.reshaped(condition, shape), a, b], a.type, where)
}
