import { describe, expect, it } from 'vitest'
import { FormatError } from '../../../src/engine/errors.ts'
import { Zip } from '../../../src/engine/formats/zip.ts'
import { zipOf } from './zip-of.ts'

const text = new TextEncoder().encode('what is in it, what is in it, what is in it')

describe('a zip', () => {
  it('gives its files by name, stored and deflated', async () => {
    const zip = new Zip(
      zipOf([
        { name: 'stored', bytes: text },
        { name: 'a/packed', bytes: text, deflated: true },
      ]),
    )
    expect(zip.names).toEqual(['stored', 'a/packed'])
    for (const name of zip.names) expect(await zip.file(name)).toEqual(text)
    expect(await zip.file('none')).toBe(null)
  })

  it('is refused where it would unpack to more than its size allows, as it says or in truth', async () => {
    const zeros = new Uint8Array(2 ** 20)
    const bomb = zipOf(Array.from({ length: 100 }, (_, i) => ({ name: `${i}`, bytes: zeros, deflated: true })))
    expect(() => new Zip(bomb)).toThrow(/would unpack to 104857600; expected at most/)
    const liar = new Zip(zipOf([{ name: 'small', bytes: zeros, deflated: true, size: 100 }]))
    await expect(liar.file('small')).rejects.toThrow(/unpacks to more than the 100 bytes/)
  })

  it('is refused where it is damaged, truncated, encrypted, or has a name twice', async () => {
    const whole = zipOf([{ name: 'file', bytes: text, deflated: true }])
    const damaged = whole.slice()
    damaged[30 + 4 + 2] ^= 255
    await expect(new Zip(damaged).file('file')).rejects.toThrow(FormatError)
    expect(() => new Zip(whole.subarray(0, whole.length - 1))).toThrow(/truncated/)
    const twice = [
      { name: 'file', bytes: text },
      { name: 'file', bytes: text },
    ]
    expect(() => new Zip(zipOf(twice))).toThrow(/the file "file" twice/)
    const other = zipOf([{ name: 'file', bytes: text }])
    const directory = 30 + 4 + text.length
    other[directory + 8] = 1
    expect(() => new Zip(other)).toThrow(/encrypted/)
    other[directory + 8] = 0
    other[directory + 10] = 12
    expect(() => new Zip(other)).toThrow(/packed by method 12; known are stored and deflated/)
  })
})
