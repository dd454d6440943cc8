import { ShapeError } from '../errors.ts'
import {
  apply,
  constant,
  finiteFloat32,
  largestFloat32,
  type Operation,
  requireFloat,
  sameShape,
  type Tensor,
  uniformValue,
} from '../tensor.ts'
import { broadcastIndices, broadcastShapes } from './broadcasting.ts'
import { erfcx, erf as erfOf, power, roundHalfToEven } from './special-functions.ts'
import { broadcastTo, sumTo } from './sum-and-broadcast.ts'
import { where } from './where.ts'

/**
 * Elementwise operations are rows of a table: a float64 function and its derivative. Devices add their own expression of
 * each (the compiler holds them to all names); the tests of values and gradients are generated from the table.
 *
 * A row may have parameters, numbers that are the same for all elements: a node carries them as its attributes, and devices
 * write them into the kernel as constants.
 *
 * Infinities give the limit: x times a function that vanishes at -infinity is 0 there, not NaN.
 */

/** What a row takes beside its inputs, by name. */
export type RowParameters = Readonly<Record<string, number>>

interface UnaryRow {
  readonly apply: (x: number, parameters: RowParameters) => number
  /** The input's gradient, from the input, the result and the result's gradient; null where the slope is 0 or undefined. */
  readonly gradient: ((x: Tensor, y: Tensor, dy: Tensor, parameters: RowParameters) => Tensor) | null
  /** Where tests draw inputs from: inside the domain. */
  readonly domain: readonly [number, number]
  /** The row's parameters, and what they are unless given. */
  readonly parameters?: RowParameters
}

interface BinaryRow {
  readonly apply: (a: number, b: number) => number
  readonly gradient: readonly [BinaryGradient, BinaryGradient] | null
  readonly domain: readonly [number, number]
  /** Integers are taken, too: it gives 1 or 0 for either. */
  readonly isQuestion?: true
}

type BinaryGradient = (a: Tensor, b: Tensor, y: Tensor, dy: Tensor) => Tensor

const real = [-3, 3] as const
const positive = [0.1, 4] as const

/** What is left of x where a function vanishes at -infinity: beyond, their product is 0 in float64. */
const bounded = (x: number) => Math.max(x, -1000)
const sigmoidOf = (x: number) => 1 / (1 + Math.exp(-x))
const logistic = (x: number) => bounded(x) * sigmoidOf(x)

/** Half the exponent's slope of gelu's tanh form: sqrt(2 / pi) (x + 0.044715 x^3). */
const geluRate = Math.sqrt(2 / Math.PI)
const geluCube = 0.044715

const unary = {
  neg: { apply: (x) => -x, gradient: (_x, _y, dy) => neg(dy), domain: real },
  exp: { apply: Math.exp, gradient: (_x, y, dy) => mul(dy, y), domain: real },
  log: { apply: Math.log, gradient: (x, _y, dy) => div(dy, x), domain: positive },
  sqrt: { apply: Math.sqrt, gradient: (_x, y, dy) => div(mul(dy, 0.5), y), domain: positive },
  reciprocal: { apply: (x) => 1 / x, gradient: (_x, y, dy) => neg(mul(dy, square(y))), domain: positive },
  // dy first: it is often one number for many.
  square: { apply: (x) => x * x, gradient: (x, _y, dy) => mul(mul(dy, 2), x), domain: real },
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
  rsqrt: {
    apply: (x) => 1 / Math.sqrt(x),
    gradient: (_x, y, dy) => mul(dy, mul(mul(y, square(y)), -0.5)),
    domain: positive,
  },
  floor: { apply: Math.floor, gradient: null, domain: real },
  ceil: { apply: Math.ceil, gradient: null, domain: real },
  round: { apply: roundHalfToEven, gradient: null, domain: real },
  sin: { apply: Math.sin, gradient: (x, _y, dy) => mul(dy, cos(x)), domain: [-9, 9] },
  cos: { apply: Math.cos, gradient: (x, _y, dy) => neg(mul(dy, sin(x))), domain: [-9, 9] },
  /** 1 where x is 0, else 0. */
  not: { apply: (x) => (x === 0 ? 1 : 0), gradient: null, domain: real },
  erf: {
    apply: erfOf,
    gradient: (x, _y, dy) => mul(dy, mul(exp(neg(square(x))), 2 / Math.sqrt(Math.PI))),
    domain: real,
  },
  // x P(X < x), X of the standard normal distribution: that of -x in the left tail, where 1 + erf has no digits left.
  gelu: {
    apply: (x) =>
      x < 0
        ? bounded(x) * 0.5 * Math.exp((-x * x) / 2) * erfcx(-x * Math.SQRT1_2)
        : x * 0.5 * (1 + erfOf(x * Math.SQRT1_2)),
    gradient: (x, _y, dy) => {
      const below = mul(add(erf(mul(x, Math.SQRT1_2)), 1), 0.5)
      const density = mul(exp(mul(square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI))
      return mul(dy, add(below, mul(x, density)))
    },
    domain: real,
  },
  // (1 + tanh u) / 2 is the sigmoid of 2u.
  geluTanh: {
    apply: (x) => bounded(x) * sigmoidOf(2 * geluRate * (x + geluCube * x ** 3)),
    gradient: (x, y, dy) => {
      const s = sigmoid(mul(mul(x, add(mul(square(x), geluCube), 1)), 2 * geluRate))
      const slope = mul(add(mul(square(x), 3 * geluCube), 1), 2 * geluRate)
      return mul(dy, add(s, mul(mul(y, sub(1, s)), slope)))
    },
    domain: real,
  },
  silu: {
    apply: logistic,
    gradient: (x, y, dy) => {
      const s = sigmoid(x)
      return mul(dy, add(s, mul(y, sub(1, s))))
    },
    domain: real,
  },
  softplus: {
    apply: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
    gradient: (x, _y, dy) => mul(dy, sigmoid(x)),
    domain: real,
  },
  // tanh(log(1 + n)) = n (n + 2) / (n (n + 2) + 2) with n = e^x; divided by n^2 for x > 0.
  mish: {
    apply: (x) => {
      const n = Math.exp(-Math.abs(x))
      const above = x > 0 ? 1 + 2 * n : n * (n + 2)
      return (bounded(x) * above) / (above + 2 * (x > 0 ? n * n : 1))
    },
    gradient: (x, _y, dy) => {
      const t = tanh(softplus(x))
      return mul(dy, add(t, mul(mul(x, sigmoid(x)), sub(1, square(t)))))
    },
    domain: real,
  },
  // At the kinks the slope is that outside, 0 or 1.
  hardSwish: {
    apply: (x) => Math.max(x, -3) * Math.min(Math.max((x + 3) / 6, 0), 1),
    gradient: (x, _y, dy) => mul(dy, where(less(abs(x), 3), add(mul(x, 1 / 3), 0.5), step(x))),
    domain: [-5, 5],
  },
  // At the kinks the slope is 0: it is told by the result, and x need not outlive the forward pass.
  hardSigmoid: {
    apply: (x, { alpha, beta }) => Math.min(Math.max(alpha * x + beta, 0), 1),
    gradient: (_x, y, dy, { alpha }) => mul(dy, mul(mul(greater(y, 0), less(y, 1)), alpha)),
    domain: [-4, 5],
    parameters: { alpha: 1 / 6, beta: 0.5 },
  },
  // At the bounds the slope is 0, as relu's is at 0.
  clip: {
    apply: (x, { min, max }) => Math.min(Math.max(x, min), max),
    gradient: (_x, y, dy, { min, max }) => mul(dy, mul(greater(y, min), less(y, max))),
    domain: real,
    parameters: { min: -largestFloat32, max: largestFloat32 },
  },
  leakyRelu: {
    apply: (x, { alpha }) => (x < 0 ? alpha * x : x),
    gradient: (x, _y, dy, { alpha }) => mul(dy, where(step(x), 1, alpha)),
    domain: real,
    parameters: { alpha: 0.2 },
  },
  elu: {
    apply: (x, { alpha }) => (x < 0 ? alpha * Math.expm1(x) : x),
    gradient: (x, y, dy, { alpha }) => mul(dy, where(step(x), 1, add(y, alpha))),
    domain: real,
    parameters: { alpha: 1 },
  },
  selu: {
    apply: (x, { alpha, gamma }) => gamma * (x < 0 ? alpha * Math.expm1(x) : x),
    gradient: (x, y, dy, { alpha, gamma }) => mul(dy, where(step(x), gamma, add(y, gamma * alpha))),
    domain: real,
    parameters: { alpha: 1.6732632423543772, gamma: 1.0507009873554805 },
  },
} as const satisfies Record<string, UnaryRow>

const binary = {
  add: { apply: (a, b) => a + b, gradient: [(_a, _b, _y, dy) => dy, (_a, _b, _y, dy) => dy], domain: real },
  sub: {
    apply: (a, b) => a - b,
    // Added up before it is turned round: there is less of it then.
    gradient: [(_a, _b, _y, dy) => dy, (_a, b, _y, dy) => neg(sumTo(dy, b.shape))],
    domain: real,
  },
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
  greaterEqual: { apply: (a, b) => (a >= b ? 1 : 0), gradient: null, domain: real, isQuestion: true },
  /** 1 where a = b, else 0. */
  equal: { apply: (a, b) => (a === b ? 1 : 0), gradient: null, domain: real, isQuestion: true },
  less: { apply: (a, b) => (a < b ? 1 : 0), gradient: null, domain: real, isQuestion: true },
  lessEqual: { apply: (a, b) => (a <= b ? 1 : 0), gradient: null, domain: real, isQuestion: true },
  greater: { apply: (a, b) => (a > b ? 1 : 0), gradient: null, domain: real, isQuestion: true },
  notEqual: { apply: (a, b) => (a !== b ? 1 : 0), gradient: null, domain: real, isQuestion: true },
  // Of truth: 0 is false, all else is true.
  and: { apply: (a, b) => (a !== 0 && b !== 0 ? 1 : 0), gradient: null, domain: real, isQuestion: true },
  or: { apply: (a, b) => (a !== 0 || b !== 0 ? 1 : 0), gradient: null, domain: real, isQuestion: true },
  xor: { apply: (a, b) => ((a !== 0) !== (b !== 0) ? 1 : 0), gradient: null, domain: real, isQuestion: true },
  // a^0 is constant, also where a is 0; and log(a) counts as 0 where there is none.
  pow: {
    apply: power,
    gradient: [
      (a, b, _y, dy) => mul(dy, where(b, mul(b, pow(a, sub(b, 1))), 0)),
      (a, _b, y, dy) => mul(dy, where(step(a), mul(y, log(a)), 0)),
    ],
    domain: positive,
  },
  /** a, and where that is below 0 its product with the slope b. */
  prelu: {
    apply: (a, b) => (a < 0 ? a * b : a),
    gradient: [(a, b, _y, dy) => mul(dy, where(step(a), 1, b)), (a, _b, _y, dy) => mul(dy, minimum(a, 0))],
    domain: real,
  },
} as const satisfies Record<string, BinaryRow>

export type UnaryName = keyof typeof unary
export type BinaryName = keyof typeof binary
/** Rows that have parameters. */
export type ParameterisedName = {
  [Name in UnaryName]: (typeof unary)[Name] extends { readonly parameters: RowParameters } ? Name : never
}[UnaryName]
export const unaryRows: Readonly<Record<UnaryName, UnaryRow>> = unary
export const binaryRows: Readonly<Record<BinaryName, BinaryRow>> = binary

export function isUnaryName(name: string): name is UnaryName {
  return Object.hasOwn(unary, name)
}

function unaryOperation(name: UnaryName): Operation<RowParameters> {
  const row: UnaryRow = unary[name]
  return {
    name,
    inputNames: ['x'],
    infer([x]) {
      requireFloat(name, [x])
      return { shape: x.shape, dtype: 'f32' }
    },
    gradient(node, dy, parameters) {
      const rule = row.gradient
      return [rule && (() => rule(node.inputs[0], node, dy, parameters))]
    },
    reference([x], y, parameters) {
      for (let i = 0; i < y.data.length; i++) y.data[i] = row.apply(x.data[i], parameters)
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
      if (!row.isQuestion) requireFloat(name, [a, b])
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

/** @param given the row's parameters that are not to be as they are unless given */
function unaryOf(name: UnaryName, x: Tensor, given: RowParameters = {}): Tensor {
  const { parameters }: UnaryRow = unary[name]
  return apply(unaryOperations[name], [x], { ...parameters, ...given })
}

function binaryOf(name: BinaryName, a: Operand, b: Operand): Tensor {
  const left = typeof a === 'number' ? constant(a) : a
  const right = typeof b === 'number' ? constant(b) : b
  const uniformA = uniformValue(left)
  const uniformB = uniformValue(right)
  if (uniformA !== null && uniformB !== null)
    return constant(binary[name].apply(uniformA, uniformB), broadcastShapes(name, left.shape, right.shape))
  const shape = broadcastShapes(name, left.shape, right.shape)
  if (name === 'mul' && uniformB === 1 && sameShape(shape, left.shape)) return left
  return broadcastTo(apply(binaryOperations[name], [unstretched(left), unstretched(right)], {}), shape)
}

/** What a tensor was stretched from, or itself: numbers that are many times the same are computed once, and stretched by who reads them. */
function unstretched(x: Tensor): Tensor {
  return x.operation.name === 'broadcast' ? x.inputs[0] : x
}

/** The options that were given: one that is undefined is left out. */
function given(options: Readonly<Record<string, number | undefined>>): RowParameters {
  const entries = Object.entries(options).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))
  return Object.fromEntries(entries) as RowParameters
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
/** 1 / sqrt(x); NaN below 0. */
export const rsqrt = (x: Tensor): Tensor => unaryOf('rsqrt', x)
/** The largest whole number that is not above x. Its gradient is 0. */
export const floor = (x: Tensor): Tensor => unaryOf('floor', x)
/** The smallest whole number that is not below x. Its gradient is 0. */
export const ceil = (x: Tensor): Tensor => unaryOf('ceil', x)
/** The nearest whole number, of two the even one: Keras's and ONNX's. Its gradient is 0. */
export const round = (x: Tensor): Tensor => unaryOf('round', x)
/** The sine of x in radians; accurate up to 10,000 of them, on the processor up to 1e9. */
export const sin = (x: Tensor): Tensor => unaryOf('sin', x)
/** The cosine of x in radians; accurate up to 10,000 of them, on the processor up to 1e9. */
export const cos = (x: Tensor): Tensor => unaryOf('cos', x)
/** 1 where x is 0, else 0. */
export const not = (x: Tensor): Tensor => unaryOf('not', x)
/** The error function: 2 / sqrt(pi) times the integral of e^-t² from 0 to x. */
export const erf = (x: Tensor): Tensor => unaryOf('erf', x)
/**
 * x times the probability that a standard normal number is below it (Hendrycks & Gimpel, 2016). Exact, as in Keras's activations and in
 * ONNX; `approximate` takes the form with tanh, as Keras's ops do unless told otherwise.
 */
export const gelu = (x: Tensor, { approximate = false }: { readonly approximate?: boolean } = {}): Tensor =>
  unaryOf(approximate ? 'geluTanh' : 'gelu', x)
/** x sigmoid(x), also called swish. */
export const silu = (x: Tensor): Tensor => unaryOf('silu', x)
/** log(1 + e^x). */
export const softplus = (x: Tensor): Tensor => unaryOf('softplus', x)
/** x tanh(softplus(x)). */
export const mish = (x: Tensor): Tensor => unaryOf('mish', x)
/** x hardSigmoid(x), with the slope 1/6: Keras's and ONNX's. */
export const hardSwish = (x: Tensor): Tensor => unaryOf('hardSwish', x)
/** alpha x + beta between 0 and 1. alpha is 1/6 unless given, as in Keras 3 (in ONNX 0.2), beta 0.5. The slope at 0 and 1 is 0. */
export const hardSigmoid = (x: Tensor, options: { readonly alpha?: number; readonly beta?: number } = {}): Tensor =>
  unaryOf('hardSigmoid', x, given(options))
/**
 * x between `min` and `max`; `max`, where they are the wrong way round. A bound that is left out is float32's largest number, as in
 * ONNX, and so is an infinite one. The slope at and beyond the bounds is 0: relu6's in Keras and PyTorch, whose clip has 1 at the bounds themselves.
 */
export const clip = (x: Tensor, options: { readonly min?: number; readonly max?: number } = {}): Tensor => {
  const { min = -largestFloat32, max = largestFloat32 } = options
  return unaryOf('clip', x, { min: finiteFloat32(min), max: finiteFloat32(max) })
}
/** x between 0 and 6; its slope there is 0. */
export const relu6 = (x: Tensor): Tensor => clip(x, { min: 0, max: 6 })
/** x, and alpha x below 0. alpha is 0.2 unless given, as in Keras 3's operations (in ONNX 0.01). The slope at 0 is alpha. */
export const leakyRelu = (x: Tensor, options: { readonly alpha?: number } = {}): Tensor =>
  unaryOf('leakyRelu', x, given(options))
/** x, and alpha (e^x - 1) below 0. alpha is 1 unless given. */
export const elu = (x: Tensor, options: { readonly alpha?: number } = {}): Tensor => unaryOf('elu', x, given(options))
/**
 * gamma times elu of that alpha, which keep mean 0 and variance 1 from layer to layer unless given others (Klambauer et al., 2017): 1.0507…
 * and 1.6732…
 */
export const selu = (x: Tensor, options: { readonly alpha?: number; readonly gamma?: number } = {}): Tensor =>
  unaryOf('selu', x, given(options))
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
/** 1 where a < b, else 0, broadcast. @throws ShapeError when the shapes can't be */
export const less = (a: Operand, b: Operand): Tensor => binaryOf('less', a, b)
/** 1 where a <= b, else 0, broadcast. @throws ShapeError when the shapes can't be */
export const lessEqual = (a: Operand, b: Operand): Tensor => binaryOf('lessEqual', a, b)
/** 1 where a > b, else 0, broadcast. @throws ShapeError when the shapes can't be */
export const greater = (a: Operand, b: Operand): Tensor => binaryOf('greater', a, b)
/** 0 where a = b, else 1, broadcast. @throws ShapeError when the shapes can't be */
export const notEqual = (a: Operand, b: Operand): Tensor => binaryOf('notEqual', a, b)
/** 1 where neither is 0, else 0, broadcast. @throws ShapeError when the shapes can't be */
export const and = (a: Operand, b: Operand): Tensor => binaryOf('and', a, b)
/** 1 where one of a and b is not 0, or both, else 0, broadcast. @throws ShapeError when the shapes can't be */
export const or = (a: Operand, b: Operand): Tensor => binaryOf('or', a, b)
/** 1 where just one of a and b is 0, else 0, broadcast. @throws ShapeError when the shapes can't be */
export const xor = (a: Operand, b: Operand): Tensor => binaryOf('xor', a, b)
/**
 * a to the power of b, broadcast, as IEEE 754 has it: numbers below 0 have whole powers only (else NaN), and 1^b = a^0 = 1, whatever
 * a and b are. The exponent's gradient is 0 where a is not above 0. @throws ShapeError when the shapes can't be
 */
export function pow(a: Operand, b: Operand): Tensor {
  const exponent = typeof b === 'number' ? b : null
  if (typeof a === 'number' || (exponent !== 1 && exponent !== 2)) return binaryOf('pow', a, b)
  return exponent === 1 ? a : square(a)
}
/** x, and slope · x where x is below 0, broadcast. The slope at 0 is that below. @throws ShapeError when the shapes can't be */
export const prelu = (x: Tensor, slope: Operand): Tensor => binaryOf('prelu', x, slope)

/** Applies an elementwise operation by its name in the table. */
export function elementwise(
  name: UnaryName | BinaryName,
  inputs: readonly Tensor[],
  parameters: RowParameters = {},
): Tensor {
  return isUnaryName(name) ? unaryOf(name, inputs[0], parameters) : binaryOf(name, inputs[0], inputs[1])
}
