import { either, flag, optionsOf, text, thatIs } from '../../arguments.ts'
import { ShapeError } from '../../errors.ts'
import { maximum, mul, rsqrt, square } from '../../ops/elementwise.ts'
import { matmul } from '../../ops/matmul.ts'
import { reshape } from '../../ops/reshape.ts'
import { sum } from '../../ops/sum-and-broadcast.ts'
import { transpose } from '../../ops/transpose.ts'
import { formatShape, type Shape, sizeOf, type Tensor } from '../../tensor.ts'
import type { MergingKind } from './layer.ts'

export interface DotConfig {
  /**
   * Which axis of both, or of the first and of the second, is summed over: with the batch axis counted, 1 is the first after it, -1 the
   * last.
   */
  readonly axes: number | readonly [number, number]
  /** Vectors along these axes are made 1 long before: the product is then the cosine between them. false unless given. */
  readonly normalize?: boolean
}

export interface DotLayer extends DotConfig {
  readonly layer: 'dot'
}

const wholeNumber = thatIs<number>('a whole number', Number.isSafeInteger)

/** As Keras does, where a vector is 0. */
const smallestSquare = 1e-12

function ofLength1(x: Tensor, axis: number): Tensor {
  return mul(x, rsqrt(maximum(sum(square(x), { axes: axis, keepDims: true }), smallestSquare)))
}

/** The axis put last, the others but for the batch axis made one: [N, rows, extent]. */
function rowsAlong(x: Tensor, axis: number): Tensor {
  const others = x.shape.flatMap((_, i) => (i === 0 || i === axis ? [] : [i]))
  const rows = sizeOf(others.map((i) => x.shape[i]))
  return reshape(transpose(x, [0, ...others, axis]), [x.shape[0], rows, x.shape[axis]])
}

/** @internal */
export const dotKind: MergingKind<DotLayer> = {
  options: optionsOf<DotLayer>(
    {
      layer: text,
      axes: either(
        'a whole number, or two',
        wholeNumber,
        thatIs('two', (value) => Array.isArray(value) && value.length === 2 && value.every(Number.isSafeInteger)),
      ),
      normalize: flag,
    },
    'axes',
  ),
  build(caller, { axes, normalize = false }, inputs) {
    if (inputs.length !== 2) throw new ShapeError(`${caller}: expected two inputs, not ${inputs.length}`)
    const given = typeof axes === 'number' ? [axes, axes] : axes
    const [first, second] = inputs.map((shape, i) => (given[i] < 0 ? given[i] + shape.length + 1 : given[i]))
    const extentOf = (shape: Shape, axis: number) => shape.at(axis - 1)
    const [a, b] = inputs
    const areAxes = [first, second].every((axis, i) => axis >= 1 && axis <= inputs[i].length)
    if (!areAxes || extentOf(a, first) !== extentOf(b, second))
      throw new ShapeError(
        `${caller}: expected inputs of one extent along axes ${given.join(' and ')}, got ${inputs.map(formatShape).join(', ')}`,
      )
    const left = [...a.toSpliced(first - 1, 1), ...b.toSpliced(second - 1, 1)]
    const outputShape = left.length > 0 ? left : [1]
    return {
      type: 'Dot',
      outputShape,
      weights: [],
      apply([x, y]) {
        const [p, q] = normalize ? [ofLength1(x, first), ofLength1(y, second)] : [x, y]
        const product = matmul(rowsAlong(p, first), rowsAlong(q, second), { transposeB: true })
        return reshape(product, [x.shape[0], ...outputShape])
      },
    }
  },
}
