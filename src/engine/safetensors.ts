import { FormatError } from './errors.ts'

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

export interface StoredTensor {
  readonly dtype: StoredType
  readonly shape: readonly number[]
  readonly data: StoredArray
}

export interface Safetensors {
  readonly tensors: ReadonlyMap<string, StoredTensor>
  readonly metadata: Readonly<Record<string, string>>
}

/** The format's own limit on the header, so that a hostile length can't make us parse a gigabyte of JSON. */
const maxHeaderBytes = 100_000_000

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isIndexList(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0)
}

/**
 * Reads a safetensors file. The tensors are copies: they don't keep `bytes` alive.
 * @throws FormatError when the file is truncated, its header is not what the format asks for, or a tensor's type is unknown
 */
export function parseSafetensors(bytes: Uint8Array): Safetensors {
  if (bytes.byteLength < 8)
    throw new FormatError(`not a safetensors file: ${bytes.byteLength} bytes, at least 8 expected`)
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true))
  if (length > maxHeaderBytes || 8 + length > bytes.byteLength)
    throw new FormatError(
      `not a safetensors file, or a truncated one: the header should have ${length} bytes, the file has ${bytes.byteLength}`,
    )
  let header: unknown
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(8, 8 + length)))
  } catch {
    throw new FormatError('not a safetensors file: its header is not JSON')
  }
  if (!isRecord(header)) throw new FormatError('not a safetensors file: its header is not a JSON object')

  const data = bytes.subarray(8 + length)
  const tensors = new Map<string, StoredTensor>()
  const metadata: Record<string, string> = {}
  for (const [name, entry] of Object.entries(header)) {
    if (!isRecord(entry)) throw new FormatError(`safetensors: the header's entry "${name}" is not an object`)
    if (name === '__metadata__') {
      for (const [key, value] of Object.entries(entry)) {
        if (typeof value !== 'string') throw new FormatError(`safetensors: metadata "${key}" is not a string`)
        metadata[key] = value
      }
      continue
    }
    tensors.set(name, readTensor(name, entry, data))
  }
  return { tensors, metadata }
}

function readTensor(name: string, entry: Record<string, unknown>, data: Uint8Array): StoredTensor {
  const { dtype, shape, data_offsets: offsets } = entry
  if (typeof dtype !== 'string' || !Object.hasOwn(arrayTypes, dtype))
    throw new FormatError(
      `safetensors: tensor "${name}" has type ${String(dtype)}; supported are ${Object.keys(arrayTypes).join(', ')}`,
    )
  if (!isIndexList(shape)) throw new FormatError(`safetensors: tensor "${name}" has no valid shape`)
  if (!isIndexList(offsets) || offsets.length !== 2)
    throw new FormatError(`safetensors: tensor "${name}" has no valid data_offsets`)
  const [begin, end] = offsets
  const type = dtype as StoredType
  const itemBytes = arrayTypes[type].BYTES_PER_ELEMENT
  const size = shape.reduce((product, extent) => product * extent, 1)
  if (end - begin !== size * itemBytes)
    throw new FormatError(
      `safetensors: tensor "${name}" of shape [${shape.join(', ')}] needs ${size * itemBytes} bytes, its offsets give ${end - begin}`,
    )
  if (end > data.byteLength)
    throw new FormatError(
      `safetensors: truncated: tensor "${name}" ends at byte ${end} of the data, the file has ${data.byteLength}`,
    )
  // A copy (slice() of a Node Buffer is not one) starts at offset 0 of its own buffer: aligned for any item size. (Every platform Limelight runs on is little-endian.)
  const copy = new Uint8Array(data.subarray(begin, end))
  return { dtype: type, shape: [...shape], data: new arrayTypes[type](copy.buffer, 0, size) }
}

/** The stored type of a typed array. */
function storedType(data: StoredArray): StoredType {
  for (const type of Object.keys(arrayTypes) as StoredType[]) if (data instanceof arrayTypes[type]) return type
  throw new FormatError('safetensors: not an array of a supported type')
}

/** Writes tensors and metadata as a safetensors file. Wider types come first, so that every tensor is aligned. */
export function formatSafetensors(
  tensors: ReadonlyMap<string, { readonly shape: readonly number[]; readonly data: StoredArray }>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const ordered = [...tensors].sort(([, a], [, b]) => b.data.BYTES_PER_ELEMENT - a.data.BYTES_PER_ELEMENT)
  const header: Record<string, unknown> = Object.keys(metadata).length > 0 ? { __metadata__: metadata } : {}
  let offset = 0
  for (const [name, { shape, data }] of ordered) {
    header[name] = { dtype: storedType(data), shape, data_offsets: [offset, offset + data.byteLength] }
    offset += data.byteLength
  }
  const json = new TextEncoder().encode(JSON.stringify(header))
  const headerBytes = Math.ceil(json.byteLength / 8) * 8
  const file = new Uint8Array(8 + headerBytes + offset)
  new DataView(file.buffer).setBigUint64(0, BigInt(headerBytes), true)
  file.fill(0x20, 8, 8 + headerBytes)
  file.set(json, 8)
  let position = 8 + headerBytes
  for (const [, { data }] of ordered) {
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), position)
    position += data.byteLength
  }
  return file
}
