import { part, type Steps } from '../steps.ts'
import { solvePositive } from './cholesky.ts'
import { type Moments, range } from './moments.ts'

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

/** The part of the moments' gram over the given columns. */
function* submatrix(moments: Moments, chosen: readonly number[]): Steps<Float64Array> {
  const matrix = new Float64Array(chosen.length ** 2)
  for (const [row, i] of chosen.entries()) {
    const column = yield* moments.column(i)
    chosen.forEach((j, at) => {
      matrix[row * chosen.length + at] = column[j]
    })
  }
  return matrix
}

/** The squared length of column `candidate` beyond what the active columns span. */
function* lengthBeyond(moments: Moments, active: readonly number[], candidate: number): Steps<number> {
  const column = yield* moments.column(candidate)
  const shared = Float64Array.from(active, (i) => column[i])
  const within = yield* solvePositive(yield* submatrix(moments, active), shared)
  return column[candidate] - shared.reduce((sum, value, i) => sum + value * within[i], 0)
}

/**
 * The whole lasso path by least-angle regression (Efron, Hastie, Johnstone and Tibshirani, "Least Angle Regression", Annals of
 * Statistics 2004, section 3.1): from the empty model, all active columns keep equal correlation with the residual; a column
 * joins when its correlation catches up, and leaves when its coefficient reaches zero.
 * @param products of the centred columns with the target, [columns]
 */
export function* lassoPath(moments: Moments, products: Float64Array): Steps<LassoPath> {
  const { columns, rows } = moments
  const alphas: number[] = []
  const path: Float64Array[] = []
  const excluded = new Set<number>()
  let active: number[] = []
  let signs: number[] = []
  let coefficients = new Float64Array(columns)
  let justDropped = false
  const without = (left: readonly number[]) => {
    const isIn = new Set(left)
    return range(columns).filter((i) => !isIn.has(i))
  }

  for (;;) {
    const share = path.length / mostSteps
    yield share
    // Correlations with the residual, afresh at each step: Xᵀ(y - X b).
    const correlations = products.slice()
    for (const j of active) {
      const column = yield* moments.column(j)
      for (let i = 0; i < columns; i++) correlations[i] -= column[i] * coefficients[j]
    }
    // Right after a drop the leaving column still has the full correlation, so that it counts but doesn't come back at once.
    const waiting = without(active).filter((i) => !excluded.has(i))
    let leader = -1
    for (const i of waiting) if (leader < 0 || Math.abs(correlations[i]) > Math.abs(correlations[leader])) leader = i
    const largest = leader < 0 ? 0 : Math.abs(correlations[leader])
    const alpha = largest / rows
    const step = path.length

    alphas.push(alpha)
    path.push(coefficients)
    if (alpha <= tolerance || step >= mostSteps) return { alphas, coefficients: path }

    if (!justDropped) {
      const beyond = yield* part(lengthBeyond(moments, active, leader), share, share)
      if (Math.sqrt(Math.max(beyond, 0)) < smallestPivot) {
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
    const shared = yield* submatrix(moments, active)
    const equiangular = yield* part(solvePositive(shared, Float64Array.from(signs)), share, share)
    const rate = 1 / Math.sqrt(equiangular.reduce((sum, value, i) => sum + value * signs[i], 0))
    const direction = equiangular.map((value) => value * rate)
    const waitingNow = waiting.filter((i) => i !== active.at(-1))
    const falls = new Float64Array(columns)
    for (const [k, j] of active.entries()) {
      const column = yield* moments.column(j)
      for (let i = 0; i < columns; i++) falls[i] += column[i] * direction[k]
    }
    const fall = waitingNow.map((i) => falls[i])
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
