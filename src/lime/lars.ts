import { solvePositive } from './cholesky.ts'

/** The path ends where the largest correlation is below this: float32's epsilon, scikit-learn's choice. */
const tolerance = 2 ** -23

/** A column whose length beyond the active ones is below this depends on them and stays out. */
const smallestPivot = 1e-7

const mostSteps = 500

export interface LassoPath {
  /** The penalty at each step, descending: largest |correlation| / rows. [K] */
  readonly alphas: number[]
  /** The coefficients at each step, [K][columns]. */
  readonly coefficients: Float64Array[]
}

/** The smallest of the values that are > 0, infinity without one. */
function smallestPositive(values: Iterable<number>): number {
  let smallest = Number.POSITIVE_INFINITY
  for (const value of values) if (value > 0 && value < smallest) smallest = value
  return smallest
}

/** The part of G over the given columns. */
function submatrix(gram: Float64Array, columns: number, chosen: readonly number[]): Float64Array {
  return Float64Array.from({ length: chosen.length ** 2 }, (_, k) => {
    const i = Math.floor(k / chosen.length)
    return gram[chosen[i] * columns + chosen[k - i * chosen.length]]
  })
}

/** The squared length of column `candidate` beyond what the active columns span. */
function lengthBeyond(gram: Float64Array, columns: number, active: readonly number[], candidate: number): number {
  const shared = Float64Array.from(active, (column) => gram[candidate * columns + column])
  const within = solvePositive(submatrix(gram, columns, active), shared)
  return gram[candidate * columns + candidate] - shared.reduce((sum, value, i) => sum + value * within[i], 0)
}

/**
 * The whole lasso path by least-angle regression (Efron, Hastie, Johnstone and Tibshirani, "Least Angle Regression", Annals of
 * Statistics 2004, section 3.1): from the empty model, all active columns keep equal correlation with the residual; a column
 * joins when its correlation catches up, and leaves when its coefficient reaches zero.
 * @param gram XᵀX [columns, columns]
 * @param products Xᵀy [columns]
 * @param rows of X
 */
export function lassoPath(gram: Float64Array, products: Float64Array, rows: number): LassoPath {
  const columns = products.length
  const alphas: number[] = []
  const path: Float64Array[] = []
  const excluded = new Set<number>()
  let active: number[] = []
  let signs: number[] = []
  let coefficients = new Float64Array(columns)
  let justDropped = false

  for (;;) {
    // Correlations with the residual, afresh at each step: Xᵀ(y - X b).
    const correlations = products.map((product, i) => {
      let correlation = product
      for (const j of active) correlation -= gram[i * columns + j] * coefficients[j]
      return correlation
    })
    // Right after a drop the leaving column still has the full correlation, so that it counts but doesn't come back at once.
    const waiting = Array.from(correlations.keys()).filter((i) => !active.includes(i) && !excluded.has(i))
    let leader = -1
    for (const i of waiting) if (leader < 0 || Math.abs(correlations[i]) > Math.abs(correlations[leader])) leader = i
    const largest = leader < 0 ? 0 : Math.abs(correlations[leader])
    const alpha = largest / rows
    const step = path.length

    alphas.push(alpha)
    path.push(coefficients)
    if (alpha <= tolerance || step >= mostSteps) return { alphas, coefficients: path }

    if (!justDropped) {
      if (Math.sqrt(Math.max(lengthBeyond(gram, columns, active, leader), 0)) < smallestPivot) {
        alphas.pop()
        path.pop()
        excluded.add(leader)
        continue
      }
      active.push(leader)
      signs.push(Math.sign(correlations[leader]))
    }
    if (step > 0 && alphas[step - 1] < alpha) return { alphas, coefficients: path }

    // The direction in which all active correlations fall at the same rate.
    const equiangular = solvePositive(submatrix(gram, columns, active), Float64Array.from(signs))
    const rate = 1 / Math.sqrt(equiangular.reduce((sum, value, i) => sum + value * signs[i], 0))
    const direction = equiangular.map((value) => value * rate)
    const waitingNow = waiting.filter((i) => !active.includes(i))
    const fall = waitingNow.map((i) => active.reduce((sum, j, k) => sum + gram[i * columns + j] * direction[k], 0))
    let length = Math.min(
      largest / rate,
      smallestPositive(waitingNow.map((i, k) => (largest - correlations[i]) / (rate - fall[k]))),
      smallestPositive(waitingNow.map((i, k) => (largest + correlations[i]) / (rate + fall[k]))),
    )
    const crossings = active.map((j, k) => -coefficients[j] / direction[k])
    const crossing = smallestPositive(crossings)
    justDropped = crossing < length
    if (justDropped) length = crossing

    const next = new Float64Array(columns)
    active.forEach((j, k) => {
      next[j] = justDropped && crossings[k] === crossing ? 0 : coefficients[j] + length * direction[k]
    })
    coefficients = next
    if (justDropped) {
      const stays = (_: unknown, k: number) => crossings[k] !== crossing
      signs = signs.filter(stays)
      active = active.filter(stays)
    }
  }
}
