import combineCode from '../../../shaders/combine.wgsl?raw'
import matmulCode from '../../../shaders/matmul.wgsl?raw'
import matmulBatchesCode from '../../../shaders/matmul-batches.wgsl?raw'
import matmulRowsCode from '../../../shaders/matmul-rows.wgsl?raw'
import matmulTilesCode from '../../../shaders/matmul-tiles.wgsl?raw'
import { type MatmulAttributes, matmulBatches, matmulExtents } from '../../ops/matmul.ts'
import type { PlanOperand, PlanStep } from '../../plan/plan.ts'
import { sizeOf } from '../../tensor.ts'
import {
  type AdapterTraits,
  type Candidate,
  type Dispatch,
  type Lowering,
  type LoweringContext,
  loadRows,
  loadSingly,
  scratch,
  storeRows,
  stridedIndex,
} from '../dispatch.ts'
import { epilogueOf } from '../epilogue.ts'
import { isInTiles, lowerProduct, type ProductWork } from './product.ts'

/** Threads a kernel should have to fill a GPU; sums are cut into slices until there are as many. */
export const wantedThreads = 16384
const maxSlices = 64
/** Groups of four along the inner extent that make a slice worth its partial sums. */
const minGroupsInSlice = 16

const noEpilogue = 'fn epilogue(row: u32, group: u32, sum: vec4f) -> vec4f { return sum; }'

/** A dense layer's shape: long rows that become a few numbers. */
const fewColumns = 16
const longRow = 512

export const lowerMatmul: Lowering = (step, context) => {
  const { a, b } = step.inputs
  const [y, ...sums] = step.outputs
  const attributes = step.attributes as MatmulAttributes
  const { m, k, n } = matmulExtents(a.shape, b.shape, attributes)
  const isOne = y.shape.length === 2
  if (isOne && n <= fewColumns && k >= longRow && !attributes.transposeA && !attributes.transposeB)
    return [longRows(step, m, k, n, context)]
  const whole = sums.length === 0 ? productOf(step) : null
  if (whole && isInTiles(whole, context.adapter)) return [lowerProduct(step, whole, context)]
  if (!isOne) return [inBatches(step)]
  const tiles = Math.ceil(m / 4) * Math.ceil(n / 4)
  const groups = Math.ceil(k / 4)
  const slices = Math.max(
    1,
    Math.min(Math.ceil(wantedThreads / tiles), Math.floor(groups / minGroupsInSlice), maxSlices),
  )
  const isWhole = slices === 1
  const epilogue = isWhole ? epilogueOf(step, n) : { bindings: [], functions: [noEpilogue] }
  // Sums of B's columns are one more row of partial sums.
  const rows = m + (sums.length > 0 && !isWhole ? 1 : 0)
  const target = isWhole ? y : scratch([slices, rows, n])
  const parts = [loadRows('a', a, a.shape[1]), loadRows('b', b, b.shape[1]), storeRows('y', target, n)]
  const columnSums = sums.length === 0 ? [] : isWhole ? [storeRows('sums', sums[0], n)] : []
  const storeSums =
    sums.length === 0 || isWhole
      ? ''
      : `fn store_sums4(slice: u32, four: u32, sum: vec4f) { store_y4(slice * ${rows}u + ${m}u, four, sum); }`
  const product: Dispatch = {
    kernel: 'matmul',
    bindings: [...parts, ...columnSums].map(({ binding }) => binding).concat(epilogue.bindings),
    constants: {
      M: m,
      K: k,
      N: n,
      A_ROWS: a.shape[0],
      B_ROWS: b.shape[0],
      Y_ROWS: rows,
      TRANSPOSE_A: attributes.transposeA,
      TRANSPOSE_B: attributes.transposeB,
      SLICES: slices,
      GROUPS_IN_SLICE: Math.ceil(groups / slices),
      SUMS: sums.length > 0,
    },
    functions: [...parts, ...columnSums]
      .map(({ functions }) => functions)
      .concat(storeSums, matmulTilesCode, epilogue.functions),
    code: matmulCode,
    threads: tiles * slices,
  }
  return isWhole ? [product] : [product, combine(step, target, slices, rows, n)]
}

/** What is one product of all rows with one matrix, neither of them transposed; null where it is not. */
function productOf({ inputs: { a, b }, attributes }: PlanStep): ProductWork | null {
  const { transposeA, transposeB } = attributes as MatmulAttributes
  if (transposeA || transposeB || b.shape.length > 2) return null
  const [inner, outputs] = b.shape
  return { x: a, weights: b, rows: sizeOf(a.shape) / inner, inner, outputs, canBeHalf: attributes.half === true }
}

function inBatches(step: PlanStep): Dispatch {
  const { a, b } = step.inputs
  const [y] = step.outputs
  const attributes = step.attributes as MatmulAttributes
  const { m, k, n } = matmulExtents(a.shape, b.shape, attributes)
  const batches = matmulBatches(a.shape, b.shape)
  const [[aRows, aColumns], [bRows, bColumns]] = [a.shape.slice(-2), b.shape.slice(-2)]
  const parts = [loadRows('aMatrices', a, aColumns), loadRows('bMatrices', b, bColumns), storeRows('y', y, n)]
  const epilogue = epilogueOf(step, n)
  return {
    kernel: 'matmul',
    bindings: [...parts.map(({ binding }) => binding), ...epilogue.bindings],
    constants: {
      M: m,
      K: k,
      N: n,
      A_ROWS: aRows,
      B_ROWS: bRows,
      TRANSPOSE_A: attributes.transposeA,
      TRANSPOSE_B: attributes.transposeB,
    },
    functions: [
      ...parts.map(({ functions }) => functions),
      stridedIndex('matrixOfA', batches.a, batches.shape),
      stridedIndex('matrixOfB', batches.b, batches.shape),
      matmulTilesCode,
      ...epilogue.functions,
    ],
    code: matmulBatchesCode,
    threads: batches.count * Math.ceil(m / 4) * Math.ceil(n / 4),
  }
}

/** A way to run matmul-rows.wgsl: a workgroup's rows at most, and the lanes that share them. */
interface RowSharing extends Candidate {
  readonly rows: number
  readonly workgroupSize: number
  readonly subgroup: boolean
}

/** The ways to share rows, best guess first. */
function rowSharingsFor({ lanes, isSoftware }: AdapterTraits): readonly RowSharing[] {
  const sharing = (rows: number, workgroupSize: number, subgroup: boolean): RowSharing => ({
    name: `${rows} rows, ${workgroupSize} lanes${subgroup ? ', subgroup' : ''}`,
    rows,
    workgroupSize,
    subgroup,
  })
  const canAdd = (workgroupSize: number) => lanes > 0 && lanes <= workgroupSize
  if (isSoftware) {
    const ways = [sharing(4, 64, false), ...(canAdd(64) ? [sharing(4, 64, true)] : [])]
    // SwiftShader, of four lanes, takes long over much workgroup memory; lavapipe takes long to compile subgroupAdd.
    return lanes === 4 ? ways.reverse() : ways
  }
  // Few rows to a workgroup, more workgroups: for GPUs that a small batch leaves idle.
  return [4, 1].flatMap((rows) => [...(canAdd(256) ? [sharing(rows, 256, true)] : []), sharing(rows, 64, false)])
}

/** Of four sums each: what fits into the 16 KiB of workgroup memory that every adapter has, beside a number. */
const maxParts = 1023

function longRows(step: PlanStep, m: number, k: number, n: number, { adapter, choose }: LoweringContext): Dispatch {
  const { a, b } = step.inputs
  const epilogue = epilogueOf(step, n)
  const parts = [loadSingly('a', a, k), loadRows('b', b, n), storeRows('y', step.outputs[0], n)]
  const { rows: most, workgroupSize, subgroup } = choose(rowSharingsFor(adapter))
  const fours = Math.ceil(n / 4)
  const partsOfSum = subgroup ? workgroupSize / adapter.lanes : workgroupSize
  const rows = Math.min(most, m, Math.floor(maxParts / (partsOfSum * fours)))
  return {
    kernel: 'matmul',
    bindings: [...parts.map(({ binding }) => binding), ...epilogue.bindings],
    constants: {
      M: m,
      K: k,
      ROWS: rows,
      FOURS: fours,
      SUBGROUP: subgroup,
      LANES: Math.max(adapter.lanes, 1),
      PARTS: partsOfSum,
    },
    functions: [...parts.map(({ functions }) => functions), ...epilogue.functions],
    code: matmulRowsCode,
    threads: Math.ceil(m / rows) * workgroupSize,
    workgroupSize,
    subgroups: subgroup,
  }
}

/**
 * Adds up partial results [slices, rows, width] in order and finishes the step with its epilogue. Where the step has a second
 * result, that is the last row.
 */
export function combine(step: PlanStep, partials: PlanOperand, slices: number, rows: number, width: number): Dispatch {
  const epilogue = epilogueOf(step, width)
  const [result, ...last] = step.outputs
  const isSplit = last.length > 0
  const stores = isSplit
    ? [storeRows('first', result, width), storeRows('last', last[0], width)]
    : [storeRows('y', result, width)]
  const parts = [loadRows('partials', partials, width), ...stores]
  const split = `fn store_y4(row: u32, four: u32, sum: vec4f) {
  if (row < ${rows - 1}u) { store_first4(row, four, sum); } else { store_last4(0u, four, sum); }
}`
  return {
    kernel: `${step.kernel} (combine)`,
    bindings: [...parts.map(({ binding }) => binding), ...epilogue.bindings],
    constants: { SLICES: slices, ROWS: rows, GROUPS: Math.ceil(width / 4) },
    functions: [...parts.map(({ functions }) => functions), ...(isSplit ? [split] : []), ...epilogue.functions],
    code: combineCode,
    threads: rows * Math.ceil(width / 4),
  }
}
