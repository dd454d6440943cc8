import { type MatmulAttributes, matmulBatches, matmulExtents } from '../../ops/matmul.ts'
import { sizeOf } from '../../tensor.ts'
import { f32, f32x4, type I32, i32, type Local } from '../../wasm/emitter.ts'
import type { CpuKernel } from '../kernel.ts'
import { epilogueOf, finish } from './epilogue.ts'
import { packedWidth, storeVector, vectorBlocks } from './register-block.ts'
import { indexAlong } from './walk.ts'

/** Inner extent summed in one go: a block of B's rows fits the first-level cache, and long sums lose less to rounding. */
const innerBlock = 512
/** Rows of A a unit takes: enough to be worth handing out, few enough to share evenly. */
const unitRows = 16

/**
 * y = A · B, for every batch. B is read as rows of whole vectors: where it lies if its columns are, else from a packed copy. A is read one
 * number at a time along whatever strides its transposition gives.
 */
export const matmul: CpuKernel = (step, emitter) => {
  const { a, b } = step.inputs
  const [y] = step.outputs
  const attributes = step.attributes as unknown as MatmulAttributes
  const { m, k, n } = matmulExtents(a.shape, b.shape, attributes)
  const batches = matmulBatches(a.shape, b.shape)
  const width = packedWidth(n)
  const [rowStride, innerStride] = attributes.transposeA ? [4, m * 4] : [k * 4, 4]
  const epilogue = epilogueOf(step, emitter)

  let packed = b.address
  if (attributes.transposeB || width !== n) {
    const rows = k * sizeOf(b.shape.slice(0, -2))
    packed = emitter.workspace(rows * width * 4)
    const [from, across] = attributes.transposeB ? [4, k * 4] : [n * 4, 4]
    emitter.phase(rows, 0, (body, row) => {
      const source = body.local('i32', i32.mul(row, i32.const(from)))
      // The columns of one matrix lie side by side, those of the next behind all of them.
      if (attributes.transposeB && rows > k)
        body.advance(source, i32.mul(i32.divU(row, i32.const(k)), i32.const((n - 1) * k * 4)))
      const target = body.local('i32', i32.mul(row, i32.const(width * 4)))
      body.for(0, n, 1, () => {
        body.store(target, f32.load(source, b.address), packed)
        body.advance(source, across)
        body.advance(target, 4)
      })
    })
  }

  const unitsOfBatch = Math.ceil(m / unitRows)
  emitter.phase(batches.count * unitsOfBatch, 0, (body, unit) => {
    const batch = i32.divU(unit, i32.const(unitsOfBatch))
    /** Bytes from the first matrix to the batch's; none where there is one. */
    const matrix = (index: I32, bytes: number): Local<'i32'> | null =>
      batches.count > 1 ? body.local('i32', i32.mul(index, i32.const(bytes))) : null
    const matrixOfA = matrix(indexAlong(batch, batches.shape, batches.a), m * k * 4)
    const matrixOfB = matrix(indexAlong(batch, batches.shape, batches.b), k * width * 4)
    const matrixOfY = matrix(batch, m * n * 4)
    const within = (offset: I32, start: Local<'i32'> | null) => (start ? i32.add(offset, start) : offset)
    const emitTile = (
      row: Local<'i32'>,
      start: I32,
      steps: I32,
      isLast: I32,
      column: I32,
      vectors: number,
      rows: number,
    ) => {
      const sums = Array.from({ length: rows }, () => Array.from({ length: vectors }, () => body.local('v128')))
      for (const line of sums) for (const sum of line) body.set(sum, f32x4.const(0))
      const left = body.local(
        'i32',
        within(i32.add(i32.mul(row, i32.const(rowStride)), i32.mul(start, i32.const(innerStride))), matrixOfA),
      )
      const right = body.local('i32', within(i32.add(column, i32.mul(start, i32.const(width * 4))), matrixOfB))
      const loaded = Array.from({ length: vectors }, () => body.local('v128'))
      const value = body.local('v128')
      body.for(0, steps, 1, () => {
        loaded.forEach((vector, v) => body.set(vector, f32x4.load(right, packed + v * 16)))
        sums.forEach((line, r) => {
          body.set(value, f32x4.loadSplat(left, a.address + r * rowStride))
          line.forEach((sum, v) => body.set(sum, body.multiplyAdd(sum, value, loaded[v])))
        })
        body.advance(left, innerStride)
        body.advance(right, width * 4)
      })
      const output = body.local('i32', within(i32.add(i32.mul(row, i32.const(n * 4)), column), matrixOfY))
      sums.forEach((line, r) => {
        if (k > innerBlock)
          // Reads past an incomplete last vector give lanes that are not stored.
          body.if(start, () =>
            line.forEach((sum, v) => body.set(sum, f32x4.add(sum, f32x4.load(output, y.address + r * n * 4 + v * 16)))),
          )
        const end = () => finish(body, line, epilogue, column, i32.add(output, i32.const(r * n * 4)))
        if (k > innerBlock) body.if(isLast, end)
        else end()
        line.forEach((sum, v) => storeVector(body, output, y.address + r * n * 4 + v * 16, sum, n, column, v))
      })
    }
    const block = batches.count > 1 ? i32.remU(unit, i32.const(unitsOfBatch)) : unit
    const firstRow = body.local('i32', i32.mul(block, i32.const(unitRows)))
    const afterRow = body.local('i32', i32.add(firstRow, i32.const(unitRows)))
    body.if(i32.ltS(i32.const(m), afterRow), () => body.set(afterRow, i32.const(m)))
    const steps = body.local('i32')
    body.for(0, k, innerBlock, (start) => {
      body.set(steps, i32.sub(i32.const(k), start))
      const isLast = body.local('i32', i32.geS(i32.const(innerBlock), steps))
      body.if(i32.eq(isLast, i32.const(0)), () => body.set(steps, i32.const(innerBlock)))
      for (const { first, count, vectors } of vectorBlocks(n)) {
        const rows = Math.max(1, Math.floor(8 / vectors))
        body.for(0, count, 1, (block) => {
          const column = body.local('i32', i32.add(i32.const(first * 16), i32.mul(block, i32.const(vectors * 16))))
          const wholeEnd = body.local('i32', i32.sub(afterRow, i32.remU(i32.sub(afterRow, firstRow), i32.const(rows))))
          body.for(firstRow, wholeEnd, rows, (row) => emitTile(row, start, steps, isLast, column, vectors, rows))
          if (rows > 1)
            body.for(wholeEnd, afterRow, 1, (row) => emitTile(row, start, steps, isLast, column, vectors, 1))
        })
      }
    })
  })
}
