import { ShapeError } from '../errors.ts'
import { formatShape, type Shape, sameShape, stridesOf } from '../tensor.ts'

/** NumPy's broadcasting: shapes are aligned at the last axis, extents of 1 stretch. */
export function broadcastShapes(name: string, a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length)
  return Array.from({ length: rank }, (_, axis) => {
    const extentA = a[axis - rank + a.length] ?? 1
    const extentB = b[axis - rank + b.length] ?? 1
    if (extentA !== extentB && extentA !== 1 && extentB !== 1)
      throw new ShapeError(`${name}: shapes ${formatShape(a)} and ${formatShape(b)} do not broadcast together`)
    return extentA === 1 ? extentB : extentA
  })
}

/** The strides with which an input of shape `from` is read along the axes of `to`: 0 where it is stretched. */
export function broadcastStrides(from: Shape, to: Shape): number[] {
  const strides = stridesOf(from)
  return to.map((_, axis) => {
    const own = axis - to.length + from.length
    return own < 0 || from[own] === 1 ? 0 : strides[own]
  })
}

/** Visits the elements of `shape` in order, with the flat index of each broadcast input. */
export function broadcastIndices(from: Shape, to: Shape): (index: number) => number {
  if (sameShape(from, to)) return (index) => index
  const strides = broadcastStrides(from, to)
  return (index) => {
    let rest = index
    let position = 0
    for (let axis = to.length - 1; axis >= 0; axis--) {
      position += (rest % to[axis]) * strides[axis]
      rest = Math.floor(rest / to[axis])
    }
    return position
  }
}
