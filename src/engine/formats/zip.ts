import { shown } from '../arguments.ts'
import { FormatError } from '../errors.ts'
import { crc32 } from '../platform/crc32.ts'
import { decompress } from '../platform/decompress.ts'

/**
 * The files in a zip, by name (PKWARE's APPNOTE, 4.3): stored or deflated, as all programs write them. What a file unpacks to is what its
 * directory says, and no more; all of them together are bounded before anything is unpacked.
 */
export class Zip {
  private readonly entries: ReadonlyMap<string, Entry>

  /** @throws FormatError for what is no zip, a damaged one, one that is encrypted, or made to fill memory */
  constructor(private readonly bytes: Uint8Array) {
    this.entries = directoryOf(bytes)
  }

  get names(): readonly string[] {
    return [...this.entries.keys()]
  }

  /** null where there is none of this name. @throws FormatError for a damaged one */
  async file(name: string): Promise<Uint8Array | null> {
    const entry = this.entries.get(name)
    if (!entry) return null
    const what = `the zip's file ${shown(name)}`
    const view = viewOf(this.bytes)
    if (entry.at + 30 > this.bytes.length || view.getUint32(entry.at, true) !== localSignature)
      throw new FormatError(`${what} is not where its directory says`)
    const first = entry.at + 30 + view.getUint16(entry.at + 26, true) + view.getUint16(entry.at + 28, true)
    if (first + entry.packed > this.bytes.length) throw new FormatError(`${what} is truncated`)
    const packed = this.bytes.subarray(first, first + entry.packed)
    const unpacked = entry.method === stored ? packed : await decompress('deflate-raw', packed, entry.size, what)
    if (unpacked.length !== entry.size || crc32(unpacked) !== entry.checksum)
      throw new FormatError(`${what} is damaged: it is not what its directory says`)
    return unpacked
  }
}

interface Entry {
  readonly method: number
  readonly checksum: number
  readonly packed: number
  readonly size: number
  readonly at: number
}

const localSignature = 0x04034b50
const directorySignature = 0x02014b50
const endSignature = 0x06054b50
const stored = 0
const deflated = 8
const mostFiles = 10_000
/** A field that says: see elsewhere, for files beyond 4 GB. */
const elsewhere = 0xffffffff

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function directoryOf(bytes: Uint8Array): ReadonlyMap<string, Entry> {
  const view = viewOf(bytes)
  const end = endOf(view)
  const count = view.getUint16(end + 10, true)
  let at = view.getUint32(end + 16, true)
  if (at === elsewhere) throw new FormatError('this zip is larger than 4 GB, which is not known')
  const entries = new Map<string, Entry>()
  let total = 0
  for (let i = 0; i < count; i++) {
    if (at + 46 > end || view.getUint32(at, true) !== directorySignature || count > mostFiles)
      throw new FormatError('this zip is truncated or damaged: its directory is not whole')
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((place) => view.getUint16(at + place, true))
    const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameBytes))
    const entry = entryAt(view, at, name)
    total += entry.size
    if (entries.has(name)) throw new FormatError(`this zip has the file ${shown(name)} twice`)
    if (!name.endsWith('/')) entries.set(name, entry)
    at += 46 + nameBytes + extraBytes + commentBytes
  }
  // Weights hardly shrink, and texts tenfold.
  const most = 2 ** 26 + 20 * bytes.length
  if (total > most)
    throw new FormatError(`this zip of ${bytes.length} bytes would unpack to ${total}; expected at most ${most}`)
  return entries
}

function entryAt(view: DataView, at: number, name: string): Entry {
  const method = view.getUint16(at + 10, true)
  const [checksum, packed, size] = [16, 20, 24].map((place) => view.getUint32(at + place, true))
  if (view.getUint16(at + 8, true) & 1) throw new FormatError(`the zip's file ${shown(name)} is encrypted`)
  if (method !== stored && method !== deflated)
    throw new FormatError(`the zip's file ${shown(name)} is packed by method ${method}; known are stored and deflated`)
  return { method, checksum, packed, size, at: view.getUint32(at + 42, true) }
}

/** A comment of up to 64 kB may follow the end of the directory. */
function endOf(view: DataView): number {
  for (let at = view.byteLength - 22; at >= 0 && at >= view.byteLength - 22 - 0xffff; at--)
    if (view.getUint32(at, true) === endSignature) return at
  throw new FormatError('this zip is truncated: it has no directory')
}
