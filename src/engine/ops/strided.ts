import { ShapeError } from '../errors.ts'
import { type Shape, stridesOf, type TensorType } from '../tensor.ts'

/**
 * Moves of numbers, none of which changes any: element c of the one tensor is element offset + Σ c[axis] · strides[axis] of the
 * other, counted in row-major order. A transpose and a slice are read so; the parts of a padded tensor are written so.
 */
export interface Walk {
  readonly offset: number
  readonly strides: readonly number[]
}

/** The element that a walk over `shape` comes to at its i-th step. */
export function walked(shape: Shape, { offset, strides }: Walk): (i: number) => number {
  return (i) => {
    let rest = i
    let position = offset
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      position += (rest % shape[axis]) * strides[axis]
      rest = Math.floor(rest / shape[axis])
    }
    return position
  }
}

/** Whether a walk over `shape` goes from neighbour to neighbour. */
export function isRun(shape: Shape, { strides }: Walk): boolean {
  const runs = stridesOf(shape)
  return shape.every((extent, axis) => extent === 1 || strides[axis] === runs[axis])
}

/** @throws ShapeError for stored pixels, which only gather reads */
export function requireWords(name: string, inputs: readonly TensorType[]): void {
  for (const { dtype } of inputs)
    if (dtype === 'u8') throw new ShapeError(`${name}: an input is of stored pixels (u8); gather them first`)
}
