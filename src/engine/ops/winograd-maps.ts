/**
 * The linear maps of Winograd's short convolutions F(m x m, 3 x 3). Terms:
 * - tile: m x m outputs of a convolution with a 3 x 3 kernel; they depend on a patch of n x n inputs, n = m + 2.
 * - With y = Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A, a patch d and a kernel g give a tile y in n² products instead of 9 m², which summed
 *   over the channels are n² small matrix products. See Lavin & Gray, "Fast Algorithms for Convolutional Neural Networks".
 * - The maps are Toom and Cook's: polynomials, evaluated in a few points and at infinity, multiplied there, and interpolated.
 * - Transposed, they give the kernel's gradient: dg = Gᵀ [(A dy Aᵀ) ⊙ (Bᵀ d B)] G.
 */

/** One row an output. */
export type Matrix = readonly (readonly number[])[]

export interface WinogradMaps {
  /** m: outputs along a tile's side. */
  readonly tile: number
  /** n: inputs along a patch's side. */
  readonly patch: number
  /** G, [n, 3]. */
  readonly kernel: Matrix
  /** Bᵀ, [n, n]. */
  readonly input: Matrix
  /** Aᵀ, [m, n]. */
  readonly output: Matrix
}

export function transposed(matrix: Matrix): Matrix {
  return matrix[0].map((_, column) => matrix.map((row) => row[column]))
}

/** Coefficients, lowest first, of the polynomial with these roots. */
function polynomial(roots: readonly number[]): number[] {
  let coefficients = [1]
  for (const root of roots) {
    const lower = coefficients.map((coefficient) => -root * coefficient)
    coefficients = [0, ...coefficients].map((higher, power) => higher + (lower[power] ?? 0))
  }
  return coefficients
}

function toomCook(points: readonly number[]): WinogradMaps {
  const patch = points.length + 1
  const tile = patch - 2
  const powers = (count: number, x: number) => Array.from({ length: count }, (_, power) => x ** power)
  const infinity = (count: number) => Array.from({ length: count }, (_, power) => (power === count - 1 ? 1 : 0))
  const others = (point: number) => points.filter((other) => other !== point)
  const norm = (point: number) => others(point).reduce((product, other) => product * (point - other), 1)
  // As the kernels will have them: what is 1 but for float64's rounding is 1 here, and rows of x and -x are a pair.
  const rounded = (matrix: Matrix) => matrix.map((row) => row.map(Math.fround))
  return {
    tile,
    patch,
    kernel: rounded([...points.map((point) => powers(3, point).map((power) => power / norm(point))), infinity(3)]),
    input: rounded([...points.map((point) => [...polynomial(others(point)), 0]), polynomial(points)]),
    output: transposed(rounded([...points.map((point) => powers(tile, point)), infinity(tile)])),
  }
}

/** F(2x2, 3x3): 2.25 times fewer products than the plain sum, and as exact. */
export const smallTiles = toomCook([0, 1, -1])
/**
 * F(4x4, 3x3): 4 times fewer. Points at the roots of 1/2 and 2 instead of the usual 1 and 2 keep the powers small: with 48
 * channels the largest error is 8e-7 of the largest output instead of 3.6e-6 (the plain sum: 3e-7).
 */
export const largeTiles = toomCook([0, Math.SQRT1_2, -Math.SQRT1_2, Math.SQRT2, -Math.SQRT2])
