import { ArgumentError, ShapeError } from '../errors.ts'
import { formatShape, type Tensor } from '../tensor.ts'
import { concat } from './concat.ts'
import { padded, slice } from './slice-and-pad.ts'
import { broadcastTo } from './sum-and-broadcast.ts'

/** Before the first element and after the last. */
export type Margin = readonly [before: number, after: number]

export interface PadOptions {
  /** What is put around: `value`, the elements mirrored at the outermost one, or the outermost one. 'constant' unless given. */
  readonly mode?: 'constant' | 'reflect' | 'edge'
  /** 0 unless given. An infinite one is float32's largest number. */
  readonly value?: number
}

/**
 * `x` with so many elements more before and after along each axis; a negative number cuts them off.
 * @param margins one for each axis
 * @throws ShapeError unless there is a margin for each axis, or where there is too little to cut off, mirror or repeat; ArgumentError
 * for a value that is none of the tensor's type
 */
export function pad(x: Tensor, margins: readonly Margin[], options: PadOptions = {}): Tensor {
  const { mode = 'constant', value = 0 } = options
  if (margins.length !== x.shape.length)
    throw new ShapeError(`pad: ${margins.length} margins given for ${formatShape(x.shape)}; expected one for each axis`)
  if (x.dtype === 'i32' && !Number.isInteger(value))
    throw new ArgumentError(`pad: value ${value} given for whole numbers (i32); expected a whole number`)
  const size = x.shape.map((extent, axis) => extent + Math.min(0, margins[axis][0]) + Math.min(0, margins[axis][1]))
  if (size.some((extent) => extent < 0))
    throw new ShapeError(`pad: margins ${JSON.stringify(margins)} cut off more than ${formatShape(x.shape)} has`)
  const inner = slice(x, { begin: margins.map(([before]) => Math.max(0, -before)), size })
  const before = margins.map((margin) => Math.max(0, margin[0]))
  const after = margins.map((margin) => Math.max(0, margin[1]))
  if (mode === 'constant') return padded(inner, { before, after, between: before.map(() => 0), value })
  const border = mode === 'edge' ? repeated : mirrored
  return inner.shape.reduce((y, _, axis) => border(y, axis, before[axis], after[axis]), inner)
}

/** `count` elements from `begin` on along one axis, in steps of `step`. */
function along(x: Tensor, axis: number, begin: number, count: number, step = 1): Tensor {
  return slice(x, {
    begin: x.shape.map((_, i) => (i === axis ? begin : 0)),
    size: x.shape.with(axis, count),
    steps: x.shape.map((_, i) => (i === axis ? step : 1)),
  })
}

// Borders are slices put beside x: so their gradients are added to those of the elements they show.

function repeated(x: Tensor, axis: number, before: number, after: number): Tensor {
  const extent = x.shape[axis]
  if (extent === 0 && before + after > 0)
    throw new ShapeError(`pad: axis ${axis} of ${formatShape(x.shape)} has no element to repeat`)
  const border = (at: number, count: number) =>
    count > 0 ? [broadcastTo(along(x, axis, at, 1), x.shape.with(axis, count))] : []
  return concat([...border(0, before), x, ...border(extent - 1, after)], { axis })
}

function mirrored(x: Tensor, axis: number, before: number, after: number): Tensor {
  const extent = x.shape[axis]
  if (Math.max(before, after) > Math.max(0, extent - 1))
    throw new ShapeError(
      `pad: ${Math.max(before, after)} elements to mirror along axis ${axis} of ${formatShape(x.shape)}; expected at most ${Math.max(0, extent - 1)}`,
    )
  const border = (at: number, count: number) => (count > 0 ? [along(x, axis, at, count, -1)] : [])
  return concat([...border(before, before), x, ...border(extent - 2, after)], { axis })
}
