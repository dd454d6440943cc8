import { shown } from '../../arguments.ts'
import { FormatError } from '../../errors.ts'
import { formatShape, isShape, type Shape, sizeOf } from '../../tensor.ts'

/** What a file's numbers are. Devices know only floats and indices; on the host integers are integers: 7 / 2 is 3. */
export type NumberType = 'float' | 'integer' | 'boolean'

/** Whatever holds numbers, in the fewest bytes. int64 becomes float64: whole numbers up to 2^53 stay what they are. */
export type NumberArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array

/** Numbers of a file on the host, row-major. */
export interface HostTensor {
  readonly type: NumberType
  readonly shape: Shape
  readonly data: NumberArray
}

/** Numbers of one tensor that a file may ask for: 2 GB of them are more than any machine here runs. */
export const mostNumbers = 2 ** 29

/** @throws FormatError for a shape that no machine can hold, or numbers that are not as many as it says */
export function hostTensor(what: string, type: NumberType, shape: Shape, data: NumberArray): HostTensor {
  checkExtents(what, shape)
  if (data.length !== sizeOf(shape))
    throw new FormatError(`${what}: ${data.length} numbers for shape ${formatShape(shape)}`)
  return { type, shape, data }
}

/** Before anything is reserved: a hostile file may ask for more than there is. @throws FormatError */
export function checkExtents(what: string, shape: unknown): asserts shape is Shape {
  if (!isShape(shape) || shape.length > 16 || sizeOf(shape) > mostNumbers)
    throw new FormatError(
      `${what}: its shape is ${shown(shape)}; expected at most 16 extents, and at most ${mostNumbers} numbers in all`,
    )
}

/** A tensor without axes. */
export function scalar(type: NumberType, value: number): HostTensor {
  return { type, shape: [], data: Float64Array.of(value) }
}

/** A list of whole numbers: a shape, or axes. */
export function integerList(values: readonly number[]): HostTensor {
  return { type: 'integer', shape: [values.length], data: Float64Array.from(values) }
}

/** The same numbers with the axes in another order: axis i of the result is axis `permutation[i]`. */
export function permuted(data: NumberArray, shape: Shape, permutation: readonly number[]): NumberArray {
  const strides = new Array<number>(shape.length)
  let stride = 1
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride
    stride *= shape[axis]
  }
  const extents = permutation.map((axis) => shape[axis])
  const steps = permutation.map((axis) => strides[axis])
  const result = data.slice()
  const last = extents.length - 1
  // Line by line: of its last axis, which is walked over without a look at the others.
  const [length, step] = last < 0 ? [1, 0] : [extents[last], steps[last]]
  const index = new Array<number>(Math.max(0, last)).fill(0)
  let from = 0
  for (let line = 0; line < result.length; line += length) {
    for (let i = 0; i < length; i++) result[line + i] = data[from + i * step]
    for (let axis = last - 1; axis >= 0; axis--) {
      from += steps[axis]
      if (++index[axis] < extents[axis]) break
      from -= steps[axis] * extents[axis]
      index[axis] = 0
    }
  }
  return result
}
