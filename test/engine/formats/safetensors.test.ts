import seedrandom from 'seedrandom'
import { describe, expect, it } from 'vitest'
import { FormatError } from '../../../src/engine/errors.ts'
import { formatSafetensors, parseSafetensors, type StoredArray } from '../../../src/engine/formats/safetensors.ts'
import { readReference } from '../../reference-files.ts'

const tensors = new Map<string, { shape: number[]; data: StoredArray }>([
  ['bytes', { shape: [3], data: Uint8Array.of(0, 128, 255) }],
  ['signed', { shape: [1, 2], data: Int8Array.of(-128, 127) }],
  ['float', { shape: [2, 2], data: Float32Array.of(0.5, -1, 3.25, Number.NaN) }],
  ['double', { shape: [2], data: Float64Array.of(Math.PI, Number.NEGATIVE_INFINITY) }],
  ['integer', { shape: [], data: Int32Array.of(-7) }],
  ['unsigned', { shape: [2], data: Uint32Array.of(0, 0xffffffff) }],
  ['empty', { shape: [0, 4], data: new Float32Array(0) }],
])
const file = formatSafetensors(tensors, { model: 'a "quoted" name, ünïcode', empty: '' })

/** A file with this header, written as it stands, and `dataBytes` zeros. */
function fileWithHeader(header: string | object, dataBytes = 0): Uint8Array {
  const json = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header))
  const bytes = new Uint8Array(8 + json.byteLength + dataBytes)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.byteLength), true)
  bytes.set(json, 8)
  return bytes
}

describe('a file that was written', () => {
  it('reads back with every type, shape, value and metadata', () => {
    const read = parseSafetensors(file)
    expect(read.metadata).toEqual({ model: 'a "quoted" name, ünïcode', empty: '' })
    expect(read.tensors.size).toBe(tensors.size)
    for (const [name, { shape, data }] of tensors) {
      expect(read.tensors.get(name)?.shape, name).toEqual(shape)
      expect(read.tensors.get(name)?.data, name).toEqual(data)
    }
  })

  it("reads back from a Node Buffer and from the middle of other bytes, as copies of the file's", () => {
    const around = new Uint8Array(file.byteLength + 32).fill(0xaa)
    around.set(file, 13)
    for (const given of [Buffer.from(file), around.subarray(13, 13 + file.byteLength)]) {
      const read = parseSafetensors(given)
      given.fill(0)
      for (const [name, { data }] of tensors) expect(read.tensors.get(name)?.data, name).toEqual(data)
    }
  })

  it('has every tensor aligned to its own item size', () => {
    const headerBytes = Number(new DataView(file.buffer).getBigUint64(0, true))
    expect(headerBytes % 8).toBe(0)
    const header = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + headerBytes)))
    for (const [name, { data }] of tensors) expect(header[name].data_offsets[0] % data.BYTES_PER_ELEMENT, name).toBe(0)
  })
})

it('reads the reference network', () => {
  const { tensors: weights, metadata } = readReference('model.safetensors')
  expect(weights.get('conv2d_1/kernel')?.shape).toEqual([3, 3, 48, 32])
  expect([...weights.values()].reduce((sum, { data }) => sum + data.length, 0)).toBe(144_410)
  expect(metadata.test_accuracy).toBe('0.9117')
})

describe('what is not a safetensors file gives a FormatError', () => {
  it('when cut off anywhere', () => {
    for (let length = 0; length < file.byteLength; length++)
      expect(() => parseSafetensors(file.subarray(0, length)), `${length} bytes`).toThrow(FormatError)
  })

  const zero = { dtype: 'F32', shape: [1], data_offsets: [0, 4] }
  const hostile: Record<string, Uint8Array> = {
    'a header length of 2^64 - 1': Uint8Array.from([255, 255, 255, 255, 255, 255, 255, 255, 123, 125]),
    'a header of more than the format allows': (() => {
      const bytes = fileWithHeader('{}')
      new DataView(bytes.buffer).setBigUint64(0, 100_000_001n, true)
      return bytes
    })(),
    'a header that is not JSON': fileWithHeader('{"a":'),
    'a header that is not UTF-8': Uint8Array.from([4, 0, 0, 0, 0, 0, 0, 0, 34, 0xff, 0xfe, 34]),
    'a header that is a list': fileWithHeader('[]'),
    'a header that is null': fileWithHeader('null'),
    'an entry that is no object': fileWithHeader({ a: 3 }),
    'metadata that is no text': fileWithHeader({ __metadata__: { a: 1 } }),
    'an unknown type': fileWithHeader({ a: { ...zero, dtype: 'F8_E5M2' } }, 4),
    "a type named like an object's own method": fileWithHeader({ a: { ...zero, dtype: 'toString' } }, 4),
    'no shape': fileWithHeader({ a: { ...zero, shape: undefined } }, 4),
    'a negative extent': fileWithHeader({ a: { ...zero, shape: [-1, -1] } }, 4),
    'a broken extent': fileWithHeader({ a: { ...zero, shape: [0.5, 2] } }, 4),
    'extents that overflow': fileWithHeader({ a: { ...zero, shape: new Array(40).fill(2 ** 52) } }, 4),
    'extents that overflow, and a zero': fileWithHeader(
      { a: { ...zero, shape: [...new Array(40).fill(2 ** 52), 0] } },
      4,
    ),
    'one offset': fileWithHeader({ a: { ...zero, data_offsets: [0] } }, 4),
    'offsets the wrong way round': fileWithHeader({ a: { ...zero, data_offsets: [4, 0] } }, 4),
    'offsets that do not fit the shape': fileWithHeader({ a: { ...zero, data_offsets: [0, 3] } }, 4),
    'offsets behind the end': fileWithHeader({ a: { ...zero, data_offsets: [4, 8] } }, 4),
    'two tensors at one place': fileWithHeader({ a: zero, b: zero }, 4),
    'two tensors that overlap': fileWithHeader(
      { a: { ...zero, shape: [2], data_offsets: [0, 8] }, b: { ...zero, data_offsets: [4, 8] } },
      8,
    ),
    'a hole between tensors': fileWithHeader({ a: zero, b: { ...zero, data_offsets: [8, 12] } }, 12),
    'a hole before the first': fileWithHeader({ a: { ...zero, data_offsets: [4, 8] } }, 8),
    'bytes behind the last': fileWithHeader({ a: zero }, 5),
    'data of no tensor': fileWithHeader({}, 1),
    'a name twice': fileWithHeader(
      '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}',
      4,
    ),
    'a name twice, once in escapes': fileWithHeader(
      '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"\\u0061":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}',
      4,
    ),
    'a dtype twice': fileWithHeader('{"a":{"dtype":"U8","dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4),
    'metadata with a name twice': fileWithHeader('{"__metadata__":{"x":"1","x":"2"}}'),
    'metadata twice': fileWithHeader('{"__metadata__":{},"__metadata__":{}}'),
    'a negative offset': fileWithHeader({ a: { ...zero, data_offsets: [-4, 0] } }, 4),
    'white space before the header': fileWithHeader(' {}'),
    'a mark of byte order before the header': fileWithHeader('\ufeff{}'),
    'a header of no bytes': fileWithHeader(''),
    'offsets far behind the end': fileWithHeader({ a: { ...zero, data_offsets: [2 ** 52, 2 ** 52 + 4] } }, 4),
  }
  for (const [what, bytes] of Object.entries(hostile))
    it(`with ${what}`, () => {
      expect(() => parseSafetensors(bytes)).toThrow(FormatError)
    })

  it('takes no more memory than the file, however often its data are asked for', () => {
    // 844 kB that asked for 2.3 GB: 10,000 tensors, all over the same 240 kB.
    const header = Object.fromEntries(
      Array.from({ length: 10_000 }, (_, i) => [
        `t${i}`,
        { dtype: 'U8', shape: [240_000], data_offsets: [0, 240_000] },
      ]),
    )
    const bytes = fileWithHeader(header, 240_000)
    const before = process.memoryUsage().arrayBuffers
    expect(() => parseSafetensors(bytes)).toThrow(/"t1" begins at byte 0, inside another that ends at 240000/)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1e6)
  })

  it('but a tensor may have no bytes, wherever it stands, and a name of any kind', () => {
    const empty = { dtype: 'F32', shape: [0], data_offsets: [4, 4] }
    const names = ['a', '__proto__', '{":":'] as const
    const header = `{${names.map((name, i) => `${JSON.stringify(name)}:${JSON.stringify(i === 0 ? zero : empty)}`)}}  `
    expect([...parseSafetensors(fileWithHeader(header, 4)).tensors.keys()]).toEqual(names)
  })

  it('for random bytes', () => {
    const random = seedrandom('safetensors bytes')
    for (let i = 0; i < 500; i++) {
      const bytes = Uint8Array.from({ length: Math.floor(random() * 200) }, () => random() * 256)
      // Half of them with a plausible header length, so that the header itself is random.
      if (bytes.length > 8 && i % 2) bytes.set([Math.floor(random() * (bytes.length - 8)), 0, 0, 0, 0, 0, 0, 0])
      expect(() => parseSafetensors(bytes)).toThrow(FormatError)
    }
  })

  it('and a damaged file is either read with its declared sizes or refused', () => {
    const random = seedrandom('safetensors damage')
    let refused = 0
    for (let i = 0; i < 800; i++) {
      const bytes = file.slice()
      for (let change = 0; change <= i % 3; change++)
        bytes[Math.floor(random() * bytes.length)] ^= 1 << Math.floor(random() * 8)
      try {
        for (const { shape, data } of parseSafetensors(bytes).tensors.values())
          expect(data.length).toBe(shape.reduce((product, extent) => product * extent, 1))
      } catch (error) {
        expect(error).toBeInstanceOf(FormatError)
        refused++
      }
    }
    expect(refused).toBeGreaterThan(300)
  })
})
