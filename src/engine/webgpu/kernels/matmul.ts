import combineCode from '../../../shaders/combine.wgsl?raw'
import matmulCode from '../../../shaders/matmul.wgsl?raw'
import { type MatmulAttributes, matmulExtents } from '../../ops/matmul.ts'
import type { PlanOperand, PlanStep } from '../../plan.ts'
import { type Dispatch, epilogueOf, type Lowering, loadRows, scratch, storeRows } from '../dispatch.ts'

/** Threads a kernel should have to fill a GPU; sums are cut into slices until there are as many. */
export const wantedThreads = 16384
const maxSlices = 64
/** Groups of four along the inner extent that make a slice worth its partial sums. */
const minGroupsInSlice = 16

export const noEpilogue = 'fn epilogue(row: u32, group: u32, sum: vec4f) -> vec4f { return sum; }'

export const lowerMatmul: Lowering = (step) => {
  const [a, b] = step.inputs
  const [y] = step.outputs
  const attributes = step.attributes as MatmulAttributes
  const { m, k, n } = matmulExtents(a.shape, b.shape, attributes)
  const tiles = Math.ceil(m / 4) * Math.ceil(n / 4)
  const groups = Math.ceil(k / 4)
  const slices = Math.max(
    1,
    Math.min(Math.ceil(wantedThreads / tiles), Math.floor(groups / minGroupsInSlice), maxSlices),
  )
  const epilogue = slices === 1 ? epilogueOf(step, n) : { bindings: [], functions: [noEpilogue] }
  const target = slices === 1 ? y : scratch([slices, m, n])
  const parts = [loadRows('a', a, a.shape[1]), loadRows('b', b, b.shape[1]), storeRows('y', target, n)]
  const product: Dispatch = {
    kernel: 'matmul',
    bindings: [...parts.map(({ binding }) => binding), ...epilogue.bindings],
    constants: {
      M: m,
      K: k,
      N: n,
      A_ROWS: a.shape[0],
      B_ROWS: b.shape[0],
      TRANSPOSE_A: attributes.transposeA,
      TRANSPOSE_B: attributes.transposeB,
      SLICES: slices,
      GROUPS_IN_SLICE: Math.ceil(groups / slices),
    },
    functions: [...parts.map(({ functions }) => functions), ...epilogue.functions],
    code: matmulCode,
    threads: tiles * slices,
  }
  return slices === 1 ? [product] : [product, combine(step, target, slices, m, n)]
}

/** Adds up partial results [slices, rows, width] in order and finishes the step with its epilogue. */
export function combine(step: PlanStep, partials: PlanOperand, slices: number, rows: number, width: number): Dispatch {
  const epilogue = epilogueOf(step, width)
  const parts = [loadRows('partials', partials, width), storeRows('y', step.outputs[0], width)]
  return {
    kernel: `${step.kernel} (combine)`,
    bindings: [...parts.map(({ binding }) => binding), ...epilogue.bindings],
    constants: { SLICES: slices, ROWS: rows, GROUPS: Math.ceil(width / 4) },
    functions: [...parts.map(({ functions }) => functions), ...epilogue.functions],
    code: combineCode,
    threads: rows * Math.ceil(width / 4),
  }
}
