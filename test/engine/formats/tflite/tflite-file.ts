import { Builder } from 'flatbuffers'

/**
 * Writes TensorFlow Lite's files, by the library that its own writers are made with: FlatBuffers of its schema.fbs, version 3. Options are
 * fields by their places in the operator's table.
 */
export interface LiteFile {
  readonly tensors: readonly LiteTensor[]
  readonly operators: readonly LiteOperator[]
  /** Places of tensors. */
  readonly inputs: readonly number[]
  readonly outputs: readonly number[]
  readonly metadata?: Readonly<Record<string, Uint8Array>>
}

export interface LiteTensor {
  readonly name: string
  readonly shape: readonly number[]
  /** With -1 for what is left open. */
  readonly signature?: readonly number[]
  /** Its number in the schema: 0 is FLOAT32. */
  readonly type?: number
  readonly data?: ArrayBufferView
  /** Whose buffer it has: another tensor's place. */
  readonly sharing?: number
  readonly scales?: readonly number[]
  readonly zeroPoints?: readonly number[]
  readonly axis?: number
}

export interface LiteOperator {
  /** Its number in the schema. */
  readonly code: number
  /** Of an operator of somebody's own. */
  readonly custom?: string
  readonly inputs: readonly number[]
  readonly outputs: readonly number[]
  readonly options?: readonly Field[]
}

type Field =
  | readonly [place: number, kind: 'int8' | 'int32' | 'float32', value: number]
  | readonly [place: number, kind: 'ints', values: readonly number[]]

export function liteFile({ tensors, operators, inputs, outputs, metadata = {} }: LiteFile): Uint8Array<ArrayBuffer> {
  const builder = new Builder(1024)
  const contents = [...tensors.map(({ data }) => data), ...Object.values(metadata)]
  const bytesOf = (data: ArrayBufferView) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  // The first buffer is empty: that of tensors without numbers.
  const buffers = [undefined, ...contents].map((data) => table(builder, [[0, 'bytes', data && bytesOf(data)]]))
  const tensorTables = tensors.map((tensor, i) =>
    tensorTable(builder, tensor, (tensor.sharing ?? (tensor.data ? i : -1)) + 1),
  )
  const operatorTables = operators.map(({ inputs, outputs, options }, i) => {
    const made = options && table(builder, options)
    return table(builder, [
      [0, 'int32', i],
      [1, 'ints', inputs],
      [2, 'ints', outputs],
      // Which of the tables of options it is, Limelight knows by the operator.
      [3, 'int8', options ? 1 : 0],
      [4, 'table', made],
    ])
  })
  const codes = operators.map(({ code, custom }) =>
    table(builder, [
      [0, 'int8', Math.min(code, 127)],
      [1, 'text', custom],
      [3, 'int32', code],
    ]),
  )
  const graph = table(builder, [
    [0, 'tables', tensorTables],
    [1, 'ints', inputs],
    [2, 'ints', outputs],
    [3, 'tables', operatorTables],
  ])
  const entries = Object.keys(metadata).map((name, i) =>
    table(builder, [
      [0, 'text', name],
      [1, 'int32', tensors.length + 1 + i],
    ]),
  )
  const model = table(builder, [
    [0, 'int32', 3],
    [1, 'tables', codes],
    [2, 'tables', [graph]],
    [3, 'text', 'written for a test'],
    [4, 'tables', buffers],
    [6, 'tables', entries],
  ])
  builder.finish(model, 'TFL3')
  return builder.asUint8Array().slice()
}

function tensorTable(builder: Builder, tensor: LiteTensor, buffer: number): number {
  const { name, shape, signature, type = 0, scales, zeroPoints, axis = 0 } = tensor
  const quantisation =
    scales &&
    table(builder, [
      [2, 'floats', scales],
      [3, 'longs', zeroPoints],
      [6, 'int32', axis],
    ])
  return table(builder, [
    [0, 'ints', shape],
    [1, 'int8', type],
    [2, 'int32', buffer],
    [3, 'text', name],
    [4, 'table', quantisation],
    [7, 'ints', signature],
  ])
}

type AnyField =
  | Field
  | readonly [place: number, kind: 'floats' | 'longs' | 'tables', values: readonly number[] | undefined]
  | readonly [place: number, kind: 'ints', values: readonly number[] | undefined]
  | readonly [place: number, kind: 'bytes', bytes: Uint8Array | undefined]
  | readonly [place: number, kind: 'text', text: string | undefined]
  | readonly [place: number, kind: 'table', at: number | undefined]

/** A table of these fields; those that are undefined are left out. */
export function table(builder: Builder, fields: readonly AnyField[]): number {
  // What a table points at is written before it.
  const placed = fields.map((field): readonly [number, string, number] | undefined => {
    const [place, kind, value] = field
    if (value === undefined) return undefined
    if (typeof value === 'number') return [place, kind, value]
    if (typeof value === 'string') return [place, 'offset', builder.createString(value)]
    if (value instanceof Uint8Array) return [place, 'offset', builder.createByteVector(value)]
    return [place, 'offset', vector(builder, kind, value)]
  })
  builder.startObject(Math.max(0, ...fields.map(([place]) => place)) + 1)
  for (const field of placed) {
    if (!field) continue
    const [place, kind, value] = field
    if (kind === 'int8') builder.addFieldInt8(place, value, 0)
    else if (kind === 'int32') builder.addFieldInt32(place, value, 0)
    else if (kind === 'float32') builder.addFieldFloat32(place, value, 0)
    else builder.addFieldOffset(place, value, 0)
  }
  return builder.endObject()
}

function vector(builder: Builder, kind: string, values: readonly number[]): number {
  const size = kind === 'longs' ? 8 : 4
  builder.startVector(size, values.length, size)
  // Back to front: a FlatBuffer is written from its end.
  for (const value of values.toReversed()) {
    if (kind === 'longs') builder.addInt64(BigInt(value))
    else if (kind === 'floats') builder.addFloat32(value)
    else if (kind === 'tables') builder.addOffset(value)
    else builder.addInt32(value)
  }
  return builder.endVector()
}
