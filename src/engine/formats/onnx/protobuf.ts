import { PbfReader } from 'pbf'
import { FormatError } from '../../errors.ts'

/**
 * Protobuf messages, read field by field. pbf knows the encoding, but believes every length that it reads: so each message is
 * cut out first, and nothing is read beyond its end.
 */

/** What to do with each field that is known, by its number; others are skipped, as the encoding asks. */
export type Fields = Readonly<Record<number, (field: Field) => void>>

const varint = 0
const bits64 = 1
const lengthDelimited = 2
const bits32 = 5

/**
 * @param what is read, for messages
 * @throws FormatError for what is no message, or ends within a field
 */
export function readMessage(what: string, bytes: Uint8Array, fields: Fields): void {
  const reader = new PbfReader(bytes)
  while (reader.pos < reader.length) {
    const tag = readVarint(what, reader)
    const field = new Field(what, reader, tag % 8)
    const read = fields[Math.floor(tag / 8)]
    if (read) read(field)
    else field.skip()
  }
}

function readVarint(what: string, reader: PbfReader): number {
  // At most ten bytes, the last of them below 128.
  let last = reader.pos
  while (last < reader.length && reader.buf[last] > 127 && last < reader.pos + 10) last++
  if (last >= reader.length || last >= reader.pos + 10) return damaged(what)
  return reader.readVarint(true)
}

function damaged(what: string): never {
  throw new FormatError(`${what} is damaged: it ends within a field, or is no protobuf message`)
}

/** A field whose value is read next. Each method throws a FormatError where the field's encoding is another. */
export class Field {
  constructor(
    private readonly what: string,
    private readonly reader: PbfReader,
    private readonly encoding: number,
  ) {}

  /** Of any integer type, up to 2^53 exactly. */
  integer(): number {
    this.expect(varint)
    return readVarint(this.what, this.reader)
  }

  float(): number {
    this.expect(bits32)
    return this.fixed(4).getFloat32(0, true)
  }

  bytes(): Uint8Array {
    this.expect(lengthDelimited)
    return this.delimited()
  }

  text(): string {
    return new TextDecoder().decode(this.bytes())
  }

  /** Of a repeated field: one more, or many in one piece. */
  integers(): number[] {
    if (this.encoding !== lengthDelimited) return [this.integer()]
    const packed = new PbfReader(this.delimited())
    const values: number[] = []
    while (packed.pos < packed.length) values.push(readVarint(this.what, packed))
    return values
  }

  floats(): Float32Array {
    if (this.encoding !== lengthDelimited) return Float32Array.of(this.float())
    return new Float32Array(this.elements(4))
  }

  doubles(): Float64Array {
    if (this.encoding !== lengthDelimited) {
      this.expect(bits64)
      return Float64Array.of(this.fixed(8).getFloat64(0, true))
    }
    return new Float64Array(this.elements(8))
  }

  skip(): void {
    if (this.encoding === varint) readVarint(this.what, this.reader)
    else if (this.encoding === lengthDelimited) this.delimited()
    else if (this.encoding === bits32) this.fixed(4)
    else if (this.encoding === bits64) this.fixed(8)
    else damaged(this.what)
  }

  private expect(encoding: number): void {
    if (this.encoding !== encoding) damaged(this.what)
  }

  private delimited(): Uint8Array {
    return this.take(readVarint(this.what, this.reader))
  }

  private fixed(size: number): DataView {
    const { buffer, byteOffset } = this.take(size)
    return new DataView(buffer, byteOffset, size)
  }

  /** A copy, so that it begins where an array of such elements may. */
  private elements(size: number): ArrayBuffer {
    const bytes = this.delimited()
    if (bytes.length % size !== 0) damaged(this.what)
    return new Uint8Array(bytes).buffer
  }

  private take(length: number): Uint8Array {
    const { reader } = this
    const end = reader.pos + length
    if (!(length >= 0) || end > reader.length) damaged(this.what)
    const bytes = reader.buf.subarray(reader.pos, end)
    reader.pos = end
    return bytes
  }
}
