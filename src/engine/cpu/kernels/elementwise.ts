import { broadcastStrides } from '../../ops/broadcasting.ts'
import { type BinaryName, byName, type RowParameters, type UnaryName } from '../../ops/elementwise.ts'
import { sizeOf } from '../../tensor.ts'
import type { FunctionBody, ModuleBuilder } from '../../wasm/emitter.ts'
import {
  call,
  type Expression,
  type F32,
  type F64,
  f32,
  f32x4,
  f64,
  type I32,
  i32,
  type Local,
  select,
  type V128,
} from '../../wasm/instructions.ts'
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
import { fourAtOnce } from './mathematics-of-four.ts'
import { type VisitFour, walk } from './walk.ts'

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

/** What is the same for numbers and for vectors of four. */
interface Arithmetic<T extends 'f32' | 'v128'> {
  readonly const: (value: number) => Expression<T>
  readonly neg: (x: Expression<T>) => Expression<T>
  readonly abs: (x: Expression<T>) => Expression<T>
  readonly sqrt: (x: Expression<T>) => Expression<T>
  readonly add: (a: Expression<T>, b: Expression<T>) => Expression<T>
  readonly mul: (a: Expression<T>, b: Expression<T>) => Expression<T>
  readonly div: (a: Expression<T>, b: Expression<T>) => Expression<T>
  readonly min: (a: Expression<T>, b: Expression<T>) => Expression<T>
  readonly max: (a: Expression<T>, b: Expression<T>) => Expression<T>
  /** x, and below 0 what it is told. */
  readonly below0: (x: Local<T>, other: Expression<T>) => Expression<T>
}

const ofNumbers: Arithmetic<'f32'> = { ...f32, below0: (x, other) => select(f32.lt(x, zero), other, x) }
const ofVectors: Arithmetic<'v128'> = {
  ...f32x4,
  // What is no number stays so where it stands first, as it does here.
  min: f32x4.pmin,
  max: f32x4.pmax,
  below0: (x, other) => f32x4.select(other, x, f32x4.lt(x, f32x4.const(0))),
}

/** Rows that need nothing else. */
const plainRows = {
  neg: (o, x) => o.neg(x),
  abs: (o, x) => o.abs(x),
  sqrt: (o, x) => o.sqrt(x),
  square: (o, x) => o.mul(x, x),
  reciprocal: (o, x) => o.div(o.const(1), x),
  rsqrt: (o, x) => o.div(o.const(1), o.sqrt(x)),
  hardSwish: (o, x) =>
    o.mul(o.max(x, o.const(-3)), between(o, o.div(o.add(x, o.const(3)), o.const(6)), { min: 0, max: 1 })),
  hardSigmoid: (o, x, { alpha, beta }) =>
    between(o, o.add(o.mul(x, o.const(alpha)), o.const(beta)), { min: 0, max: 1 }),
  clip: (o, x, bounds) => between(o, x, bounds),
  leakyRelu: (o, x, { alpha }) => o.below0(x, o.mul(x, o.const(alpha))),
} satisfies Partial<
  Record<
    UnaryName,
    <T extends 'f32' | 'v128'>(o: Arithmetic<T>, x: Local<T>, parameters: RowParameters) => Expression<T>
  >
>

function between<T extends 'f32' | 'v128'>(
  o: Arithmetic<T>,
  x: Expression<T>,
  { min, max }: RowParameters,
): Expression<T> {
  return o.min(o.max(x, o.const(min)), o.const(max))
}

type PlainName = keyof typeof plainRows

function isPlain(name: UnaryName): name is PlainName {
  return Object.hasOwn(plainRows, name)
}

const plainNumbers = byName(
  plainRows,
  (name): Unary =>
    (x, _module, parameters) =>
      plainRows[name](ofNumbers, x, parameters),
)

/** x, and below 0 what it is told. */
const below0 = (x: Local<'f32'>, other: F32, above: F32 = x): F32 => select(f32.lt(x, zero), other, above)

export const unaryExpressions: Readonly<Record<UnaryName, Unary>> = {
  ...plainNumbers,
  exp: wide(exp),
  log: wide(log),
  // 0 and NaN are their own.
  sign: (x) => select(f32.gt(x, zero), one, select(f32.lt(x, zero), f32.const(-1), x)),
  step: (x) => select(f32.gt(x, zero), one, zero),
  relu: (x) => f32.max(x, zero),
  sigmoid: wide(sigmoid),
  tanh: wide(tanh),
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
  elu: (x, module, { alpha }) => below0(x, f32.mul(wide(expm1)(x, module, {}), f32.const(alpha))),
  selu: (x, module, { alpha, gamma }) =>
    below0(x, f32.mul(wide(expm1)(x, module, {}), f32.const(alpha * gamma)), f32.mul(x, f32.const(gamma))),
}

/** A row of four numbers: in vectors where it is plain arithmetic or has a function for four, else one lane after the other. */
export function unaryOfFour(name: UnaryName, x: Local<'v128'>, module: ModuleBuilder, parameters: RowParameters): V128 {
  if (isPlain(name)) return plainRows[name](ofVectors, x, parameters)
  const atOnce = fourAtOnce(name, x, module)
  if (atOnce) return atOnce
  const title = [name, ...Object.values(parameters), 'of four'].join(' ')
  const byLanes = module.internal(title, ['v128'] as const, 'v128', (body, four) => {
    const lane = body.local('f32')
    const result = body.local('v128')
    for (let i = 0; i < 4; i++) {
      body.set(lane, f32x4.extractLane(four, i))
      body.set(result, f32x4.replaceLane(result, i, unaryExpressions[name](lane, module, parameters)))
    }
    body.return(result)
  })
  return call(byLanes, x)
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

/** Rows that are one instruction for four numbers, or few. */
const binaryOfFour: Partial<Record<BinaryName, (a: Local<'v128'>, b: V128) => V128>> = {
  add: f32x4.add,
  sub: f32x4.sub,
  mul: f32x4.mul,
  div: f32x4.div,
  prelu: (a, b) => ofVectors.below0(a, f32x4.mul(a, b)),
}

/** Walks the elements of `shape` with a byte offset into the result and into inputs that are stretched to it. */
function walkBroadcast(
  emitter: KernelEmitter,
  shape: readonly number[],
  inputs: readonly (readonly number[])[],
  visit: (body: FunctionBody, offsets: readonly Local<'i32'>[]) => void,
  visitFour?: VisitFour,
): void {
  walk(
    emitter,
    shape,
    [shape, ...inputs].map((from) => broadcastStrides(from, shape)),
    visit,
    visitFour,
  )
}

/** Four numbers of an operand, or one of them four times. */
function loadFour(offset: I32, address: number, isStretched: boolean): V128 {
  return isStretched ? f32x4.loadSplat(offset, address) : f32x4.load(offset, address)
}

export function unaryKernel(name: UnaryName): CpuKernel {
  return (step, emitter) => {
    const { x } = step.inputs
    const [y] = step.outputs
    const parameters = step.attributes as RowParameters
    walkBroadcast(
      emitter,
      y.shape,
      [x.shape],
      (body, [to, from]) => {
        // By the same function as four: a number's bits must not depend on where it stands.
        if (isPlain(name) || fourAtOnce(name, f32x4.const(0), emitter.module)) {
          const same = body.local('v128', f32x4.loadSplat(from, x.address))
          const four = body.local('v128', unaryOfFour(name, same, emitter.module, parameters))
          body.store(to, f32x4.extractLane(four, 0), y.address)
          return
        }
        const value = body.local('f32', f32.load(from, x.address))
        body.store(to, unaryExpressions[name](value, emitter.module, parameters), y.address)
      },
      (body, [to, from], [, isStretched]) => {
        const values = body.local('v128', loadFour(from, x.address, isStretched))
        body.store(to, unaryOfFour(name, values, emitter.module, parameters), y.address)
      },
    )
  }
}

export function binaryKernel(name: BinaryName): CpuKernel {
  return (step, emitter) => {
    const { a, b } = step.inputs
    const [y] = step.outputs
    const expression = binaryExpressions[name]
    const ofFour = binaryOfFour[name]
    const visitFour: VisitFour | undefined =
      ofFour &&
      ((body, [to, left, right], [, leftIsStretched, rightIsStretched]) => {
        const values = body.local('v128', loadFour(left, a.address, leftIsStretched))
        body.store(to, ofFour(values, loadFour(right, b.address, rightIsStretched)), y.address)
      })
    const visit = (body: FunctionBody, [to, left, right]: readonly Local<'i32'>[]) => {
      const numbers = () =>
        [body.local('f32', f32.load(left, a.address)), body.local('f32', f32.load(right, b.address))] as const
      const integers = () =>
        [body.local('i32', i32.load(left, a.address)), body.local('i32', i32.load(right, b.address))] as const
      if (typeof expression === 'function') body.store(to, expression(...numbers(), emitter.module), y.address)
      else {
        const answer = a.dtype === 'i32' ? expression.i32(...integers()) : expression.f32(...numbers())
        body.store(to, f32.fromI32(answer), y.address)
      }
    }
    walkBroadcast(emitter, y.shape, [a.shape, b.shape], visit, visitFour)
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
