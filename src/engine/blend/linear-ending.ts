import { matmulOperation } from '../ops/matmul.ts'
import { avgPoolOperation } from '../ops/pool.ts'
import { reshapeOperation } from '../ops/reshape.ts'
import { sumOperation } from '../ops/sum-and-broadcast.ts'
import type { WindowAttributes } from '../ops/window.ts'
import { Constant, Resident, type Tensor } from '../tensor.ts'
import type { FactoredImages } from './factored-images.ts'
import type { Operations } from './operations-between.ts'

/** A linear function of all pixels of images: a dense layer, or the sum of each channel. What depends on them depends on it alone. */
export type LinearEnding = {
  readonly units: number
  /** Of the operation that makes it. */
  readonly position: number
} & (
  | { readonly kind: 'product'; readonly kernel: Resident | Constant }
  | { readonly kind: 'sum' /** One over it, that much of the sum. */; readonly divisor: number }
)

/** The linear function that begins at a position, if one does. */
export function linearEnding({ source, nodes }: Operations, position: number): LinearEnding | null {
  const images = nodes[position - 1] ?? source
  const [node, next, ...rest] = nodes.slice(position)
  const isReadBy = (tensor: Tensor, readers: readonly (Tensor | undefined)[]) =>
    readers.some((reader) => reader?.inputs.includes(tensor))
  if (!node || images.shape.length !== 4 || isReadBy(images, [next, ...rest])) return null
  const { name } = node.operation
  const [, height, width, units] = images.shape
  if (name === reshapeOperation.name && next && !isReadBy(node, rest)) {
    const kernel = kernelOf(next, node)
    // A row for each image: not one for each pixel, as where a dense layer follows images as they are.
    if (!kernel || node.shape.length !== 2 || node.shape[0] !== images.shape[0]) return null
    return { kind: 'product', kernel, units: next.shape[1], position: position + 1 }
  }
  if (name === sumOperation.name && node.attributes.axis === 1 && node.attributes.count === 2)
    return { kind: 'sum', divisor: 1, units, position }
  if (name === avgPoolOperation.name && coversAll(node.attributes as WindowAttributes, height, width))
    return { kind: 'sum', divisor: height * width, units, position }
  return null
}

/** The matrix that rows [rows, inner] are multiplied by, where that is known without them. */
export function kernelOf({ operation, inputs, attributes }: Tensor, rows: Tensor): Resident | Constant | null {
  const [x, kernel] = inputs
  const isPlain = operation.name === matmulOperation.name && !attributes.transposeA && !attributes.transposeB
  return isPlain && x === rows && isKnown(kernel) && kernel.shape.length === 2 ? kernel : null
}

/** Numbers that the graph knows, or that the model has learned. */
export function isKnown(tensor: Tensor): tensor is Resident | Constant {
  return tensor instanceof Resident || tensor instanceof Constant
}

function coversAll(w: WindowAttributes, height: number, width: number): boolean {
  const { outHeight, outWidth, windowHeight, windowWidth, padTop, padLeft } = w
  const isOne = outHeight * outWidth === 1 && w.countedBottom === undefined
  return isOne && windowHeight - padTop >= height && windowWidth - padLeft >= width
}

/** Multiplications and additions of folding rows into tables. */
export function foldingFlops(ending: LinearEnding, { rows }: FactoredImages, channels: number): number {
  return 2 * rows * channels * (ending.kind === 'product' ? ending.units : 1)
}
