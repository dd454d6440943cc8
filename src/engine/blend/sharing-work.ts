import { conv2dOperation, groupsOf } from '../ops/conv2d.ts'
import { depthwiseConv2dOperation } from '../ops/depthwise-conv2d.ts'
import { avgPoolOperation, maxPoolOperation } from '../ops/pool.ts'
import { dilationOf, type WindowAttributes } from '../ops/window.ts'
import { sizeOf, type Tensor } from '../tensor.ts'

/**
 * What it costs to compute operations for whole images and by rows, counted, not timed: a request has the same answer to the last bit
 * wherever and whenever it is asked. The unit is an addition or multiplication of a large matrix product.
 *
 * The rates are those of `cpu`, measured with the tutorial's network, one with pooling, 4 to 196 segments, and layers of residual networks
 * and of MobileNetV2, of 200 and 1,000 samples. On two threads rows gain less than images: their patterns are walked by one.
 */

/** How much less Winograd's convolutions multiply than they stand for, transforms included. */
const winogradSaves = 3.5
/** Multiplications and additions of a matrix product in the time of one of a pooling or a depthwise convolution, which wait for memory. */
const memoryBound = 5
/** To walk the patterns of one place of a window and to gather the row that it sees. */
const workAPlace = 1000
/** The same where sets are large, and each has patterns of its own: what it costs at worst. */
const mostWorkAPlace = 5800
/** Pixels of whole images that a row costs at worst: with few channels all is little, the walk too. */
const mostPixelsARow = 10
/** The same, usually and at worst, for windows over channels that stay apart. */
const pixelsAMemoryBoundRow = 3
const mostPixelsAMemoryBoundRow = 4
/** To find the row that a pixel of a sample has, and to copy a number of it. */
const workAPixel = 200
const workANumber = 10
/** To fold a number of a row into a table, on the host. */
export const workAFoldedNumber = 10

const isMemoryBound: ReadonlySet<string> = new Set([
  depthwiseConv2dOperation.name,
  maxPoolOperation.name,
  avgPoolOperation.name,
])

export function flopsOf(node: Tensor): number {
  const { operation, inputs, attributes } = node
  return operation.flops?.(inputs, node, attributes) ?? sizeOf(node.shape)
}

/** Of images [N,H,W,…]. */
export function pixelsOf({ shape }: Tensor): number {
  return shape[1] * shape[2]
}

/** Of a row of images [N,H,W,…]. */
export function rowBytes({ shape }: Tensor): number {
  return 4 * sizeOf(shape.slice(3))
}

/** To compute an operation for one whole image. @param node for one image */
export function wholeWork(node: Tensor): number {
  const flops = flopsOf(node)
  if (isMemoryBound.has(node.operation.name)) return flops * memoryBound
  return isWinograd(node) ? flops / winogradSaves : flops
}

/** To compute one row. @param walk the window that makes it; null where rows are made of rows as they are */
export function rowWork(node: Tensor, walk: WindowAttributes | null): number {
  const aPixel = wholeWork(node) / pixelsOf(node)
  if (!walk) return aPixel
  if (isMemoryBound.has(node.operation.name)) return aPixel * pixelsAMemoryBoundRow
  return Math.min(mostPixelsARow * aPixel, flopsOf(node) / pixelsOf(node) + placesOf(walk) * workAPlace)
}

/** How many pixels of whole images a row costs at worst: with as many rows as that, an operation can't be slower for them. */
export function pixelsARow(node: Tensor, walk: WindowAttributes): number {
  if (isMemoryBound.has(node.operation.name)) return mostPixelsAMemoryBoundRow
  const worst = flopsOf(node) / pixelsOf(node) + placesOf(walk) * mostWorkAPlace
  return Math.min(mostPixelsARow, (worst * pixelsOf(node)) / wholeWork(node))
}

function placesOf({ windowHeight, windowWidth }: WindowAttributes): number {
  return windowHeight * windowWidth
}

/** To make whole images of rows: [N,H,W,…] for one image. */
export function gatherWork(images: Tensor): number {
  return pixelsOf(images) * workAPixel + sizeOf(images.shape) * workANumber
}

function isWinograd({ operation, attributes }: Tensor): boolean {
  if (operation.name !== conv2dOperation.name) return false
  const w = attributes as WindowAttributes
  const [dilationY, dilationX] = dilationOf(w)
  return (
    w.windowHeight === 3 &&
    w.windowWidth === 3 &&
    w.strideY * w.strideX * dilationY * dilationX === 1 &&
    groupsOf(w) === 1
  )
}
