import argMaxCode from '../../../shaders/arg-max.wgsl?raw'
import reduceCode from '../../../shaders/reduce.wgsl?raw'
import reduceWorkgroupCode from '../../../shaders/reduce-workgroup.wgsl?raw'
import { type ReduceAttributes, reduceExtents } from '../../ops/reduction.ts'
import type { PlanOperand } from '../../plan/plan.ts'
import { align, byteLengthOf, sizeOf } from '../../tensor.ts'
import { type AdapterTraits, type Candidate, type Dispatch, type Lowering, read, scratch, write } from '../dispatch.ts'
import { elementwiseLowerings } from './elementwise.ts'

const folds = {
  sum: { INITIAL: '0f', fold: 'a + b', foldSubgroup: 'subgroupAdd(a)' },
  max: { INITIAL: '-0x1.fffffep+127f', fold: 'max(a, b)', foldSubgroup: 'subgroupMax(a)' },
  min: { INITIAL: '0x1.fffffep+127f', fold: 'min(a, b)', foldSubgroup: 'subgroupMin(a)' },
  product: { INITIAL: '1f', fold: 'a * b', foldSubgroup: 'subgroupMul(a)' },
} as const

/** x [outer, reduced, inner] folded to y [outer, inner]. */
interface Fold {
  readonly kernel: keyof typeof folds
  readonly x: PlanOperand
  readonly y: PlanOperand
  readonly outer: number
  readonly reduced: number
  readonly inner: number
}

/** A way to fold. */
interface Folding extends Candidate {
  lower(fold: Fold): Dispatch[]
}

/** Runs longer than this are folded by many threads each: parallel, and more exact. */
const longRun = 64

/** Slices of a run that a thread folds each: about as many as steps of each, where it is long. */
const slicesOf = (reduced: number) => (reduced > longRun ? Math.ceil(Math.sqrt(reduced)) : 1)

/** A thread for each slice. @param fold of what is folded so far, a, and the next number, b */
function threadsStage(
  { kernel, x, y, outer, reduced, inner }: Fold,
  slices: number,
  fold: string = folds[kernel].fold,
): Dispatch {
  return {
    kernel,
    bindings: [read('x', x), write('y', y)],
    constants: { REDUCED: reduced, INNER: inner, SLICES: slices, INITIAL: folds[kernel].INITIAL },
    functions: [`fn fold(a: f32, b: f32) -> f32 { return ${fold}; }`],
    code: reduceCode,
    threads: outer * slices * inner,
  }
}

/** A thread for each result, or for slices of it where its run is long. */
const byThreads: Folding = {
  name: 'threads',
  lower: (whole) => inStages(whole, slicesOf(whole.reduced), (fold, slices) => threadsStage(fold, slices)),
}

/** Numbers for each lane of a workgroup, at most. */
const stepsOfALane = 64

/**
 * A workgroup for each result, or for slices of it where its run is very long. For runs of neighbouring numbers.
 * @param lanes of a subgroup; 0 for none
 */
function byWorkgroups(workgroupSize: number, lanes: number): Folding {
  const subgroups = lanes > 0
  const stage = ({ kernel, x, y, outer, reduced }: Fold, slices: number): Dispatch => ({
    kernel,
    bindings: [read('x', x), write('y', y)],
    constants: {
      OUTER: outer,
      REDUCED: reduced,
      SLICES: slices,
      INITIAL: folds[kernel].INITIAL,
      SUBGROUP: subgroups,
      LANES: Math.max(lanes, 1),
      PARTS: workgroupSize / Math.max(lanes, 1),
    },
    functions: [
      `fn fold(a: f32, b: f32) -> f32 { return ${folds[kernel].fold}; }`,
      ...(subgroups ? [`fn foldSubgroup(a: f32) -> f32 { return ${folds[kernel].foldSubgroup}; }`] : []),
    ],
    code: reduceWorkgroupCode,
    threads: outer * slices * workgroupSize,
    workgroupSize,
    subgroups,
  })
  return {
    name: `${workgroupSize} lanes${subgroups ? ', subgroup' : ''}`,
    lower: (whole) => inStages(whole, Math.ceil(whole.reduced / (workgroupSize * stepsOfALane)), stage),
  }
}

/** Each run in so many slices, and then these; at once where there is one. */
function inStages(whole: Fold, slices: number, stage: (fold: Fold, slices: number) => Dispatch): Dispatch[] {
  if (slices === 1) return [stage(whole, 1)]
  const partials = scratch([whole.outer, slices, whole.inner])
  return [stage({ ...whole, y: partials }, slices), stage({ ...whole, x: partials, reduced: slices }, 1)]
}

/** The ways to fold long runs of neighbouring numbers, best guess first: on a processor workgroups are no faster. */
function foldingsFor({ lanes, isSoftware }: AdapterTraits): readonly Folding[] {
  const sizes = isSoftware ? [64] : [256, 64]
  const bySubgroups = sizes.filter((size) => lanes > 0 && lanes <= size).map((size) => byWorkgroups(size, lanes))
  const byWorkgroup = byWorkgroups(64, 0)
  return isSoftware ? [byThreads, ...bySubgroups, byWorkgroup] : [...bySubgroups, byWorkgroup, byThreads]
}

function lowerReduce(kernel: Fold['kernel']): Lowering {
  return ({ inputs: { x }, outputs: [y], attributes }, { adapter, choose }) => {
    const [outer, reduced, inner] = reduceExtents(x.shape, attributes as ReduceAttributes)
    const folding = inner === 1 && reduced > longRun ? choose(foldingsFor(adapter)) : byThreads
    return folding.lower({ kernel, x, y, outer, reduced, inner })
  }
}

/** Sums over all axes but the last. */
export function lowerColumnSums(x: PlanOperand, y: PlanOperand): Dispatch[] {
  const columns = x.shape[x.shape.length - 1]
  return byThreads.lower({ kernel: 'sum', x, y, outer: 1, reduced: sizeOf(x.shape) / columns, inner: columns })
}

/** The squares are added up, and the root is taken. */
const lowerL2: Lowering = (step, context) => {
  const { x } = step.inputs
  const [outer, reduced, inner] = reduceExtents(x.shape, step.attributes as ReduceAttributes)
  const slices = slicesOf(reduced)
  const partials = scratch([outer, slices, inner])
  const totals = slices === 1 ? partials : scratch(step.outputs[0].shape, align(byteLengthOf(partials)))
  const squares: Fold = { kernel: 'sum', x, y: partials, outer, reduced, inner }
  return [
    threadsStage(squares, slices, 'a + b * b'),
    ...(slices === 1 ? [] : [threadsStage({ ...squares, x: partials, y: totals, reduced: slices }, 1)]),
    ...elementwiseLowerings.sqrt({ ...step, inputs: { x: totals } }, context),
  ]
}

const lowerArgMax: Lowering = ({ inputs: { x }, outputs: [y], attributes }) => {
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

export const reduceLowerings = {
  sum: lowerReduce('sum'),
  max: lowerReduce('max'),
  min: lowerReduce('min'),
  product: lowerReduce('product'),
  l2: lowerL2,
  argMax: lowerArgMax,
} satisfies Record<string, Lowering>
