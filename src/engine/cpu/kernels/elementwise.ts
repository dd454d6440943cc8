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

/**
 * Walks the elements of `shape` in row-major order with a byte offset into every operand (0 strides where it is
 * stretched), one unit an index of the first axis. Axes along which all operands are contiguous are walked as one.
 */
function walk(
  emitter: KernelEmitter,
  shape: readonly number[],
  operands: readonly (readonly number[])[],
  visit: (body: FunctionBody, offsets: readonly Local<'i32'>[]) => void,
): void {
  const { extents, strides } = mergeAxes(
    shape,
    operands.map((from) => broadcastStrides(from, shape)),
  )
  emitter.phase(extents[0], 0, (body, unit) => {
    const offsets = strides.map((stride) => body.local('i32', i32.mul(unit, i32.const(stride[0] * 4))))
    const nest = (axis: number): void => {
      if (axis === extents.length) {
        visit(body, offsets)
        return
      }
      body.for(0, extents[axis], 1, () => {
        nest(axis + 1)
        offsets.forEach((offset, operand) => {
          // The axes inside have moved the offset by their whole extents; this axis's stride counts from its start.
          const inside = axis + 1 < extents.length ? strides[operand][axis + 1] * extents[axis + 1] : 0
          if (strides[operand][axis] !== inside) body.advance(offset, (strides[operand][axis] - inside) * 4)
        })
      })
    }
    nest(1)
  })
}

/** Joins neighbouring axes that every operand walks without a gap. Always leaves two axes: units and one inner loop. */
function mergeAxes(shape: readonly number[], strides: readonly (readonly number[])[]) {
  const extents: number[] = []
  const merged: number[][] = strides.map(() => [])
  shape.forEach((extent, axis) => {
    const last = extents.length - 1
    const joins = last >= 0 && strides.every((stride, i) => merged[i][last] === stride[axis] * extent)
    if (joins) {
      extents[last] *= extent
      strides.forEach((stride, i) => {
        merged[i][last] = stride[axis]
      })
    } else {
      extents.push(extent)
      strides.forEach((stride, i) => {
        merged[i].push(stride[axis])
      })
    }
  })
  if (extents.length === 0) return { extents: [1, 1], strides: strides.map(() => [0, 0]) }
  if (extents.length > 1) return { extents, strides: merged }
  // One long run: units of up to 4,096 elements, so that threads can share it.
  const [total] = extents
  const inner = [4096, 1024, 256, 64, 16, 4].find((size) => total % size === 0) ?? total
  return { extents: [total / inner, inner], strides: merged.map(([stride]) => [stride * inner, stride]) }
}

function loadNumber(operand: CpuOperand, offset: I32): F32 {
  return operand.dtype === 'i32' ? f32.fromI32(i32.load(offset, operand.address)) : f32.load(offset, operand.address)
}

export function unaryKernel(name: UnaryName): CpuKernel {
  return (step, emitter) => {
    const { x } = step.inputs
    const [y] = step.outputs
    walk(emitter, y.shape, [y.shape, x.shape], (body, [to, from]) => {
      const value = body.local('f32', f32.load(from, x.address))
      body.store(to, unaryExpressions[name](value, emitter.module), y.address)
    })
  }
}

export function binaryKernel(name: BinaryName): CpuKernel {
  return (step, emitter) => {
    const { a, b } = step.inputs
    const [y] = step.outputs
    walk(emitter, y.shape, [y.shape, a.shape, b.shape], (body, [to, left, right]) => {
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
  walk(emitter, y.shape, [y.shape, x.shape], (body, [to, from]) => body.store(to, i32.load(from, x.address), y.address))
}
