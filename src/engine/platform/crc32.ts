const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1
  return value
})

/** The checksum of zips and PNGs (ISO 3309). */
export function crc32(bytes: Uint8Array): number {
  let checksum = ~0
  for (let i = 0; i < bytes.length; i++) checksum = table[(checksum ^ bytes[i]) & 255] ^ (checksum >>> 8)
  return ~checksum >>> 0
}
