import type { FunctionBody, ModuleBuilder } from '../../wasm/emitter.ts'
import { call, type F64, f64, i32, type Local, select } from '../../wasm/instructions.ts'

/**
 * exp, log and others, which WebAssembly lacks, in float64: good to about 1e-11, erf and gelu to 3e-9, far below the rounding of
 * f32.
 */

/** Horner's scheme, highest coefficient first. */
function polynomial(x: F64, coefficients: readonly number[]): F64 {
  return coefficients
    .slice(1)
    .reduce<F64>((sum, c) => f64.add(f64.mul(sum, x), f64.const(c)), f64.const(coefficients[0]))
}

const factorials = [1, 1, 2, 6, 24, 120, 720, 5040, 40320, 362880]

/** e^x = 2^n · e^r with |r| <= ln(2) / 2; Taylor to r^9. Beyond f32's range it ends at 0 and infinity. */
export function exp(module: ModuleBuilder, x: F64): F64 {
  const reference = module.internal('exp', ['f64'] as const, 'f64', (body, value) => {
    const bounded = body.local('f64', f64.max(f64.min(value, f64.const(200)), f64.const(-200)))
    const n = body.local('f64', f64.nearest(f64.mul(bounded, f64.const(Math.LOG2E))))
    const r = body.local('f64', f64.sub(bounded, f64.mul(n, f64.const(Math.LN2))))
    const taylor = polynomial(r, factorials.map((factorial) => 1 / factorial).reverse())
    body.return(f64.mul(taylor, f64.powerOfTwo(i32.truncF64(n))))
  })
  return call(reference, x)
}

/**
 * ln(2^n · m) = n ln 2 + 2 artanh((m - 1) / (m + 1)) for m in [√½, √2); series to the 17th power. Negative numbers give NaN,
 * 0 gives -infinity.
 */
export function log(module: ModuleBuilder, x: F64): F64 {
  const reference = module.internal('log', ['f64'] as const, 'f64', (body, value) => {
    // Shifted by the bits of √½, the exponent field counts from there.
    const high = i32.sub(f64.highBits(value), i32.const(0x3fe6a09e))
    const n = body.local('i32', i32.sub(i32.shrU(i32.add(high, i32.const(0x3ff00000)), i32.const(20)), i32.const(1023)))
    const m = body.local('f64', f64.mul(value, f64.powerOfTwo(i32.sub(i32.const(0), n))))
    const s = body.local('f64', f64.div(f64.sub(m, f64.const(1)), f64.add(m, f64.const(1))))
    const square = body.local('f64', f64.mul(s, s))
    const series = polynomial(
      square,
      [17, 15, 13, 11, 9, 7, 5, 3, 1].map((odd) => 2 / odd),
    )
    const result = f64.add(f64.mul(f64.fromI32(n), f64.const(Math.LN2)), f64.mul(s, series))
    const positive = f64.gt(value, f64.const(0))
    // -1 / 0 for zero; 0 / 0 is NaN, for negative numbers and for what is none.
    const outside = f64.div(select(f64.eq(value, f64.const(0)), f64.const(-1), f64.const(0)), f64.const(0))
    const finite = f64.gt(f64.const(Number.POSITIVE_INFINITY), value)
    body.return(select(positive, select(finite, result, value), outside))
  })
  return call(reference, x)
}

/**
 * tanh x = 1 - 2 / (e^2x + 1). Close to 0 the difference runs out of digits: there tanh x = x - x³/3, which for |x| < 1e-3 is
 * as good.
 */
export function tanh(module: ModuleBuilder, x: F64): F64 {
  const reference = module.internal('tanh', ['f64'] as const, 'f64', (body, value) => {
    const cubed = f64.mul(value, f64.mul(value, value))
    const small = f64.sub(value, f64.div(cubed, f64.const(3)))
    const isSmall = f64.gt(f64.const(1e-6), f64.mul(value, value))
    body.return(select(isSmall, small, tanhOfLarge(module, value)))
  })
  return call(reference, x)
}

function tanhOfLarge(module: ModuleBuilder, x: F64): F64 {
  return f64.sub(f64.const(1), f64.div(f64.const(2), f64.add(exp(module, f64.mul(x, f64.const(2))), f64.const(1))))
}

/** A function of one number, made once in a module. */
function ofOne(name: string, emit: (body: FunctionBody, x: Local<'f64'>, module: ModuleBuilder) => F64) {
  return (module: ModuleBuilder, x: F64): F64 =>
    call(
      module.internal(name, ['f64'] as const, 'f64', (body, value) => body.return(emit(body, value, module))),
      x,
    )
}

const one = f64.const(1)
const two = f64.const(2)
const half = f64.const(0.5)

/** Where e^x has no digits left in f32. For a product x · f(x) whose f vanishes at -infinity: it is 0 from here on. */
const farBelow = f64.const(-150)

/** e^x - 1; close to 0 by its series. */
export const expm1 = ofOne('expm1', (_body, x, module) => {
  const series = f64.mul(x, polynomial(x, [1 / 6, 1 / 2, 1]))
  return select(f64.lt(f64.abs(x), f64.const(1e-4)), series, f64.sub(exp(module, x), one))
})

export const sigmoid = ofOne('sigmoid', (_body, x, module) => f64.div(one, f64.add(one, exp(module, f64.neg(x)))))

export const silu = ofOne('silu', (_body, x, module) => f64.mul(f64.max(x, farBelow), sigmoid(module, x)))

/** max(x, 0) + log(1 + e^-|x|); where 1 + e^-|x| has lost digits of e^-|x|, the logarithm's series. */
export const softplus = ofOne('softplus', (body, x, module) => {
  const small = body.local('f64', exp(module, f64.neg(f64.abs(x))))
  const series = f64.mul(small, polynomial(small, [1 / 3, -1 / 2, 1]))
  const rest = select(f64.lt(small, f64.const(1e-4)), series, log(module, f64.add(one, small)))
  return f64.add(f64.max(x, f64.const(0)), rest)
})

/** tanh(log(1 + n)) = n (n + 2) / (n (n + 2) + 2) with n = e^x; divided by n² for x > 0. */
export const mish = ofOne('mish', (body, x, module) => {
  const n = body.local('f64', exp(module, f64.neg(f64.abs(x))))
  const isAbove = body.local('i32', f64.gt(x, f64.const(0)))
  const above = body.local('f64', select(isAbove, f64.add(one, f64.mul(two, n)), f64.mul(n, f64.add(n, two))))
  const rest = f64.mul(two, select(isAbove, f64.mul(n, n), one))
  return f64.div(f64.mul(f64.max(x, farBelow), above), f64.add(above, rest))
})

/** x sigmoid(2 sqrt(2 / pi) (x + 0.044715 x³)). */
export const geluTanh = ofOne('geluTanh', (_body, x, module) => {
  const inner = f64.mul(x, f64.add(one, f64.mul(f64.const(0.044715), f64.mul(x, x))))
  return f64.mul(f64.max(x, farBelow), sigmoid(module, f64.mul(inner, f64.const(2 * Math.sqrt(2 / Math.PI)))))
})

/** The Taylor series of erf(x) / x in x², for |x| <= 1: the first term left out is 1 / (11! 23). */
export const erfSeries = Array.from({ length: 11 }, (_, n) => {
  const factorial = Array.from({ length: n }, (_, i) => i + 1).reduce((product, i) => product * i, 1)
  return ((n % 2 === 0 ? 1 : -1) * 2) / (Math.sqrt(Math.PI) * factorial * (2 * n + 1))
}).reverse()

/** erfcx(x) / t as a polynomial of t = 2 / (2 + x): fitted for x >= 1 at 200 of Chebyshev's points, good to 2.5e-9. */
export const erfcxFit = [
  -0.07849261884, 0.2535697395, -0.2508771249, 0.02756932501, -0.0261421091, 0.08713037056, 0.1760074725, 0.2468465908,
  0.2820945529, 0.2820947925,
]

/** e^x² (1 - erf x) for x >= 1; 0 at infinity. */
const erfcx = ofOne('erfcx', (body, x) => {
  const t = body.local('f64', f64.div(two, f64.add(two, x)))
  return f64.mul(t, polynomial(t, erfcxFit))
})

/** erf for |x| <= 1. */
const erfOfSmall = ofOne('erfOfSmall', (body, x) => {
  const square = body.local('f64', f64.mul(x, x))
  return f64.mul(x, polynomial(square, erfSeries))
})

export const erf = ofOne('erf', (body, x, module) => {
  const size = body.local('f64', f64.abs(x))
  const missing = f64.mul(exp(module, f64.neg(f64.mul(size, size))), erfcx(module, size))
  return select(f64.lt(size, one), erfOfSmall(module, x), f64.copysign(f64.sub(one, missing), x))
})

/** x P(X < x) of the standard normal distribution; far from 0 by its tail. */
export const gelu = ofOne('gelu', (body, x, module) => {
  const z = body.local('f64', f64.mul(x, f64.const(Math.SQRT1_2)))
  const size = body.local('f64', f64.abs(z))
  const tail = body.local('f64', f64.mul(half, f64.mul(exp(module, f64.neg(f64.mul(z, z))), erfcx(module, size))))
  const far = select(f64.gt(x, f64.const(0)), f64.sub(one, tail), tail)
  const near = f64.add(half, f64.mul(half, erfOfSmall(module, z)))
  return f64.mul(f64.max(x, farBelow), select(f64.lt(size, one), near, far))
})

/** pi / 2 in two parts: of the first, of 24 bits, multiples up to 2^29 are exact. */
const quarterTurn = Math.fround(Math.PI / 2)
const quarterTurnRest = -4.371139000186241e-8

/** The sine of x and some quarter turns: x less whole quarter turns, within pi / 4, and Taylor's series of sine or cosine there. */
function sineAhead(name: string, quarters: number) {
  return ofOne(name, (body, x) => {
    const turns = body.local('f64', f64.nearest(f64.mul(x, f64.const(2 / Math.PI))))
    const reduced = f64.sub(
      f64.sub(x, f64.mul(turns, f64.const(quarterTurn))),
      f64.mul(turns, f64.const(quarterTurnRest)),
    )
    // Of very large x nothing is left but rounding: it must stay an angle.
    const angle = body.local('f64', f64.max(f64.min(reduced, f64.const(0.8)), f64.const(-0.8)))
    const square = body.local('f64', f64.mul(angle, angle))
    const taylor = (first: number) =>
      polynomial(
        square,
        Array.from({ length: 8 }, (_, n) => {
          const factorial = Array.from({ length: 2 * n + first }, (_, i) => i + 1).reduce((all, i) => all * i, 1)
          return (n % 2 === 0 ? 1 : -1) / factorial
        }).reverse(),
      )
    const quarter = body.local('i32', i32.add(i32.truncF64(turns), i32.const(quarters)))
    const isOdd = i32.and(quarter, i32.const(1))
    const value = body.local('f64', select(isOdd, taylor(0), f64.mul(angle, taylor(1))))
    return select(i32.and(quarter, i32.const(2)), f64.neg(value), value)
  })
}

export const sine = sineAhead('sine', 0)
export const cosine = sineAhead('cosine', 1)

/** a^b = ±e^(b log |a|), and what IEEE 754 says of 0, 1, infinity and numbers below 0. */
export function power(module: ModuleBuilder, a: F64, b: F64): F64 {
  const reference = module.internal('power', ['f64', 'f64'] as const, 'f64', (body, base, exponent) => {
    const infinity = f64.const(Number.POSITIVE_INFINITY)
    const size = body.local('f64', f64.abs(base))
    const magnitude = select(f64.eq(size, one), one, exp(module, f64.mul(exponent, log(module, size))))
    const isWhole = body.local('i32', f64.eq(f64.nearest(exponent), exponent))
    const halved = body.local('f64', f64.mul(exponent, half))
    const isOdd = i32.and(isWhole, f64.ne(f64.nearest(halved), halved))
    const isNegative = f64.lt(f64.copysign(one, base), f64.const(0))
    const result = body.local('f64', magnitude)
    body.if(i32.and(isOdd, isNegative), () => body.set(result, f64.neg(result)))
    const hasRoot = i32.or(isWhole, i32.or(f64.ge(base, f64.const(0)), f64.eq(size, infinity)))
    body.if(i32.eq(hasRoot, i32.const(0)), () => body.set(result, f64.const(Number.NaN)))
    const isOne = i32.or(f64.eq(base, one), f64.eq(exponent, f64.const(0)))
    body.return(select(isOne, one, result))
  })
  return call(reference, a, b)
}
