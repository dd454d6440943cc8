import { ArgumentError, ShapeError } from '../errors.ts'
import {
  alignment,
  apply,
  constant,
  finiteFloat32,
  formatShape,
  isShape,
  type Operation,
  type Shape,
  sameShape,
  sizeOf,
  stridesOf,
  type Tensor,
  uniformValue,
} from '../tensor.ts'
import { isRun, requireWords, type Walk, walked } from './strided.ts'

/** Slices and paddings are in one file, because each is the other's gradient. */

interface SliceAttributes extends Readonly<Record<string, readonly number[]>> {
  /** The first element's index along each axis, how many are taken, and how far each is from the one before; not 0. */
  readonly begin: readonly number[]
  readonly size: readonly number[]
  readonly steps: readonly number[]
}

/** How x is read for the result. */
export function sliceWalk(shape: Shape, { begin, steps }: SliceAttributes): Walk {
  const strides = stridesOf(shape)
  return {
    offset: strides.reduce((sum, stride, axis) => sum + begin[axis] * stride, 0),
    strides: strides.map((stride, axis) => steps[axis] * stride),
  }
}

/** Every so many elements along each axis. A view where these lie side by side and start where an operand may. */
export const sliceOperation: Operation<SliceAttributes> = {
  name: 'slice',
  inputNames: ['x'],
  infer([x], { begin, size, steps }) {
    requireWords('slice', [x])
    x.shape.forEach((extent, axis) => {
      const last = begin[axis] + (size[axis] - 1) * steps[axis]
      if (size[axis] > 0 && (begin[axis] < 0 || begin[axis] >= extent || last < 0 || last >= extent))
        throw new ShapeError(
          `slice: ${size[axis]} elements from ${begin[axis]} on in steps of ${steps[axis]} asked of axis ${axis} of ${formatShape(x.shape)}`,
        )
    })
    return { shape: size, dtype: x.dtype }
  },
  viewOffset([x], attributes) {
    if (sizeOf(attributes.size) === 0) return 0
    const walk = sliceWalk(x.shape, attributes)
    const bytes = walk.offset * 4
    return isRun(attributes.size, walk) && bytes % alignment === 0 ? bytes : null
  },
  gradient: (node, dy, attributes) => [() => unslice(dy, node.inputs[0].shape, attributes)],
  reference([x], y, attributes) {
    const index = walked(y.shape, sliceWalk(x.shape, attributes))
    for (let i = 0; i < y.data.length; i++) y.data[i] = x.data[index(i)]
  },
  flops: () => 0,
}

/** Puts what a slice took back where it was, with zeros around and between. */
function unslice(dy: Tensor, shape: Shape, { begin, size, steps }: SliceAttributes): Tensor {
  const turned = slice(dy, { steps: steps.map((step) => Math.sign(step)) })
  const before = begin.map((first, axis) => first + Math.min(0, steps[axis]) * Math.max(0, size[axis] - 1))
  const between = steps.map((step) => Math.abs(step) - 1)
  const after = shape.map((extent, axis) => extent - before[axis] - spread(size[axis], between[axis]))
  return padded(turned, { before, after, between, value: 0 })
}

interface PadAttributes extends Readonly<Record<string, number | readonly number[]>> {
  /** Elements put before the first, after the last, and between any two along each axis: XLA's Pad. */
  readonly before: readonly number[]
  readonly after: readonly number[]
  readonly between: readonly number[]
  readonly value: number
}

/** How far so many elements reach with others between them. */
function spread(extent: number, between: number): number {
  return extent === 0 ? 0 : (extent - 1) * (between + 1) + 1
}

/** How the result is written from x. */
export function padWalk(shape: Shape, { before, between }: PadAttributes): Walk {
  const strides = stridesOf(shape)
  return {
    offset: strides.reduce((sum, stride, axis) => sum + before[axis] * stride, 0),
    strides: strides.map((stride, axis) => (between[axis] + 1) * stride),
  }
}

/** One value around the elements of x, and between them. */
export const padOperation: Operation<PadAttributes> = {
  name: 'pad',
  inputNames: ['x'],
  infer([x], { before, after, between }) {
    requireWords('pad', [x])
    const shape = x.shape.map((extent, axis) => before[axis] + spread(extent, between[axis]) + after[axis])
    if (!isShape(shape)) throw new ShapeError(`pad: ${formatShape(shape)} is too large to be counted`)
    return { shape, dtype: x.dtype }
  },
  gradient(node, dy, { before, between }) {
    const { shape } = node.inputs[0]
    return [() => slice(dy, { begin: before, size: shape, steps: between.map((count) => count + 1) })]
  },
  reference([x], y, attributes) {
    const index = walked(x.shape, padWalk(y.shape, attributes))
    y.data.fill(attributes.value)
    for (let i = 0; i < x.data.length; i++) y.data[index(i)] = x.data[i]
  },
  flops: () => 0,
}

/** `x` with one value around its elements and between them; where it is infinite, with float32's largest. */
export function padded(x: Tensor, given: PadAttributes): Tensor {
  const attributes = { ...given, value: finiteFloat32(given.value) }
  const { shape } = padOperation.infer([x], attributes)
  if (sameShape(shape, x.shape)) return x
  return uniformValue(x) === attributes.value ? constant(attributes.value, shape) : apply(padOperation, [x], attributes)
}

/** Lists go along the axes from the first; the axes after a list's end are taken whole, in steps of 1. */
export interface SliceOptions {
  /** The first element's index: 0 unless given, or the last one where the step is negative. Negative ones count from the end. */
  readonly begin?: readonly number[]
  /** The index before which to stop, in the step's direction. Negative ones count from the end; what is beyond it is cut off. */
  readonly end?: readonly number[]
  /** How many elements to take, instead of `end`. All must exist. */
  readonly size?: readonly number[]
  /** How far each element is from the one before; negative ones go backwards. */
  readonly steps?: readonly number[]
}

/**
 * Part of `x`, by NumPy's rules for begin:end:step. Free where it lies in one piece in memory (whole axes after one that is cut)
 * and begins at a multiple of 256 bytes.
 * @throws ShapeError for more numbers than axes, a step of 0, or elements that do not exist; ArgumentError for `end` and `size`
 */
export function slice(x: Tensor, options: SliceOptions): Tensor {
  const { begin = [], end, size, steps = [] } = options
  if (end && size) throw new ArgumentError('slice: end and size given; expected one of them')
  for (const [option, list] of Object.entries({ begin, end, size, steps }))
    if (list && (list.length > x.shape.length || !list.every(Number.isInteger)))
      throw new ShapeError(
        `slice: ${option} [${list.join(',')}] given for ${formatShape(x.shape)}; expected at most ${x.shape.length} whole numbers`,
      )
  const axes = x.shape.map((extent, axis) => {
    const step = steps[axis] ?? 1
    if (step === 0) throw new ShapeError(`slice: a step of 0 along axis ${axis}; expected another number`)
    const counted = (index: number) => (index < 0 ? index + extent : index)
    const [lowest, highest] = step > 0 ? [0, extent] : [-1, extent - 1]
    const inside = (index: number) => Math.min(Math.max(counted(index), lowest), highest)
    const asked = begin[axis] ?? (step > 0 ? 0 : -1)
    if (size && size[axis] !== undefined) {
      if (size[axis] < 0) throw new ShapeError(`slice: size ${size[axis]} along axis ${axis}; expected 0 or more`)
      return { begin: size[axis] === 0 ? 0 : counted(asked), size: size[axis], step }
    }
    const first = inside(asked)
    const stop = end && end[axis] !== undefined ? inside(end[axis]) : step > 0 ? extent : -1
    const count = Math.max(0, Math.ceil((stop - first) / step))
    return { begin: count === 0 ? 0 : first, size: count, step }
  })
  const attributes = {
    begin: axes.map((axis) => axis.begin),
    size: axes.map((axis) => axis.size),
    steps: axes.map((axis) => (axis.size === 1 ? 1 : axis.step)),
  }
  const { shape } = sliceOperation.infer([x], attributes)
  if (sameShape(shape, x.shape) && attributes.steps.every((step) => step === 1)) return x
  const value = uniformValue(x)
  return value === null ? apply(sliceOperation, [x], attributes) : constant(value, shape)
}
