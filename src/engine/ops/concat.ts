import { ArgumentError, ShapeError } from '../errors.ts'
import { apply, formatShape, type Operation, type Shape, sizeOf, type Tensor } from '../tensor.ts'
import { axisOf } from './axes.ts'
import { expandDims } from './reshape.ts'
import { slice } from './slice-and-pad.ts'
import { requireWords } from './strided.ts'

interface ConcatAttributes extends Readonly<Record<string, number>> {
  readonly axis: number
}

/**
 * Concatenation sees its result as [outer, run]: each part brings `length` numbers to every run, from `first` on.
 * @param shapes of the parts
 */
export function concatRuns(shapes: readonly Shape[], axis: number) {
  const lengths = shapes.map((shape) => sizeOf(shape.slice(axis)))
  const run = lengths.reduce((sum, length) => sum + length, 0)
  let next = 0
  const parts = lengths.map((length) => {
    const first = next
    next += length
    return { first, length }
  })
  return { outer: sizeOf(shapes[0].slice(0, axis)), run, parts }
}

/** Parts one behind the other along an axis. */
export const concatOperation: Operation<ConcatAttributes> = {
  name: 'concat',
  inputNames: ['...part'],
  infer(parts, { axis }) {
    requireWords('concat', parts)
    const [{ shape, dtype }] = parts
    for (const part of parts) {
      if (part.dtype !== dtype)
        throw new ShapeError(`concat: parts of types ${dtype} and ${part.dtype}; expected one type`)
      if (part.shape.length !== shape.length || part.shape.some((extent, i) => i !== axis && extent !== shape[i]))
        throw new ShapeError(
          `concat: parts ${formatShape(shape)} and ${formatShape(part.shape)} along axis ${axis}; expected them to differ there only`,
        )
    }
    const extent = parts.reduce((sum, part) => sum + part.shape[axis], 0)
    return { shape: shape.with(axis, extent), dtype }
  },
  gradient(node, dy, { axis }) {
    const { parts } = concatRuns(
      node.inputs.map(({ shape }) => [shape[axis]]),
      0,
    )
    return parts.map(
      ({ first, length }) =>
        () =>
          sliceAlong(dy, axis, first, length),
    )
  },
  reference(inputs, y, { axis }) {
    const { outer, run, parts } = concatRuns(
      inputs.map(({ shape }) => shape),
      axis,
    )
    parts.forEach(({ first, length }, part) => {
      for (let o = 0; o < outer; o++)
        for (let i = 0; i < length; i++) y.data[o * run + first + i] = inputs[part].data[o * length + i]
    })
  },
  flops: () => 0,
}

function sliceAlong(x: Tensor, axis: number, begin: number, size: number): Tensor {
  const whole = x.shape.map(() => 0)
  return slice(x, { begin: whole.with(axis, begin), size: x.shape.with(axis, size) })
}

/**
 * Tensors of one type one behind the other along an axis, the last one unless given, as Keras does: all other extents are
 * those of the first part.
 * @throws ShapeError when extents or types differ, or for an axis that there is not; ArgumentError for no parts at all
 */
export function concat(parts: readonly Tensor[], options: { readonly axis?: number } = {}): Tensor {
  if (parts.length === 0) throw new ArgumentError('concat: no parts given; expected at least one')
  const axis = axisOf('concat', parts[0].shape, options.axis ?? -1)
  return parts.length === 1 ? parts[0] : apply(concatOperation, parts, { axis })
}

/**
 * Tensors of one shape along a new axis, the first one unless given.
 * @throws ShapeError when shapes or types differ, or for an axis that there is not; ArgumentError for no tensors at all
 */
export function stack(parts: readonly Tensor[], options: { readonly axis?: number } = {}): Tensor {
  if (parts.length === 0) throw new ArgumentError('stack: no parts given; expected at least one')
  const axis = axisOf('stack', [...parts[0].shape, 1], options.axis ?? 0)
  return concat(
    parts.map((part) => expandDims(part, axis)),
    { axis },
  )
}

/**
 * Cuts `x` along an axis, the last one unless given, into so many equal parts, or into parts of these sizes: concat undoes it.
 * @throws ShapeError when the parts do not come to the axis's extent, or for an axis that there is not
 */
export function split(
  x: Tensor,
  parts: number | readonly number[],
  options: { readonly axis?: number } = {},
): Tensor[] {
  const axis = axisOf('split', x.shape, options.axis ?? -1)
  const extent = x.shape[axis]
  const asked = typeof parts === 'number' ? `${parts} equal parts` : `parts of ${parts.join(', ')}`
  const isEven = typeof parts === 'number' && parts <= Math.max(extent, 1) && extent % parts === 0
  const sizes = typeof parts !== 'number' ? parts : isEven ? new Array<number>(parts).fill(extent / parts) : []
  if (sizes.reduce((sum, size) => sum + size, 0) !== extent || sizes.length === 0)
    throw new ShapeError(
      `split: ${asked} asked of axis ${axis} of ${formatShape(x.shape)}; expected them to come to ${extent}`,
    )
  let begin = 0
  return sizes.map((size) => {
    const part = sliceAlong(x, axis, begin, size)
    begin += size
    return part
  })
}
