import type { Attributes, Tensor } from '../../tensor.ts'
import { inOrder } from '../operators/value.ts'
import type { OnnxBuilder, Written, WrittenTensor } from './onnx-builder.ts'

/** A node of a network on its way into a file. */
export interface WrittenNode {
  readonly builder: OnnxBuilder
  readonly tensor: Tensor
  readonly inputs: readonly Written[]
  /** Which of a tensor's axes is the batch; null where none is. */
  batchAxis(tensor: Tensor): number | null
  /** The name of a list of whole numbers: a shape whose batch is that of the run. */
  shapeOfBatch(tensor: Tensor): string
}

export type Writer = (node: WrittenNode) => WrittenTensor

/** NCHW, as our axes. */
export const imageOrder = [0, 3, 1, 2]

/** An attribute that is a number for each axis. */
export function byAxis(attributes: Attributes, name: string): readonly number[] {
  const value = attributes[name]
  return Array.isArray(value) ? value.map(Number) : []
}

/** How the axes of a value lie in the file, as our axes. */
export function orderOf(value: Written, rank: number): readonly number[] {
  return value.kind === 'tensor' ? value.order : inOrder(rank)
}
