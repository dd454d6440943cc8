/** Powers of two are cut into so many steps; between two of them a short series is exact. */
const steps = 32
const stepsALog = steps / Math.LN2
/** What Math.LN2 lacks of ln 2. */
const tail = 2.3190468138462996e-17
/** ln 2 / 32 in two parts, of which multiples of the first have no rounding. */
const stepHigh = Math.fround(Math.LN2 / steps)
const stepLow = Math.LN2 / steps - stepHigh + tail / steps

/** 2^(i/32). Written out: engines round powers, like Math.exp, each in their own way, and a seed must give the same numbers in all. */
// biome-ignore format: four a line
const fractions = Float64Array.of(
  1, 1.0218971486541166, 1.0442737824274138, 1.0671404006768237,
  1.0905077326652577, 1.1143867425958924, 1.1387886347566916, 1.1637248587775775,
  1.189207115002721, 1.215247359980469, 1.241857812073484, 1.2690509571917332,
  1.2968395546510096, 1.3252366431597413, 1.3542555469368927, 1.383909881963832,
  Math.SQRT2, 1.4451808069770467, 1.4768261459394993, 1.5091644275934228,
  1.5422108254079407, 1.5759808451078865, 1.6104903319492543, 1.645755478153965,
  1.681792830507429, 1.718619298122478, 1.7562521603732995, 1.7947090750031072,
  1.8340080864093424, 1.8741676341103, 1.9152065613971474, 1.9571441241754002,
)
/** 2^-i down to the smallest number there is. */
const halvings = Float64Array.from({ length: 1076 }, (_, i) => 2 ** -i)

/**
 * exp(x) for x <= 0, within two units of the last digit: twice as fast as Math.exp, where millions are summed.
 * Table and series after Tang, "Table-driven implementation of the exponential function", TOMS 1989.
 */
export function expOfNegative(x: number): number {
  if (x < -745) return 0
  const n = (x * stepsALog - 0.5) | 0
  const r = x - n * stepHigh - n * stepLow
  const series = r * (1 + r * (1 / 2 + r * (1 / 6 + r * (1 / 24 + r * (1 / 120 + r * (1 / 720))))))
  const fraction = fractions[n & (steps - 1)]
  return (fraction + fraction * series) * halvings[-(n >> 5)]
}

const places = 160n
const one = 1n << places

/**
 * exp(x) for -50 <= x <= 0, rounded to the nearest number: the series in whole numbers of 2^-160, for a few values that many others
 * depend on. (x has no digits beyond these unless it is nearer to 0 than 2^-107, where they change nothing.)
 */
export function roundedExp(x: number): number {
  const exponent = BigInt(Math.round(x * 2 ** 160))
  let sum = one
  for (let n = 1n, term = one; ; n++) {
    term = (term * exponent) / (n << places)
    if (term === 0n) return Number(sum) / 2 ** 160
    sum += term
  }
}
