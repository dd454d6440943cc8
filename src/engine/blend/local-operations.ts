import { concatOperation } from '../ops/concat.ts'
import { conv2d, conv2dOperation, groupsOf } from '../ops/conv2d.ts'
import { depthwiseConv2d, depthwiseConv2dOperation } from '../ops/depthwise-conv2d.ts'
import { binaryOperations, mul, unaryOperations } from '../ops/elementwise.ts'
import { matmul } from '../ops/matmul.ts'
import { avgPoolOperation, maxPoolOperation } from '../ops/pool.ts'
import { l2Operation, max, maxOperation, minOperation, productOperation } from '../ops/reduce.ts'
import { reshape, reshapeOperation } from '../ops/reshape.ts'
import { padOperation, sliceOperation } from '../ops/slice-and-pad.ts'
import { logSoftmaxOperation, softmaxOperation } from '../ops/softmax.ts'
import { broadcastOperation, sum, sumOperation } from '../ops/sum-and-broadcast.ts'
import { transposeOperation } from '../ops/transpose.ts'
import { whereOperation } from '../ops/where.ts'
import type { WindowAttributes } from '../ops/window.ts'
import { type Attributes, apply, type Operation, sizeOf, type Tensor } from '../tensor.ts'

/**
 * Operations on images [1,H,W,…] that make each pixel of a few pixels, and what they are on rows [rows,…], one for each pixel and
 * pattern: the same arithmetic, in the same order, whatever images the rows belong to.
 */
export interface LocalOperation {
  /** How a window walks over the images to make a row of those that it covers; null where each pixel is made of itself. */
  readonly walk: WindowAttributes | null
  /** What a place outside the images counts as: zeros, or a place of the window that is inside. */
  readonly outside: 'zeros' | 'inside'
  rowsOf(seen: SeenRows): Tensor
}

export interface SeenRows {
  /** The operation's inputs, in their order. Of images, the rows that the window covers: [rows · area, …]. */
  readonly inputs: readonly Tensor[]
  /** How many rows are to be made. */
  readonly rows: number
  /** [rows, 1] one over the number of places inside the images. */
  readonly shares: () => Tensor
}

/** Axes of images before those of one pixel. */
const imageAxes = 3

type Rule = (node: Tensor, isOfImages: (input: Tensor) => boolean) => LocalOperation | null

/** @returns null for an operation that is not local, or not known to be */
export function localOperation(node: Tensor, isOfImages: (input: Tensor) => boolean): LocalOperation | null {
  return rules.get(node.operation.name)?.(node, isOfImages) ?? null
}

const isImages = ({ shape }: Tensor) => shape.length > imageAxes && shape[0] === 1

/** Whether a result has the images' pixels, and as many axes. */
function keepsPixels(node: Tensor, input: Tensor): boolean {
  return isImages(node) && node.shape.length === input.shape.length && hasPixelsOf(node, input)
}

function hasPixelsOf(node: Tensor, input: Tensor): boolean {
  return isImages(node) && input.shape.slice(0, imageAxes).every((extent, axis) => extent === node.shape[axis])
}

const withoutWalk = (rowsOf: LocalOperation['rowsOf']): LocalOperation => ({ walk: null, outside: 'zeros', rowsOf })

/** An operation on each number by itself, or on the last axis. */
const alongLastAxis: Rule = (node) =>
  isImages(node) && node.attributes.axis === undefined
    ? withoutWalk(({ inputs }) => apply(node.operation, inputs, node.attributes))
    : null

/** Numbers of several tensors; those that are not of images must be the same for all pixels. */
const numberByNumber: Rule = (node, isOfImages) => {
  const ownAxes = node.shape.length - imageAxes
  const beforeOwn = (input: Tensor) => input.shape.slice(0, Math.max(0, input.shape.length - ownAxes))
  const fits = (input: Tensor) => (isOfImages(input) ? keepsPixels(node, input) : sizeOf(beforeOwn(input)) === 1)
  if (!node.inputs.every(fits)) return null
  return withoutWalk(({ inputs }) =>
    apply(
      node.operation,
      node.inputs.map((input, i) =>
        isOfImages(input) ? inputs[i] : reshape(input, input.shape.slice(beforeOwn(input).length)),
      ),
      node.attributes,
    ),
  )
}

/** An operation along axes of each pixel: on rows they come two axes earlier. */
const alongOwnAxes: Rule = (node, isOfImages) => {
  const { axis } = node.attributes
  const isOwn = Number(axis) >= imageAxes && node.inputs.every((input) => isOfImages(input) && keepsPixels(node, input))
  if (!isOwn) return null
  const attributes = { ...node.attributes, axis: Number(axis) - (imageAxes - 1) }
  return withoutWalk(({ inputs }) => apply(node.operation, inputs, attributes))
}

/** A pixel's numbers in another shape. */
const inOwnShape: Rule = (node) => {
  if (!hasPixelsOf(node, node.inputs[0])) return null
  return withoutWalk(({ inputs: [x], rows }) => reshape(x, [rows, ...node.shape.slice(imageAxes)]))
}

const stretched: Rule = (node) => {
  if (!keepsPixels(node, node.inputs[0])) return null
  const own = node.shape.slice(imageAxes)
  return withoutWalk(({ inputs, rows }) => apply(node.operation, inputs, { shape: [rows, ...own] }))
}

const transposed: Rule = (node) => {
  const permutation = numbersOf(node.attributes, 'permutation')
  if (!isImages(node) || permutation.slice(0, imageAxes).some((from, axis) => from !== axis)) return null
  const own = permutation.slice(imageAxes).map((axis) => axis - (imageAxes - 1))
  return withoutWalk(({ inputs }) => apply(node.operation, inputs, { permutation: [0, ...own] }))
}

/** A window of one pixel that begins so many pixels before the images. */
function shiftedBy(node: Tensor, padTop: number, padLeft: number, [strideY, strideX] = [1, 1]): WindowAttributes {
  const [, outHeight, outWidth] = node.shape
  return { windowHeight: 1, windowWidth: 1, strideY, strideX, padTop, padLeft, outHeight, outWidth }
}

const sliced: Rule = (node) => {
  const [begin, size, steps] = ['begin', 'size', 'steps'].map((name) => numbersOf(node.attributes, name))
  const [, stepY, stepX] = steps
  if (!isImages(node) || Math.min(stepY, stepX) < 1) return null
  return {
    walk: shiftedBy(node, -begin[1], -begin[2], [stepY, stepX]),
    outside: 'zeros',
    rowsOf: ({ inputs, rows }) =>
      apply(node.operation, inputs, {
        begin: [0, ...begin.slice(imageAxes)],
        size: [rows, ...size.slice(imageAxes)],
        steps: [1, ...steps.slice(imageAxes)],
      }),
  }
}

const padded: Rule = (node) => {
  const { value } = node.attributes
  const [before, after, between] = ['before', 'after', 'between'].map((name) => numbersOf(node.attributes, name))
  const isApart = between.slice(0, imageAxes).some((count) => count > 0)
  const around = [...before.slice(0, imageAxes), ...after.slice(0, imageAxes)]
  // Rows that are not there are zeros.
  if (!isImages(node) || isApart || (value !== 0 && around.some((count) => count > 0))) return null
  const own = { before, after, between }
  const attributes = Object.fromEntries(
    Object.entries(own).map(([name, counts]) => [name, [0, ...counts.slice(imageAxes)]]),
  )
  return {
    walk: shiftedBy(node, before[1], before[2]),
    outside: 'zeros',
    rowsOf: ({ inputs }) =>
      Object.values(attributes)
        .flat()
        .some((count) => count > 0)
        ? apply(node.operation, inputs, { ...attributes, value })
        : inputs[0],
  }
}

const convolved: Rule = (node, isOfImages) => {
  const kernel = node.inputs[1]
  if (isOfImages(kernel)) return null
  return {
    walk: node.attributes as WindowAttributes,
    outside: 'zeros',
    rowsOf: ({ inputs: [seen, weights], rows }) => convolveRows(seen, weights, node, rows),
  }
}

/** One row of results of each `area` rows that a window covers, [rows · area, channels] -> [rows, filters]. */
function convolveRows(covered: Tensor, kernel: Tensor, { operation, attributes }: Tensor, rows: number): Tensor {
  const channels = covered.shape[1]
  const area = covered.shape[0] / rows
  const isDepthwise = operation.name === depthwiseConv2dOperation.name
  const groups = groupsOf(attributes as WindowAttributes)
  if (!isDepthwise && groups === 1) {
    const inner = area * channels
    return matmul(reshape(covered, [rows, inner]), reshape(kernel, [inner, kernel.shape[3]]))
  }
  // As images of one window each, whose places stand in a row.
  const images = reshape(covered, [rows, 1, area, channels])
  const window = reshape(kernel, [1, area, ...kernel.shape.slice(2)])
  const made = isDepthwise ? depthwiseConv2d(images, window) : conv2d(images, window, { groups })
  return reshape(made, [rows, made.shape[3]])
}

/** [rows · area, channels] -> [rows, area, channels] */
function byWindow(seen: Tensor, rows: number): Tensor {
  return reshape(seen, [rows, seen.shape[0] / rows, seen.shape[1]])
}

const maximum: Rule = (node) => ({
  walk: node.attributes as WindowAttributes,
  // Padding never wins a maximum.
  outside: 'inside',
  rowsOf: ({ inputs: [seen], rows }) => max(byWindow(seen, rows), { axes: 1 }),
})

const average: Rule = (node) =>
  node.attributes.countedBottom === undefined
    ? {
        walk: node.attributes as WindowAttributes,
        outside: 'zeros',
        rowsOf: ({ inputs: [seen], rows, shares }) => mul(sum(byWindow(seen, rows), { axes: 1 }), shares()),
      }
    : null

function numbersOf(attributes: Attributes, name: string): readonly number[] {
  const value = attributes[name]
  return typeof value === 'object' ? value : []
}

const rules = new Map<string, Rule>([
  ...named(alongLastAxis, ...Object.values(unaryOperations), softmaxOperation, logSoftmaxOperation),
  ...named(numberByNumber, ...Object.values(binaryOperations), whereOperation),
  ...named(alongOwnAxes, concatOperation, sumOperation, maxOperation, minOperation, productOperation, l2Operation),
  ...named(inOwnShape, reshapeOperation),
  ...named(stretched, broadcastOperation),
  ...named(transposed, transposeOperation),
  ...named(sliced, sliceOperation),
  ...named(padded, padOperation),
  ...named(convolved, conv2dOperation, depthwiseConv2dOperation),
  ...named(maximum, maxPoolOperation),
  ...named(average, avgPoolOperation),
])

function named(rule: Rule, ...operations: readonly Pick<Operation, 'name'>[]): [string, Rule][] {
  return operations.map(({ name }) => [name, rule])
}
