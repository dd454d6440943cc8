import type { UnaryName } from '../../ops/elementwise.ts'
import type { FunctionBody, ModuleBuilder } from '../../wasm/emitter.ts'
import { call, f32x4, i32x4, type Local, type V128 } from '../../wasm/instructions.ts'
import { erfcxFit, erfSeries } from './mathematics.ts'

/**
 * What activations are made of, for four numbers at a time, in float32: good to a few of its last bits, and to 1e-5 in the tails of erf
 * and gelu, where the rounding of x² counts. One number at a time mathematics.ts is as good as float32 can be, and five times slower.
 */

const one = f32x4.const(1)

/** Horner's scheme, highest coefficient first. */
function polynomial(x: V128, coefficients: readonly number[]): V128 {
  return coefficients
    .slice(1)
    .reduce<V128>((sum, c) => f32x4.add(f32x4.mul(sum, x), f32x4.const(c)), f32x4.const(coefficients[0]))
}

/** A function of four numbers, made once in a module. */
function ofFour(name: string, emit: (body: FunctionBody, x: Local<'v128'>, module: ModuleBuilder) => V128) {
  return (module: ModuleBuilder, x: V128): V128 =>
    call(
      module.internal(`${name} of four`, ['v128'] as const, 'v128', (body, value) =>
        body.return(emit(body, value, module)),
      ),
      x,
    )
}

/** From here on e^x is 0, and infinity, in float32. */
const [least, most] = [-104, 89]
/** ln 2 in two parts: of the first, of 9 bits, multiples are exact. */
const ln2 = 0.693359375
const ln2Rest = Math.LN2 - ln2
/** Added to a number below 2^22, it leaves the nearest whole number in the last bits. */
const wholeBits = 1.5 * 2 ** 23
/** Of e^r up to r^7: |r| <= ln(2) / 2, what is left out is 5e-9. */
const taylor = [1 / 5040, 1 / 720, 1 / 120, 1 / 24, 1 / 6, 1 / 2, 1, 1]

/** e^x = 2^n · e^r. 2^n in two factors: one alone would leave float32's range before the result does. */
const expOfFour = ofFour('exp', (body, x) => {
  const bounded = body.local('v128', f32x4.pmin(f32x4.pmax(x, f32x4.const(least)), f32x4.const(most)))
  const rounded = body.local('v128', f32x4.add(f32x4.mul(bounded, f32x4.const(Math.LOG2E)), f32x4.const(wholeBits)))
  const whole = body.local('v128', i32x4.sub(rounded, f32x4.const(wholeBits)))
  const n = body.local('v128', f32x4.sub(rounded, f32x4.const(wholeBits)))
  const r = body.local('v128', f32x4.sub(bounded, f32x4.mul(n, f32x4.const(ln2))))
  body.set(r, f32x4.sub(r, f32x4.mul(n, f32x4.const(ln2Rest))))
  const half = body.local('v128', i32x4.shrS(whole, 1))
  const powerOfTwo = (exponent: V128) => i32x4.shl(i32x4.add(exponent, i32x4.const(127)), 23)
  const scaled = f32x4.mul(polynomial(r, taylor), powerOfTwo(half))
  return f32x4.mul(scaled, powerOfTwo(i32x4.sub(whole, half)))
})

/** For a product x · f(x) whose f vanishes at -infinity: it is 0 from here on. */
const notFarBelow = (x: V128) => f32x4.pmax(x, f32x4.const(-150))

/** 1 / (1 + e^-x), below 0 e^x / (1 + e^x): e^-x would be infinite before the result is 0. */
const sigmoid = ofFour('sigmoid', (body, x, module) => {
  const small = body.local('v128', expOfFour(module, f32x4.neg(f32x4.abs(x))))
  const above = f32x4.select(small, one, f32x4.lt(x, f32x4.const(0)))
  return f32x4.div(above, f32x4.add(one, small))
})

const silu = ofFour('silu', (_body, x, module) => f32x4.mul(notFarBelow(x), sigmoid(module, x)))

/** x sigmoid(2 sqrt(2 / pi) (x + 0.044715 x³)). */
const geluTanh = ofFour('geluTanh', (_body, x, module) => {
  const inner = f32x4.mul(x, f32x4.add(one, f32x4.mul(f32x4.const(0.044715), f32x4.mul(x, x))))
  const scaled = f32x4.mul(inner, f32x4.const(2 * Math.sqrt(2 / Math.PI)))
  return f32x4.mul(notFarBelow(x), sigmoid(module, scaled))
})

/** e^-x² erfcx(x) for x >= 1. */
const erfcOfLarge = ofFour('erfcOfLarge', (body, x, module) => {
  const t = body.local('v128', f32x4.div(f32x4.const(2), f32x4.add(f32x4.const(2), x)))
  const scaled = f32x4.mul(t, polynomial(t, erfcxFit))
  return f32x4.mul(expOfFour(module, f32x4.neg(f32x4.mul(x, x))), scaled)
})

const erfOfSmall = ofFour('erfOfSmall', (body, x) => {
  const square = body.local('v128', f32x4.mul(x, x))
  return f32x4.mul(x, polynomial(square, erfSeries))
})

const erf = ofFour('erf', (body, x, module) => {
  const size = body.local('v128', f32x4.abs(x))
  const far = f32x4.copysign(f32x4.sub(one, erfcOfLarge(module, size)), x)
  return f32x4.select(erfOfSmall(module, x), far, f32x4.lt(size, one))
})

/** x P(X < x) of the standard normal distribution; far from 0 by its tail. */
const gelu = ofFour('gelu', (body, x, module) => {
  const z = body.local('v128', f32x4.mul(x, f32x4.const(Math.SQRT1_2)))
  const size = body.local('v128', f32x4.abs(z))
  const tail = body.local('v128', f32x4.mul(f32x4.const(0.5), erfcOfLarge(module, size)))
  const far = f32x4.select(f32x4.sub(one, tail), tail, f32x4.gt(x, f32x4.const(0)))
  const near = f32x4.add(f32x4.const(0.5), f32x4.mul(f32x4.const(0.5), erfOfSmall(module, z)))
  return f32x4.mul(notFarBelow(x), f32x4.select(near, far, f32x4.lt(size, one)))
})

const functions: Partial<Record<UnaryName, (module: ModuleBuilder, x: V128) => V128>> = {
  exp: expOfFour,
  sigmoid,
  silu,
  geluTanh,
  erf,
  gelu,
}

/** A row of the elementwise table for four numbers; null where it has none here. */
export function fourAtOnce(name: UnaryName, x: V128, module: ModuleBuilder): V128 | null {
  return functions[name]?.(module, x) ?? null
}
