import { shown, thatIs } from '../arguments.ts'
import { ShapeError } from '../errors.ts'
import type { Shape } from '../tensor.ts'

/**
 * 'same': as many outputs as ceil(n / stride), zeros around; 'valid': only windows that lie inside. TensorFlow's rules.
 * Or so many pixels of zeros: on each side, [vertical, horizontal], or [[top, bottom], [left, right]], as PyTorch and ONNX say it.
 */
export type Padding = 'same' | 'valid' | number | readonly [number, number] | SidePadding

type SidePadding = readonly [vertical: Sides, horizontal: Sides]
type Sides = readonly [before: number, after: number]

/** How a window walks over an NHWC image: convolution and pooling share it. Extents in pixels. */
export interface WindowAttributes extends Readonly<Record<string, number>> {
  readonly windowHeight: number
  readonly windowWidth: number
  readonly strideY: number
  readonly strideX: number
  readonly padTop: number
  readonly padLeft: number
  readonly outHeight: number
  readonly outWidth: number
}

/** Pixels from one place of a window to the next, down and across: `dilationY` and `dilationX`, which are left out where they are 1. */
export function dilationOf(w: WindowAttributes): readonly [y: number, x: number] {
  return [w.dilationY ?? 1, w.dilationX ?? 1]
}

/** Pixels from a window's first place to its last, both counted, down and across. */
export function coverOf(w: WindowAttributes): readonly [height: number, width: number] {
  const [y, x] = dilationOf(w)
  return [(w.windowHeight - 1) * y + 1, (w.windowWidth - 1) * x + 1]
}

export type Pair = number | readonly [number, number]

const isExtent = (value: unknown) => Number.isSafeInteger(value) && Number(value) >= 1
const isAmount = (value: unknown) => Number.isSafeInteger(value) && Number(value) >= 0
const isTwo = (value: unknown, test: (item: unknown) => boolean) =>
  Array.isArray(value) && value.length === 2 && value.every(test)

/** What a window, its strides or its dilation may be. @internal */
export const pair = thatIs<Pair>(
  'a positive integer or two, [height, width]',
  (value) => isExtent(value) || isTwo(value, isExtent),
)

/** One whole number of pixels for both axes, or two. @internal */
export const amounts = thatIs<number | readonly [number, number]>(
  'a whole number or two, [height, width]',
  (value) => isAmount(value) || isTwo(value, isAmount),
)

const paddings =
  "'same', 'valid', or whole numbers of pixels: one, [vertical, horizontal], or [[top, bottom], [left, right]]"

const isPadding = (value: unknown) =>
  value === 'same' ||
  value === 'valid' ||
  isAmount(value) ||
  isTwo(value, isAmount) ||
  isTwo(value, (sides) => isTwo(sides, isAmount))

/** What padding may be. @internal */
export const anyPadding = thatIs<Padding>(paddings, isPadding)

/** Both extents. What comes from a file may be anything: only a number or two numbers are a pair. */
export function pairOf(name: string, value: Pair): readonly [number, number] {
  if (typeof value === 'number') return [value, value]
  if (!Array.isArray(value) || value.length !== 2 || !value.every((extent) => typeof extent === 'number'))
    throw new ShapeError(`${name}: ${shown(value)} given; expected a number or two`)
  return [value[0], value[1]]
}

/** Padding along each axis, rows and columns. @throws ShapeError for what is none, negative numbers among it */
export function sidesOf(name: string, padding: Padding): readonly ['same' | 'valid' | Sides, 'same' | 'valid' | Sides] {
  if (!isPadding(padding)) throw new ShapeError(`${name}: padding is ${shown(padding)}; expected ${paddings}`)
  if (typeof padding === 'string') return [padding, padding]
  const [vertical, horizontal] = typeof padding === 'number' ? [padding, padding] : padding
  const around = (sides: number | Sides): Sides => (typeof sides === 'number' ? [sides, sides] : sides)
  return [around(vertical), around(horizontal)]
}

/** How a window walks along one axis. */
interface AxisWalk {
  readonly window: number
  readonly stride: number
  readonly dilation: number
}

function walk(
  name: string,
  extent: number,
  { window, stride, dilation }: AxisWalk,
  padding: 'same' | 'valid' | Sides,
  what: string,
  ceilMode: boolean,
): [before: number, outputs: number] {
  if (![window, stride, dilation].every((value) => Number.isInteger(value) && value >= 1)) {
    const dilated = dilation === 1 ? '' : `, dilation ${dilation}`
    throw new ShapeError(`${name}: window ${window}${dilated} and stride ${stride} must be positive integers`)
  }
  const covered = (window - 1) * dilation + 1
  if (padding === 'same') {
    const outputs = Math.ceil(extent / stride)
    // The smaller half of the padding goes before.
    return [Math.floor(Math.max((outputs - 1) * stride + covered - extent, 0) / 2), outputs]
  }
  const [before, after] = padding === 'valid' ? [0, 0] : padding
  const padded = before + extent + after
  // By ONNX's and PyTorch's rule a last window may reach beyond the padding after the image, but not begin in it.
  if (ceilMode && padded + stride > covered) {
    const outputs = Math.ceil((padded - covered) / stride) + 1
    return [before, (outputs - 1) * stride < before + extent ? outputs : outputs - 1]
  }
  if (padded < covered) {
    const covers = dilation === 1 ? '' : `, dilated to ${covered},`
    const around = padding === 'valid' ? "with padding 'valid'" : `and ${before} + ${after} of padding`
    throw new ShapeError(`${name}: ${what} ${window}${covers} does not fit into ${extent} pixels ${around}`)
  }
  return [before, Math.floor((padded - covered) / stride) + 1]
}

/** Where the padding after an image of shape [N,H,W,C] ends: rows and columns from the image's first. */
export function paddedEnds(
  name: string,
  image: Shape,
  padding: Padding,
  w: WindowAttributes,
): readonly [number, number] {
  const sides = sidesOf(name, padding)
  const [coverHeight, coverWidth] = coverOf(w)
  const lastEnds = [
    (w.outHeight - 1) * w.strideY - w.padTop + coverHeight,
    (w.outWidth - 1) * w.strideX - w.padLeft + coverWidth,
  ]
  const [bottom, right] = sides.map((side, axis) => {
    const extent = image[axis + 1]
    if (side === 'same') return Math.max(extent, lastEnds[axis])
    return side === 'valid' ? extent : extent + side[1]
  })
  return [bottom, right]
}

/**
 * The walk of a window over an image of shape [N,H,W,C].
 * @param what the window is called in messages
 * @throws ShapeError for a bad image, window, stride, padding or dilation
 */
export function windowOver(
  name: string,
  image: Shape,
  window: Pair,
  strides: Pair,
  padding: Padding,
  what = 'a window of',
  { dilation = 1, ceilMode = false }: { readonly dilation?: Pair; readonly ceilMode?: boolean } = {},
): WindowAttributes {
  if (image.length !== 4) throw new ShapeError(`${name}: expected images [N,H,W,C], got shape [${image.join(',')}]`)
  const [vertical, horizontal] = sidesOf(name, padding)
  const [windowHeight, windowWidth] = pairOf(name, window)
  const [strideY, strideX] = pairOf(name, strides)
  const [dilationY, dilationX] = pairOf(name, dilation)
  const rows = { window: windowHeight, stride: strideY, dilation: dilationY }
  const columns = { window: windowWidth, stride: strideX, dilation: dilationX }
  const [padTop, outHeight] = walk(name, image[1], rows, vertical, what, ceilMode)
  const [padLeft, outWidth] = walk(name, image[2], columns, horizontal, what, ceilMode)
  return attributesOf(rows, columns, { padTop, padLeft, outHeight, outWidth })
}

/** A walk along both axes as an operation carries it: what is usual is left out. */
export function attributesOf(
  rows: AxisWalk,
  columns: AxisWalk,
  places: Readonly<Record<'padTop' | 'padLeft' | 'outHeight' | 'outWidth', number>>,
): WindowAttributes {
  const { padTop, padLeft, outHeight, outWidth } = places
  return {
    windowHeight: rows.window,
    windowWidth: columns.window,
    strideY: rows.stride,
    strideX: columns.stride,
    padTop,
    padLeft,
    outHeight,
    outWidth,
    ...(rows.dilation !== 1 && { dilationY: rows.dilation }),
    ...(columns.dilation !== 1 && { dilationX: columns.dilation }),
  }
}
