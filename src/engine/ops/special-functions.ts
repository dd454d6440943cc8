/** Functions that JavaScript's Math lacks, in float64, to its last digits: the reference's. */

/** Of two equally near whole numbers the even one. */
export function roundHalfToEven(x: number): number {
  const below = Math.floor(x)
  const rest = x - below
  if (rest !== 0.5) return Math.round(x)
  return below % 2 === 0 ? below : below + 1
}

/** a^b as IEEE 754 has it; JavaScript's own differs in 1^NaN and (±1)^±infinity, which are 1. */
export function power(a: number, b: number): number {
  return a === 1 || (a === -1 && Math.abs(b) === Number.POSITIVE_INFINITY) ? 1 : a ** b
}

/** The error function. Close to 0 e^-x² times a series of positive terms (Abramowitz & Stegun, 7.1.6). */
export function erf(x: number): number {
  if (Number.isNaN(x)) return x
  if (Math.abs(x) >= 2) return Math.sign(x) * (1 - Math.exp(-x * x) * erfcx(Math.abs(x)))
  let term = x
  let total = x
  for (let n = 1; Math.abs(term) > Math.abs(total) * 1e-18; n++) {
    term *= (2 * x * x) / (2 * n + 1)
    total += term
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * total
}

/** e^x² (1 - erf x) for x >= 0: far from 0 a continued fraction (Abramowitz & Stegun, 7.1.14), from its 100th part inwards. */
export function erfcx(x: number): number {
  if (x < 2) return Math.exp(x * x) * (1 - erf(x))
  let fraction = x
  for (let k = 100; k > 0; k--) fraction = x + k / 2 / fraction
  return 1 / (Math.sqrt(Math.PI) * fraction)
}
