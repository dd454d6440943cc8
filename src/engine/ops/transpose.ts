import { ShapeError } from '../errors.ts'
import {
  apply,
  constant,
  formatShape,
  type Operation,
  type Shape,
  stridesOf,
  type Tensor,
  uniformValue,
} from '../tensor.ts'
import { axisOf } from './axes.ts'
import { reshape } from './reshape.ts'
import { requireWords, type Walk, walked } from './strided.ts'

interface TransposeAttributes extends Readonly<Record<string, readonly number[]>> {
  /** Axis i of the result is axis permutation[i] of x. */
  readonly permutation: readonly number[]
}

/** How x is read for the result. */
export function transposeWalk(shape: Shape, { permutation }: TransposeAttributes): Walk {
  const strides = stridesOf(shape)
  return { offset: 0, strides: permutation.map((axis) => strides[axis]) }
}

/** x under another order of its axes. */
export const transposeOperation: Operation<TransposeAttributes> = {
  name: 'transpose',
  inputNames: ['x'],
  infer([x], { permutation }) {
    requireWords('transpose', [x])
    const sorted = [...permutation].sort((a, b) => a - b)
    if (permutation.length !== x.shape.length || sorted.some((axis, i) => axis !== i))
      throw new ShapeError(
        `transpose: ${formatShape(permutation)} given for ${formatShape(x.shape)}; expected each of its ${x.shape.length} axes once`,
      )
    return { shape: permutation.map((axis) => x.shape[axis]), dtype: x.dtype }
  },
  gradient: (_node, dy, { permutation }) => [() => transpose(dy, inverseOf(permutation))],
  reference([x], y, attributes) {
    const index = walked(y.shape, transposeWalk(x.shape, attributes))
    for (let i = 0; i < y.data.length; i++) y.data[i] = x.data[index(i)]
  },
  flops: () => 0,
}

function inverseOf(permutation: readonly number[]): number[] {
  return permutation.map((_, axis) => permutation.indexOf(axis))
}

/**
 * `x` with its axes in another order: axis i of the result is axis `axes[i]` of `x`. All axes the other way round unless given;
 * negative ones count from the end. Free where only axes of extent 1 move.
 * @throws ShapeError unless each axis is named once
 */
export function transpose(x: Tensor, axes?: readonly number[]): Tensor {
  const given = axes ?? x.shape.map((_, axis) => x.shape.length - 1 - axis)
  const wanted = given.map((axis) => axisOf('transpose', x.shape, axis))
  // Two in a row are one, and where the second undoes the first none.
  const inner = x.operation === transposeOperation ? x.attributes.permutation : undefined
  const [source, permutation] =
    Array.isArray(inner) && wanted.length === inner.length
      ? [x.inputs[0], wanted.map((axis) => inner[axis])]
      : [x, wanted]
  const { shape } = transposeOperation.infer([source], { permutation })
  const value = uniformValue(source)
  if (value !== null) return constant(value, shape)
  const moved = permutation.filter((axis) => source.shape[axis] !== 1)
  return moved.every((axis, i) => i === 0 || axis > moved[i - 1])
    ? reshape(source, shape)
    : apply(transposeOperation, [source], { permutation })
}
