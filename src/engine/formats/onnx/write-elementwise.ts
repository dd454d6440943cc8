import type { Attributes } from '../../tensor.ts'
import { inOrder } from '../operators/value.ts'
import type { OnnxBuilder, WrittenTensor } from './onnx-builder.ts'
import type { OnnxAttribute } from './write-proto.ts'
import { orderOf, type Writer, type WrittenNode } from './written-node.ts'

/** Operations that take their inputs number by number, as ONNX has them or made of those that it has. */

/** An operator that does the same to each number. */
function unary(
  operator: string,
  attributes: (given: Attributes) => Record<string, OnnxAttribute> = () => ({}),
): Writer {
  return ({ builder, tensor, inputs: [x] }) => {
    const order = orderOf(x, tensor.shape.length)
    return builder.node(operator, [builder.inOrder(x, order)], order, attributes(tensor.attributes))
  }
}

/** Inputs that are taken together, number by number, in the order of the first that has all axes. */
function together({ builder, tensor, inputs }: WrittenNode): { names: string[]; order: readonly number[] } {
  const rank = tensor.shape.length
  const leader = inputs.find((value, i) => value.kind === 'tensor' && tensor.inputs[i].shape.length === rank)
  const order = leader ? orderOf(leader, rank) : inOrder(rank)
  const names = inputs.map((value, i) => {
    const { shape } = tensor.inputs[i]
    if (shape.length === 0) return builder.inOrder(value, [])
    const missing = rank - shape.length
    if (value.kind === 'weight')
      return builder.inOrder({ ...value, shape: [...new Array<number>(missing).fill(1), ...shape] }, order)
    if (missing === 0) return builder.inOrder(value, order)
    const axes = builder.integers(inOrder(missing))
    return builder.inOrder(builder.node('Unsqueeze', [builder.asOurs(value, shape.length), axes], inOrder(rank)), order)
  })
  return { names, order }
}

function binary(operator: string): Writer {
  return (node) => {
    const { names, order } = together(node)
    return node.builder.node(operator, names, order)
  }
}

/** A question, whose answer is a number here: 1 or 0. */
function question(operator: string, ofTruth = false): Writer {
  return (node) => {
    const { builder } = node
    const { names, order } = together(node)
    const given = ofTruth ? names.map((name) => isTrue(builder, name)) : names
    return asNumber(builder, builder.node(operator, given, order))
  }
}

const types = { float: 1, int32: 6, bool: 9 }

function isTrue(builder: OnnxBuilder, name: string): string {
  return builder.node('Cast', [name], [], { to: types.bool }).name
}

function asNumber(builder: OnnxBuilder, { name, order }: WrittenTensor): WrittenTensor {
  return builder.node('Cast', [name], order, { to: types.float })
}

/** What ONNX has no operator for, made of those that it has. */
function composed(
  make: (
    x: string,
    on: (operator: string, ...inputs: string[]) => string,
    number: (value: number) => string,
    given: Attributes,
  ) => string,
): Writer {
  return ({ builder, tensor, inputs: [x] }) => {
    const order = orderOf(x, tensor.shape.length)
    const on = (operator: string, ...inputs: string[]) => builder.node(operator, inputs, order).name
    const name = make(builder.inOrder(x, order), on, (value) => builder.number(value), tensor.attributes)
    return { kind: 'tensor', name, order }
  }
}

const float = (value: Attributes[string]): OnnxAttribute => ({ float: Number(value) })

function where(node: WrittenNode): WrittenTensor {
  const { names, order } = together(node)
  const [condition, a, b] = names
  return node.builder.node('Where', [isTrue(node.builder, condition), a, b], order)
}

export const elementwiseWriters: Readonly<Record<string, Writer>> = {
  neg: unary('Neg'),
  exp: unary('Exp'),
  log: unary('Log'),
  sqrt: unary('Sqrt'),
  reciprocal: unary('Reciprocal'),
  abs: unary('Abs'),
  sign: unary('Sign'),
  relu: unary('Relu'),
  sigmoid: unary('Sigmoid'),
  tanh: unary('Tanh'),
  floor: unary('Floor'),
  ceil: unary('Ceil'),
  round: unary('Round'),
  sin: unary('Sin'),
  cos: unary('Cos'),
  erf: unary('Erf'),
  softplus: unary('Softplus'),
  hardSwish: unary('HardSwish'),
  hardSigmoid: unary('HardSigmoid', ({ alpha, beta }) => ({ alpha: float(alpha), beta: float(beta) })),
  leakyRelu: unary('LeakyRelu', ({ alpha }) => ({ alpha: float(alpha) })),
  elu: unary('Elu', ({ alpha }) => ({ alpha: float(alpha) })),
  selu: unary('Selu', ({ alpha, gamma }) => ({ alpha: float(alpha), gamma: float(gamma) })),
  square: composed((x, on) => on('Mul', x, x)),
  rsqrt: composed((x, on) => on('Reciprocal', on('Sqrt', x))),
  silu: composed((x, on) => on('Mul', x, on('Sigmoid', x))),
  mish: composed((x, on) => on('Mul', x, on('Tanh', on('Softplus', x)))),
  gelu: composed((x, on, number) =>
    on('Mul', on('Mul', x, number(0.5)), on('Add', number(1), on('Erf', on('Mul', x, number(Math.SQRT1_2))))),
  ),
  // x · sigmoid(2u), u the argument of the tanh.
  geluTanh: composed((x, on, number) => {
    const cube = on('Mul', x, on('Mul', x, x))
    const u = on('Add', x, on('Mul', cube, number(0.044715)))
    return on('Mul', x, on('Sigmoid', on('Mul', u, number(2 * Math.sqrt(2 / Math.PI)))))
  }),
  clip: composed((x, on, number, { min, max }) => on('Clip', x, number(Number(min)), number(Number(max)))),
  step: (node) => {
    const { builder, tensor, inputs } = node
    const order = orderOf(inputs[0], tensor.shape.length)
    return asNumber(builder, builder.node('Greater', [builder.inOrder(inputs[0], order), builder.number(0)], order))
  },
  not: (node) => {
    const { builder, tensor, inputs } = node
    const order = orderOf(inputs[0], tensor.shape.length)
    return asNumber(builder, builder.node('Equal', [builder.inOrder(inputs[0], order), builder.number(0)], order))
  },
  add: binary('Add'),
  sub: binary('Sub'),
  mul: binary('Mul'),
  div: binary('Div'),
  maximum: binary('Max'),
  minimum: binary('Min'),
  pow: binary('Pow'),
  prelu: binary('PRelu'),
  greaterEqual: question('GreaterOrEqual'),
  greater: question('Greater'),
  lessEqual: question('LessOrEqual'),
  less: question('Less'),
  equal: question('Equal'),
  notEqual: (node) => {
    const { builder } = node
    const { names, order } = together(node)
    return asNumber(builder, builder.node('Not', [builder.node('Equal', names, order).name], order))
  },
  and: question('And', true),
  or: question('Or', true),
  xor: question('Xor', true),
  where,
}
