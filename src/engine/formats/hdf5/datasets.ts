import { FormatError } from '../../errors.ts'
import { decompress } from '../../platform/decompress.ts'
import { formatShape, type Shape, sizeOf } from '../../tensor.ts'
import { fromBfloat16, fromFloat16 } from '../float16.ts'
import type { Hdf5Bytes } from './bytes.ts'
import { childrenOf } from './links.ts'
import { type Message, messageTypes } from './object-header.ts'
import { type Hdf5Type, shapeAt, typeAt } from './types.ts'

/** Arrays of numbers: in one piece, or in chunks that may be compressed. */

export interface Dataset {
  readonly shape: Shape
  readonly type: Hdf5Type
  readonly messages: readonly Message[]
}

/** What an object says of its numbers; null for one that is no dataset. @throws FormatError */
export function datasetOf(file: Hdf5Bytes, messages: readonly Message[]): Dataset | null {
  const [shape, type] = [messageTypes.dataspace, messageTypes.datatype].map((wanted) => placeOf(messages, wanted))
  if (shape === null || type === null) return null
  return { shape: shapeAt(file, shape) ?? [0], type: typeAt(file, type), messages }
}

function placeOf(messages: readonly Message[], wanted: number): number | null {
  return messages.find(({ type }) => type === wanted)?.at ?? null
}

/** Of floats and whole numbers. @throws FormatError for other types, and for data that are not there */
export async function numbersOf(file: Hdf5Bytes, dataset: Dataset): Promise<Float32Array<ArrayBuffer>> {
  const { shape, type } = dataset
  if (type.kind !== 'float' && type.kind !== 'integer') throw new FormatError('HDF5: expected numbers, not texts')
  const count = sizeOf(shape)
  const bytes = await bytesOf(file, dataset, count * type.size)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (type.kind === 'float' && type.size === 2) {
    const bits = Uint16Array.from({ length: count }, (_, i) => view.getUint16(2 * i, type.littleEndian))
    return type.brain ? fromBfloat16(bits) : fromFloat16(bits)
  }
  const read = readerOf(view, type)
  const numbers = new Float32Array(count)
  for (let i = 0; i < count; i++) numbers[i] = read(i * type.size)
  return numbers
}

type NumberType = Extract<Hdf5Type, { kind: 'float' | 'integer' }>

function readerOf(view: DataView, type: NumberType): (at: number) => number {
  const { size, littleEndian: little } = type
  if (type.kind === 'float') return (at) => (size === 8 ? view.getFloat64(at, little) : view.getFloat32(at, little))
  if (size === 8) return (at) => Number(type.signed ? view.getBigInt64(at, little) : view.getBigUint64(at, little))
  if (size === 4) return (at) => (type.signed ? view.getInt32(at, little) : view.getUint32(at, little))
  if (size === 2) return (at) => (type.signed ? view.getInt16(at, little) : view.getUint16(at, little))
  return (at) => (type.signed ? view.getInt8(at) : view.getUint8(at))
}

/** Keras's files say no more than version 3 can; 4 differs in chunks only. */
async function bytesOf(file: Hdf5Bytes, dataset: Dataset, count: number): Promise<Uint8Array> {
  const at = placeOf(dataset.messages, messageTypes.layout)
  if (at === null) throw new FormatError('HDF5: damaged: an array without its numbers')
  const version = file.byte(at)
  const layout = file.byte(at + 1)
  if (version !== 3 && version !== 4) throw new FormatError(`HDF5: arrays of version ${version} are not known`)
  if (layout === 0) {
    // In the description itself.
    checkCount(file.uint(at + 2, 2), count, dataset)
    return file.slice(at + 4, count)
  }
  if (layout === 1) {
    const address = file.address(at + 2)
    if (count === 0) return new Uint8Array(0)
    if (address === null) throw new FormatError('HDF5: an array was never filled with numbers')
    checkCount(file.length(at + 2 + file.offsetSize), count, dataset)
    return file.slice(address, count)
  }
  if (layout === 2 && version === 3) return chunksOf(file, dataset, at, count)
  throw new FormatError('HDF5: an array is stored in a way that is not known; write it without chunks')
}

function checkCount(found: number, wanted: number, { shape }: Dataset): void {
  if (found < wanted)
    throw new FormatError(`HDF5: damaged: ${found} bytes for an array of ${formatShape(shape)}, which takes ${wanted}`)
}

interface Filter {
  readonly id: number
  readonly values: readonly number[]
}

const deflate = 1
const shuffle = 2
const checksum = 3

async function chunksOf(file: Hdf5Bytes, dataset: Dataset, layout: number, count: number): Promise<Uint8Array> {
  const { shape, type } = dataset
  const rank = file.byte(layout + 2) - 1
  const tree = file.address(layout + 3)
  const extents = layout + 3 + file.offsetSize
  const chunk = Array.from({ length: rank }, (_, axis) => file.uint(extents + 4 * axis, 4))
  if (rank !== shape.length || rank === 0 || chunk.includes(0) || file.uint(extents + 4 * rank, 4) !== type.size)
    throw new FormatError('HDF5: damaged: chunks that do not fit their array')
  const filters = filtersOf(file, placeOf(dataset.messages, messageTypes.filters))
  const chunkBytes = sizeOf(chunk) * type.size
  checkUnpacked(file, Math.max(count, chunkBytes))
  const all = new Uint8Array(count)
  if (tree === null) return all
  const children = childrenOf(file, tree, 1, 8 + 8 * (rank + 1))
  for (const { key, at } of children) {
    const stored = file.slice(at, file.uint(key, 4))
    const skipped = file.uint(key + 4, 4)
    const origin = chunk.map((_, axis) => file.uint(key + 8 + 8 * axis, 8))
    // What has to be copied is work, too: a thousand chunks may lie at the same place.
    file.spend(chunkBytes / 64)
    const bytes = await unfiltered(stored, filters, skipped, chunkBytes, type.size)
    if (bytes.length < chunkBytes) throw new FormatError('HDF5: damaged: a chunk is too short')
    copyChunk(all, shape, bytes, chunk, origin, type.size)
  }
  return all
}

/** Weights hardly shrink: what unpacks to many times the file's size is made to fill memory. */
function checkUnpacked(file: Hdf5Bytes, count: number): void {
  const most = 2 ** 26 + 20 * file.bytes.length
  if (count > most)
    throw new FormatError(
      `HDF5: an array would unpack to ${count} bytes; in a file of this size at most ${most} can be`,
    )
}

function filtersOf(file: Hdf5Bytes, at: number | null): Filter[] {
  if (at === null) return []
  const version = file.byte(at)
  const count = file.byte(at + 1)
  let place = at + (version === 1 ? 8 : 2)
  return Array.from({ length: count }, () => {
    const id = file.uint(place, 2)
    const named = version === 1 || id >= 256
    const nameBytes = named ? file.uint(place + 2, 2) : 0
    const valuesAt = place + (named ? 4 : 2)
    const valueCount = file.uint(valuesAt + 2, 2)
    const first = valuesAt + 4 + (version === 1 ? Math.ceil(nameBytes / 8) * 8 : nameBytes)
    if (id !== deflate && id !== shuffle && id !== checksum)
      throw new FormatError(`HDF5: an array is compressed by filter ${id}; known are gzip, shuffle and fletcher32`)
    const values = Array.from({ length: valueCount }, (_, i) => file.uint(first + 4 * i, 4))
    place = first + 4 * (version === 1 ? Math.ceil(valueCount / 2) * 2 : valueCount)
    return { id, values }
  })
}

/** Filters were applied in their order: the last is undone first. */
async function unfiltered(
  stored: Uint8Array,
  filters: readonly Filter[],
  skipped: number,
  size: number,
  itemSize: number,
): Promise<Uint8Array> {
  let bytes = stored
  for (const [index, { id, values }] of [...filters.entries()].reverse()) {
    if (skipped & (1 << index)) continue
    // A checksum of 4 bytes may follow the numbers.
    if (id === deflate) bytes = await decompress('deflate', bytes, size + 4, 'HDF5: a chunk')
    if (id === checksum) bytes = bytes.subarray(0, Math.max(0, bytes.length - 4))
    if (id === shuffle) bytes = unshuffled(bytes, values[0] ?? itemSize)
  }
  return bytes
}

/** First all numbers' first bytes, then all their second: put together again. */
function unshuffled(bytes: Uint8Array, itemSize: number): Uint8Array {
  const count = Math.floor(bytes.length / Math.max(itemSize, 1))
  const result = bytes.slice()
  for (let byte = 0; byte < itemSize; byte++)
    for (let i = 0; i < count; i++) result[i * itemSize + byte] = bytes[byte * count + i]
  return result
}

/** Row by row, as far as a chunk lies inside the array: those at its border are as large as all others. */
function copyChunk(
  all: Uint8Array,
  shape: Shape,
  bytes: Uint8Array,
  chunk: Shape,
  origin: readonly number[],
  itemSize: number,
): void {
  const last = shape.length - 1
  const inside = shape.map((extent, axis) => Math.min(chunk[axis], extent - origin[axis]))
  if (inside.some((extent) => extent <= 0)) return
  const rows = sizeOf(inside.slice(0, -1))
  for (let row = 0; row < rows; row++) {
    let rest = row
    let [from, to, fromStep, toStep] = [0, origin[last], chunk[last], shape[last]]
    for (let axis = last - 1; axis >= 0; axis--) {
      const index = rest % inside[axis]
      rest = (rest - index) / inside[axis]
      from += index * fromStep
      to += (origin[axis] + index) * toStep
      fromStep *= chunk[axis]
      toStep *= shape[axis]
    }
    all.set(bytes.subarray(from * itemSize, (from + inside[last]) * itemSize), to * itemSize)
  }
}
