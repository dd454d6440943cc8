import { FormatError } from '../../errors.ts'

/**
 * An HDF5 file's bytes, read where its addresses lead. Whatever they say, nothing outside is read, and the work is bounded: a tree
 * whose branches are all the same one has no end, and no rule of the format forbids it.
 *
 * There are libraries for this. jsfive knows no limits (a few hundred bytes keep it busy for ever) and makes a list of each array of
 * numbers; the HDF Group's own code, built as h5wasm, is 4 MB. What Keras writes needs a small part of the format.
 */
export class Hdf5Bytes {
  private readonly view: DataView
  private work: number
  /** Bytes of an address, of a length: 8, but in files of small machines. */
  offsetSize = 8
  lengthSize = 8

  constructor(readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    // Each byte may be read a few times over: names that are looked for, and headers that several ways lead to.
    this.work = 100_000 + 4 * bytes.length
  }

  /** Counts what is done. @throws FormatError where it is more than a file of this size can ask for in earnest */
  spend(amount: number): void {
    this.work -= amount
    if (this.work < 0) throw new FormatError('HDF5: it leads in circles, or to the same place again and again')
  }

  /** A whole number of so many bytes. */
  uint(at: number, size: number): number {
    this.check(at, size)
    let value = 0
    for (let i = size - 1; i >= 0; i--) value = value * 256 + this.view.getUint8(at + i)
    return value
  }

  byte(at: number): number {
    return this.uint(at, 1)
  }

  length(at: number): number {
    return this.uint(at, this.lengthSize)
  }

  /** null for the address of nothing. */
  address(at: number): number | null {
    const address = this.uint(at, this.offsetSize)
    return address >= 2 ** (8 * this.offsetSize) - 1 ? null : address
  }

  /** A view of the bytes, no copy. */
  slice(at: number, length: number): Uint8Array {
    this.check(at, length)
    return this.bytes.subarray(at, at + length)
  }

  /** @throws FormatError where other letters stand here */
  expect(at: number, signature: string): void {
    const found = String.fromCharCode(...this.slice(at, signature.length))
    if (found !== signature) throw new FormatError(`HDF5: damaged: no ${signature} where one must be`)
  }

  private check(at: number, length: number): void {
    if (!(at >= 0 && length >= 0 && at + length <= this.bytes.length))
      throw new FormatError('HDF5: truncated or damaged: it speaks of bytes that it does not have')
    this.spend(1)
  }
}

const decoder = new TextDecoder()

/** Text up to its first zero. */
export function textOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0)
  return decoder.decode(end < 0 ? bytes : bytes.subarray(0, end))
}
