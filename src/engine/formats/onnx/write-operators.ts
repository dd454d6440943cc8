import { LimelightError } from '../../errors.ts'
import { dilationOf, type WindowAttributes } from '../../ops/window.ts'
import { type Attributes, sizeOf, type Tensor } from '../../tensor.ts'
import { inOrder } from '../operators/value.ts'
import type { OnnxBuilder, Written, WrittenTensor } from './onnx-builder.ts'
import type { OnnxAttribute } from './write-proto.ts'

/** A node of a network on its way into a file. */
export interface WrittenNode {
  readonly builder: OnnxBuilder
  readonly tensor: Tensor
  readonly inputs: readonly Written[]
  /** The shape of a tensor, its batch -1 or a number that the file computes. */
  batchAxis(tensor: Tensor): number | null
  /** The name of a list of whole numbers: a shape whose batch is that of the run. */
  shapeOfBatch(tensor: Tensor): string
}

type Writer = (node: WrittenNode) => WrittenTensor

/** NCHW, as our axes. */
const imageOrder = [0, 3, 1, 2]

/** How an operation's window walks. */
function walkOf({ tensor: { attributes } }: WrittenNode): WindowAttributes {
  const numbers = Object.entries(attributes).map(([name, value]): [string, number] => [name, Number(value)])
  const number = (name: string) => Number(attributes[name])
  return {
    ...Object.fromEntries(numbers),
    windowHeight: number('windowHeight'),
    windowWidth: number('windowWidth'),
    strideY: number('strideY'),
    strideX: number('strideX'),
    padTop: number('padTop'),
    padLeft: number('padLeft'),
    outHeight: number('outHeight'),
    outWidth: number('outWidth'),
  }
}

/** An attribute that is a number for each axis. */
function byAxis(attributes: Attributes, name: string): readonly number[] {
  const value = attributes[name]
  return Array.isArray(value) ? value.map(Number) : []
}

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

function orderOf(value: Written, rank: number): readonly number[] {
  return value.kind === 'tensor' ? value.order : inOrder(rank)
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

function reduction(operator: string): Writer {
  return ({ builder, tensor, inputs: [x] }) => {
    const { axis, count } = tensor.attributes
    const order = orderOf(x, tensor.shape.length)
    const axes = inOrder(Number(count)).map((i) => order.indexOf(Number(axis) + i))
    const name = builder.inOrder(x, order)
    // Only the sum has its axes as an input in opset 17.
    return operator === 'ReduceSum'
      ? builder.node(operator, [name, builder.integers(axes)], order, { keepdims: 1 })
      : builder.node(operator, [name], order, { axes, keepdims: 1 })
  }
}

function softmax(operator: string): Writer {
  return ({ builder, tensor, inputs: [x] }) => {
    const rank = tensor.shape.length
    const order = orderOf(x, rank)
    const axis = order.indexOf(Number(tensor.attributes.axis ?? rank - 1))
    return builder.node(operator, [builder.inOrder(x, order)], order, { axis })
  }
}

/** What a window has in ONNX's words; rows and columns below and on the right that no window reaches are cut off by negative padding. */
function windowOf(w: WindowAttributes, height: number, width: number) {
  const [dilationY, dilationX] = dilationOf(w)
  const after = (out: number, stride: number, window: number, dilation: number, before: number, extent: number) =>
    Math.max(0, (out - 1) * stride + (window - 1) * dilation + 1 - before - extent)
  return {
    kernel_shape: [w.windowHeight, w.windowWidth],
    strides: [w.strideY, w.strideX],
    dilations: [dilationY, dilationX],
    pads: [
      w.padTop,
      w.padLeft,
      after(w.outHeight, w.strideY, w.windowHeight, dilationY, w.padTop, height),
      after(w.outWidth, w.strideX, w.windowWidth, dilationX, w.padLeft, width),
    ],
  }
}

function convolution(node: WrittenNode): WrittenTensor {
  const { builder, tensor, inputs } = node
  const w = walkOf(node)
  const [, height, width] = tensor.inputs[0].shape
  return builder.node(
    'Conv',
    [builder.inOrder(inputs[0], imageOrder), builder.inOrder(inputs[1], [3, 2, 0, 1])],
    imageOrder,
    {
      ...windowOf(w, height, width),
      group: w.groups ?? 1,
    },
  )
}

/** [KH,KW,C,M] here is [C·M,1,KH,KW] there. */
function depthwiseKernel({ builder, tensor, inputs }: WrittenNode): string {
  const [windowHeight, windowWidth, channels, multiplier] = tensor.inputs[1].shape
  const [kernel] = [inputs[1]]
  const order = [2, 3, 0, 1]
  const shape = [channels * multiplier, 1, windowHeight, windowWidth]
  if (kernel.kind === 'weight') return builder.reshapedWeight(kernel, order, shape)
  return builder.node('Reshape', [builder.inOrder(kernel, order), builder.integers(shape)], inOrder(4)).name
}

function depthwise(node: WrittenNode): WrittenTensor {
  const { builder, tensor, inputs } = node
  const [, height, width, channels] = tensor.inputs[0].shape
  return builder.node('Conv', [builder.inOrder(inputs[0], imageOrder), depthwiseKernel(node)], imageOrder, {
    ...windowOf(walkOf(node), height, width),
    group: channels,
  })
}

/** A convolution turned round; what its window does not reach, below and on the right, is output padding. */
function transposed(node: WrittenNode, kernel: string, group: number): WrittenTensor {
  const { builder, inputs } = node
  const w = walkOf(node)
  const [dilationY, dilationX] = dilationOf(w)
  const { height, width } = w
  const reach = (out: number, stride: number, window: number, dilation: number) =>
    (out - 1) * stride + (window - 1) * dilation + 1
  const last = [
    reach(w.outHeight, w.strideY, w.windowHeight, dilationY) - w.padTop - height,
    reach(w.outWidth, w.strideX, w.windowWidth, dilationX) - w.padLeft - width,
  ]
  return builder.node('ConvTranspose', [builder.inOrder(inputs[0], imageOrder), kernel], imageOrder, {
    kernel_shape: [w.windowHeight, w.windowWidth],
    strides: [w.strideY, w.strideX],
    dilations: [dilationY, dilationX],
    pads: [w.padTop, w.padLeft, Math.max(0, last[0]), Math.max(0, last[1])],
    output_padding: [Math.max(0, -last[0]), Math.max(0, -last[1])],
    group,
  })
}

function pool(operator: 'MaxPool' | 'AveragePool'): Writer {
  return (node) => {
    const { builder, tensor, inputs } = node
    const w = walkOf(node)
    const [, height, width] = tensor.inputs[0].shape
    const { dilations, pads, ...window } = windowOf(w, height, width)
    const x = builder.inOrder(inputs[0], imageOrder)
    if (operator === 'MaxPool') {
      const [padded, left] = paddedForMaximum(builder, x, w, pads)
      return builder.node(operator, [padded], imageOrder, { ...window, dilations, pads: left })
    }
    const counts = w.countedBottom !== undefined
    if (counts) checkCounted(w, height, width, pads)
    return builder.node(operator, [x], imageOrder, { ...window, pads, count_include_pad: Number(counts) })
  }
}

/** ONNX Runtime refuses padding as wide as the window: it is put around the image before, as what never is the largest. */
function paddedForMaximum(builder: OnnxBuilder, x: string, w: WindowAttributes, pads: readonly number[]) {
  const extents = [w.windowHeight, w.windowWidth, w.windowHeight, w.windowWidth]
  if (pads.every((amount, side) => amount < extents[side])) return [x, pads] as const
  const [top, left, below, right] = pads
  const amounts = builder.integers([0, 0, top, left, 0, 0, below, right])
  return [
    builder.node('Pad', [x, amounts, builder.number(-3.4028234663852886e38)], imageOrder).name,
    [0, 0, 0, 0],
  ] as const
}

/** ONNX counts all of the padding that it is given. */
function checkCounted(w: WindowAttributes, height: number, width: number, pads: readonly number[]): void {
  const [, , below, right] = pads
  if (w.countedBottom !== height + below || w.countedRight !== width + right)
    throw new LimelightError('an average over padding that is counted in part can not be written as ONNX')
}

function matmul(node: WrittenNode): WrittenTensor {
  const { builder, tensor, inputs } = node
  const names = inputs.map((value, i) => {
    const rank = tensor.inputs[i].shape.length
    const isTurned = tensor.attributes[i === 0 ? 'transposeA' : 'transposeB']
    return builder.inOrder(value, isTurned ? [...inOrder(rank - 2), rank - 1, rank - 2] : inOrder(rank))
  })
  return builder.node('MatMul', names, inOrder(tensor.shape.length))
}

function slice({ builder, tensor, inputs: [x], batchAxis }: WrittenNode): WrittenTensor {
  const [begin, size, steps] = ['begin', 'size', 'steps'].map((name) => byAxis(tensor.attributes, name))
  const { shape } = tensor.inputs[0]
  const order = orderOf(x, shape.length)
  const cut = inOrder(shape.length).filter((axis) => size[axis] !== shape[axis] || steps[axis] !== 1)
  if (cut.includes(batchAxis(tensor.inputs[0]) ?? -1))
    throw new LimelightError('a network that cuts its batch can not be written as ONNX')
  // Backwards, what lies before the first element is meant by a number that no extent reaches.
  const end = cut.map((axis) => {
    const last = begin[axis] + size[axis] * steps[axis]
    return last < 0 ? -(2 ** 31) : last
  })
  const list = (values: readonly number[]) => builder.integers(values)
  return builder.node(
    'Slice',
    [
      builder.inOrder(x, order),
      list(cut.map((axis) => begin[axis])),
      list(end),
      list(cut.map((axis) => order.indexOf(axis))),
      list(cut.map((axis) => steps[axis])),
    ],
    order,
  )
}

function pad({ builder, tensor, inputs: [x] }: WrittenNode): WrittenTensor {
  const [before, after, between] = ['before', 'after', 'between'].map((name) => byAxis(tensor.attributes, name))
  const order = orderOf(x, tensor.shape.length)
  if (between.some((count) => count > 0))
    throw new LimelightError('padding between elements can not be written as ONNX')
  const pads = builder.integers([...order.map((axis) => before[axis]), ...order.map((axis) => after[axis])])
  return builder.node('Pad', [builder.inOrder(x, order), pads, builder.number(Number(tensor.attributes.value))], order)
}

function concat({ builder, tensor, inputs }: WrittenNode): WrittenTensor {
  const rank = tensor.shape.length
  const leader = inputs.find(({ kind }) => kind === 'tensor')
  const order = leader ? orderOf(leader, rank) : inOrder(rank)
  const names = inputs.map((value) => builder.inOrder(value, order))
  return builder.node('Concat', names, order, { axis: order.indexOf(Number(tensor.attributes.axis)) })
}

/** Rows and columns as shares of others: two products with tables. */
function resample({ builder, tensor, inputs }: WrittenNode): WrittenTensor {
  const [, height, width] = tensor.inputs[0].shape
  const table = (from: Written, weights: Written, outputs: number, extent: number) => {
    if (from.kind !== 'weight' || weights.kind !== 'weight')
      throw new LimelightError('images of a size that is computed can not be written as ONNX')
    const matrix = new Float32Array(outputs * extent)
    const taps = sizeOf(from.shape) / outputs
    from.data.forEach((at, i) => {
      if (at >= 0) matrix[Math.floor(i / taps) * extent + at] += weights.data[i]
    })
    return matrix
  }
  const [, rows, columns] = tensor.shape
  const down = table(inputs[1], inputs[2], rows, height)
  const across = table(inputs[3], inputs[4], columns, width)
  // NCHW: rows from the left, columns from the right.
  const left = builder.node(
    'MatMul',
    [
      builder.initializer(`rows_of_${tableName(inputs[1])}`, [rows, height], down),
      builder.inOrder(inputs[0], imageOrder),
    ],
    imageOrder,
  )
  const turned = new Float32Array(across.length)
  for (let row = 0; row < columns; row++)
    for (let at = 0; at < width; at++) turned[at * columns + row] = across[row * width + at]
  return builder.node(
    'MatMul',
    [left.name, builder.initializer(`columns_of_${tableName(inputs[3])}`, [width, columns], turned)],
    imageOrder,
  )
}

const tableName = (value: Written) => value.name

function take({ builder, tensor, inputs: [data, indices] }: WrittenNode): WrittenTensor {
  const [given, picked] = tensor.inputs
  return builder.node(
    'Gather',
    [builder.asOurs(data, given.shape.length), builder.asOurs(indices, picked.shape.length)],
    inOrder(tensor.shape.length),
    { axis: Number(tensor.attributes.axis) },
  )
}

function where(node: WrittenNode): WrittenTensor {
  const { names, order } = together(node)
  const [condition, a, b] = names
  return node.builder.node('Where', [isTrue(node.builder, condition), a, b], order)
}

/** Each of our operations that a network in use is made of, in ONNX's operators of opset 17. */
export const operatorWriters: Readonly<Record<string, Writer>> = {
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
  sum: reduction('ReduceSum'),
  max: reduction('ReduceMax'),
  min: reduction('ReduceMin'),
  product: reduction('ReduceProd'),
  l2: reduction('ReduceL2'),
  softmax: softmax('Softmax'),
  logSoftmax: softmax('LogSoftmax'),
  conv2d: convolution,
  depthwiseConv2d: depthwise,
  conv2dInputGradient: (node) =>
    transposed(node, node.builder.inOrder(node.inputs[1], [3, 2, 0, 1]), Number(node.tensor.attributes.groups ?? 1)),
  depthwiseConv2dInputGradient: (node) => transposed(node, depthwiseKernel(node), node.tensor.shape[3]),
  maxPool: pool('MaxPool'),
  avgPool: pool('AveragePool'),
  matmul,
  slice,
  pad,
  concat,
  take,
  resample,
  transpose: ({ builder, tensor, inputs: [x] }) => {
    const permutation = byAxis(tensor.attributes, 'permutation')
    const order = orderOf(x, tensor.shape.length)
    const name = builder.inOrder(x, order)
    return { kind: 'tensor', name, order: order.map((axis) => permutation.indexOf(axis)) }
  },
  reshape: ({ builder, tensor, inputs: [x], shapeOfBatch }) =>
    builder.node(
      'Reshape',
      [builder.asOurs(x, tensor.inputs[0].shape.length), shapeOfBatch(tensor)],
      inOrder(tensor.shape.length),
    ),
  broadcast: ({ builder, tensor, inputs: [x], shapeOfBatch }) =>
    builder.node(
      'Expand',
      [builder.asOurs(x, tensor.inputs[0].shape.length), shapeOfBatch(tensor)],
      inOrder(tensor.shape.length),
    ),
}
