import { describe, expect, it } from 'vitest'
import { FormatError } from '../../../../src/engine/errors.ts'
import { fromFloat16 } from '../../../../src/engine/formats/float16.ts'
import { severalFiles } from '../../../../src/engine/formats/model-files.ts'
import { readWeights } from '../../../../src/engine/formats/tfjs/weights.ts'

const bytesOf = (array: ArrayBufferView) =>
  array instanceof Uint8Array ? array : new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
const model = new Uint8Array(1)

function filesOf(files: Record<string, ArrayBufferView>) {
  const entries = Object.entries(files).map(([name, array]) => [`folder/${name}`, bytesOf(array)] as const)
  return severalFiles('folder/model.json', new Map([['folder/model.json', model], ...entries]))
}

const float = (name: string, ...shape: number[]) => ({ name, shape, dtype: 'float32' })

describe('weights of a TensorFlow.js model', () => {
  it('lie one behind the other in the files of their group, and begin anew with the next', async () => {
    const all = bytesOf(Float32Array.of(1, 2, 3, 4, 5, 6, 7))
    const files = filesOf({ one: all.slice(0, 9), two: all.slice(9, 16), three: all.slice(16) })
    const { tensors, storage } = await readWeights(
      [
        { paths: ['one', 'two'], weights: [float('a', 1, 3), float('b')] },
        { paths: ['./three'], weights: [float('c', 3)] },
      ],
      files,
    )
    expect([...tensors]).toEqual([
      ['a', { type: 'float', shape: [1, 3], data: Float32Array.of(1, 2, 3) }],
      ['b', { type: 'float', shape: [], data: Float32Array.of(4) }],
      ['c', { type: 'float', shape: [3], data: Float32Array.of(5, 6, 7) }],
    ])
    expect(storage).toBeUndefined()
  })

  it('lie in files that have got an extension since, too', async () => {
    const { tensors } = await readWeights(
      [{ paths: ['w'], weights: [float('a', 1)] }],
      filesOf({ 'w.bin': Float32Array.of(3) }),
    )
    expect(tensors.get('a')?.data).toEqual(Float32Array.of(3))
  })

  it("are copies of the file's bytes, of Node's Buffers, too", async () => {
    const bytes = Buffer.from(bytesOf(Float32Array.of(0, 5)))
    const { tensors } = await readWeights([{ paths: ['w'], weights: [float('a', 2)] }], filesOf({ w: bytes }))
    bytes.fill(0)
    expect(tensors.get('a')?.data).toEqual(Float32Array.of(0, 5))
  })

  it('are of several types, and texts among them are left where they are', async () => {
    const texts = Uint8Array.of(2, 0, 0, 0, 104, 105, 0, 0, 0, 0, 1, 0, 0, 0, 33)
    const parts = [bytesOf(Int32Array.of(-7)), Uint8Array.of(1, 0), texts, bytesOf(Float32Array.of(1, 2, 3))]
    const weights = [
      { name: 'i', shape: [1], dtype: 'int32' },
      { name: 'b', shape: [2], dtype: 'bool' },
      { name: 't', shape: [3], dtype: 'string' },
      { name: 'z', shape: [1], dtype: 'complex64' },
      float('f'),
    ]
    const { tensors, others } = await readWeights(
      [{ paths: ['w'], weights }],
      filesOf({ w: Uint8Array.from(parts.flatMap((part) => [...part])) }),
    )
    expect(tensors.get('i')).toEqual({ type: 'integer', shape: [1], data: Int32Array.of(-7) })
    expect(tensors.get('b')).toEqual({ type: 'boolean', shape: [2], data: Uint8Array.of(1, 0) })
    expect(tensors.get('f')?.data).toEqual(Float32Array.of(3))
    expect([...others]).toEqual([
      ['t', 'string'],
      ['z', 'complex64'],
    ])
  })

  it('are dequantised: q x scale + min, whole numbers to the nearest', async () => {
    const quantization = { scale: 0.5, min: -2 }
    const { tensors, storage } = await readWeights(
      [
        { paths: ['a'], weights: [{ ...float('a', 2), quantization: { ...quantization, dtype: 'uint8' } }] },
        { paths: ['b'], weights: [{ ...float('b', 2), quantization: { ...quantization, dtype: 'uint16' } }] },
        { paths: ['c'], weights: [{ ...float('c', 3), quantization: { dtype: 'float16' } }] },
        {
          paths: ['d'],
          weights: [{ name: 'd', shape: [1], dtype: 'int32', quantization: { scale: 0.3, min: 1, dtype: 'uint8' } }],
        },
      ],
      filesOf({
        a: Uint8Array.of(0, 255),
        b: Uint16Array.of(3, 65535),
        c: Uint16Array.of(0x3c00, 0xc500, 0x0001),
        d: Uint8Array.of(2),
      }),
    )
    expect(tensors.get('a')?.data).toEqual(Float32Array.of(-2, 125.5))
    expect(tensors.get('b')?.data).toEqual(Float32Array.of(-0.5, 32765.5))
    expect(tensors.get('c')?.data).toEqual(Float32Array.of(1, -5, 2 ** -24))
    expect(tensors.get('d')?.data).toEqual(Int32Array.of(2))
    expect(storage).toBe('float16, uint16 with scales, uint8 with scales')
  })

  it.each<[string, unknown, RegExp]>([
    ['no list', {}, /"weightsManifest": the whole of it is an object/],
    ['a type that there is not', [{ paths: ['w'], weights: [{ ...float('a'), dtype: 'int4' }] }], /dtype is "int4"/],
    ['a file that is missing', [{ paths: ['x'], weights: [float('a')] }], /its file "x" is missing/],
    ['a file outside the folder', [{ paths: ['../w'], weights: [float('a')] }], /expected one in its own folder/],
    ['one file twice', [{ paths: ['w', 'w'], weights: [float('a', 4)] }], /the file "w" twice/],
    ['one weight twice', [{ paths: ['w'], weights: [float('a'), float('a')] }], /the weight "a" twice/],
    ['too few bytes', [{ paths: ['w'], weights: [float('a', 3)] }], /8 bytes; "a" should end at byte 12/],
    ['too many bytes', [{ paths: ['w'], weights: [float('a', 1)] }], /8 bytes; the manifest speaks of 4/],
    ['a shape of no machine', [{ paths: ['w'], weights: [float('a', 2 ** 30, 2 ** 30)] }], /its shape is/],
    [
      'texts that never end',
      [{ paths: ['w'], weights: [{ ...float('a', 2 ** 29), dtype: 'string' }] }],
      /"a" should end at/,
    ],
    [
      'a quantisation without scale',
      [{ paths: ['w'], weights: [{ ...float('a', 8), quantization: { dtype: 'uint8' } }] }],
      /stored as uint8 without scale and min/,
    ],
  ])('are refused with %s', async (_what, manifest, message) => {
    const reading = readWeights(manifest, filesOf({ w: Float32Array.of(1, 2) }))
    await expect(reading).rejects.toThrow(FormatError)
    await expect(reading).rejects.toThrow(message)
  })
})

it('numbers of 16 bits: whole ones, the least and the largest, infinities and none', () => {
  const bits = [0x0000, 0x8000, 0x3c00, 0xc000, 0x0001, 0x03ff, 0x0400, 0x7bff, 0x7c00, 0xfc00, 0x7e00, 0x3555]
  expect([...fromFloat16(bits)]).toEqual([
    0,
    -0,
    1,
    -2,
    2 ** -24,
    (1023 / 1024) * 2 ** -14,
    2 ** -14,
    65504,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    Number.NaN,
    0.333251953125,
  ])
})
