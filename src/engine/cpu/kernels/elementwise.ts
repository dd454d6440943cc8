import { broadcastStrides } from '../../ops/broadcasting.ts'
import type { BinaryName, RowParameters, UnaryName } from '../../ops/elementwise.ts'
import { sizeOf } from '../../tensor.ts'
import {
  type F32,
  type F64,
  type FunctionBody,
  f32,
  f64,
  type I32,
  i32,
  type Local,
  type ModuleBuilder,
  select,
} from '../../wasm/emitter.ts'
import type { CpuKernel, KernelEmitter } from '../kernel.ts'
import {
  cosine,
  erf,
  exp,
  expm1,
  gelu,
  geluTanh,
  log,
  mish,
  power,
  sigmoid,
  silu,
  sine,
  softplus,
  tanh,
} from './mathematics.ts'
import { walk } from './walk.ts'

/** The table of ops/elementwise.ts as WebAssembly. An operand used twice must be cheap to repeat: a variable. */
type Unary = (x: Local<'f32'>, module: ModuleBuilder, parameters: RowParameters) => F32
type Binary = (a: Local<'f32'>, b: Local<'f32'>, module: ModuleBuilder) => F32
/** A question's answer, of numbers and of integers: these would not stay apart as numbers. */
interface Question {
  readonly f32: (a: Local<'f32'>, b: Local<'f32'>) => I32
  readonly i32: (a: Local<'i32'>, b: Local<'i32'>) => I32
}

const zero = f32.const(0)
const one = f32.const(1)

/** A function that is computed in float64. */
const wide =
  (compute: (module: ModuleBuilder, x: F64) => F64): Unary =>
  (x, module) =>
    f32.fromF64(compute(module, f64.fromF32(x)))

const between = (x: F32, low: number, high: number): F32 => f32.min(f32.max(x, f32.const(low)), f32.const(high))

/** x, and below 0 what it is told. */
const below0 = (x: Local<'f32'>, other: F32, above: F32 = x): F32 => select(f32.lt(x, zero), other, above)

export const unaryExpressions: Readonly<Record<UnaryName, Unary>> = {
  neg: (x) => f32.neg(x),
  exp: wide(exp),
  log: wide(log),
  sqrt: (x) => f32.sqrt(x),
  reciprocal: (x) => f32.div(one, x),
  square: (x) => f32.mul(x, x),
  abs: (x) => f32.abs(x),
  // 0 and NaN are their own.
  sign: (x) => select(f32.gt(x, zero), one, select(f32.lt(x, zero), f32.const(-1), x)),
  step: (x) => select(f32.gt(x, zero), one, zero),
  relu: (x) => f32.max(x, zero),
  sigmoid: wide(sigmoid),
  tanh: wide(tanh),
  rsqrt: (x) => f32.div(one, f32.sqrt(x)),
  floor: (x) => f32.floor(x),
  ceil: (x) => f32.ceil(x),
  round: (x) => f32.nearest(x),
  sin: wide(sine),
  cos: wide(cosine),
  not: (x) => select(f32.eq(x, zero), one, zero),
  erf: wide(erf),
  gelu: wide(gelu),
  geluTanh: wide(geluTanh),
  silu: wide(silu),
  softplus: wide(softplus),
  mish: wide(mish),
  hardSwish: (x) => f32.mul(f32.max(x, f32.const(-3)), between(f32.div(f32.add(x, f32.const(3)), f32.const(6)), 0, 1)),
  hardSigmoid: (x, _module, { alpha, beta }) => between(f32.add(f32.mul(x, f32.const(alpha)), f32.const(beta)), 0, 1),
  clip: (x, _module, { min, max }) => between(x, min, max),
  leakyRelu: (x, _module, { alpha }) => below0(x, f32.mul(x, f32.const(alpha))),
  elu: (x, module, { alpha }) => below0(x, f32.mul(wide(expm1)(x, module, {}), f32.const(alpha))),
  selu: (x, module, { alpha, gamma }) =>
    below0(x, f32.mul(wide(expm1)(x, module, {}), f32.const(alpha * gamma)), f32.mul(x, f32.const(gamma))),
}

/** A question about the truth of both. */
function ofTruths(combine: (a: I32, b: I32) => I32): Question {
  const none = i32.const(0)
  return {
    f32: (a, b) => combine(f32.ne(a, zero), f32.ne(b, zero)),
    i32: (a, b) => combine(i32.ne(a, none), i32.ne(b, none)),
  }
}

export const binaryExpressions: Readonly<Record<BinaryName, Binary | Question>> = {
  add: (a, b) => f32.add(a, b),
  sub: (a, b) => f32.sub(a, b),
  mul: (a, b) => f32.mul(a, b),
  div: (a, b) => f32.div(a, b),
  maximum: (a, b) => f32.max(a, b),
  minimum: (a, b) => f32.min(a, b),
  greaterEqual: { f32: f32.ge, i32: i32.geS },
  equal: { f32: f32.eq, i32: i32.eq },
  less: { f32: f32.lt, i32: i32.ltS },
  lessEqual: { f32: f32.le, i32: i32.leS },
  greater: { f32: f32.gt, i32: i32.gtS },
  notEqual: { f32: f32.ne, i32: i32.ne },
  and: ofTruths(i32.and),
  or: ofTruths(i32.or),
  xor: ofTruths(i32.xor),
  pow: (a, b, module) => f32.fromF64(power(module, f64.fromF32(a), f64.fromF32(b))),
  prelu: (a, b) => below0(a, f32.mul(a, b)),
}

/** Walks the elements of `shape` with a byte offset into the result and into inputs that are stretched to it. */
function walkBroadcast(
  emitter: KernelEmitter,
  shape: readonly number[],
  inputs: readonly (readonly number[])[],
  visit: (body: FunctionBody, offsets: readonly Local<'i32'>[]) => void,
): void {
  walk(
    emitter,
    shape,
    [shape, ...inputs].map((from) => broadcastStrides(from, shape)),
    visit,
  )
}

export function unaryKernel(name: UnaryName): CpuKernel {
  return (step, emitter) => {
    const { x } = step.inputs
    const [y] = step.outputs
    const parameters = step.attributes as RowParameters
    walkBroadcast(emitter, y.shape, [x.shape], (body, [to, from]) => {
      const value = body.local('f32', f32.load(from, x.address))
      body.store(to, unaryExpressions[name](value, emitter.module, parameters), y.address)
    })
  }
}

export function binaryKernel(name: BinaryName): CpuKernel {
  return (step, emitter) => {
    const { a, b } = step.inputs
    const [y] = step.outputs
    const expression = binaryExpressions[name]
    walkBroadcast(emitter, y.shape, [a.shape, b.shape], (body, [to, left, right]) => {
      const numbers = () =>
        [body.local('f32', f32.load(left, a.address)), body.local('f32', f32.load(right, b.address))] as const
      const integers = () =>
        [body.local('i32', i32.load(left, a.address)), body.local('i32', i32.load(right, b.address))] as const
      if (typeof expression === 'function') body.store(to, expression(...numbers(), emitter.module), y.address)
      else {
        const answer = a.dtype === 'i32' ? expression.i32(...integers()) : expression.f32(...numbers())
        body.store(to, f32.fromI32(answer), y.address)
      }
    })
  }
}

export const where: CpuKernel = (step, emitter) => {
  const { condition, a, b } = step.inputs
  const [y] = step.outputs
  walkBroadcast(emitter, y.shape, [condition.shape, a.shape, b.shape], (body, [to, at, left, right]) => {
    const isTrue =
      condition.dtype === 'i32'
        ? i32.ne(i32.load(at, condition.address), i32.const(0))
        : f32.ne(f32.load(at, condition.address), zero)
    body.store(to, select(isTrue, f32.load(left, a.address), f32.load(right, b.address)), y.address)
  })
}

/** Copies 4-byte elements, whatever they are. */
export const broadcast: CpuKernel = (step, emitter) => {
  const { x } = step.inputs
  const [y] = step.outputs
  if (sizeOf(y.shape) === 0) return
  walkBroadcast(emitter, y.shape, [x.shape], (body, [to, from]) => body.store(to, i32.load(from, x.address), y.address))
}
