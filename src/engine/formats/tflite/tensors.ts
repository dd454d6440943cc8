import { shown } from '../../arguments.ts'
import { FormatError } from '../../errors.ts'
import { type Shape, sizeOf } from '../../tensor.ts'
import { fromFloat16 } from '../float16.ts'
import {
  checkExtents,
  type HostTensor,
  hostTensor,
  type NumberArray,
  type NumberType,
} from '../operators/host-tensor.ts'
import type { FlatTable } from './flatbuffer.ts'

/** Tensors of a TensorFlow Lite file. Quantised ones are real numbers here: (q - zero point) x scale. */

/** By their numbers in files. */
export const tensorTypes = [
  'FLOAT32',
  'FLOAT16',
  'INT32',
  'UINT8',
  'INT64',
  'STRING',
  'BOOL',
  'INT16',
  'COMPLEX64',
  'INT8',
  'FLOAT64',
  'COMPLEX128',
  'UINT64',
  'RESOURCE',
  'VARIANT',
  'UINT32',
  'UINT16',
  'INT4',
]

/** How numbers of each type are stored, and which are the least and the largest where they stand for real ones. */
const storedTypes: Readonly<
  Record<
    string,
    {
      readonly bits: number
      read(bytes: Uint8Array<ArrayBuffer>): NumberArray
      readonly range?: readonly [number, number]
    }
  >
> = {
  FLOAT32: { bits: 32, read: (bytes) => new Float32Array(bytes.buffer) },
  FLOAT16: { bits: 16, read: (bytes) => fromFloat16(new Uint16Array(bytes.buffer)) },
  FLOAT64: { bits: 64, read: (bytes) => new Float64Array(bytes.buffer) },
  INT32: { bits: 32, read: (bytes) => new Int32Array(bytes.buffer) },
  UINT32: { bits: 32, read: (bytes) => new Uint32Array(bytes.buffer) },
  INT64: { bits: 64, read: (bytes) => Float64Array.from(new BigInt64Array(bytes.buffer), Number) },
  UINT64: { bits: 64, read: (bytes) => Float64Array.from(new BigUint64Array(bytes.buffer), Number) },
  UINT8: { bits: 8, read: (bytes) => bytes, range: [0, 255] },
  INT8: { bits: 8, read: (bytes) => new Int8Array(bytes.buffer), range: [-128, 127] },
  INT16: { bits: 16, read: (bytes) => new Int16Array(bytes.buffer), range: [-32768, 32767] },
  UINT16: { bits: 16, read: (bytes) => new Uint16Array(bytes.buffer), range: [0, 65535] },
  BOOL: { bits: 8, read: (bytes) => bytes },
  INT4: { bits: 4, read: nibbles, range: [-8, 7] },
}

/** Two numbers a byte, the lower half first. */
function nibbles(bytes: Uint8Array): Int8Array {
  return Int8Array.from({ length: 2 * bytes.length }, (_, i) => {
    const four = (bytes[i >> 1] >> (4 * (i & 1))) & 15
    return four < 8 ? four : four - 16
  })
}

interface Quantisation {
  /** One, or one for each entry along the axis. */
  readonly scales: readonly number[]
  readonly zeroPoints: readonly number[]
  readonly axis: number
}

/** What a file says of a tensor. */
export interface TensorInfo {
  /** Of its own: two of a file may have one name. */
  readonly name: string
  /** 'FLOAT32' */
  readonly storage: string
  readonly type: NumberType
  readonly shape: Shape
  /** With null for what is left open. */
  readonly openShape: readonly (number | null)[]
  /** Which of the file's buffers holds its numbers, if one does. */
  readonly buffer: number
  readonly quantisation?: Quantisation
  /** How it is stored that is not read here; undefined for a row of numbers. */
  readonly unusual?: string
}

/** @throws FormatError for shapes and quantisations that are none */
export function readTensors(tables: readonly FlatTable[]): TensorInfo[] {
  const names = new Set<string>()
  return tables.map((table, place) => {
    const given = table.text(3) ?? ''
    const name = given === '' || names.has(given) ? `${given}#${place}` : given
    names.add(name)
    return tensorInfo(table, name)
  })
}

function tensorInfo(table: FlatTable, name: string): TensorInfo {
  const shape = table.numbers(0, 'int32', 16)
  checkExtents(`the tensor ${shown(name)}`, shape)
  const signature = table.numbers(7, 'int32', 16)
  const openShape =
    signature.length === shape.length ? shape.map((extent, i) => (signature[i] < 0 ? null : extent)) : shape
  const number = table.number(1, 'int8')
  const storage = tensorTypes[number] ?? `number ${number}`
  const quantisation = quantisationOf(table.table(4), name, shape)
  const type = quantisation || /FLOAT/.test(storage) ? 'float' : storage === 'BOOL' ? 'boolean' : 'integer'
  const buffer = table.number(2, 'uint32')
  const unusual = unusualIn(table)
  return {
    name,
    storage,
    type,
    shape,
    openShape,
    buffer,
    ...(quantisation && { quantisation }),
    ...(unusual && { unusual }),
  }
}

function unusualIn(table: FlatTable): string | undefined {
  if (table.has(6)) return 'it is stored sparsely'
  const hasRules = (table.table(4)?.number(4, 'int8') ?? 0) !== 0
  return hasRules ? 'it is quantised by other rules than a scale and a zero point' : undefined
}

function quantisationOf(table: FlatTable | undefined, name: string, shape: Shape): Quantisation | undefined {
  const scales = table?.numbers(2, 'float32') ?? []
  if (!table || scales.length === 0) return undefined
  const zeroPoints = table.numbers(3, 'int64')
  const axis = table.number(6, 'int32')
  const fits = scales.length === 1 || scales.length === shape[axis]
  if (!fits || ![0, 1, scales.length].includes(zeroPoints.length))
    throw new FormatError(
      `the tensor ${shown(name)} has ${scales.length} scales and ${zeroPoints.length} zero points along axis ${axis} of [${shape}]`,
    )
  return { scales, zeroPoints, axis }
}

/**
 * Where an output saturates, as (q - zero point) x scale has it: where its zero point is the least number that it can hold, what is
 * below 0 is cut off, and above what the largest stands for. There files hide their ReLU and ReLU6. Where else an output would be
 * cut off is what its rounding does, which is not imitated.
 */
export function saturationOf({
  storage,
  quantisation,
}: TensorInfo): readonly [least: number, most: number] | undefined {
  const range = storedTypes[storage]?.range
  if (!quantisation || !range || quantisation.scales.length !== 1) return undefined
  const [least, largest] = range
  return (quantisation.zeroPoints[0] ?? 0) === least ? [0, (largest - least) * quantisation.scales[0]] : undefined
}

/** Why numbers can't be read; undefined where they can. */
export function whyUnread({ storage, unusual }: TensorInfo): string | undefined {
  if (!Object.hasOwn(storedTypes, storage)) return `it holds values of type ${storage}`
  return unusual
}

/** The numbers of a tensor. @throws FormatError where there are not as many as its shape says */
export function numbersOf(info: TensorInfo, bytes: Uint8Array): HostTensor {
  const { name, storage, type, shape, quantisation } = info
  const { bits, read } = storedTypes[storage]
  const count = sizeOf(shape)
  if (bytes.length !== Math.ceil((count * bits) / 8))
    throw new FormatError(`the tensor ${shown(name)}: ${bytes.length} bytes for [${shape}] of ${storage}`)
  const stored = read(new Uint8Array(bytes)).subarray(0, count)
  const data = quantisation ? dequantised(stored, shape, quantisation) : stored
  return hostTensor(`the tensor ${shown(name)}`, type, shape, data)
}

function dequantised(stored: NumberArray, shape: Shape, { scales, zeroPoints, axis }: Quantisation): Float32Array {
  const data = new Float32Array(stored.length)
  const inner = scales.length === 1 ? stored.length : sizeOf(shape.slice(axis + 1))
  for (let i = 0; i < data.length; i++) {
    const channel = Math.floor(i / inner) % scales.length
    data[i] = (stored[i] - (zeroPoints[zeroPoints.length === 1 ? 0 : channel] ?? 0)) * scales[channel]
  }
  return data
}

/** How real numbers are stored that are no 32-bit ones: 'uint8 with scales'; undefined for those that are, biases among them. */
export function storageWords({ storage, quantisation, type }: TensorInfo): string | undefined {
  if (type !== 'float' || /32$/.test(storage)) return undefined
  const words = storage.toLowerCase()
  return quantisation ? `${words} with scales` : words
}
