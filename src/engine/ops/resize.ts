import { ArgumentError, GradientError, ShapeError } from '../errors.ts'
import { apply, Constant, constant, formatShape, type Operation, requireFloat, sizeOf, type Tensor } from '../tensor.ts'
import { type Pair, pairOf } from './window.ts'

/**
 * Images of another size. Which pixels a pixel is made of, and in which shares, is computed here, in float64, and given to
 * devices as tables: where they would have to round a place half-way between two pixels, all would not round it alike.
 * Tap: a row (or column) that another is made of, with its share. A table has as many taps for each, -1 for those it lacks.
 */

/** A row's taps. */
type Taps = readonly { readonly from: number; readonly weight: number }[]

function tableOf(lines: readonly Taps[]): [from: Tensor, weights: Tensor] {
  const width = lines.reduce((most, taps) => Math.max(most, taps.length), 1)
  const from = new Int32Array(lines.length * width).fill(-1)
  const weights = new Float64Array(lines.length * width)
  lines.forEach((taps, line) => {
    taps.forEach((tap, i) => {
      from[line * width + i] = tap.from
      weights[line * width + i] = tap.weight
    })
  })
  const shape = [lines.length, width]
  return [constant(from, shape, 'i32'), constant(weights, shape)]
}

/** Which rows each row goes into, of so many: the table of the gradient. */
function transposed(from: Tensor, weights: Tensor, extent: number): [from: Tensor, weights: Tensor] {
  const isTable = from instanceof Constant && weights instanceof Constant
  if (!isTable || typeof from.values === 'number' || typeof weights.values === 'number')
    throw new GradientError('resample: only tables that are constants can be turned round')
  const lines: { from: number; weight: number }[][] = Array.from({ length: extent }, () => [])
  const width = from.shape[1]
  for (let i = 0; i < from.values.length; i++)
    if (from.values[i] >= 0) lines[from.values[i]].push({ from: Math.floor(i / width), weight: weights.values[i] })
  return tableOf(lines)
}

/** x [N,H,W,C], tables of OH rows and OW columns -> [N,OH,OW,C]. It is its own gradient, by the tables turned round. */
export const resampleOperation: Operation = {
  name: 'resample',
  inputNames: ['x', 'rows', 'rowWeights', 'columns', 'columnWeights'],
  infer([x, rows, , columns]) {
    requireFloat('resample', [x])
    return { shape: [x.shape[0], rows.shape[0], columns.shape[0], x.shape[3]], dtype: 'f32' }
  },
  gradient(node, dy) {
    const [x, rows, rowWeights, columns, columnWeights] = node.inputs
    const back = () => {
      const [, height, width] = x.shape
      const tables = [...transposed(rows, rowWeights, height), ...transposed(columns, columnWeights, width)]
      return apply(resampleOperation, [dy, ...tables], {})
    }
    return [back, null, null, null, null]
  },
  reference([x, rows, rowWeights, columns, columnWeights], y) {
    const [, height, width, channels] = x.shape
    const [count, outHeight, outWidth] = y.shape
    const [down, across] = [rows.shape[1], columns.shape[1]]
    y.data.fill(0)
    for (let n = 0; n < count; n++)
      for (let oy = 0; oy < outHeight; oy++)
        for (let ox = 0; ox < outWidth; ox++)
          for (let i = oy * down; i < (oy + 1) * down; i++)
            for (let j = ox * across; j < (ox + 1) * across; j++) {
              if (rows.data[i] < 0 || columns.data[j] < 0) continue
              const weight = rowWeights.data[i] * columnWeights.data[j]
              const from = ((n * height + rows.data[i]) * width + columns.data[j]) * channels
              const to = ((n * outHeight + oy) * outWidth + ox) * channels
              for (let c = 0; c < channels; c++) y.data[to + c] += weight * x.data[from + c]
            }
  },
  flops: ([, rows, , columns], y) => 2 * sizeOf(y.shape) * rows.shape[1] * columns.shape[1],
}

/** Tables are made on the host, entry by entry: what a file asks for by mistake, or by malice, would keep it busy for ever. */
const longestSide = 2 ** 16

export const modes = ['nearest', 'bilinear', 'bicubic'] as const
export const coordinateModes = [
  'halfPixel',
  'halfPixelSymmetric',
  'pytorchHalfPixel',
  'alignCorners',
  'asymmetric',
] as const
export const roundings = ['roundPreferFloor', 'roundPreferCeil', 'floor', 'ceil'] as const

export interface ResizeOptions {
  /** Height and width of the result, in pixels. Either this or `scales` is given. */
  readonly size?: Pair
  /**
   * How many times as high and wide: the result has floor(extent · scale) pixels, and places are computed with the scale as it
   * is given, not with the sizes' ratio.
   */
  readonly scales?: number | readonly [vertical: number, horizontal: number]
  /** The nearest pixel, the mean of four by their distance, or sixteen by a cubic of it; 'nearest' unless given. */
  readonly mode?: (typeof modes)[number]
  /** Where in the image a pixel of the result lies: ONNX's coordinate_transformation_mode; 'halfPixel' unless given. */
  readonly coordinates?: (typeof coordinateModes)[number]
  /** Which pixel is the nearest: ONNX's nearest_mode; 'roundPreferFloor' unless given. */
  readonly rounding?: (typeof roundings)[number]
  /** The cubic's slope one pixel away, a: ONNX's cubic_coeff_a; -0.75 unless given. */
  readonly cubicCoefficient?: number
  /** Of the sixteen, those beyond the edge have no share, and the others more; they look like the edge unless given. */
  readonly excludeOutside?: boolean
}

/** One axis: `outputs` pixels made of `extent`, each `over` / `under` of a pixel from the next. */
interface Axis {
  readonly extent: number
  readonly outputs: number
  readonly over: number
  readonly under: number
}

/**
 * Where pixel `at` of the result lies, in pixels of the image (ONNX's operator Resize, since version 11; halfPixelSymmetric since
 * 19). One division of whole numbers, where the scale is a ratio of sizes: a place that is half-way between two pixels is so exactly.
 */
const placeOf: Readonly<Record<(typeof coordinateModes)[number], (at: number, axis: Axis) => number>> = {
  halfPixel: (at, { over, under }) => ((2 * at + 1) * over - under) / (2 * under),
  halfPixelSymmetric(at, axis) {
    // What the rounding of the size left over is taken from both ends.
    const adjustment = (axis.outputs * axis.over) / (axis.extent * axis.under)
    return (axis.extent / 2) * (1 - adjustment) + placeOf.halfPixel(at, axis)
  },
  pytorchHalfPixel: (at, axis) => (axis.outputs > 1 ? placeOf.halfPixel(at, axis) : 0),
  alignCorners(at, { extent, over, under }) {
    // (outputs - 1) / (extent - 1) pixels from one to the next, of as many outputs as the scale says.
    const steps = extent * under - over
    return steps === 0 ? 0 : (at * (extent - 1) * over) / steps
  },
  asymmetric: (at, { over, under }) => (at * over) / under,
}

const nearestTo: Readonly<Record<(typeof roundings)[number], (place: number) => number>> = {
  roundPreferFloor: (place) => Math.ceil(place - 0.5),
  roundPreferCeil: (place) => Math.floor(place + 0.5),
  floor: Math.floor,
  ceil: Math.ceil,
}

function tapsOf(axis: Axis, options: ResizeOptions): Taps[] {
  const { mode = 'nearest', coordinates = 'halfPixel', rounding = 'roundPreferFloor' } = options
  return Array.from({ length: axis.outputs }, (_, at): Taps => {
    const place = placeOf[coordinates](at, axis)
    if (mode === 'nearest') return inside(axis, [{ from: nearestTo[rounding](place), weight: 1 }])
    const before = Math.floor(place)
    const share = place - before
    if (mode === 'bicubic') return cubicTaps(axis, before, share, options)
    return inside(axis, [
      { from: before, weight: 1 - share },
      { from: before + 1, weight: share },
    ])
  })
}

/** Four pixels around a place, by Keys's cubic convolution ("Cubic Convolution Interpolation for Digital Image Processing", 1981). */
function cubicTaps(
  axis: Axis,
  before: number,
  share: number,
  { cubicCoefficient: a = -0.75, excludeOutside = false }: ResizeOptions,
): Taps {
  const near = (distance: number) => ((a + 2) * distance - (a + 3)) * distance ** 2 + 1
  const far = (distance: number) => ((a * distance - 5 * a) * distance + 8 * a) * distance - 4 * a
  const weights = [far(1 + share), near(share), near(1 - share), far(2 - share)]
  const taps = weights.map((weight, i) => ({ from: before - 1 + i, weight }))
  if (!excludeOutside) return inside(axis, taps)
  const kept = taps.filter(({ from }) => from >= 0 && from < axis.extent)
  const sum = kept.reduce((total, { weight }) => total + weight, 0)
  return inside(
    axis,
    kept.map(({ from, weight }) => ({ from, weight: weight / sum })),
  )
}

/** What lies beyond the edge looks like the edge. Each pixel is there once, and none without a share. */
function inside({ extent }: Axis, taps: Taps): Taps {
  const shares = new Map<number, number>()
  for (const { from, weight } of taps) {
    const pixel = Math.min(Math.max(from, 0), extent - 1)
    shares.set(pixel, (shares.get(pixel) ?? 0) + weight)
  }
  return Array.from(shares, ([from, weight]) => ({ from, weight })).filter(({ weight }) => weight !== 0)
}

function axesOf(x: Tensor, { size, scales }: ResizeOptions): Axis[] {
  const extents = x.shape.slice(1, 3)
  if (size !== undefined && scales === undefined) {
    const outputs = pairOf('resize', size)
    return extents.map((extent, i) => ({ extent, outputs: outputs[i], over: extent, under: outputs[i] }))
  }
  if (scales === undefined || size !== undefined)
    throw new ArgumentError('resize: give either a size, in pixels, or scales')
  const [vertical, horizontal] = pairOf('resize', scales)
  return extents.map((extent, i) => {
    const scale = i === 0 ? vertical : horizontal
    return { extent, outputs: Math.floor(extent * scale), over: 1, under: scale }
  })
}

/**
 * Images [N,H,W,C] of another size: ONNX's Resize over height and width, without antialiasing.
 * @throws ShapeError for what are no images, or where none of their pixels would be left
 * @throws ArgumentError unless either `size` or `scales` is given
 */
export function resize(x: Tensor, options: ResizeOptions): Tensor {
  if (x.shape.length !== 4 || x.shape[1] === 0 || x.shape[2] === 0)
    throw new ShapeError(`resize: expected images [N,H,W,C], got shape ${formatShape(x.shape)}`)
  const axes = axesOf(x, options)
  const outputs = axes.map((axis) => axis.outputs)
  if (!outputs.every((extent) => Number.isSafeInteger(extent) && extent >= 1 && extent <= longestSide))
    throw new ShapeError(
      `resize: images of ${formatShape(x.shape.slice(1, 3))} pixels can't be made ones of ${formatShape(outputs)}; a side has 1 to ${longestSide}`,
    )
  return apply(resampleOperation, [x, ...axes.flatMap((axis) => tableOf(tapsOf(axis, options)))], {})
}
