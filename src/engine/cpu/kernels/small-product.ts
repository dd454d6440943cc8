import type { FunctionBody } from '../../wasm/emitter.ts'
import type { I32, Local } from '../../wasm/instructions.ts'
import { f32x4, i32 } from '../../wasm/instructions.ts'
import { type RightLayout, vectorBlocks } from './register-block.ts'

/**
 * The matrix product inside other kernels: operands that fit the caches, columns in whole vectors, no epilogue.
 * out[row, column] (+)= Σ left[row, i] · right[i, column]; out is rows of columns, right too or panels of them, left is
 * read along any strides (bytes).
 */
export interface SmallProduct {
  readonly rows: I32
  readonly inner: I32
  readonly columns: number
  readonly left: I32
  readonly rowStride: number
  readonly innerStride: number
  readonly right: I32
  readonly rightLayout: RightLayout
  readonly out: I32
  /** Added to what out holds, instead of replacing it. */
  readonly accumulate: boolean
}

/** What decides how long a product takes: extents, the most there are, and how left is read. */
export interface ProductShape {
  readonly rows: number
  readonly inner: number
  readonly columns: number
  /** Bytes from row to row of left are those of all of inner (forward), or of one number (a kernel's gradient). */
  readonly leftIsTransposed: boolean
  readonly accumulate: boolean
  readonly rightLayout: RightLayout
}

/** Sums held in registers while inner is walked: rows x vectors of four columns. Each is summed in the same order. */
export interface Block {
  readonly rows: number
  readonly vectors: number
}

export function sameBlock(a: Block, b: Block): boolean {
  return a.rows === b.rows && a.vectors === b.vectors
}

/** Eight sums, so that the loaded vectors and values have registers, too, on x86, which has sixteen. */
export function defaultBlock(columns: number): Block {
  const [{ vectors }] = vectorBlocks(columns)
  return { rows: Math.max(1, Math.floor(8 / vectors)), vectors }
}

/** What is worth a try: tall and wide, and larger ones for processors with more registers or engines that spill less. */
export function candidateBlocks(columns: number): Block[] {
  const all: Block[] = [
    [2, 4],
    [4, 2],
    [3, 3],
    [8, 1],
    [4, 4],
    [6, 4],
  ].map(([rows, vectors]) => ({ rows, vectors }))
  return all.filter(({ vectors }) => (columns / 4) % vectors === 0)
}

/** Vectors of a panel of the right matrix: a cache line. */
export const productPanelVectors = 4

export function emitSmallProduct(body: FunctionBody, job: SmallProduct, block: Block): void {
  const { rows } = block
  const whole = body.local('i32', i32.sub(job.rows, i32.remU(job.rows, i32.const(rows))))
  /** All columns of one stretch of right, whose rows are `step` bytes apart, `column` bytes into a row of out. */
  const emitColumns = (columns: number, step: number, right: I32, column: I32) => {
    for (const { first, count, vectors } of vectorBlocks(columns, block.vectors))
      body.for(first * 16, (first + count * vectors) * 16, vectors * 16, (offset) => {
        const place = { right: i32.add(right, offset), step, column: i32.add(column, offset), vectors }
        body.for(i32.const(0), whole, rows, (row) => emitBlock(body, job, place, row, rows))
        if (rows > 1) body.for(whole, job.rows, 1, (row) => emitBlock(body, job, place, row, 1))
      })
  }
  if (job.rightLayout === 'rows') {
    emitColumns(job.columns, job.columns * 4, job.right, i32.const(0))
    return
  }
  for (const { first, count, vectors } of vectorBlocks(job.columns, productPanelVectors))
    body.for(first * 16, (first + count * vectors) * 16, vectors * 16, (column) => {
      const panel = body.local('i32', i32.add(job.right, i32.mul(column, job.inner)))
      emitColumns(vectors * 4, vectors * 16, panel, column)
    })
}

/** Where a block's columns begin, in right and in a row of out, and the bytes from one of right's rows to the next. */
interface Columns {
  readonly right: I32
  readonly step: number
  readonly column: I32
  readonly vectors: number
}

function emitBlock(
  body: FunctionBody,
  job: SmallProduct,
  { right, step, column, vectors }: Columns,
  row: Local<'i32'>,
  rows: number,
): void {
  const width = job.columns * 4
  const out = body.local('i32', i32.add(i32.add(job.out, column), i32.mul(row, i32.const(width))))
  const sums = Array.from({ length: rows }, () => Array.from({ length: vectors }, () => body.local('v128')))
  sums.forEach((line, r) =>
    line.forEach((sum, v) => body.set(sum, job.accumulate ? f32x4.load(out, r * width + v * 16) : f32x4.const(0))),
  )
  const left = body.local('i32', i32.add(job.left, i32.mul(row, i32.const(job.rowStride))))
  const loaded = Array.from({ length: vectors }, () => body.local('v128'))
  const value = body.local('v128')
  const start = body.local('i32', right)
  const end = body.local('i32', i32.add(start, i32.mul(job.inner, i32.const(step))))
  // Not unrolled: V8 loads all there is to load in a loop first, and then runs out of registers.
  body.for(start, end, step, (at) => {
    loaded.forEach((vector, v) => body.set(vector, f32x4.load(at, v * 16)))
    sums.forEach((line, r) => {
      body.set(value, f32x4.loadSplat(left, r * job.rowStride))
      line.forEach((sum, v) => body.set(sum, body.multiplyAdd(sum, value, loaded[v])))
    })
    body.advance(left, job.innerStride)
  })
  sums.forEach((line, r) => line.forEach((sum, v) => body.store(out, sum, r * width + v * 16)))
}
