import { part, type Steps, stepSize } from '../steps.ts'

/** A pivot below this share of its diagonal is rounding: its column depends on those before it. */
const dependent = 1e-13

/** Rows of L that are made at a time: each value that is read serves several sums. */
const tileRows = 4
const tileColumns = 2

/** Cholesky's A = L Lᵀ of a symmetric positive semidefinite A, for as many right-hand sides as there are. */
export interface PositiveFactor {
  /**
   * x of A x = b. Where A is singular, the shortest of the x that come closest: what (A + aI)⁻¹ b tends to as a falls to 0, for
   * b that A reaches.
   * @param right b, [n]
   */
  solve(right: Float64Array): Float64Array
  /** A⁻¹, [n, n]; where A is singular, Moore and Penrose's. */
  inverse(): Steps<Float64Array>
}

/** @param matrix A, [n, n], row-major; only the lower triangle is read. L is written in its place. */
export function* factorPositive(matrix: Float64Array, n: number): Steps<PositiveFactor> {
  const rank = yield* decompose(matrix, n)
  if (rank < n) return yield* pseudoFactor(matrix, n, rank)
  return {
    solve(right) {
      const solution = right.slice()
      for (let i = 0, row = 0; i < n; i++, row += n) {
        let sum = solution[i]
        for (let k = 0; k < i; k++) sum -= matrix[row + k] * solution[k]
        solution[i] = sum / matrix[row + i]
      }
      for (let i = n - 1, row = i * n; i >= 0; i--, row -= n) {
        const value = solution[i] / matrix[row + i]
        solution[i] = value
        for (let k = 0; k < i; k++) solution[k] -= matrix[row + k] * value
      }
      return solution
    },
    inverse: () => inverseOf(matrix, n),
  }
}

/** Solves A x = b once. @param matrix A, as factorPositive takes it @param right b, [n] */
export function* solvePositive(matrix: Float64Array, right: Float64Array): Steps<Float64Array> {
  return (yield* factorPositive(matrix, right.length)).solve(right)
}

/** Writes L in A's lower triangle; a column that depends on those before it becomes 0. Returns the rank. */
function* decompose(lower: Float64Array, n: number): Steps<number> {
  const sums = new Float64Array(tileRows * tileColumns)
  let rank = 0
  let done = 0
  for (let top = 0; top < n; top += tileRows) {
    const end = Math.min(top + tileRows, n)
    for (let left = 0; left < end; left += tileColumns) {
      done += tileRows * tileColumns * left
      if (done > stepSize) {
        done = 0
        yield (top / n) ** 3
      }
      tileProducts(lower, lower, n, top, left, 0, left, sums)
      for (let j = left; j < Math.min(left + tileColumns, end); j++)
        for (let i = Math.max(top, j); i < end; i++) {
          const at = i * n + j
          let value = lower[at] - sums[(i - top) * tileColumns + j - left]
          for (let k = left; k < j; k++) value -= lower[i * n + k] * lower[j * n + k]
          const pivot = lower[j * n + j]
          if (i > j) lower[at] = pivot === 0 ? 0 : value / pivot
          else if (value > dependent * lower[at]) {
            lower[at] = Math.sqrt(value)
            rank++
          } else lower[at] = 0
        }
    }
  }
  return rank
}

/**
 * Sums of products of values from..to of four rows of a, from `top` on, and two of b, from `left` on, [4, 2]. Rows beyond the
 * last one stand for it.
 */
function tileProducts(
  a: Float64Array,
  b: Float64Array,
  n: number,
  top: number,
  left: number,
  from: number,
  to: number,
  sums: Float64Array,
): void {
  const last = n - 1
  const [a0, a1, a2, a3] = [
    top * n,
    Math.min(top + 1, last) * n,
    Math.min(top + 2, last) * n,
    Math.min(top + 3, last) * n,
  ]
  const [b0, b1] = [left * n, Math.min(left + 1, last) * n]
  let [s00, s01, s10, s11, s20, s21, s30, s31] = [0, 0, 0, 0, 0, 0, 0, 0]
  for (let k = from; k < to; k++) {
    const y0 = b[b0 + k]
    const y1 = b[b1 + k]
    const x0 = a[a0 + k]
    const x1 = a[a1 + k]
    const x2 = a[a2 + k]
    const x3 = a[a3 + k]
    s00 += x0 * y0
    s01 += x0 * y1
    s10 += x1 * y0
    s11 += x1 * y1
    s20 += x2 * y0
    s21 += x2 * y1
    s30 += x3 * y0
    s31 += x3 * y1
  }
  sums[0] = s00
  sums[1] = s01
  sums[2] = s10
  sums[3] = s11
  sums[4] = s20
  sums[5] = s21
  sums[6] = s30
  sums[7] = s31
}

/** A⁻¹ = L⁻ᵀ L⁻¹. */
function* inverseOf(lower: Float64Array, n: number): Steps<Float64Array> {
  return yield* part(squareOf(yield* part(inverseFactor(lower, n), 0, 0.5), n), 0.5, 1)
}

/** L⁻¹, column by column: row j is column j, and begins at j. */
function* inverseFactor(lower: Float64Array, n: number): Steps<Float64Array> {
  const columns = new Float64Array(n * n)
  let done = 0
  for (let left = 0; left < n; left += tileRows) {
    const width = Math.min(tileRows, n - left)
    const [c0, c1, c2, c3] = [0, 1, 2, 3].map((c) => Math.min(left + c, n - 1) * n)
    for (let i = left; i < n; i++) {
      done += tileRows * (i - left)
      if (done > stepSize) {
        done = 0
        yield left / n
      }
      let [s0, s1, s2, s3] = [0, 0, 0, 0]
      for (let k = left, row = i * n; k < i; k++) {
        const value = lower[row + k]
        s0 -= value * columns[c0 + k]
        s1 -= value * columns[c1 + k]
        s2 -= value * columns[c2 + k]
        s3 -= value * columns[c3 + k]
      }
      const sums = [s0, s1, s2, s3]
      const pivot = lower[i * n + i]
      for (let c = 0; c < width; c++) columns[(left + c) * n + i] = ((i === left + c ? 1 : 0) + sums[c]) / pivot
    }
  }
  return columns
}

/** C Cᵀ of C whose rows are 0 before their own number. */
function* squareOf(columns: Float64Array, n: number): Steps<Float64Array> {
  const square = new Float64Array(n * n)
  const sums = new Float64Array(tileRows * tileColumns)
  let done = 0
  for (let top = 0; top < n; top += tileRows)
    for (let left = 0; left < Math.min(top + tileRows, n); left += tileColumns) {
      done += tileRows * tileColumns * (n - top)
      if (done > stepSize) {
        done = 0
        yield top / n
      }
      tileProducts(columns, columns, n, top, left, top, n, sums)
      for (let i = top; i < Math.min(top + tileRows, n); i++)
        for (let j = left; j < Math.min(left + tileColumns, n); j++) {
          square[i * n + j] = sums[(i - top) * tileColumns + j - left]
          square[j * n + i] = square[i * n + j]
        }
    }
  return square
}

/**
 * A singular A = C Cᵀ, where C [n, rank] is L without its columns of 0: its inverse is C (CᵀC)⁻¹ (CᵀC)⁻¹ Cᵀ (Courrieu, "Fast
 * computation of Moore-Penrose inverse matrices", Neural Information Processing 2005).
 */
function* pseudoFactor(lower: Float64Array, n: number, rank: number): Steps<PositiveFactor> {
  const kept = Array.from({ length: n }, (_, j) => j).filter((j) => lower[j * n + j] !== 0)
  const full = new Float64Array(n * rank)
  for (let i = 0; i < n; i++) for (let c = 0; c < rank && kept[c] <= i; c++) full[i * rank + c] = lower[i * n + kept[c]]
  const products = new Float64Array(rank * rank)
  for (let i = 0; i < n; i++) {
    yield 1
    for (let a = 0; a < rank; a++) {
      const value = full[i * rank + a]
      if (value !== 0) for (let b = 0; b <= a; b++) products[a * rank + b] += value * full[i * rank + b]
    }
  }
  const inner = yield* factorPositive(products, rank)
  const solve = (right: Float64Array) => {
    const within = new Float64Array(rank)
    for (let i = 0; i < n; i++) for (let c = 0; c < rank; c++) within[c] += full[i * rank + c] * right[i]
    const twice = inner.solve(inner.solve(within))
    const solution = new Float64Array(n)
    for (let i = 0; i < n; i++) for (let c = 0; c < rank; c++) solution[i] += full[i * rank + c] * twice[c]
    return solution
  }
  return {
    solve,
    *inverse() {
      const inverse = new Float64Array(n * n)
      const unit = new Float64Array(n)
      for (let i = 0; i < n; i++) {
        yield i / n
        unit[i] = 1
        inverse.set(solve(unit), i * n)
        unit[i] = 0
      }
      return inverse
    },
  }
}
