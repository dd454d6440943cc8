import { inOrder } from '../operators/value.ts'
import type { WrittenTensor } from './onnx-builder.ts'
import { elementwiseWriters } from './write-elementwise.ts'
import { moveWriters } from './write-moves.ts'
import { windowWriters } from './write-windows.ts'
import { orderOf, type Writer, type WrittenNode } from './written-node.ts'

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

function matmul(node: WrittenNode): WrittenTensor {
  const { builder, tensor, inputs } = node
  const names = inputs.map((value, i) => {
    const rank = tensor.inputs[i].shape.length
    const isTurned = tensor.attributes[i === 0 ? 'transposeA' : 'transposeB']
    return builder.inOrder(value, isTurned ? [...inOrder(rank - 2), rank - 1, rank - 2] : inOrder(rank))
  })
  return builder.node('MatMul', names, inOrder(tensor.shape.length))
}

/** Each of our operations that a network in use is made of, in ONNX's operators of opset 17. */
export const operatorWriters: Readonly<Record<string, Writer>> = {
  ...elementwiseWriters,
  sum: reduction('ReduceSum'),
  max: reduction('ReduceMax'),
  min: reduction('ReduceMin'),
  product: reduction('ReduceProd'),
  l2: reduction('ReduceL2'),
  softmax: softmax('Softmax'),
  logSoftmax: softmax('LogSoftmax'),
  ...windowWriters,
  matmul,
  ...moveWriters,
}
