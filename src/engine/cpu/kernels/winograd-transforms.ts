import { type Matrix, transposed } from '../../ops/winograd-maps.ts'
import type { FunctionBody } from '../../wasm/emitter.ts'
import type { I32, Local, V128 } from '../../wasm/instructions.ts'
import { f32x4, i32 } from '../../wasm/instructions.ts'

/** The code that applies the maps of Winograd's short convolutions, see winograd-maps.ts. */

/** The first of each two neighbouring rows that differ in the signs of some columns only: those of points x and -x. */
function signPairs(rows: Matrix): number[] {
  const isPair = (a: readonly number[], b: readonly number[] | undefined) =>
    b?.every((value, i) => Math.abs(value) === Math.abs(a[i])) && b.some((value, i) => value !== a[i])
  return rows.flatMap((row, i) => (isPair(row, rows[i + 1]) ? [i] : []))
}

/** Replaces rows i and i + 1 by half their sum and half their difference, in which half the numbers are 0. */
function splitRows(rows: Matrix, pairs: readonly number[]): Matrix {
  return rows.map((row, i) =>
    row.map((value, j) => {
      if (pairs.includes(i)) return (value + rows[i + 1][j]) / 2
      return pairs.includes(i - 1) ? (rows[i - 1][j] - value) / 2 : value
    }),
  )
}

/** Σ coefficient · input, at least one of them not 0. */
function combination(body: FunctionBody, coefficients: readonly number[], inputs: readonly V128[]): V128 {
  const terms = inputs
    .map((input, i) => ({ input, coefficient: coefficients[i] }))
    .filter(({ coefficient }) => coefficient !== 0)
    // A term that needs no product comes first and is what the others are added to.
    .sort((a, b) => Number(b.coefficient === 1) - Number(a.coefficient === 1))
  const [first, ...rest] = terms
  const start = first.coefficient === 1 ? first.input : f32x4.mul(first.input, f32x4.const(first.coefficient))
  return rest.reduce((sum, { input, coefficient }) => {
    if (coefficient === 1) return f32x4.add(sum, input)
    if (coefficient === -1) return f32x4.sub(sum, input)
    return body.multiplyAdd(sum, input, f32x4.const(coefficient))
  }, start)
}

/** matrix · inputs, lane by lane: the outputs as variables. */
export function applyMap(body: FunctionBody, matrix: Matrix, inputs: readonly V128[]): Local<'v128'>[] {
  // Points x and -x share their even and their odd powers, on whichever side of the matrix they are.
  const columns = transposed(matrix)
  const inputPairs = signPairs(columns)
  const loaded = inputs.map((input) => body.local('v128', input))
  for (const i of inputPairs) {
    const difference = body.local('v128', f32x4.sub(loaded[i], loaded[i + 1]))
    body.set(loaded[i], f32x4.add(loaded[i], loaded[i + 1]))
    loaded[i + 1] = difference
  }
  const reduced = inputPairs.length > 0 ? transposed(splitRows(columns, inputPairs)) : matrix
  const outputPairs = signPairs(reduced)
  const outputs = splitRows(reduced, outputPairs).map((row) => body.local('v128', combination(body, row, loaded)))
  for (const i of outputPairs) {
    const difference = body.local('v128', f32x4.sub(outputs[i], outputs[i + 1]))
    body.set(outputs[i], f32x4.add(outputs[i], outputs[i + 1]))
    outputs[i + 1] = difference
  }
  return outputs
}

/** A square of vectors in memory, strides in bytes. */
export interface Grid {
  readonly address: I32
  readonly rowStride: number
  readonly columnStride: number
}

/** Bytes emitTransform needs for what lies between its two passes. */
export const transformBytes = 6 * 6 * 16

/**
 * matrix · d · matrixᵀ of one grid d of vectors. `finish` is given one row of the result after the other. Two loops with the
 * half-done result in memory: unrolled, the grid would not fit the registers.
 */
export function emitTransform(
  body: FunctionBody,
  matrix: Matrix,
  from: Grid,
  temporary: I32,
  finish: (row: readonly Local<'v128'>[]) => void,
): void {
  const size = matrix[0].length
  const source = body.local('i32', from.address)
  const half = body.local('i32', temporary)
  body.for(0, size, 1, () => {
    const column = Array.from({ length: size }, (_, row) => f32x4.load(source, row * from.rowStride))
    applyMap(body, matrix, column).forEach((value, row) => {
      body.store(half, value, row * size * 16)
    })
    body.advance(source, from.columnStride)
    body.advance(half, 16)
  })
  body.set(half, temporary)
  body.for(0, matrix.length, 1, () => {
    const row = Array.from({ length: size }, (_, column) => f32x4.load(half, column * 16))
    finish(applyMap(body, matrix, row))
    body.set(half, i32.add(half, i32.const(size * 16)))
  })
}
