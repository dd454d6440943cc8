import { deflateSync, gzipSync } from 'node:zlib'
import seedrandom from 'seedrandom'
import { describe, expect, it } from 'vitest'
import { gunzip, inflate } from '../../../src/app/data/gzip.ts'
import { FormatError } from '../../../src/engine/errors.ts'

const random = seedrandom('gzip')
const content = Uint8Array.from({ length: 100_000 }, (_, i) => (i % 3 ? random() * 256 : 7))
const zipped = new Uint8Array(gzipSync(content))
const small = new Uint8Array(gzipSync(content.subarray(0, 50)))

describe('gunzip', () => {
  it('gives back what was packed, with exactly the limit allowed', async () => {
    expect(await gunzip(zipped, content.length)).toEqual(content)
    expect(await gunzip(new Uint8Array(gzipSync(new Uint8Array(0))), 0)).toEqual(new Uint8Array(0))
  })

  it('refuses one byte more than the limit', async () => {
    await expect(gunzip(zipped, content.length - 1, 'it')).rejects.toThrow(
      new FormatError('it unpacks to more than the 99999 bytes it may have'),
    )
  })

  it('leaves a bomb off at the limit', async () => {
    const bomb = new Uint8Array(gzipSync(new Uint8Array(256 << 20), { level: 9 }))
    const buffersBefore = process.memoryUsage().arrayBuffers
    await expect(gunzip(bomb, 1000)).rejects.toThrow('unpacks to more than the 1000 bytes')
    expect(process.memoryUsage().arrayBuffers - buffersBefore).toBeLessThan(64 << 20)
  })

  it('refuses a file cut off anywhere', async () => {
    for (let length = 0; length < small.length; length++)
      await expect(gunzip(small.subarray(0, length), 1000), `${length} bytes`).rejects.toThrow(FormatError)
    await expect(gunzip(zipped.subarray(0, 16_384), content.length)).rejects.toThrow(FormatError)
  })

  it('refuses whatever follows: zeros, bytes, another member', async () => {
    for (const tail of [[0], [0, 0, 0, 0, 0, 0, 0, 0], [1, 2, 3], [...small]])
      await expect(gunzip(Uint8Array.from([...small, ...tail]), 1000), `${tail.length} more`).rejects.toThrow(
        FormatError,
      )
  })

  it('refuses every change to the packed data, the checksum and the size', async () => {
    for (let i = 10; i < small.length; i++) {
      const damaged = small.slice()
      damaged[i] ^= 0xff
      await expect(gunzip(damaged, 1000), `byte ${i}`).rejects.toThrow(FormatError)
    }
  })

  it('refuses random bytes, with the right header too', async () => {
    for (let i = 0; i < 300; i++) {
      const bytes = Uint8Array.from({ length: Math.floor(random() * 100) }, () => random() * 256)
      if (i % 2) bytes.set([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3].slice(0, bytes.length))
      await expect(gunzip(bytes, 1000)).rejects.toThrow(FormatError)
    }
  })
})

describe('inflate', () => {
  const deflated = new Uint8Array(deflateSync(content))

  it('gives back what was packed, with exactly the limit allowed and not more', async () => {
    expect(await inflate(deflated, content.length)).toEqual(content)
    await expect(inflate(deflated, content.length - 1)).rejects.toThrow('99999 bytes')
  })

  it('refuses what is cut off, changed, or not zlib', async () => {
    for (const length of [0, 1, 2, 3, 100, 16_384, deflated.length - 4, deflated.length - 1])
      await expect(inflate(deflated.subarray(0, length), content.length), `${length} bytes`).rejects.toThrow(
        FormatError,
      )
    const damaged = deflated.slice()
    damaged[deflated.length - 1] ^= 1
    await expect(inflate(damaged, content.length)).rejects.toThrow(FormatError)
    await expect(inflate(small, content.length)).rejects.toThrow(FormatError)
  })
})
