import { LimelightError } from '../../errors.ts'
import { sizeOf } from '../../tensor.ts'
import { inOrder } from '../operators/value.ts'
import type { Written, WrittenTensor } from './onnx-builder.ts'
import { byAxis, imageOrder, orderOf, type Writer, type WrittenNode } from './written-node.ts'

/** Operations that move numbers and compute none, and images of another size. */

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

export const moveWriters: Readonly<Record<string, Writer>> = {
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
