import { broadcastStrides } from '../../ops/broadcasting.ts'
import type { BinaryName, UnaryName } from '../../ops/elementwise.ts'
import { sizeOf } from '../../tensor.ts'
import {
  type F32,
  type FunctionBody,
  f32,
  f64,
  type I32,
  i32,
  type Local,
  type ModuleBuilder,
  select,
} from '../../wasm/emitter.ts'
import type { CpuKernel, CpuOperand, KernelEmitter } from '../kernel.ts'
import { exp, log, tanh } from './mathematics.ts'
import { walk } from './walk.ts'

/** The table of ops/elementwise.ts as WebAssembly. An operand used twice must be cheap to repeat: a variable. */
type Unary = (x: Local<'f32'>, module: ModuleBuilder) => F32
type Binary = (a: Local<'f32'>, b: Local<'f32'>) => F32

const zero = f32.const(0)
const one = f32.const(1)

export const unaryExpressions: Readonly<Record<UnaryName, Unary>> = {
  neg: (x) => f32.neg(x),
  exp: (x, module) => f32.fromF64(exp(module, f64.fromF32(x))),
  log: (x, module) => f32.fromF64(log(module, f64.fromF32(x))),
  sqrt: (x) => f32.sqrt(x),
  reciprocal: (x) => f32.div(one, x),
  square: (x) => f32.mul(x, x),
  abs: (x) => f32.abs(x),
  sign: (x) => select(f32.gt(x, zero), one, select(f32.lt(x, zero), f32.const(-1), zero)),
  step: (x) => select(f32.gt(x, zero), one, zero),
  relu: (x) => f32.max(x, zero),
  sigmoid: (x, module) =>
    f32.fromF64(f64.div(f64.const(1), f64.add(f64.const(1), exp(module, f64.fromF32(f32.neg(x)))))),
  tanh: (x, module) => f32.fromF64(tanh(module, f64.fromF32(x))),
}

export const binaryExpressions: Readonly<Record<BinaryName, Binary>> = {
  add: (a, b) => f32.add(a, b),
  sub: (a, b) => f32.sub(a, b),
  mul: (a, b) => f32.mul(a, b),
  div: (a, b) => f32.div(a, b),
  maximum: (a, b) => f32.max(a, b),
  minimum: (a, b) => f32.min(a, b),
  greaterEqual: (a, b) => select(f32.ge(a, b), one, zero),
  equal: (a, b) => select(f32.eq(a, b), one, zero),
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

function loadNumber(operand: CpuOperand, offset: I32): F32 {
  return operand.dtype === 'i32' ? f32.fromI32(i32.load(offset, operand.address)) : f32.load(offset, operand.address)
}

export function unaryKernel(name: UnaryName): CpuKernel {
  return (step, emitter) => {
    const { x } = step.inputs
    const [y] = step.outputs
    walkBroadcast(emitter, y.shape, [x.shape], (body, [to, from]) => {
      const value = body.local('f32', f32.load(from, x.address))
      body.store(to, unaryExpressions[name](value, emitter.module), y.address)
    })
  }
}

export function binaryKernel(name: BinaryName): CpuKernel {
  return (step, emitter) => {
    const { a, b } = step.inputs
    const [y] = step.outputs
    walkBroadcast(emitter, y.shape, [a.shape, b.shape], (body, [to, left, right]) => {
      const first = body.local('f32', loadNumber(a, left))
      const second = body.local('f32', loadNumber(b, right))
      body.store(to, binaryExpressions[name](first, second), y.address)
    })
  }
}

/** Copies 4-byte elements, whatever they are. */
export const broadcast: CpuKernel = (step, emitter) => {
  const { x } = step.inputs
  const [y] = step.outputs
  if (sizeOf(y.shape) === 0) return
  walkBroadcast(emitter, y.shape, [x.shape], (body, [to, from]) => body.store(to, i32.load(from, x.address), y.address))
}
