import { call, type F64, f64, i32, type ModuleBuilder, select } from '../../wasm/emitter.ts'

/**
 * exp, log and tanh, which WebAssembly lacks, in float64: good to about 1e-11, far below the rounding of f32.
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
    // 0 / 0 is NaN for negative numbers, -1 / 0 for zero.
    const outside = f64.div(select(f64.gt(f64.const(0), value), f64.const(0), f64.const(-1)), f64.const(0))
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
