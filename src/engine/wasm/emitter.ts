import {
  type Expression,
  type F32,
  type F64,
  type FunctionReference,
  f32x4,
  type I32,
  i32,
  type Local,
  placeAt,
  simd,
  typeCodes,
  unsignedLeb,
  type V128,
  type ValueType,
} from './instructions.ts'

/** Functions and modules of WebAssembly: statements are appended to a function, functions to a module. */

type Locals<T extends readonly ValueType[]> = { [K in keyof T]: Local<T[K]> }

/** With the natural alignments, as powers of two. */
const stores: Readonly<Record<ValueType, readonly number[]>> = {
  i32: [0x36, 2],
  f32: [0x38, 2],
  f64: [0x39, 3],
  v128: [...simd(11), 4],
}

/** The body of one function: statements in order. */
export class FunctionBody {
  /** Bytes one behind the other, as expressions hold them: they are copied once, when the module is whole. */
  private readonly code: (readonly number[])[] = []
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
    this.code.push(value.code, [0x21, ...unsignedLeb(variable.index)])
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

  store(base: I32, value: I32 | F32 | F64 | V128, bytes = 0): void {
    const { address, offset } = placeAt(base, bytes)
    this.code.push(address.code, value.code, stores[value.type], unsignedLeb(offset))
  }

  /** Zero or any byte over a stretch of memory. */
  fill(address: I32, byte: number, bytes: number | I32): void {
    const length = typeof bytes === 'number' ? i32.const(bytes) : bytes
    this.code.push(address.code, i32.const(byte).code, length.code, [0xfc, 11, 0])
  }

  /** memmove. */
  copy(to: I32, from: I32, bytes: number | I32): void {
    const length = typeof bytes === 'number' ? i32.const(bytes) : bytes
    this.code.push(to.code, from.code, length.code, [0xfc, 10, 0, 0])
  }

  /** body, `count` times; count may be 0. `variable` runs from `start` by `step` while it is below `end`. */
  for(start: number | I32, end: number | I32, step: number, body: (variable: Local<'i32'>) => void): void {
    if (typeof start === 'number' && typeof end === 'number' && start >= end) return
    const limit = typeof end === 'number' ? i32.const(end) : end
    const variable = this.local('i32', typeof start === 'number' ? i32.const(start) : start)
    const loop = () => {
      this.code.push([0x03, 0x40])
      body(variable)
      this.advance(variable, step)
      this.code.push(i32.ltS(variable, limit).code, [0x0d, 0, 0x0b])
    }
    // Tested at the end: one branch a round. Where the bounds are known the first test is not needed.
    if (typeof start === 'number' && typeof end === 'number') loop()
    else this.if(i32.ltS(variable, limit), loop)
  }

  if(condition: I32, then: () => void, otherwise?: () => void): void {
    this.code.push(condition.code, [0x04, 0x40])
    then()
    if (otherwise) {
      this.code.push([0x05])
      otherwise()
    }
    this.code.push([0x0b])
  }

  /** Calls a procedure of the same module. */
  call(procedure: number, values: readonly I32[]): void {
    this.code.push(...values.map(({ code }) => code), [0x10, ...unsignedLeb(procedure)])
  }

  /** Ends the function with a value. */
  return(value: Expression<ValueType>): void {
    this.code.push(value.code)
  }

  /** Its bytes, in pieces. */
  encode(): readonly (readonly number[])[] {
    const locals = this.localTypes.flatMap((type) => [1, typeCodes[type]])
    const head = [...unsignedLeb(this.localTypes.length), ...locals]
    return [unsignedLeb(head.length + lengthOf(this.code) + 1), head, ...this.code, [0x0b]]
  }
}

function lengthOf(pieces: readonly { readonly length: number }[]): number {
  let length = 0
  for (const piece of pieces) length += piece.length
  return length
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

  /** A function without a result for use inside the module. @returns what FunctionBody.call takes */
  procedure(parameters: readonly 'i32'[], emit: (body: FunctionBody, ...values: Local<'i32'>[]) => void): number {
    return this.define(`procedure${this.functions.length}`, parameters, null, false, emit)
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
    const section = (id: number, items: readonly (readonly (readonly number[])[])[]) => {
      const content = [unsignedLeb(items.length), ...items.flat()]
      return [[id, ...unsignedLeb(lengthOf(content))], ...content]
    }
    const exported = this.functions.flatMap(({ name, exported }, index) =>
      exported ? [[text(name), [0x00, ...unsignedLeb(index)]]] : [],
    )
    const sections = [
      section(
        1,
        this.types.map((type) => [JSON.parse(type) as number[]]),
      ),
      section(2, [[text('env'), text('memory'), [0x02, this.sharedMemory ? 0x03 : 0x01, 0x00, ...unsignedLeb(65536)]]]),
      section(
        3,
        this.functions.map(({ type }) => [unsignedLeb(type)]),
      ),
      section(7, exported),
      section(
        10,
        this.functions.map(({ body }) => body.encode()),
      ),
    ]
    const pieces = [[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00], ...sections.flat()]
    const bytes = new Uint8Array(lengthOf(pieces))
    let at = 0
    for (const piece of pieces) {
      bytes.set(piece, at)
      at += piece.length
    }
    return bytes
  }
}
