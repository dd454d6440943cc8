import { ShapeError } from '../errors.ts'
import { apply, constant, type Operation, requireFloat, sameShape, type Tensor, uniformValue } from '../tensor.ts'
import { broadcastIndices, broadcastShapes } from './broadcasting.ts'
import { sumTo } from './sum-and-broadcast.ts'

/**
 * Elementwise operations are rows of a table: a float64 function and its derivative. Devices add their own expression of
 * each (the compiler holds them to all names); the tests of values and gradients are generated from the table.
 */

interface UnaryRow {
  readonly apply: (x: number) => number
  /** The input's gradient, from the input, the result and the result's gradient; null where the slope is 0 or undefined. */
  readonly gradient: ((x: Tensor, y: Tensor, dy: Tensor) => Tensor) | null
  /** Where tests draw inputs from: inside the domain. */
  readonly domain: readonly [number, number]
}

interface BinaryRow {
  readonly apply: (a: number, b: number) => number
  readonly gradient: readonly [BinaryGradient, BinaryGradient] | null
  readonly domain: readonly [number, number]
}

type BinaryGradient = (a: Tensor, b: Tensor, y: Tensor, dy: Tensor) => Tensor

const real = [-3, 3] as const
const positive = [0.1, 4] as const

const unary = {
  neg: { apply: (x) => -x, gradient: (_x, _y, dy) => neg(dy), domain: real },
  exp: { apply: Math.exp, gradient: (_x, y, dy) => mul(dy, y), domain: real },
  log: { apply: Math.log, gradient: (x, _y, dy) => div(dy, x), domain: positive },
  sqrt: { apply: Math.sqrt, gradient: (_x, y, dy) => div(mul(dy, 0.5), y), domain: positive },
  reciprocal: { apply: (x) => 1 / x, gradient: (_x, y, dy) => neg(mul(dy, square(y))), domain: positive },
  square: { apply: (x) => x * x, gradient: (x, _y, dy) => mul(dy, mul(x, 2)), domain: real },
  abs: { apply: Math.abs, gradient: (x, _y, dy) => mul(dy, sign(x)), domain: real },
  sign: { apply: Math.sign, gradient: null, domain: real },
  /** 1 where x > 0, else 0: relu's slope. */
  step: { apply: (x) => (x > 0 ? 1 : 0), gradient: null, domain: real },
  // By the result, not the input: x need not outlive the forward pass, and y > 0 exactly where x > 0.
  relu: { apply: (x) => Math.max(x, 0), gradient: (_x, y, dy) => mul(dy, step(y)), domain: real },
  sigmoid: {
    apply: (x) => 1 / (1 + Math.exp(-x)),
    gradient: (_x, y, dy) => mul(dy, mul(y, sub(1, y))),
    domain: real,
  },
  tanh: { apply: Math.tanh, gradient: (_x, y, dy) => mul(dy, sub(1, square(y))), domain: real },
} as const satisfies Record<string, UnaryRow>

const binary = {
  add: { apply: (a, b) => a + b, gradient: [(_a, _b, _y, dy) => dy, (_a, _b, _y, dy) => dy], domain: real },
  sub: { apply: (a, b) => a - b, gradient: [(_a, _b, _y, dy) => dy, (_a, _b, _y, dy) => neg(dy)], domain: real },
  mul: {
    apply: (a, b) => a * b,
    gradient: [(_a, b, _y, dy) => mul(dy, b), (a, _b, _y, dy) => mul(dy, a)],
    domain: real,
  },
  div: {
    apply: (a, b) => a / b,
    gradient: [(_a, b, _y, dy) => div(dy, b), (_a, b, y, dy) => neg(mul(dy, div(y, b)))],
    domain: positive,
  },
  maximum: {
    apply: (a, b) => Math.max(a, b),
    gradient: [(a, b, _y, dy) => mul(dy, greaterEqual(a, b)), (a, b, _y, dy) => mul(dy, sub(1, greaterEqual(a, b)))],
    domain: real,
  },
  minimum: {
    apply: (a, b) => Math.min(b, a),
    gradient: [(a, b, _y, dy) => mul(dy, greaterEqual(b, a)), (a, b, _y, dy) => mul(dy, sub(1, greaterEqual(b, a)))],
    domain: real,
  },
  /** 1 where a >= b, else 0. */
  greaterEqual: { apply: (a, b) => (a >= b ? 1 : 0), gradient: null, domain: real },
  /** 1 where a = b, else 0. */
  equal: { apply: (a, b) => (a === b ? 1 : 0), gradient: null, domain: real },
} as const satisfies Record<string, BinaryRow>

export type UnaryName = keyof typeof unary
export type BinaryName = keyof typeof binary
export const unaryRows: Readonly<Record<UnaryName, UnaryRow>> = unary
export const binaryRows: Readonly<Record<BinaryName, BinaryRow>> = binary

export function isUnaryName(name: string): name is UnaryName {
  return Object.hasOwn(unary, name)
}

export function isBinaryName(name: string): name is BinaryName {
  return Object.hasOwn(binary, name)
}

function unaryOperation(name: UnaryName): Operation {
  const row: UnaryRow = unary[name]
  return {
    name,
    inputNames: ['x'],
    infer([x]) {
      requireFloat(name, [x])
      return { shape: x.shape, dtype: 'f32' }
    },
    gradient: (node, dy) => [row.gradient && (() => row.gradient?.(node.inputs[0], node, dy) ?? dy)],
    reference([x], y) {
      for (let i = 0; i < y.data.length; i++) y.data[i] = row.apply(x.data[i])
    },
  }
}

function binaryOperation(name: BinaryName): Operation {
  const row: BinaryRow = binary[name]
  return {
    name,
    inputNames: ['a', 'b'],
    infer([a, b]) {
      if (a.dtype !== b.dtype)
        throw new ShapeError(`${name}: inputs of types ${a.dtype} and ${b.dtype}; expected one type`)
      if (name !== 'equal' && name !== 'greaterEqual') requireFloat(name, [a, b])
      return { shape: broadcastShapes(name, a.shape, b.shape), dtype: 'f32' }
    },
    gradient(node, dy) {
      const [a, b] = node.inputs
      const rules = row.gradient
      if (!rules) return [null, null]
      return [() => sumTo(rules[0](a, b, node, dy), a.shape), () => sumTo(rules[1](a, b, node, dy), b.shape)]
    },
    reference([a, b], y) {
      const indexA = broadcastIndices(a.shape, y.shape)
      const indexB = broadcastIndices(b.shape, y.shape)
      for (let i = 0; i < y.data.length; i++) y.data[i] = row.apply(a.data[indexA(i)], b.data[indexB(i)])
    },
  }
}

/** What is made of each name of a table: operations, and each device's kernels of them. */
export function byName<N extends string, T>(table: Readonly<Record<N, unknown>>, make: (name: N) => T): Record<N, T> {
  return Object.fromEntries((Object.keys(table) as N[]).map((name) => [name, make(name)])) as Record<N, T>
}

export const unaryOperations = byName(unary, unaryOperation)
export const binaryOperations = byName(binary, binaryOperation)

type Operand = Tensor | number

function unaryOf(name: UnaryName, x: Tensor): Tensor {
  return apply(unaryOperations[name], [x], {})
}

function binaryOf(name: BinaryName, a: Operand, b: Operand): Tensor {
  const left = typeof a === 'number' ? constant(a) : a
  const right = typeof b === 'number' ? constant(b) : b
  const uniformA = uniformValue(left)
  const uniformB = uniformValue(right)
  if (uniformA !== null && uniformB !== null)
    return constant(binary[name].apply(uniformA, uniformB), broadcastShapes(name, left.shape, right.shape))
  const stretches = !sameShape(broadcastShapes(name, left.shape, right.shape), left.shape)
  if (!stretches && name === 'mul' && uniformB === 1) return left
  return apply(binaryOperations[name], [left, right], {})
}

/** -x. */
export const neg = (x: Tensor): Tensor => unaryOf('neg', x)
/** e to the power of x. */
export const exp = (x: Tensor): Tensor => unaryOf('exp', x)
/** The natural logarithm; NaN below 0. */
export const log = (x: Tensor): Tensor => unaryOf('log', x)
/** The square root; NaN below 0. */
export const sqrt = (x: Tensor): Tensor => unaryOf('sqrt', x)
/** 1 / x. */
export const reciprocal = (x: Tensor): Tensor => unaryOf('reciprocal', x)
/** x · x. */
export const square = (x: Tensor): Tensor => unaryOf('square', x)
/** |x|. */
export const abs = (x: Tensor): Tensor => unaryOf('abs', x)
/** -1, 0 or 1. */
export const sign = (x: Tensor): Tensor => unaryOf('sign', x)
/** 1 where x > 0, else 0. */
export const step = (x: Tensor): Tensor => unaryOf('step', x)
/** max(x, 0). */
export const relu = (x: Tensor): Tensor => unaryOf('relu', x)
/** 1 / (1 + e^-x). */
export const sigmoid = (x: Tensor): Tensor => unaryOf('sigmoid', x)
/** The hyperbolic tangent. */
export const tanh = (x: Tensor): Tensor => unaryOf('tanh', x)
/** a + b, broadcast. @throws ShapeError when the shapes can't be */
export const add = (a: Operand, b: Operand): Tensor => binaryOf('add', a, b)
/** a - b, broadcast. @throws ShapeError when the shapes can't be */
export const sub = (a: Operand, b: Operand): Tensor => binaryOf('sub', a, b)
/** a · b, broadcast. @throws ShapeError when the shapes can't be */
export const mul = (a: Operand, b: Operand): Tensor => binaryOf('mul', a, b)
/** a / b, broadcast. @throws ShapeError when the shapes can't be */
export const div = (a: Operand, b: Operand): Tensor => binaryOf('div', a, b)
/** The larger of a and b, broadcast. @throws ShapeError when the shapes can't be */
export const maximum = (a: Operand, b: Operand): Tensor => binaryOf('maximum', a, b)
/** The smaller of a and b, broadcast. @throws ShapeError when the shapes can't be */
export const minimum = (a: Operand, b: Operand): Tensor => binaryOf('minimum', a, b)
/** 1 where a >= b, else 0, broadcast. @throws ShapeError when the shapes can't be */
export const greaterEqual = (a: Operand, b: Operand): Tensor => binaryOf('greaterEqual', a, b)
/** 1 where a = b, else 0, broadcast. @throws ShapeError when the shapes can't be */
export const equal = (a: Operand, b: Operand): Tensor => binaryOf('equal', a, b)

/** Applies an elementwise operation by its name in the table. */
export function elementwise(name: UnaryName | BinaryName, ...inputs: readonly Tensor[]): Tensor {
  return isUnaryName(name) ? unaryOf(name, inputs[0]) : binaryOf(name, inputs[0], inputs[1])
}
