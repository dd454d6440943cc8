import { FormatError } from '../../errors.ts'
import { joinedArrays } from '../../platform/joined-arrays.ts'
import { sizeOf } from '../../tensor.ts'
import { fromBfloat16, fromFloat16 } from '../float16.ts'
import {
  checkExtents,
  type HostTensor,
  hostTensor,
  type NumberArray,
  type NumberType,
} from '../operators/host-tensor.ts'
import type { TensorProto } from './onnx-proto.ts'

/** A type of numbers that ONNX has: TensorProto.DataType. */
interface ElementType {
  /** As the standard calls it. */
  readonly name: string
  readonly type: NumberType
  /** Of one number in raw data. */
  readonly bytes: number
  /** Raw data, little-endian, beginning at a multiple of its size. */
  fromRaw(buffer: ArrayBuffer): NumberArray
  /** Typed data, which are wider. */
  fromIntegers(values: readonly number[]): NumberArray
}

const elementTypes: Readonly<Record<number, ElementType>> = {
  1: {
    name: 'float',
    type: 'float',
    bytes: 4,
    fromRaw: (buffer) => new Float32Array(buffer),
    fromIntegers: (values) => Float32Array.from(values),
  },
  2: integers('uint8', Uint8Array),
  3: integers('int8', Int8Array),
  4: integers('uint16', Uint16Array),
  5: integers('int16', Int16Array),
  6: integers('int32', Int32Array),
  7: {
    name: 'int64',
    type: 'integer',
    bytes: 8,
    fromRaw: (buffer) => Float64Array.from(new BigInt64Array(buffer), Number),
    fromIntegers: (values) => Float64Array.from(values),
  },
  9: { ...integers('bool', Uint8Array), type: 'boolean' },
  10: halves('float16', fromFloat16),
  11: {
    name: 'double',
    type: 'float',
    bytes: 8,
    fromRaw: (buffer) => new Float64Array(buffer),
    fromIntegers: (values) => Float64Array.from(values),
  },
  12: integers('uint32', Uint32Array),
  13: {
    name: 'uint64',
    type: 'integer',
    bytes: 8,
    fromRaw: (buffer) => Float64Array.from(new BigUint64Array(buffer), Number),
    fromIntegers: (values) => Float64Array.from(values, (value) => (value < 0 ? value + 2 ** 64 : value)),
  },
  16: halves('bfloat16', fromBfloat16),
}

interface IntegerArrays {
  readonly BYTES_PER_ELEMENT: number
  new (buffer: ArrayBuffer): NumberArray
  from(values: readonly number[]): NumberArray
}

function integers(name: string, arrays: IntegerArrays): ElementType {
  return {
    name,
    type: 'integer',
    bytes: arrays.BYTES_PER_ELEMENT,
    fromRaw: (buffer) => new arrays(buffer),
    fromIntegers: (values) => arrays.from(values),
  }
}

/** Numbers of 16 bits, whose typed data are their bits. */
function halves(name: string, decoded: (bits: ArrayLike<number>) => Float32Array): ElementType {
  return { name, type: 'float', bytes: 2, fromRaw: (buffer) => decoded(new Uint16Array(buffer)), fromIntegers: decoded }
}

const otherTypes: Readonly<Record<number, string>> = {
  8: 'string',
  14: 'complex64',
  15: 'complex128',
  17: 'float8e4m3fn',
  18: 'float8e4m3fnuz',
  19: 'float8e5m2',
  20: 'float8e5m2fnuz',
  21: 'uint4',
  22: 'int4',
  23: 'float4e2m1',
  24: 'float8e8m0',
}

/** As the standard calls it: 'float16'. */
export function elementTypeName(type: number): string {
  return elementTypes[type]?.name ?? otherTypes[type] ?? `type ${type}`
}

/** What numbers of this type are; null where they are none that Limelight knows. */
export function numberType(type: number): NumberType | null {
  return elementTypes[type]?.type ?? null
}

/** Other files that hold a model's numbers, by their paths from its folder. */
export type ExternalFiles = ReadonlyMap<string, Uint8Array>

/** The tensor's numbers, wherever the file has them. @throws FormatError where they are not as many as its shape says */
export function tensorData(proto: TensorProto, files: ExternalFiles): HostTensor {
  const what = `the tensor ${JSON.stringify(proto.name)}`
  const { dims } = proto
  checkExtents(what, dims)
  const element = elementTypes[proto.type]
  if (!element) throw new FormatError(`${what} is of ${elementTypeName(proto.type)}, which is none of numbers`)
  return hostTensor(what, element.type, dims, numbersOf(what, proto, element, files))
}

function numbersOf(what: string, proto: TensorProto, element: ElementType, files: ExternalFiles): NumberArray {
  const bytes = proto.external ? externalBytes(what, proto, proto.external, element, files) : proto.raw
  if (bytes) {
    if (bytes.length !== sizeOf(proto.dims) * element.bytes)
      throw new FormatError(
        `${what} has ${bytes.length} bytes; expected ${sizeOf(proto.dims)} numbers of ${element.bytes}`,
      )
    return element.fromRaw(new Uint8Array(bytes).buffer)
  }
  const { floats, doubles } = proto
  if (element.name === 'float') return floats.length === 1 ? floats[0] : joinedArrays(floats, Float32Array)
  if (element.name === 'double') return doubles.length === 1 ? doubles[0] : joinedArrays(doubles, Float64Array)
  return element.fromIntegers(proto.integers)
}

function externalBytes(
  what: string,
  { dims }: TensorProto,
  external: ReadonlyMap<string, string>,
  element: ElementType,
  files: ExternalFiles,
): Uint8Array {
  const location = external.get('location') ?? ''
  const file = files.get(location)
  if (!file) throw new FormatError(`${what} names no file that has its numbers`)
  const offset = Number(external.get('offset') ?? 0)
  const length = Number(external.get('length') ?? sizeOf(dims) * element.bytes)
  const end = offset + length
  if (
    !(Number.isSafeInteger(offset) && offset >= 0 && Number.isSafeInteger(length) && length >= 0 && end <= file.length)
  )
    throw new FormatError(
      `${what} is to be bytes ${offset} to ${end} of ${JSON.stringify(location)}, which has ${file.length}`,
    )
  return file.subarray(offset, end)
}
