import accurateFunctions from '../../../shaders/accurate-functions.wgsl?raw'
import binaryCode from '../../../shaders/binary.wgsl?raw'
import broadcastCode from '../../../shaders/broadcast.wgsl?raw'
import notFinite from '../../../shaders/not-finite.wgsl?raw'
import powerFunctions from '../../../shaders/power.wgsl?raw'
import specialFunctions from '../../../shaders/special-functions.wgsl?raw'
import unaryCode from '../../../shaders/unary.wgsl?raw'
import whereCode from '../../../shaders/where.wgsl?raw'
import { broadcastStrides } from '../../ops/broadcasting.ts'
import { type BinaryName, byName, type RowParameters, type UnaryName, unaryRows } from '../../ops/elementwise.ts'
import type { PlanOperand } from '../../plan/plan.ts'
import { type Shape, sameShape, sizeOf } from '../../tensor.ts'
import { elementType, f32, type Lowering, read, stridedIndex, write } from '../dispatch.ts'

/** WGSL of each row of the elementwise table, of x; a row's parameters are constants of their names in capitals. */
const unaryExpressions: Readonly<Record<UnaryName, string>> = {
  neg: '-x',
  exp: 'accurateExp(x)',
  log: 'logOrNone(x)',
  sqrt: 'sqrt(x)',
  reciprocal: '1.0 / x',
  square: 'x * x',
  abs: 'abs(x)',
  sign: 'sign(x)',
  step: 'select(0.0, 1.0, x > 0.0)',
  relu: 'select(0.0, x, x > 0.0)',
  sigmoid: 'accurateSigmoid(x)',
  tanh: 'accurateTanh(x)',
  rsqrt: 'select(1.0 / sqrt(x), notANumber(), x < 0.0)',
  floor: 'floor(x)',
  ceil: 'ceil(x)',
  round: 'round(x)',
  sin: 'sineAhead(x, 0)',
  cos: 'sineAhead(x, 1)',
  not: 'select(0.0, 1.0, x == 0.0)',
  erf: 'erf(x)',
  gelu: 'gelu(x)',
  geluTanh: 'geluTanh(x)',
  silu: 'silu(x)',
  softplus: 'softplus(x)',
  mish: 'mish(x)',
  hardSwish: 'max(x, -3.0) * clamp((x + 3.0) / 6.0, 0.0, 1.0)',
  hardSigmoid: 'clamp(ALPHA * x + BETA, 0.0, 1.0)',
  clip: 'min(max(x, MIN), MAX)',
  leakyRelu: 'select(x, ALPHA * x, x < 0.0)',
  elu: 'select(x, ALPHA * accurateExpm1(x), x < 0.0)',
  selu: 'GAMMA * select(x, ALPHA * accurateExpm1(x), x < 0.0)',
}

/** Of a and b; comparisons are made in the inputs' own type, so that large integers stay apart. */
const binaryExpressions: Readonly<Record<BinaryName, string>> = {
  add: 'f32(a) + f32(b)',
  sub: 'f32(a) - f32(b)',
  mul: 'f32(a) * f32(b)',
  div: 'f32(a) / f32(b)',
  maximum: 'select(max(a, b), notANumber(), isNan(a) || isNan(b))',
  minimum: 'select(min(a, b), notANumber(), isNan(a) || isNan(b))',
  greaterEqual: 'select(0.0, 1.0, a >= b)',
  equal: 'select(0.0, 1.0, a == b)',
  less: 'select(0.0, 1.0, a < b)',
  lessEqual: 'select(0.0, 1.0, a <= b)',
  greater: 'select(0.0, 1.0, a > b)',
  notEqual: 'select(1.0, 0.0, a == b)',
  and: 'select(0.0, 1.0, isTrue(a) && isTrue(b))',
  or: 'select(0.0, 1.0, isTrue(a) || isTrue(b))',
  xor: 'select(0.0, 1.0, isTrue(a) != isTrue(b))',
  pow: 'power(a, b)',
  prelu: 'select(a, a * b, a < 0.0)',
}

/** What these rows are written with beside WGSL's own. */
const binaryFunctions: Readonly<Partial<Record<BinaryName, (type: string) => readonly string[]>>> = {
  maximum: () => [notFinite],
  minimum: () => [notFinite],
  and: (type) => [truthOf(type)],
  or: (type) => [truthOf(type)],
  xor: (type) => [truthOf(type)],
  pow: () => [notFinite, powerFunctions],
}

function truthOf(type: string): string {
  // Not by !=, which adapters also deny of what is no number.
  return `fn isTrue(x: ${type}) -> bool { return select(true, false, x == ${type}(0)); }`
}

/**
 * `fn <function>(x: f32) -> f32`, and what it is written with. Comparisons in WGSL may forget that something is not a number: where
 * the row's own function keeps it, it does not reach them.
 */
export function unaryFunctions(functionName: string, name: UnaryName, given: RowParameters): string[] {
  const { apply, parameters = {} } = unaryRows[name]
  const keepsNan = Number.isNaN(apply(Number.NaN, parameters))
  const constants = Object.entries(given).map(
    ([parameter, value]) => `const ${parameter.toUpperCase()} = ${f32(value)};`,
  )
  const own = `fn ${functionName}(x: f32) -> f32 {
  ${[...constants, keepsNan ? 'if (isNan(x)) { return x; }' : ''].join(' ')}
  return ${unaryExpressions[name]};
}`
  return [accurateFunctions, notFinite, specialFunctions, own]
}

function lowerUnary(name: UnaryName): Lowering {
  return ({ inputs: { x }, outputs: [y], attributes }) => [
    {
      kernel: name,
      bindings: [read('x', x), write('y', y)],
      constants: {},
      functions: unaryFunctions('compute', name, attributes as RowParameters),
      code: unaryCode,
      threads: sizeOf(y.shape),
    },
  ]
}

function indexInto(name: string, from: PlanOperand, to: Shape): string {
  return sameShape(from.shape, to)
    ? `fn ${name}(i: u32) -> u32 { return i; }`
    : stridedIndex(name, broadcastStrides(from.shape, to), to)
}

function lowerBinary(name: BinaryName): Lowering {
  return ({ inputs: { a, b }, outputs: [y] }) => [
    {
      kernel: name,
      bindings: [read('a', a), read('b', b), write('y', y)],
      constants: {},
      functions: [
        indexInto('indexOfA', a, y.shape),
        indexInto('indexOfB', b, y.shape),
        ...(binaryFunctions[name]?.(elementType(a.dtype)) ?? []),
        `fn compute(a: ${elementType(a.dtype)}, b: ${elementType(b.dtype)}) -> f32 { return ${binaryExpressions[name]}; }`,
      ],
      code: binaryCode,
      threads: sizeOf(y.shape),
    },
  ]
}

const lowerWhere: Lowering = ({ inputs: { condition, a, b }, outputs: [y] }) => [
  {
    kernel: 'where',
    bindings: [read('condition', condition), read('a', a), read('b', b), write('y', y)],
    constants: {},
    functions: [
      truthOf(elementType(condition.dtype)),
      indexInto('indexOfCondition', condition, y.shape),
      indexInto('indexOfA', a, y.shape),
      indexInto('indexOfB', b, y.shape),
    ],
    code: whereCode,
    threads: sizeOf(y.shape),
  },
]

const lowerBroadcast: Lowering = ({ inputs: { x }, outputs: [y] }) => [
  {
    kernel: 'broadcast',
    bindings: [read('x', x), write('y', y)],
    constants: {},
    functions: [indexInto('indexOfX', x, y.shape)],
    code: broadcastCode,
    threads: sizeOf(y.shape),
  },
]

export const elementwiseLowerings = {
  ...byName(unaryExpressions, lowerUnary),
  ...byName(binaryExpressions, lowerBinary),
  where: lowerWhere,
  broadcast: lowerBroadcast,
} satisfies Record<string, Lowering>
