import { ShapeError } from '../errors.ts'
import { apply, formatShape, type Operation, requireFloat, type Shape, sizeOf, type Tensor } from '../tensor.ts'
import { axisOf } from './axes.ts'
import { reshape } from './reshape.ts'

/**
 * Reductions see every tensor as [outer, reduced, inner]: one run of neighbouring axes is folded at a time, so devices
 * need one loop nest. Axes that are not neighbours are folded run by run, the last first.
 */
export interface ReduceAttributes extends Readonly<Record<string, number>> {
  /** The first folded axis, and how many. Folded axes stay in the result with extent 1. */
  readonly axis: number
  readonly count: number
}

export interface ReduceOptions {
  /** Which axes to fold; negative ones count from the end; all of them unless given. */
  readonly axes?: number | readonly number[]
  /** Keep folded axes with extent 1. */
  readonly keepDims?: boolean
}

/** [outer, reduced, inner] of a reduction. */
export function reduceExtents(shape: Shape, { axis, count }: ReduceAttributes): [number, number, number] {
  return [sizeOf(shape.slice(0, axis)), sizeOf(shape.slice(axis, axis + count)), sizeOf(shape.slice(axis + count))]
}

function foldedShape(shape: Shape, { axis, count }: ReduceAttributes): Shape {
  return shape.map((extent, index) => (index >= axis && index < axis + count ? 1 : extent))
}

type Fold = (read: (index: number) => number, length: number) => number

/** A reduction that folds each run of numbers to one. */
export function reduceOperation(
  name: string,
  dtype: 'f32' | 'i32',
  fold: Fold,
  gradient?: Operation<ReduceAttributes>['gradient'],
): Operation<ReduceAttributes> {
  return {
    name,
    inputNames: ['x'],
    infer([x], attributes) {
      requireFloat(name, [x])
      if (sizeOf(foldedShape(x.shape, attributes)) > 0 && reduceExtents(x.shape, attributes)[1] === 0)
        throw new ShapeError(`${name}: an axis of ${formatShape(x.shape)} is empty`)
      return { shape: foldedShape(x.shape, attributes), dtype }
    },
    gradient,
    reference([x], y, attributes) {
      const [outer, reduced, inner] = reduceExtents(x.shape, attributes)
      for (let o = 0; o < outer; o++)
        for (let i = 0; i < inner; i++)
          y.data[o * inner + i] = fold((r) => x.data[(o * reduced + r) * inner + i], reduced)
    },
    flops: ([x]) => sizeOf(x.shape),
  }
}

/** Which axes, ascending, counted from 0. @throws ShapeError for an axis that there is not */
export function normaliseAxes(name: string, shape: Shape, axes: ReduceOptions['axes']): number[] {
  const given = axes === undefined ? shape.map((_, axis) => axis) : typeof axes === 'number' ? [axes] : axes
  const positive = given.map((axis) => axisOf(name, shape, axis))
  return [...new Set(positive)].sort((a, b) => a - b)
}

/** Folds the axes that are asked for. @throws ShapeError for an axis that `x` does not have */
export function reduce(operation: Operation<ReduceAttributes>, x: Tensor, options: ReduceOptions): Tensor {
  const axes = normaliseAxes(operation.name, x.shape, options.axes)
  let result = x
  for (let last = axes.length - 1; last >= 0; ) {
    let first = last
    while (first > 0 && axes[first - 1] === axes[first] - 1) first--
    result = apply(operation, [result], { axis: axes[first], count: last - first + 1 })
    last = first - 1
  }
  return options.keepDims
    ? result
    : reshape(
        result,
        x.shape.filter((_, axis) => !axes.includes(axis)),
      )
}
