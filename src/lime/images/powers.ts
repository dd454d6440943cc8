/**
 * The powers that colours take. Engines round Math.cbrt and fractional powers each in their own way, and a last digit may decide
 * to which segment a pixel belongs: these give the same numbers in all.
 */

const bits = new DataView(new ArrayBuffer(8))

/** A cube root within 5 %: a third of the high bits, the exponent among them. */
function roughCubeRoot(x: number): number {
  bits.setFloat64(0, x)
  // The exponent's offset is 1023: two thirds of it, less what is lost on average where the fraction is cut in three.
  bits.setInt32(0, ((bits.getInt32(0) / 3) | 0) + 715094163)
  bits.setInt32(4, 0)
  return bits.getFloat64(0)
}

/** Rounded up to 23 bits, so that its square has no rounding. */
function shortened(x: number): number {
  bits.setFloat64(0, x)
  const low = bits.getInt32(4)
  bits.setInt32(0, bits.getInt32(0) + (low >>> 31))
  bits.setInt32(4, (low ^ 0x80000000) & 0xc0000000)
  return bits.getFloat64(0)
}

/**
 * The cube root of x > 0 (no subnormal), within 0.67 units of the last digit: a rough one, a polynomial in its error (Remez; 23
 * bits), a step of Newton's. After FreeBSD's msun, s_cbrt.c (Sun Microsystems, 1993; Bruce Evans), as V8 and Firefox compute it.
 */
export function cubeRoot(x: number): number {
  if (x === Number.POSITIVE_INFINITY) return x
  const rough = roughCubeRoot(x)
  const r = rough * rough * (rough / x)
  const near = shortened(
    rough *
      (1.87595182427177 +
        r * (-1.8849797954337717 + r * 1.6214297201053545) +
        r * r * r * (-0.758397934778766 + r * 0.14599619288661245)),
  )
  const quotient = x / (near * near)
  return near + near * ((quotient - near) / (near + near + quotient))
}

/** A number in two parts: the second is what the 53 bits of the first can't hold. */
type Double = readonly [high: number, low: number]

/** A number's first 26 bits and the rest: products of halves have no rounding (Veltkamp, Dekker 1971). */
function halves(x: number): Double {
  const scaled = x * (2 ** 27 + 1)
  const high = scaled - (scaled - x)
  return [high, x - high]
}

function times([a, aLow]: Double, [b, bLow]: Double): Double {
  const product = a * b
  const [a1, a2] = halves(a)
  const [b1, b2] = halves(b)
  const low = a1 * b1 - product + a1 * b2 + a2 * b1 + a2 * b2 + a * bLow + aLow * b
  const high = product + low
  return [high, low - (high - product)]
}

const exponent = 2.4
/** What the exponent lacks of 12/5: NumPy's power, too, is of the number that is nearest to 2.4. */
const lacking = 0.4 * 2 ** -52

/** x ** 2.4 for 0 < x, rounded to the nearest number: the engine's power, corrected by what its fifth power lacks of x^12. */
export function sRgbPower(x: number): number {
  const near = x ** exponent
  // Far brighter than pictures are; the products would overflow.
  if (!(x < 1e20)) return near
  const x2 = times([x, 0], [x, 0])
  const x4 = times(x2, x2)
  const [x12, x12Low] = times(times(x4, x4), x4)
  const near2 = times([near, 0], [near, 0])
  const [near5, near5Low] = times(times(near2, near2), [near, 0])
  const error = (x12 - near5 + (x12Low - near5Low)) / (5 * near5) - lacking * Math.log(x)
  return near + near * error
}
