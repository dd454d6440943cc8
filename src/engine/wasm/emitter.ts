/**
 * A small typed emitter of WebAssembly: expressions are trees of bytes with a value type, statements are appended to a
 * function, functions to a module. Only what the kernels use, numbered as in the core specification's appendix
 * (https://webassembly.github.io/spec/core/appendix/index-instructions.html).
 */

export type ValueType = 'i32' | 'f32' | 'f64' | 'v128'

const typeCodes: Readonly<Record<ValueType, number>> = { i32: 0x7f, f32: 0x7d, f64: 0x7c, v128: 0x7b }

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

function unsignedLeb(value: number): number[] {
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
function simd(opcode: number): number[] {
  return [0xfd, ...unsignedLeb(opcode)]
}

function unary<A extends ValueType, R extends ValueType>(type: R, opcode: readonly number[]) {
  return (a: Expression<A>): Expression<R> => ({ type, code: [...a.code, ...opcode] })
}

function binary<A extends ValueType, R extends ValueType>(type: R, opcode: readonly number[]) {
  return (a: Expression<A>, b: Expression<A>): Expression<R> => ({ type, code: [...a.code, ...b.code, ...opcode] })
}

/** `alignment` is the natural one, as a power of two; addresses are bytes. */
function load<R extends ValueType>(type: R, opcode: readonly number[], alignment: number) {
  return (address: I32, offset = 0): Expression<R> => ({
    type,
    code: [...address.code, ...opcode, alignment, ...unsignedLeb(offset)],
  })
}

export const i32 = {
  const: (value: number): I32 => ({ type: 'i32', code: [0x41, ...signedLeb(value)] }),
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
  /** Whether any bit is set. */
  anyTrue: unary<'v128', 'i32'>('i32', simd(83)),
  abs: unary<'v128', 'v128'>('v128', simd(224)),
  neg: unary<'v128', 'v128'>('v128', simd(225)),
  sqrt: unary<'v128', 'v128'>('v128', simd(227)),
  min: binary<'v128', 'v128'>('v128', simd(232)),
  max: binary<'v128', 'v128'>('v128', simd(233)),
  /** a where the mask's bits are set, else b. */
  select: (a: V128, b: V128, mask: V128): V128 => ({
    type: 'v128',
    code: [...a.code, ...b.code, ...mask.code, ...simd(82)],
  }),
  add: binary<'v128', 'v128'>('v128', simd(228)),
  sub: binary<'v128', 'v128'>('v128', simd(229)),
  mul: binary<'v128', 'v128'>('v128', simd(230)),
  div: binary<'v128', 'v128'>('v128', simd(231)),
  /** x where it is above 0, or not a number; else 0. One instruction (pmax), where IEEE's max takes eight on x86. */
  relu: (x: V128): V128 => ({ type: 'v128', code: [...x.code, ...f32x4.const(0).code, ...simd(235)] }),
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
  loadPromoted: (address: I32, offset = 0): V128 => ({
    type: 'v128',
    code: [...address.code, ...simd(93), 3, ...unsignedLeb(offset), ...simd(95)],
  }),
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

type Locals<T extends readonly ValueType[]> = { [K in keyof T]: Local<T[K]> }

/** The body of one function: statements in order. */
export class FunctionBody {
  private readonly code: number[] = []
  private readonly localTypes: ValueType[] = []

  constructor(
    private readonly parameterCount: number,
    private readonly relaxed: boolean,
  ) {}

  /** A new variable, 0 at first, or with this value. */
  local<T extends ValueType>(type: T, value?: Expression<T>): Local<T> {
    const index = this.parameterCount + this.localTypes.length
    this.localTypes.push(type)
    const variable = { type, index, code: [0x20, ...unsignedLeb(index)] }
    if (value) this.set(variable, value)
    return variable
  }

  set<T extends ValueType>(variable: Local<T>, value: Expression<T>): void {
    this.code.push(...value.code, 0x21, ...unsignedLeb(variable.index))
  }

  /**
   * sum + a · b. Every kernel's multiply-adds come through here: two roundings everywhere and always, or whatever is fastest
   * on the machine if the module may be relaxed.
   */
  multiplyAdd(sum: V128, a: V128, b: V128): V128 {
    return this.relaxed ? f32x4.relaxedMadd(a, b, sum) : f32x4.add(sum, f32x4.mul(a, b))
  }

  /** variable += bytes or count. */
  advance(variable: Local<'i32'>, by: number | I32): void {
    this.set(variable, i32.add(variable, typeof by === 'number' ? i32.const(by) : by))
  }

  store(address: I32, value: I32 | F32 | F64 | V128, offset = 0): void {
    const stores = { i32: [0x36, 2], f32: [0x38, 2], f64: [0x39, 3], v128: [...simd(11), 4] }
    this.code.push(...address.code, ...value.code, ...stores[value.type], ...unsignedLeb(offset))
  }

  /** Zero or any byte over a stretch of memory. */
  fill(address: I32, byte: number, bytes: number | I32): void {
    const length = typeof bytes === 'number' ? i32.const(bytes) : bytes
    this.code.push(...address.code, ...i32.const(byte).code, ...length.code, 0xfc, 11, 0)
  }

  /** memmove. */
  copy(to: I32, from: I32, bytes: number | I32): void {
    const length = typeof bytes === 'number' ? i32.const(bytes) : bytes
    this.code.push(...to.code, ...from.code, ...length.code, 0xfc, 10, 0, 0)
  }

  /** body, `count` times; count may be 0. `variable` runs from `start` by `step` while it is below `end`. */
  for(start: number | I32, end: number | I32, step: number, body: (variable: Local<'i32'>) => void): void {
    if (typeof start === 'number' && typeof end === 'number' && start >= end) return
    const limit = typeof end === 'number' ? i32.const(end) : end
    const variable = this.local('i32', typeof start === 'number' ? i32.const(start) : start)
    const loop = () => {
      this.code.push(0x03, 0x40)
      body(variable)
      this.advance(variable, step)
      this.code.push(...i32.ltS(variable, limit).code, 0x0d, 0, 0x0b)
    }
    // Tested at the end: one branch a round. Where the bounds are known the first test is not needed.
    if (typeof start === 'number' && typeof end === 'number') loop()
    else this.if(i32.ltS(variable, limit), loop)
  }

  if(condition: I32, then: () => void, otherwise?: () => void): void {
    this.code.push(...condition.code, 0x04, 0x40)
    then()
    if (otherwise) {
      this.code.push(0x05)
      otherwise()
    }
    this.code.push(0x0b)
  }

  /** Ends the function with a value. */
  return(value: Expression<ValueType>): void {
    this.code.push(...value.code)
  }

  encode(): number[] {
    const locals = this.localTypes.flatMap((type) => [1, typeCodes[type]])
    const body = [...unsignedLeb(this.localTypes.length), ...locals]
    return [...unsignedLeb(body.length + this.code.length + 1), ...body, ...this.code, 0x0b]
  }
}

interface DefinedFunction {
  readonly name: string
  readonly type: number
  readonly body: FunctionBody
  readonly exported: boolean
}

/** A module that imports one memory ("env"."memory") and exports functions. */
export class ModuleBuilder {
  private readonly types: string[] = []
  private readonly functions: DefinedFunction[] = []
  private readonly shared = new Map<string, FunctionReference<ValueType>>()
  private readonly relaxed: boolean
  private readonly sharedMemory: boolean

  /**
   * `relaxed`: multiply-adds may be rounded once, see FunctionBody.multiplyAdd; needs an engine with relaxed SIMD.
   * `sharedMemory`: the memory it will be given is one that threads share.
   */
  constructor({
    relaxed = false,
    sharedMemory = false,
  }: { readonly relaxed?: boolean; readonly sharedMemory?: boolean } = {}) {
    this.relaxed = relaxed
    this.sharedMemory = sharedMemory
  }

  /** An exported function without a result. */
  function<P extends readonly ValueType[]>(
    name: string,
    parameters: readonly [...P],
    emit: (body: FunctionBody, ...values: Locals<P>) => void,
  ): void {
    this.define(name, parameters, null, true, emit)
  }

  /** A function with a result for use inside the module, made once however often it is asked for. */
  internal<P extends readonly ValueType[], T extends ValueType>(
    name: string,
    parameters: readonly [...P],
    result: T,
    emit: (body: FunctionBody, ...values: Locals<P>) => void,
  ): FunctionReference<T> {
    const known = this.shared.get(name)
    if (known) return { index: known.index, result }
    const reference = { index: this.define(name, parameters, result, false, emit), result }
    this.shared.set(name, reference)
    return reference
  }

  private define<P extends readonly ValueType[]>(
    name: string,
    parameters: readonly [...P],
    result: ValueType | null,
    exported: boolean,
    emit: (body: FunctionBody, ...values: Locals<P>) => void,
  ): number {
    const body = new FunctionBody(parameters.length, this.relaxed)
    const values = parameters.map((type, index) => ({ type, index, code: [0x20, ...unsignedLeb(index)] }))
    emit(body, ...(values as unknown as Locals<P>))
    const results = result ? [typeCodes[result]] : []
    const signature = JSON.stringify([
      0x60,
      parameters.length,
      ...parameters.map((type) => typeCodes[type]),
      results.length,
      ...results,
    ])
    if (!this.types.includes(signature)) this.types.push(signature)
    // A function that `emit` defined on the way already has its number: this one comes after.
    this.functions.push({ name, type: this.types.indexOf(signature), body, exported })
    return this.functions.length - 1
  }

  encode(): Uint8Array<ArrayBuffer> {
    const text = (value: string) => {
      const bytes = Array.from(new TextEncoder().encode(value))
      return [...unsignedLeb(bytes.length), ...bytes]
    }
    const section = (id: number, items: readonly (readonly number[])[]) => {
      const content = [...unsignedLeb(items.length)]
      for (const item of items) for (const byte of item) content.push(byte)
      return [id, ...unsignedLeb(content.length), ...content]
    }
    const exported = this.functions.flatMap(({ name, exported }, index) =>
      exported ? [[...text(name), 0x00, ...unsignedLeb(index)]] : [],
    )
    const sections = [
      section(
        1,
        this.types.map((type) => JSON.parse(type) as number[]),
      ),
      section(2, [
        [...text('env'), ...text('memory'), 0x02, this.sharedMemory ? 0x03 : 0x01, 0x00, ...unsignedLeb(65536)],
      ]),
      section(
        3,
        this.functions.map(({ type }) => unsignedLeb(type)),
      ),
      section(7, exported),
      section(
        10,
        this.functions.map(({ body }) => body.encode()),
      ),
    ]
    const bytes = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]
    for (const part of sections) for (const byte of part) bytes.push(byte)
    return new Uint8Array(bytes)
  }
}
