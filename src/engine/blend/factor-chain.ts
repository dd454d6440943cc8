import { topologicalOrder } from '../gradients.ts'
import { conv2d, conv2dOperation, groupsOf } from '../ops/conv2d.ts'
import { depthwiseConv2d, depthwiseConv2dOperation } from '../ops/depthwise-conv2d.ts'
import { isBinaryName, isUnaryName, mul } from '../ops/elementwise.ts'
import { gather } from '../ops/gather.ts'
import { matmul, matmulOperation } from '../ops/matmul.ts'
import { avgPoolOperation, maxPoolOperation } from '../ops/pool.ts'
import { max } from '../ops/reduce.ts'
import { reshape, reshapeOperation } from '../ops/reshape.ts'
import { logSoftmaxOperation, softmaxOperation } from '../ops/softmax.ts'
import { sum } from '../ops/sum-and-broadcast.ts'
import type { WindowAttributes } from '../ops/window.ts'
import { apply, Constant, Input, Resident, sizeOf, type Tensor } from '../tensor.ts'
import { type FactoredImages, walkFactored } from './factored-images.ts'
import type { SegmentPatterns } from './segment-patterns.ts'

/**
 * A network that sees factored images: as far as its operations are local they map rows to rows, as an ordinary graph whose
 * inputs say which rows a window's places take (an indirect convolution: gathered rows times a matrix, its sums in the order of
 * the plain one). What follows is summed up into tables if it is linear over the pixels, else done image by image.
 */

/** The operations between two tensors, one behind the other; null where there are others beside them. */
export function chainBetween(source: Tensor, result: Tensor): Tensor[] | null {
  const dependent = new Set<Tensor>([source])
  const chain: Tensor[] = []
  for (const node of topologicalOrder(result)) {
    const before = node.inputs.filter((input) => dependent.has(input))
    if (before.length === 0) continue
    if (before.length > 1 || before[0] !== (chain.at(-1) ?? source)) return null
    dependent.add(node)
    chain.push(node)
  }
  return chain.at(-1) === result ? chain : null
}

/** A chain's operations applied to another tensor, in place of `source`. */
export function continueChain(chain: readonly Tensor[], source: Tensor, x: Tensor): Tensor {
  let before = source
  let value = x
  for (const node of chain) {
    const inputs = node.inputs.map((input) => (input === before ? value : input))
    value = apply(node.operation, inputs, node.attributes)
    before = node
  }
  return value
}

/** What the rows are followed by. */
export type Ending =
  /** A dense layer or the mean over all pixels: `rest` follows it. */
  | ({ readonly kind: 'product'; readonly kernel: Resident | Constant } & Linear)
  | ({ readonly kind: 'mean' } & Linear)
  /** Not local, or too many rows: whole images go through `rest`. */
  | { readonly kind: 'images'; readonly rest: readonly Tensor[] }

interface Linear {
  readonly units: number
  /** The operation that ends it. */
  readonly before: Tensor
  readonly rest: readonly Tensor[]
}

export interface FactoredChain {
  /** Of the rows that `graph` makes. */
  readonly images: FactoredImages
  /** The operation that made them. */
  readonly last: Tensor
  readonly channels: number
  /** Output `rows` [capacity, channels]: the first `images.rows` of them count. */
  readonly graph: { readonly outputs: { readonly rows: Tensor } }
  readonly inputs: Readonly<Record<string, Float32Array | Int32Array>>
  /** Of two chains of one network with equal ones, the graphs are equal. */
  readonly capacities: string
  readonly flops: number
  readonly ending: Ending
}

/** Graphs are made for so many rows, so that a few of them serve all images: at most a fifth is computed for nothing. */
function capacityFor(rows: number): number {
  const stepsAnOctave = 4
  return Math.ceil(2 ** (Math.ceil(Math.log2(Math.max(rows, 64)) * stepsAnOctave) / stepsAnOctave))
}

/**
 * Factors a chain as far as it pays. @param mostRows of a layer that makes so many pixels
 * @returns null where it does not, or too little of it
 */
export function factorChain(
  chain: readonly Tensor[],
  source: Tensor,
  blend: { images: FactoredImages; pixels: Float32Array },
  patterns: SegmentPatterns,
  mostRows: (pixels: number) => number,
): FactoredChain | null {
  const inputs: Record<string, Float32Array | Int32Array> = {}
  const capacities: number[] = []
  const given = (name: string, values: Float32Array | Int32Array, shape: readonly number[]): Tensor => {
    inputs[name] = values
    return new Input(name, shape, values instanceof Int32Array ? 'i32' : 'f32')
  }
  let images = blend.images
  let channels = source.shape[3]
  let last = source
  // All pixels may differ or none: one capacity for all images.
  let rows = given('pixels', blend.pixels, [2 * images.sets.length, channels])
  let flops = 0
  let windows = 0

  const finish = (ending: Ending): FactoredChain => ({
    images,
    last,
    channels,
    graph: { outputs: { rows } },
    inputs,
    capacities: [windows, ...capacities].join(),
    flops,
    ending,
  })

  const finishByImages = (rest: readonly Tensor[]) =>
    windows > 0 && flopsOf(rest) <= mostLeft * flopsOf(chain) ? finish({ kind: 'images', rest }) : null

  for (const [index, node] of chain.entries()) {
    const rest = chain.slice(index)
    const end = endingAt(rest, last)
    if (end) return finish(end)
    const name = node.operation.name
    const others = node.inputs.filter((input) => input !== last)
    if (isUnaryName(name) || (softmaxes.has(name) && node.attributes.axis === undefined))
      rows = apply(node.operation, [rows], node.attributes)
    else if (isBinaryName(name) && isTheSameForAllPixels(others, node)) {
      const stretched = node.inputs.map((input) => (input === last ? rows : reshape(input, input.shape.slice(-1))))
      rows = apply(node.operation, stretched, node.attributes)
    } else if (windowOperations.has(name) && node.attributes.countedBottom === undefined) {
      const w = node.attributes as WindowAttributes
      const walked = walkFactored(images, w, patterns, mostRows(w.outHeight * w.outWidth), capacityFor)
      if (!walked) return finishByImages(rest)
      const area = w.windowHeight * w.windowWidth
      const capacity = capacityFor(walked.images.rows)
      capacities.push(capacity)
      const at = (taps: Int32Array) => given(`taps${windows}`, taps, [capacity * area])
      const seen = (taps: Int32Array) => gather(rows, at(taps))
      if (name === conv2dOperation.name || name === depthwiseConv2dOperation.name) {
        const [kernel] = others
        rows = convolveRows(seen(walked.taps), kernel, node, area)
        channels = node.shape[3]
        flops += 2 * walked.images.rows * sizeOf(kernel.shape)
      } else if (name === maxPoolOperation.name) {
        rows = max(reshape(seen(withoutOutside(walked.taps, area)), [capacity, area, channels]), { axes: 1 })
        flops += walked.images.rows * area * channels
      } else {
        const shares = given(`shares${windows}`, sharesOf(walked.taps, area), [capacity, 1])
        rows = mul(sum(reshape(seen(walked.taps), [capacity, area, channels]), { axes: 1 }), shares)
        flops += walked.images.rows * area * channels
      }
      images = walked.images
      windows++
    } else return finishByImages(rest)
    last = node
  }
  return finishByImages([])
}

const softmaxes: ReadonlySet<string> = new Set([softmaxOperation.name, logSoftmaxOperation.name])
/** One row of results of each `area` rows that a window covers, [rows · area, channels] -> [rows, filters]. */
function convolveRows(covered: Tensor, kernel: Tensor, { operation, attributes }: Tensor, area: number): Tensor {
  const channels = covered.shape[1]
  const rows = covered.shape[0] / area
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

/** Of the operations, for whole images, the share that may be left: making images of rows costs as much as the rest saves. */
const mostLeft = 0.95

function flopsOf(chain: readonly Tensor[]): number {
  return chain.reduce((sum, node) => {
    const { operation, inputs, attributes } = node
    return sum + (operation.flops?.(inputs, node, attributes) ?? sizeOf(node.shape))
  }, 0)
}

const windowOperations = new Set(
  [conv2dOperation, depthwiseConv2dOperation, maxPoolOperation, avgPoolOperation].map(({ name }) => name),
)

/** The linear function of all pixels that a chain begins with, if it does. */
function endingAt(rest: readonly Tensor[], last: Tensor): Ending | null {
  const [node, next] = rest
  const [, height, width, channels] = last.shape
  if (node.operation.name === reshapeOperation.name && next?.operation.name === matmulOperation.name) {
    const [x, kernel] = next.inputs
    // A row for each image: not one for each pixel, as where a dense layer follows images as they are.
    const isPlain =
      node.shape.length === 2 &&
      node.shape[0] === last.shape[0] &&
      !next.attributes.transposeA &&
      !next.attributes.transposeB
    if (isPlain && x === node && (kernel instanceof Resident || kernel instanceof Constant))
      return { kind: 'product', kernel, units: next.shape[1], before: next, rest: rest.slice(2) }
  }
  if (node.operation.name === avgPoolOperation.name) {
    const { outHeight, outWidth, windowHeight, windowWidth, padTop, padLeft, countedBottom } =
      node.attributes as WindowAttributes
    const coversAll = windowHeight - padTop >= height && windowWidth - padLeft >= width
    if (outHeight * outWidth === 1 && coversAll && countedBottom === undefined)
      return { kind: 'mean', units: channels, before: node, rest: rest.slice(1) }
  }
  return null
}

/** One other operand, of one number a channel or one for all. */
function isTheSameForAllPixels(others: readonly Tensor[], node: Tensor): boolean {
  const [other] = others
  return (
    others.length === 1 &&
    node.shape.length === 4 &&
    other.shape.slice(0, -1).every((extent) => extent === 1) &&
    node.inputs.some((input) => input !== other && input.shape[3] === node.shape[3])
  )
}

/** Padding never wins a maximum: a place outside counts as one inside. */
function withoutOutside(taps: Int32Array, area: number): Int32Array {
  return taps.map((row, at) => {
    if (row >= 0) return row
    const window = taps.subarray(at - (at % area), at - (at % area) + area)
    return window.find((other) => other >= 0) ?? 0
  })
}

/** One over the number of places inside, for each row. */
function sharesOf(taps: Int32Array, area: number): Float32Array {
  return Float32Array.from({ length: taps.length / area }, (_, row) => {
    const inside = taps.subarray(row * area, (row + 1) * area).filter((tap) => tap >= 0)
    return 1 / inside.length
  })
}
