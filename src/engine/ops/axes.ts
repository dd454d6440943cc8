import { ShapeError } from '../errors.ts'
import { formatShape, type Shape } from '../tensor.ts'

/** An axis counted from 0; negative ones count from the end. @throws ShapeError for an axis that there is not */
export function axisOf(name: string, shape: Shape, axis: number): number {
  const index = axis < 0 ? axis + shape.length : axis
  if (!Number.isInteger(index) || index < 0 || index >= shape.length)
    throw new ShapeError(`${name}: axis ${axis} is not one of ${formatShape(shape)}`)
  return index
}
