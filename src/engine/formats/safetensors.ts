import { shown } from '../arguments.ts'
import { ArgumentError, FormatError, ShapeError } from '../errors.ts'
import { fromBfloat16, fromFloat16 } from './float16.ts'
import { isJsonObject, parseStrictJson } from './strict-json.ts'

/**
 * The safetensors file format (https://github.com/huggingface/safetensors): an 8-byte little-endian header length N,
 * N bytes of JSON that map a name to {dtype, shape, data_offsets}, then the raw little-endian data, row-major.
 */

const arrayTypes = {
  F64: Float64Array,
  F32: Float32Array,
  I32: Int32Array,
  U32: Uint32Array,
  I8: Int8Array,
  U8: Uint8Array,
} as const

export type StoredType = keyof typeof arrayTypes
export type StoredArray = InstanceType<(typeof arrayTypes)[StoredType]>

/** Types that there is no array of: read into one of the others that holds all of their numbers; int64 to 2^53. */
const widened: Readonly<
  Record<string, { readonly itemBytes: number; readonly read: (bytes: ArrayBuffer) => StoredArray }>
> = {
  F16: { itemBytes: 2, read: (bytes) => fromFloat16(new Uint16Array(bytes)) },
  BF16: { itemBytes: 2, read: (bytes) => fromBfloat16(new Uint16Array(bytes)) },
  I64: { itemBytes: 8, read: (bytes) => Float64Array.from(new BigInt64Array(bytes), Number) },
  U64: { itemBytes: 8, read: (bytes) => Float64Array.from(new BigUint64Array(bytes), Number) },
  I16: { itemBytes: 2, read: (bytes) => Int32Array.from(new Int16Array(bytes)) },
  U16: { itemBytes: 2, read: (bytes) => Int32Array.from(new Uint16Array(bytes)) },
  BOOL: { itemBytes: 1, read: (bytes) => new Uint8Array(bytes) },
}

export interface StoredTensor {
  /** In the file: 'F16' is read into 32-bit floats, for example. */
  readonly dtype: string
  readonly shape: readonly number[]
  readonly data: StoredArray
}

export interface Safetensors {
  readonly tensors: ReadonlyMap<string, StoredTensor>
  readonly metadata: Readonly<Record<string, string>>
}

/** The format's own limit on the header, so that a hostile length can't make us parse a gigabyte of JSON. */
const maxHeaderBytes = 100_000_000

function isIndexList(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0)
}

/** A tensor as the header has it. */
interface Entry {
  readonly name: string
  readonly dtype: string
  readonly shape: readonly number[]
  /** Where its bytes are among the data: from, to (exclusive). */
  readonly begin: number
  readonly end: number
}

export interface SafetensorsHeader {
  readonly entries: readonly Entry[]
  readonly metadata: Readonly<Record<string, string>>
  /** What follows the header. */
  readonly data: Uint8Array
}

/**
 * Reads a safetensors file. The tensors are copies: they don't keep `bytes` alive. It takes no more memory than the file.
 * @throws FormatError when the file is truncated, its header is not what the format asks for, or a tensor's type is unknown
 */
export function parseSafetensors(bytes: Uint8Array): Safetensors {
  const { entries, metadata, data } = readHeader(bytes)
  return { tensors: new Map(entries.map((entry) => [entry.name, readTensor(entry, data)])), metadata }
}

/** Whether a header begins where it must, behind its length: with {. */
export function beginsAsSafetensors(bytes: Uint8Array): boolean {
  return bytes[8] === 0x7b
}

/**
 * What is in a safetensors file, whatever the tensors' types. As the format asks, the tensors' bytes must cover all data behind
 * the header, without holes and without overlap, and no name may occur twice.
 * @throws FormatError for anything else
 */
export function readHeader(bytes: Uint8Array): SafetensorsHeader {
  if (!(bytes instanceof Uint8Array))
    throw new ArgumentError(`a safetensors file must be given as a Uint8Array, not ${shown(bytes)}`)
  if (bytes.byteLength < 8)
    throw new FormatError(`not a safetensors file: ${bytes.byteLength} bytes, at least 8 expected`)
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true))
  if (length > maxHeaderBytes || 8 + length > bytes.byteLength)
    throw new FormatError(
      `not a safetensors file, or a truncated one: the header should have ${length} bytes, the file has ${bytes.byteLength}`,
    )
  if (!beginsAsSafetensors(bytes) || length === 0)
    throw new FormatError('not a safetensors file: its header does not begin with {')
  const header = parseStrictJson(decode(bytes.subarray(8, 8 + length)), "safetensors: the file's header")
  if (!isJsonObject(header)) throw new FormatError('not a safetensors file: its header is not a JSON object')

  const { __metadata__: stored, ...tensors } = header
  const data = bytes.subarray(8 + length)
  const entries = Object.entries(tensors).map(([name, entry]) => readEntry(name, entry))
  checkCoverage(entries, data.byteLength)
  return { entries, metadata: stored === undefined ? {} : readMetadata(stored), data }
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new FormatError('not a safetensors file: its header is not UTF-8')
  }
}

function readMetadata(stored: unknown): Record<string, string> {
  if (!isJsonObject(stored)) throw new FormatError('safetensors: the metadata are not an object')
  const texts = Object.entries(stored).map(([key, value]) => {
    if (typeof value !== 'string') throw new FormatError(`safetensors: metadata ${shown(key)} is not a string`)
    return [key, value] as const
  })
  return Object.fromEntries(texts)
}

function readEntry(name: string, entry: unknown): Entry {
  const tensor = `safetensors: tensor ${shown(name)}`
  if (!isJsonObject(entry)) throw new FormatError(`safetensors: the header's entry ${shown(name)} is not an object`)
  const { dtype, shape, data_offsets: offsets } = entry
  if (typeof dtype !== 'string') throw new FormatError(`${tensor} has no dtype`)
  if (!isIndexList(shape)) throw new FormatError(`${tensor} has no valid shape: ${shown(shape)}`)
  if (!isIndexList(offsets) || offsets.length !== 2)
    throw new FormatError(`${tensor} has no valid data_offsets: ${shown(offsets)}`)
  return { name, dtype, shape, begin: offsets[0], end: offsets[1] }
}

/** @throws FormatError where a byte belongs to no tensor or to two, or to one that is not there */
function checkCoverage(entries: readonly Entry[], dataBytes: number): void {
  let covered = 0
  for (const { name, begin, end } of entries.toSorted((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (end < begin)
      throw new FormatError(`safetensors: tensor ${shown(name)} ends at byte ${end}, before it begins at ${begin}`)
    if (begin !== covered)
      throw new FormatError(
        begin < covered
          ? `safetensors: tensor ${shown(name)} begins at byte ${begin}, inside another that ends at ${covered}`
          : `safetensors: bytes ${covered} to ${begin} of the data belong to no tensor`,
      )
    covered = end
  }
  if (covered > dataBytes)
    throw new FormatError(`safetensors: truncated: the tensors take ${covered} bytes, the file has ${dataBytes}`)
  if (covered < dataBytes)
    throw new FormatError(`safetensors: the last ${dataBytes - covered} bytes of the data belong to no tensor`)
}

function isStored(dtype: string): dtype is StoredType {
  return Object.hasOwn(arrayTypes, dtype)
}

function readTensor({ name, dtype, shape, begin, end }: Entry, data: Uint8Array): StoredTensor {
  const wide = Object.hasOwn(widened, dtype) ? widened[dtype] : null
  if (!isStored(dtype) && !wide)
    throw new FormatError(
      `safetensors: tensor ${shown(name)} has type ${shown(dtype)}; supported are ${[...Object.keys(arrayTypes), ...Object.keys(widened)].join(', ')}`,
    )
  const itemBytes = isStored(dtype) ? arrayTypes[dtype].BYTES_PER_ELEMENT : (wide?.itemBytes ?? 1)
  const size = shape.reduce((product, extent) => product * extent, 1)
  if (end - begin !== size * itemBytes)
    throw new FormatError(
      `safetensors: tensor ${shown(name)} of shape ${shown(shape)} needs ${size * itemBytes} bytes, its offsets give ${end - begin}`,
    )
  // A copy (slice() of a Node Buffer is not one) starts at offset 0 of its own buffer: aligned for any item size. (Every platform Limelight runs on is little-endian.)
  const copy = new Uint8Array(data.subarray(begin, end))
  const read = isStored(dtype) ? new arrayTypes[dtype](copy.buffer, 0, size) : (wide?.read(copy.buffer) ?? copy)
  return { dtype, shape: [...shape], data: read }
}

/** The stored type of a typed array. @throws ArgumentError for an array that the format, or this reader, has no type for */
function storedType(name: string, data: StoredArray): StoredType {
  for (const type of Object.keys(arrayTypes) as StoredType[]) if (data instanceof arrayTypes[type]) return type
  const types = Object.values(arrayTypes).map((type) => type.name)
  throw new ArgumentError(`safetensors: tensor ${shown(name)} must be a ${types.join(', ')}, not ${shown(data)}`)
}

/**
 * Writes tensors and metadata as a safetensors file. Wider types come first, so that every tensor is aligned.
 * @throws ArgumentError for data of another type than the format has, ShapeError when they are not as many as their shape says
 */
export function formatSafetensors(
  tensors: ReadonlyMap<string, { readonly shape: readonly number[]; readonly data: StoredArray }>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  if (!(tensors instanceof Map)) throw new ArgumentError(`safetensors: tensors must be a Map, not ${shown(tensors)}`)
  if (!isJsonObject(metadata) || !Object.values(metadata).every((text) => typeof text === 'string'))
    throw new ArgumentError('safetensors: metadata must be texts by name')
  const named = [...tensors].map(([name, tensor]) => {
    const { shape, data } = tensor ?? {}
    const dtype = storedType(name, data)
    if (!isIndexList(shape) || shape.reduce((product, extent) => product * extent, 1) !== data.length)
      throw new ShapeError(`safetensors: tensor ${shown(name)} has ${data.length} numbers for shape ${shown(shape)}`)
    return { name, dtype, shape, data }
  })
  const ordered = named.sort((a, b) => b.data.BYTES_PER_ELEMENT - a.data.BYTES_PER_ELEMENT)
  let offset = 0
  const entries = ordered.map(({ name, dtype, shape, data }): [string, object] => {
    const begin = offset
    offset += data.byteLength
    return [name, { dtype, shape, data_offsets: [begin, offset] }]
  })
  if (Object.keys(metadata).length > 0) entries.unshift(['__metadata__', metadata])
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)))
  const headerBytes = Math.ceil(json.byteLength / 8) * 8
  const file = new Uint8Array(8 + headerBytes + offset)
  new DataView(file.buffer).setBigUint64(0, BigInt(headerBytes), true)
  file.fill(0x20, 8, 8 + headerBytes)
  file.set(json, 8)
  let position = 8 + headerBytes
  for (const { data } of ordered) {
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), position)
    position += data.byteLength
  }
  return file
}
