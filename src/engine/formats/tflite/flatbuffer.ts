import { FormatError } from '../../errors.ts'

/**
 * FlatBuffers (https://flatbuffers.dev/internals): a table is a place that says where its vtable is, which says where each of its
 * fields is, from the table's beginning. The readers that others write trust a file, here nothing is read that is not there, and no
 * more of it than the file has: fields that all point at the same long list can't make us read it a thousand times.
 */
class Source {
  readonly view: DataView
  private left: number

  constructor(readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.left = 4 * bytes.length + 65_536
  }

  /** @throws FormatError for bytes that the file does not have */
  check(at: number, length: number): void {
    if (!(at >= 0 && length >= 0 && at + length <= this.bytes.length))
      throw new FormatError(`it is damaged: ${length} bytes at ${at} of ${this.bytes.length} are asked for`)
  }

  /** So many bytes are read to be kept. */
  spend(length: number): void {
    this.left -= length
    if (this.left < 0) throw new FormatError('it is damaged: its tables have the same parts again and again')
  }
}

const readers = {
  int8: [1, (view: DataView, at: number) => view.getInt8(at)],
  int32: [4, (view: DataView, at: number) => view.getInt32(at, true)],
  uint32: [4, (view: DataView, at: number) => view.getUint32(at, true)],
  float32: [4, (view: DataView, at: number) => view.getFloat32(at, true)],
  /** Whole numbers beyond 2^53 lose digits. */
  int64: [8, (view: DataView, at: number) => Number(view.getBigInt64(at, true))],
} as const

export type ScalarKind = keyof typeof readers

export class FlatTable {
  private constructor(
    private readonly source: Source,
    private readonly at: number,
  ) {
    source.check(at, 4)
  }

  /** The table that a file begins with. @throws FormatError where there is none */
  static rootOf(bytes: Uint8Array): FlatTable {
    const source = new Source(bytes)
    source.check(0, 4)
    return new FlatTable(source, source.view.getUint32(0, true))
  }

  /** A field's number; `otherwise` where it is left out, as writers do with what is usual. */
  number(field: number, kind: ScalarKind, otherwise = 0): number {
    const at = this.placeOf(field)
    if (at === undefined) return otherwise
    const [size, read] = readers[kind]
    this.source.check(at, size)
    return read(this.source.view, at)
  }

  text(field: number): string | undefined {
    const bytes = this.bytes(field)
    if (!bytes) return undefined
    this.source.spend(bytes.length)
    return new TextDecoder().decode(bytes)
  }

  /** A list of numbers of at most so many; none where it is left out. */
  numbers(field: number, kind: ScalarKind, most = Number.POSITIVE_INFINITY): number[] {
    const [size, read] = readers[kind]
    const { first, length } = this.list(field, size)
    if (length > most)
      throw new FormatError(`it is damaged: a list has ${length} entries; at most ${most} are expected`)
    this.source.spend(length * size)
    return Array.from({ length }, (_, i) => read(this.source.view, first + i * size))
  }

  /** A list of bytes, not copied; undefined where it is left out. */
  bytes(field: number): Uint8Array | undefined {
    if (this.placeOf(field) === undefined) return undefined
    const { first, length } = this.list(field, 1)
    return this.source.bytes.subarray(first, first + length)
  }

  table(field: number): FlatTable | undefined {
    const at = this.placeOf(field)
    return at === undefined ? undefined : this.behind(at)
  }

  tables(field: number): FlatTable[] {
    const { first, length } = this.list(field, 4)
    this.source.spend(length * 4)
    return Array.from({ length }, (_, i) => this.behind(first + 4 * i))
  }

  has(field: number): boolean {
    return this.placeOf(field) !== undefined
  }

  private behind(at: number): FlatTable {
    this.source.check(at, 4)
    return new FlatTable(this.source, at + this.source.view.getUint32(at, true))
  }

  private list(field: number, itemSize: number): { readonly first: number; readonly length: number } {
    const at = this.placeOf(field)
    if (at === undefined) return { first: 0, length: 0 }
    const { source } = this
    source.check(at, 4)
    const start = at + source.view.getUint32(at, true)
    source.check(start, 4)
    const length = source.view.getUint32(start, true)
    source.check(start + 4, length * itemSize)
    return { first: start + 4, length }
  }

  private placeOf(field: number): number | undefined {
    const { source, at } = this
    const vtable = at - source.view.getInt32(at, true)
    source.check(vtable, 4)
    const entry = 4 + 2 * field
    if (entry + 2 > source.view.getUint16(vtable, true)) return undefined
    source.check(vtable + entry, 2)
    const offset = source.view.getUint16(vtable + entry, true)
    return offset === 0 ? undefined : at + offset
  }
}
