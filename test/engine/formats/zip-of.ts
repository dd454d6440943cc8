import { crc32, deflateRawSync } from 'node:zlib'

export interface ZippedFile {
  readonly name: string
  readonly bytes: Uint8Array
  readonly deflated?: boolean
  /** What its directory says; the truth unless given. */
  readonly size?: number
}

/** A zip of these files, as little of one as there can be. */
export function zipOf(files: readonly ZippedFile[]): Uint8Array {
  const parts: Uint8Array[] = []
  const directory: Uint8Array[] = []
  let at = 0
  for (const { name, bytes, deflated = false, size = bytes.length } of files) {
    const packed = deflated ? deflateRawSync(bytes) : bytes
    const names = new TextEncoder().encode(name)
    const entry = new DataView(new ArrayBuffer(46))
    entry.setUint32(0, 0x02014b50, true)
    entry.setUint16(10, deflated ? 8 : 0, true)
    entry.setUint32(16, crc32(bytes), true)
    entry.setUint32(20, packed.length, true)
    entry.setUint32(24, size, true)
    entry.setUint16(28, names.length, true)
    entry.setUint32(42, at, true)
    const local = new DataView(new ArrayBuffer(30))
    local.setUint32(0, 0x04034b50, true)
    local.setUint16(26, names.length, true)
    parts.push(new Uint8Array(local.buffer), names, packed)
    directory.push(new Uint8Array(entry.buffer), names)
    at += 30 + names.length + packed.length
  }
  const end = new DataView(new ArrayBuffer(22))
  end.setUint32(0, 0x06054b50, true)
  end.setUint16(10, files.length, true)
  end.setUint32(
    12,
    directory.reduce((total, { length }) => total + length, 0),
    true,
  )
  end.setUint32(16, at, true)
  return new Uint8Array(Buffer.concat([...parts, ...directory, new Uint8Array(end.buffer)]))
}
