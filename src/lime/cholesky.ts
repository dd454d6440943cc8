/** A pivot below this share of its diagonal is rounding: its column depends on those before it. */
const dependent = 1e-13

/** Cholesky's A = L Lᵀ of a symmetric positive semidefinite A, for as many right-hand sides as there are. */
export interface PositiveFactor {
  /** x of A x = b. Columns of A that depend on earlier ones get 0. @param right b, [n] */
  solve(right: Float64Array): Float64Array
}

/** @param matrix [n, n], row-major; only the lower triangle is read */
export function factorPositive(matrix: Float64Array, n: number): PositiveFactor {
  const lower = new Float64Array(n * n)
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = matrix[i * n + j]
      for (let k = 0; k < j; k++) sum -= lower[i * n + k] * lower[j * n + k]
      if (i === j) lower[i * n + i] = sum > dependent * matrix[i * n + i] ? Math.sqrt(sum) : 0
      else lower[i * n + j] = lower[j * n + j] === 0 ? 0 : sum / lower[j * n + j]
    }
  }
  return {
    solve(right) {
      const solution = right.slice()
      for (let i = 0; i < n; i++) {
        for (let k = 0; k < i; k++) solution[i] -= lower[i * n + k] * solution[k]
        solution[i] = lower[i * n + i] === 0 ? 0 : solution[i] / lower[i * n + i]
      }
      for (let i = n - 1; i >= 0; i--) {
        for (let k = i + 1; k < n; k++) solution[i] -= lower[k * n + i] * solution[k]
        solution[i] = lower[i * n + i] === 0 ? 0 : solution[i] / lower[i * n + i]
      }
      return solution
    },
  }
}

/** Solves A x = b once. @param matrix A, as factorPositive takes it @param right b, [n] */
export function solvePositive(matrix: Float64Array, right: Float64Array): Float64Array {
  return factorPositive(matrix, right.length).solve(right)
}
