/**
 * Instructions of WebAssembly as typed expressions: trees of bytes with a value type. Only what the kernels use, numbered as in
 * the core specification's appendix (https://webassembly.github.io/spec/core/appendix/index-instructions.html). emitter.ts makes
 * functions and modules of them.
 */

export type ValueType = 'i32' | 'f32' | 'f64' | 'v128'

export const typeCodes: Readonly<Record<ValueType, number>> = { i32: 0x7f, f32: 0x7d, f64: 0x7c, v128: 0x7b }

/** A computation that leaves one value of type T on the stack. */
export interface Expression<T extends ValueType> {
  readonly type: T
  readonly code: readonly number[]
}

/** A variable of a function; reading it is an expression. */
export interface Local<T extends ValueType> extends Expression<T> {
  readonly index: number
}

export type I32 = Expression<'i32'>
export type F32 = Expression<'f32'>
export type F64 = Expression<'f64'>
export type V128 = Expression<'v128'>

/** LEB128, as all numbers in a module are written. */
export function unsignedLeb(value: number): number[] {
  const bytes: number[] = []
  let rest = value
  do {
    const low = rest % 128
    rest = Math.floor(rest / 128)
    bytes.push(rest > 0 ? low | 0x80 : low)
  } while (rest > 0)
  return bytes
}

function signedLeb(value: number): number[] {
  const bytes: number[] = []
  let rest = value | 0
  for (;;) {
    const low = rest & 0x7f
    rest >>= 7
    const done = (rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0)
    bytes.push(done ? low : low | 0x80)
    if (done) return bytes
  }
}

function floatBytes(value: number, width: 4 | 8): number[] {
  const view = new DataView(new ArrayBuffer(width))
  if (width === 4) view.setFloat32(0, value, true)
  else view.setFloat64(0, value, true)
  return Array.from(new Uint8Array(view.buffer))
}

/** SIMD instructions have the prefix 0xfd and a LEB128 number. */
export function simd(opcode: number): number[] {
  return [0xfd, ...unsignedLeb(opcode)]
}

function unary<A extends ValueType, R extends ValueType>(type: R, opcode: readonly number[]) {
  return (a: Expression<A>): Expression<R> => ({ type, code: [...a.code, ...opcode] })
}

function binary<A extends ValueType, R extends ValueType>(type: R, opcode: readonly number[]) {
  return (a: Expression<A>, b: Expression<A>): Expression<R> => ({ type, code: [...a.code, ...b.code, ...opcode] })
}

/** What a stand-in's number is a multiple of: beyond all addresses, and far enough from the next for whatever is added to it. */
const standInUnit = 2 ** 40

/**
 * A number that stands for an address which a function is given as its parameter of this index, where code that computes with addresses
 * while it is emitted has none yet. Offsets may be added to it; constants, loads and stores make the parameter of it.
 */
export function standIn(parameter: number): number {
  return (parameter + 1) * standInUnit
}

/** `address` and a number of bytes from it that may be, or stand for, another address: what is left is an offset for loads and stores. */
export function placeAt(address: I32, offset: number): { readonly address: I32; readonly offset: number } {
  const whole = Math.round(offset / standInUnit) * standInUnit
  if (whole === 0) return { address, offset }
  const rest = offset - whole
  return rest < 0
    ? { address: i32.add(address, constant(offset)), offset: 0 }
    : { address: i32.add(address, constant(whole)), offset: rest }
}

/** `alignment` is the natural one, as a power of two; addresses are bytes. */
function load<R extends ValueType>(type: R, opcode: readonly number[], alignment: number) {
  return (base: I32, bytes = 0): Expression<R> => {
    const { address, offset } = placeAt(base, bytes)
    return { type, code: [...address.code, ...opcode, alignment, ...unsignedLeb(offset)] }
  }
}

function constant(value: number): I32 {
  const unit = Math.round(value / standInUnit)
  if (unit === 0) return { type: 'i32', code: [0x41, ...signedLeb(value)] }
  const parameter: I32 = { type: 'i32', code: [0x20, ...unsignedLeb(unit - 1)] }
  const rest = value - unit * standInUnit
  return rest === 0 ? parameter : i32.add(parameter, constant(rest))
}

export const i32 = {
  const: constant,
  add: binary<'i32', 'i32'>('i32', [0x6a]),
  sub: binary<'i32', 'i32'>('i32', [0x6b]),
  mul: binary<'i32', 'i32'>('i32', [0x6c]),
  divU: binary<'i32', 'i32'>('i32', [0x6e]),
  remU: binary<'i32', 'i32'>('i32', [0x70]),
  and: binary<'i32', 'i32'>('i32', [0x71]),
  or: binary<'i32', 'i32'>('i32', [0x72]),
  xor: binary<'i32', 'i32'>('i32', [0x73]),
  shl: binary<'i32', 'i32'>('i32', [0x74]),
  shrU: binary<'i32', 'i32'>('i32', [0x76]),
  eq: binary<'i32', 'i32'>('i32', [0x46]),
  ne: binary<'i32', 'i32'>('i32', [0x47]),
  ltU: binary<'i32', 'i32'>('i32', [0x49]),
  ltS: binary<'i32', 'i32'>('i32', [0x48]),
  gtS: binary<'i32', 'i32'>('i32', [0x4a]),
  leS: binary<'i32', 'i32'>('i32', [0x4c]),
  geS: binary<'i32', 'i32'>('i32', [0x4e]),
  load: load('i32', [0x28], 2),
  load8U: load('i32', [0x2d], 0),
  truncF64: unary<'f64', 'i32'>('i32', [0xfc, 0x02]),
}

export const f32 = {
  const: (value: number): F32 => ({ type: 'f32', code: [0x43, ...floatBytes(value, 4)] }),
  add: binary<'f32', 'f32'>('f32', [0x92]),
  sub: binary<'f32', 'f32'>('f32', [0x93]),
  mul: binary<'f32', 'f32'>('f32', [0x94]),
  div: binary<'f32', 'f32'>('f32', [0x95]),
  min: binary<'f32', 'f32'>('f32', [0x96]),
  max: binary<'f32', 'f32'>('f32', [0x97]),
  abs: unary<'f32', 'f32'>('f32', [0x8b]),
  neg: unary<'f32', 'f32'>('f32', [0x8c]),
  ceil: unary<'f32', 'f32'>('f32', [0x8d]),
  floor: unary<'f32', 'f32'>('f32', [0x8e]),
  /** Half to even. */
  nearest: unary<'f32', 'f32'>('f32', [0x90]),
  sqrt: unary<'f32', 'f32'>('f32', [0x91]),
  eq: binary<'f32', 'i32'>('i32', [0x5b]),
  ne: binary<'f32', 'i32'>('i32', [0x5c]),
  lt: binary<'f32', 'i32'>('i32', [0x5d]),
  gt: binary<'f32', 'i32'>('i32', [0x5e]),
  le: binary<'f32', 'i32'>('i32', [0x5f]),
  ge: binary<'f32', 'i32'>('i32', [0x60]),
  load: load('f32', [0x2a], 2),
  fromI32: unary<'i32', 'f32'>('f32', [0xb2]),
  fromF64: unary<'f64', 'f32'>('f32', [0xb6]),
}

export const f64 = {
  const: (value: number): F64 => ({ type: 'f64', code: [0x44, ...floatBytes(value, 8)] }),
  add: binary<'f64', 'f64'>('f64', [0xa0]),
  sub: binary<'f64', 'f64'>('f64', [0xa1]),
  mul: binary<'f64', 'f64'>('f64', [0xa2]),
  div: binary<'f64', 'f64'>('f64', [0xa3]),
  min: binary<'f64', 'f64'>('f64', [0xa4]),
  max: binary<'f64', 'f64'>('f64', [0xa5]),
  abs: unary<'f64', 'f64'>('f64', [0x99]),
  neg: unary<'f64', 'f64'>('f64', [0x9a]),
  nearest: unary<'f64', 'f64'>('f64', [0x9e]),
  /** a's magnitude with b's sign. */
  copysign: binary<'f64', 'f64'>('f64', [0xa6]),
  eq: binary<'f64', 'i32'>('i32', [0x61]),
  sqrt: unary<'f64', 'f64'>('f64', [0x9f]),
  ne: binary<'f64', 'i32'>('i32', [0x62]),
  lt: binary<'f64', 'i32'>('i32', [0x63]),
  gt: binary<'f64', 'i32'>('i32', [0x64]),
  le: binary<'f64', 'i32'>('i32', [0x65]),
  ge: binary<'f64', 'i32'>('i32', [0x66]),
  load: load('f64', [0x2b], 3),
  fromF32: unary<'f32', 'f64'>('f64', [0xbb]),
  fromI32: unary<'i32', 'f64'>('f64', [0xb7]),
  /** 2^n for n in [-1022, 1023], built from the exponent's bits. */
  powerOfTwo: (n: I32): F64 => ({
    type: 'f64',
    code: [...i32.add(n, i32.const(1023)).code, 0xad, 0x42, 52, 0x86, 0xbf],
  }),
  /** The high 32 bits: sign, exponent and the mantissa's first 20 bits. */
  highBits: (x: F64): I32 => ({ type: 'i32', code: [...x.code, 0xbd, 0x42, 32, 0x88, 0xa7] }),
}

export const f32x4 = {
  const: (value: number): V128 => {
    const bytes = floatBytes(value, 4)
    return { type: 'v128', code: [...simd(12), ...bytes, ...bytes, ...bytes, ...bytes] }
  },
  load: load('v128', simd(0), 4),
  /** One f32 from memory in all four lanes. */
  loadSplat: load('v128', simd(9), 2),
  splat: unary<'f32', 'v128'>('v128', simd(19)),
  extractLane: (x: V128, lane: number): F32 => ({ type: 'f32', code: [...x.code, ...simd(31), lane] }),
  replaceLane: (x: V128, lane: number, value: F32): V128 => ({
    type: 'v128',
    code: [...x.code, ...value.code, ...simd(32), lane],
  }),
  lt: binary<'v128', 'v128'>('v128', simd(67)),
  ne: binary<'v128', 'v128'>('v128', simd(66)),
  gt: binary<'v128', 'v128'>('v128', simd(68)),
  and: binary<'v128', 'v128'>('v128', simd(78)),
  or: binary<'v128', 'v128'>('v128', simd(80)),
  /** a's magnitude with b's sign. */
  copysign: (a: V128, b: V128): V128 => f32x4.or(f32x4.abs(a), f32x4.and(b, i32x4.const(-(2 ** 31)))),
  /** Whether any bit is set. */
  anyTrue: unary<'v128', 'i32'>('i32', simd(83)),
  abs: unary<'v128', 'v128'>('v128', simd(224)),
  neg: unary<'v128', 'v128'>('v128', simd(225)),
  sqrt: unary<'v128', 'v128'>('v128', simd(227)),
  /** a where the mask's bits are set, else b. */
  select: (a: V128, b: V128, mask: V128): V128 => ({
    type: 'v128',
    code: [...a.code, ...b.code, ...mask.code, ...simd(82)],
  }),
  add: binary<'v128', 'v128'>('v128', simd(228)),
  sub: binary<'v128', 'v128'>('v128', simd(229)),
  mul: binary<'v128', 'v128'>('v128', simd(230)),
  div: binary<'v128', 'v128'>('v128', simd(231)),
  /** b where it is less, else a: a stays where either is no number. One instruction, where IEEE's min takes eight on x86. */
  pmin: binary<'v128', 'v128'>('v128', simd(234)),
  /** b where it is more, else a; likewise. */
  pmax: binary<'v128', 'v128'>('v128', simd(235)),
  /** x where it is above 0, or not a number; else 0. */
  relu: (x: V128): V128 => f32x4.pmax(x, f32x4.const(0)),
  /** One lane in all four. */
  splatLane: (x: V128, lane: number): V128 => ({
    type: 'v128',
    code: [...x.code, ...x.code, ...simd(13), ...Array.from({ length: 16 }, (_, byte) => lane * 4 + (byte % 4))],
  }),
  /** a · b + c, rounded once or twice as the machine likes: relaxed SIMD. */
  relaxedMadd: (a: V128, b: V128, c: V128): V128 => ({
    type: 'v128',
    code: [...a.code, ...b.code, ...c.code, ...simd(0x105)],
  }),
}

/** Four integers. */
export const i32x4 = {
  const: (value: number): V128 => {
    const bytes = Array.from(new Uint8Array(Int32Array.of(value).buffer))
    return { type: 'v128', code: [...simd(12), ...bytes, ...bytes, ...bytes, ...bytes] }
  },
  add: binary<'v128', 'v128'>('v128', simd(174)),
  sub: binary<'v128', 'v128'>('v128', simd(177)),
  shl: (x: V128, bits: number): V128 => ({ type: 'v128', code: [...x.code, ...i32.const(bits).code, ...simd(171)] }),
  shrS: (x: V128, bits: number): V128 => ({ type: 'v128', code: [...x.code, ...i32.const(bits).code, ...simd(172)] }),
}

const loadTwo = load('v128', simd(93), 3)
const promoteLow = unary<'v128', 'v128'>('v128', simd(95))

export const f64x2 = {
  const: (first: number, second: number): V128 => ({
    type: 'v128',
    code: [...simd(12), ...floatBytes(first, 8), ...floatBytes(second, 8)],
  }),
  load: load('v128', simd(0), 4),
  /** One f64 from memory in both lanes. */
  loadSplat: load('v128', simd(10), 3),
  splat: unary<'f64', 'v128'>('v128', simd(20)),
  extractLane: (x: V128, lane: number): F64 => ({ type: 'f64', code: [...x.code, ...simd(33), lane] }),
  eq: binary<'v128', 'v128'>('v128', simd(71)),
  lt: binary<'v128', 'v128'>('v128', simd(73)),
  ge: binary<'v128', 'v128'>('v128', simd(76)),
  and: binary<'v128', 'v128'>('v128', simd(78)),
  or: binary<'v128', 'v128'>('v128', simd(80)),
  /** a where the mask's bits are set, else b. */
  select: (a: V128, b: V128, mask: V128): V128 => ({
    type: 'v128',
    code: [...a.code, ...b.code, ...mask.code, ...simd(82)],
  }),
  add: binary<'v128', 'v128'>('v128', simd(240)),
  sub: binary<'v128', 'v128'>('v128', simd(241)),
  mul: binary<'v128', 'v128'>('v128', simd(242)),
  /** b where a is less, else a. */
  max: binary<'v128', 'v128'>('v128', simd(247)),
  /** Two f32 from memory, widened. */
  loadPromoted: (address: I32, offset = 0): V128 => promoteLow(loadTwo(address, offset)),
}

/** `condition` ? a : b, both computed. */
export function select<T extends ValueType>(condition: I32, a: Expression<T>, b: Expression<T>): Expression<T> {
  return { type: a.type, code: [...a.code, ...b.code, ...condition.code, 0x1b] }
}

export interface FunctionReference<T extends ValueType> {
  readonly index: number
  readonly result: T
}

/** A call of a function of the same module that returns a value. */
export function call<T extends ValueType>(
  callee: FunctionReference<T>,
  ...values: readonly Expression<ValueType>[]
): Expression<T> {
  return {
    type: callee.result,
    code: [...values.flatMap(({ code }) => code), 0x10, ...unsignedLeb(callee.index)],
  }
}
