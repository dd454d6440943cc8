import accurateFunctions from '../../../shaders/accurate-functions.wgsl?raw'
import binaryCode from '../../../shaders/binary.wgsl?raw'
import broadcastCode from '../../../shaders/broadcast.wgsl?raw'
import unaryCode from '../../../shaders/unary.wgsl?raw'
import { broadcastStrides } from '../../ops/broadcasting.ts'
import { type BinaryName, byName, type UnaryName } from '../../ops/elementwise.ts'
import type { PlanOperand } from '../../plan/plan.ts'
import { type Shape, sameShape, sizeOf } from '../../tensor.ts'
import { elementType, type Lowering, read, stridedIndex, write } from '../dispatch.ts'

/** WGSL of each row of the elementwise table, of x. */
const unaryExpressions: Readonly<Record<UnaryName, string>> = {
  neg: '-x',
  exp: 'accurateExp(x)',
  log: 'accurateLog(x)',
  sqrt: 'sqrt(x)',
  reciprocal: '1.0 / x',
  square: 'x * x',
  abs: 'abs(x)',
  sign: 'sign(x)',
  step: 'select(0.0, 1.0, x > 0.0)',
  relu: 'select(0.0, x, x > 0.0)',
  sigmoid: 'accurateSigmoid(x)',
  tanh: 'accurateTanh(x)',
}

/** Of a and b; comparisons are made in the inputs' own type, so that large integers stay apart. */
const binaryExpressions: Readonly<Record<BinaryName, string>> = {
  add: 'f32(a) + f32(b)',
  sub: 'f32(a) - f32(b)',
  mul: 'f32(a) * f32(b)',
  div: 'f32(a) / f32(b)',
  maximum: 'f32(max(a, b))',
  minimum: 'f32(min(a, b))',
  greaterEqual: 'select(0.0, 1.0, a >= b)',
  equal: 'select(0.0, 1.0, a == b)',
}

function lowerUnary(name: UnaryName): Lowering {
  return ({ inputs: { x }, outputs: [y] }) => [
    {
      kernel: name,
      bindings: [read('x', x), write('y', y)],
      constants: {},
      functions: [accurateFunctions, `fn compute(x: f32) -> f32 { return ${unaryExpressions[name]}; }`],
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
        `fn compute(a: ${elementType(a.dtype)}, b: ${elementType(b.dtype)}) -> f32 { return ${binaryExpressions[name]}; }`,
      ],
      code: binaryCode,
      threads: sizeOf(y.shape),
    },
  ]
}

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
  broadcast: lowerBroadcast,
} satisfies Record<string, Lowering>
