import argMaxCode from '../../../shaders/arg-max.wgsl?raw'
import reduceCode from '../../../shaders/reduce.wgsl?raw'
import { type ReduceAttributes, reduceExtents } from '../../ops/reduce.ts'
import type { PlanOperand } from '../../plan.ts'
import { sizeOf } from '../../tensor.ts'
import { type Dispatch, type Lowering, read, scratch, write } from '../dispatch.ts'

const folds = {
  sum: { INITIAL: '0f', fold: 'a + b' },
  max: { INITIAL: '-0x1.fffffep+127f', fold: 'max(a, b)' },
} as const

/** Runs longer than this are folded in two stages, about as many threads as steps each: parallel, and more exact. */
const longRun = 64

function fold(
  kernel: keyof typeof folds,
  x: PlanOperand,
  y: PlanOperand,
  [outer, reduced, inner]: readonly [number, number, number],
  slices: number,
): Dispatch {
  const { INITIAL, fold: expression } = folds[kernel]
  return {
    kernel,
    bindings: [read('x', x), write('y', y)],
    constants: { REDUCED: reduced, INNER: inner, SLICES: slices, INITIAL },
    functions: [`fn fold(a: f32, b: f32) -> f32 { return ${expression}; }`],
    code: reduceCode,
    threads: outer * slices * inner,
  }
}

function lowerFold(
  kernel: keyof typeof folds,
  x: PlanOperand,
  y: PlanOperand,
  [outer, reduced, inner]: readonly [number, number, number],
): Dispatch[] {
  if (reduced <= longRun) return [fold(kernel, x, y, [outer, reduced, inner], 1)]
  const slices = Math.ceil(Math.sqrt(reduced))
  const partials = scratch([outer, slices, inner])
  return [
    fold(kernel, x, partials, [outer, reduced, inner], slices),
    fold(kernel, partials, y, [outer, slices, inner], 1),
  ]
}

function lowerReduce(kernel: keyof typeof folds): Lowering {
  return ({ inputs: [x], outputs: [y], attributes }) =>
    lowerFold(kernel, x, y, reduceExtents(x.shape, attributes as ReduceAttributes))
}

/** Sums over all axes but the last. */
export function lowerColumnSums(x: PlanOperand, y: PlanOperand): Dispatch[] {
  const columns = x.shape[x.shape.length - 1]
  return lowerFold('sum', x, y, [1, sizeOf(x.shape) / columns, columns])
}

const lowerArgMax: Lowering = ({ inputs: [x], outputs: [y], attributes }) => {
  const [outer, reduced, inner] = reduceExtents(x.shape, attributes as ReduceAttributes)
  return [
    {
      kernel: 'argMax',
      bindings: [read('x', x), write('y', y)],
      constants: { REDUCED: reduced, INNER: inner },
      functions: [],
      code: argMaxCode,
      threads: outer * inner,
    },
  ]
}

export const reduceLowerings: Readonly<Record<string, Lowering>> = {
  sum: lowerReduce('sum'),
  max: lowerReduce('max'),
  argMax: lowerArgMax,
}
