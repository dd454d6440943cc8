import type { FunctionBody } from '../../wasm/emitter.ts'
import { f32x4, type I32, i32, type Local } from '../../wasm/instructions.ts'
import type { KernelEmitter } from '../kernel.ts'
import { type Epilogue, finish } from './epilogue.ts'
import { columnBytes, type RightMatrix, rowBytes } from './panels.ts'
import { storeVector, vectorBlocks } from './register-block.ts'

/**
 * The large matrix product, Y = A · B: of dense layers, attention, and pointwise convolutions, whose rows are pixels. A block of
 * 4 rows x 2 vectors of sums is held in registers; a block of B's columns (a panel) stays in the first-level cache while a unit's rows pass
 * by, and these stay in the second-level one while B's columns do.
 */
export interface PackedProduct {
  /** Of A and of Y. */
  readonly rows: number
  readonly inner: number
  readonly columns: number
  /** Bytes in A from row to row, and along a row. */
  readonly rowStride: number
  readonly innerStride: number
  readonly right: RightMatrix
  /** Address of Y, whose rows lie one behind the other. */
  readonly output: number
  readonly epilogue: Epilogue
  /** Products of this shape, one behind the other; 1 unless given. */
  readonly batches?: number
}

/** Where one unit's operands lie: addresses of its first row of A and of B, and bytes from `output` to its first row of Y. */
export interface ProductPlace {
  readonly left: I32
  readonly right: I32
  readonly output: I32
}

/** Inner extent summed in one go: a panel's part fits the first-level cache, and long sums lose less to rounding. */
const innerBlock = 512
/** Floats of A's rows that a unit walks again and again: a share of the second-level cache. */
const unitFloats = 2 ** 15
const mostRows = 256
const leastRows = 16
/** With fewer units than this, threads share the columns, too. */
const leastUnits = 16
const tileRows = 4

/**
 * How the work is cut: rows a unit takes, and the groups that its columns are shared out to. Few rows are not cut while there are columns
 * to share: each unit reads all of B that it needs.
 */
export function unitsOf({ rows, inner, columns, right, batches = 1 }: PackedProduct) {
  const fitting = Math.floor(unitFloats / Math.min(inner, innerBlock) / tileRows) * tileRows
  const most = Math.max(leastRows, Math.min(mostRows, fitting))
  const count = vectorBlocks(columns, right.vectors)[0]?.count ?? 0
  if (rows * count * batches === 0) return { unitRows: leastRows, rowBlocks: 0, groups: 1, count: 0 }
  const groups = Math.min(count, Math.ceil(leastUnits / (Math.ceil(rows / most) * batches)))
  const shared = Math.ceil((rows * batches * groups) / leastUnits / tileRows) * tileRows
  const unitRows = Math.min(most, Math.max(leastRows, shared))
  const rowBlocks = Math.ceil(rows / unitRows)
  return { unitRows, rowBlocks, groups, count: rowBlocks * groups * batches }
}

/** The phase that computes it. `place` tells where the operands of a batch are for a unit whose first row is given, and may write scratch. */
export function emitPackedProduct(
  emitter: KernelEmitter,
  job: PackedProduct,
  scratchBytes: number,
  place: (
    body: FunctionBody,
    unit: { readonly batch: I32; readonly firstRow: Local<'i32'>; readonly rows: Local<'i32'>; readonly scratch: I32 },
  ) => ProductPlace,
): void {
  const { unitRows, rowBlocks, groups, count } = unitsOf(job)
  if (count === 0) return
  emitter.phase(count, scratchBytes, (body, unit, scratch) => {
    const blockOfRows = groups === 1 ? unit : body.local('i32', i32.divU(unit, i32.const(groups)))
    const group = groups === 1 ? null : body.local('i32', i32.remU(unit, i32.const(groups)))
    const batch =
      (job.batches ?? 1) === 1 ? i32.const(0) : body.local('i32', i32.divU(blockOfRows, i32.const(rowBlocks)))
    const own = (job.batches ?? 1) === 1 ? blockOfRows : i32.remU(blockOfRows, i32.const(rowBlocks))
    const firstRow = body.local('i32', i32.mul(own, i32.const(unitRows)))
    const rows = body.local('i32', i32.sub(i32.const(job.rows), firstRow))
    body.if(i32.ltS(i32.const(unitRows), rows), () => body.set(rows, i32.const(unitRows)))
    const places = place(body, { batch, firstRow, rows, scratch })
    emitRows(body, job, places, rows, { group, groups })
  })
}

/** A stretch of the inner extent: where it begins, how long it is, and whether sums lie in Y before it, and are whole after it. */
interface Stretch {
  readonly start: I32
  readonly steps: number
  readonly isFirst: boolean
  readonly isLast: boolean
}

/** Walks the inner extent in stretches of at most innerBlock. Those at the ends do other things, and so have code of their own. */
function forEachStretch(body: FunctionBody, inner: number, emit: (stretch: Stretch) => void): void {
  const count = Math.max(1, Math.ceil(inner / innerBlock))
  const steps = Math.ceil(inner / count)
  const lastStart = (count - 1) * steps
  const isLast = count === 1
  emit({ start: i32.const(0), steps: isLast ? inner : steps, isFirst: true, isLast })
  if (isLast) return
  body.for(steps, lastStart, steps, (start) => emit({ start, steps, isFirst: false, isLast: false }))
  emit({ start: i32.const(lastStart), steps: inner - lastStart, isFirst: false, isLast: true })
}

/** Rows 0 to rows - 1 from where the operands are. */
export function emitRows(
  body: FunctionBody,
  job: PackedProduct,
  place: ProductPlace,
  rows: Local<'i32'>,
  { group, groups }: { readonly group: Local<'i32'> | null; readonly groups: number },
): void {
  const { columns, right } = job
  const [leftStart, outputStart] = [body.local('i32', place.left), body.local('i32', place.output)]
  const rightStart = body.local('i32', place.right)
  const wholeRows = body.local('i32', i32.sub(rows, i32.remU(rows, i32.const(tileRows))))
  forEachStretch(body, job.inner, (stretch) => {
    for (const { first, count, vectors } of vectorBlocks(columns, right.vectors)) {
      const step = rowBytes(right, vectors)
      const emitBlock = (block: I32) => {
        const column = body.local('i32', i32.add(i32.const(first * 16), i32.mul(block, i32.const(vectors * 16))))
        const above = i32.mul(stretch.start, i32.const(step))
        const panel = body.local('i32', i32.add(i32.add(rightStart, columnBytes(right, column)), above))
        const left = body.local('i32', i32.add(leftStart, i32.mul(stretch.start, i32.const(job.innerStride))))
        const output = body.local('i32', i32.add(outputStart, column))
        const tile = (count: number) => {
          emitTile(body, job, { left, panel, column, output, stretch, step, vectors, rows: count })
          body.advance(left, count * job.rowStride)
          body.advance(output, count * columns * 4)
        }
        body.for(i32.const(0), wholeRows, tileRows, () => tile(tileRows))
        body.for(wholeRows, rows, 1, () => tile(1))
      }
      if (group === null) body.for(0, count, 1, emitBlock)
      else if (count < groups) body.if(i32.eq(group, i32.const(groups - 1)), () => body.for(0, count, 1, emitBlock))
      else {
        const bound = (index: I32) => i32.divU(i32.mul(index, i32.const(count)), i32.const(groups))
        body.for(bound(group), body.local('i32', bound(i32.add(group, i32.const(1)))), 1, emitBlock)
      }
    }
  })
}

interface Tile {
  readonly left: I32
  readonly panel: I32
  /** Bytes from a row's first column to the tile's. */
  readonly column: I32
  /** Bytes from Y's begin to the tile's first number. */
  readonly output: I32
  readonly stretch: Stretch
  /** Bytes from one of the panel's rows to the next. */
  readonly step: number
  readonly vectors: number
  readonly rows: number
}

function emitTile(body: FunctionBody, job: PackedProduct, tile: Tile): void {
  const { rows, vectors, output, stretch } = tile
  const rowBytesOfY = job.columns * 4
  const sums = Array.from({ length: rows }, () => Array.from({ length: vectors }, () => body.local('v128')))
  for (const line of sums) for (const sum of line) body.set(sum, f32x4.const(0))
  const left = body.local('i32', tile.left)
  const loaded = Array.from({ length: vectors }, () => body.local('v128'))
  const value = body.local('v128')
  const end = body.local('i32', i32.add(tile.panel, i32.const(stretch.steps * tile.step)))
  // Not unrolled: V8 loads all there is to load in a loop first, and then runs out of registers.
  body.for(tile.panel, end, tile.step, (at) => {
    loaded.forEach((vector, v) => body.set(vector, f32x4.load(at, v * 16)))
    sums.forEach((line, r) => {
      body.set(value, f32x4.loadSplat(left, r * job.rowStride))
      line.forEach((sum, v) => body.set(sum, body.multiplyAdd(sum, value, loaded[v])))
    })
    body.advance(left, job.innerStride)
  })
  sums.forEach((line, r) => {
    const offset = r * rowBytesOfY
    if (!stretch.isFirst)
      // Reads past an incomplete last vector give lanes that are not stored.
      line.forEach((sum, v) => body.set(sum, f32x4.add(sum, f32x4.load(output, job.output + offset + v * 16))))
    if (stretch.isLast) finish(body, line, job.epilogue, tile.column, i32.add(output, i32.const(offset)))
    line.forEach((sum, v) => storeVector(body, output, job.output + offset + v * 16, sum, job.columns, tile.column, v))
  })
}
