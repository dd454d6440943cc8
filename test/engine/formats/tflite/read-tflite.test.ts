import { Builder } from 'flatbuffers'
import { afterAll, describe, expect, it } from 'vitest'
import {
  compute,
  FormatError,
  loadModel,
  openDevice,
  ops,
  type Tensor,
  UnsupportedModelError,
} from '../../../../src/engine/index.ts'
import { inUse } from '../../../../src/engine/model/network.ts'
import { Input, Resident } from '../../../../src/engine/tensor.ts'
import { numbers } from '../tfjs/graph-cases.ts'
import { zipOf } from '../zip-of.ts'
import { type LiteFile, type LiteTensor, liteFile, table } from './tflite-file.ts'

const device = await openDevice('reference')
afterAll(() => device.dispose())

const [add, conv, depthwise, dequantize, dense, l2, reshape, softmax, relu] = [0, 3, 4, 6, 9, 11, 22, 25, 19]
const [transpose, batchToSpace, spaceToBatch, transposeConv, quantize, gelu] = [39, 37, 38, 67, 114, 150]
const [float16, int32, uint8, text, int8, int4] = [1, 2, 3, 5, 9, 17]

/** A file with an input x, an output y, and what is given between them. */
function file(
  x: LiteTensor,
  y: LiteTensor,
  others: readonly LiteTensor[],
  operators: LiteFile['operators'],
  more: Partial<LiteFile> = {},
) {
  return liteFile({ tensors: [x, y, ...others], operators, inputs: [0], outputs: [1], ...more })
}

async function answer(bytes: Uint8Array, x: ArrayLike<number>, batch = 1) {
  const model = await loadModel(bytes)
  await model.compile({ device })
  const { data } = await model.predict({ shape: [batch, ...model.inputShape], data: Float32Array.from(x) })
  return { model, y: Array.from(data) }
}

const x = (...shape: number[]): LiteTensor => ({ name: 'x', shape })
const y = (...shape: number[]): LiteTensor => ({ name: 'y', shape })
const known = (name: string, shape: number[], values: readonly number[]): LiteTensor => ({
  name,
  shape,
  data: Float32Array.from(values),
})
const window = (stride = 1, padding = 0) =>
  [
    [0, 'int8', padding],
    [1, 'int32', stride],
    [2, 'int32', stride],
  ] as const

function close(found: readonly number[], expected: readonly number[]) {
  expect(found).toHaveLength(expected.length)
  found.forEach((value, i) => expect(value).toBeCloseTo(expected[i], 5))
}

describe('quantised numbers are real ones', () => {
  const kernel: LiteTensor = {
    name: 'kernel',
    shape: [2, 1, 1, 2],
    type: int8,
    data: Int8Array.of(10, -20, 30, 40),
    scales: [0.1, 0.5],
    zeroPoints: [0, 10],
    axis: 0,
  }
  const bias: LiteTensor = { name: 'bias', shape: [2], type: int32, data: Int32Array.of(100, -4), scales: [0.01, 0.5] }
  const image: LiteTensor = { name: 'x', shape: [1, 1, 2, 2], type: uint8, scales: [0.5], zeroPoints: [128] }
  const convolved = (output: LiteTensor) =>
    file(image, output, [kernel, bias], [{ code: conv, inputs: [0, 2, 3], outputs: [1], options: window() }])
  // Weights are 1 and -2 for the first channel, 10 and 15 for the second, biases 1 and -2.
  const real = [1 * 1 - 2 * 2 + 1, 10 * 1 + 15 * 2 - 2, -1 * 1 + 2 * 0.5 + 1, -10 * 1 - 15 * 0.5 - 2]

  it('with a scale for each channel; a byte of the input is a pixel', async () => {
    const { model, y: found } = await answer(convolved(y(1, 1, 2, 2)), [1, 2, -1, -0.5])
    close(found, real)
    expect(model.origin?.storage).toBe('int8 with scales')
  })

  it('that are cut off where the zero point is the least that an output can hold, and not where it is another', async () => {
    const output = (zeroPoint: number): LiteTensor => ({
      ...y(1, 1, 2, 2),
      type: int8,
      scales: [0.1],
      zeroPoints: [zeroPoint],
    })
    close((await answer(convolved(output(-128)), [1, 2, -1, -0.5])).y, [0, 25.5, 1, 0])
    close((await answer(convolved(output(-127)), [1, 2, -1, -0.5])).y, real)
  })

  it('of four bits, of 16 and of none', async () => {
    const weights = (data: LiteTensor) =>
      file(x(1, 3), y(1, 1), [data], [{ code: dense, inputs: [0, 2, -1], outputs: [1] }])
    const four = { name: 'w', shape: [1, 3], type: int4, data: Uint8Array.of(0x8f, 0x07), scales: [0.5] }
    close((await answer(weights(four), [1, 2, 3])).y, [-0.5 - 8 + 10.5])
    const half: LiteTensor = { name: 'w', shape: [1, 3], type: float16, data: Uint16Array.of(0x3c00, 0xc000, 0x3800) }
    const bytes = file(
      x(1, 3),
      y(1, 1),
      [half, { name: 'wide', shape: [1, 3] }],
      [
        { code: dequantize, inputs: [2], outputs: [3] },
        { code: dense, inputs: [0, 3], outputs: [1] },
      ],
    )
    const { model, y: found } = await answer(bytes, [1, 2, 3])
    close(found, [1 - 4 + 1.5])
    expect(model.origin?.storage).toBe('float16')
    expect(model.parameterCount).toBe(3)
  })

  it('and an input of bytes says what a pixel stands for', async () => {
    const grey: LiteTensor = { name: 'x', shape: [1, 2, 2, 1], type: uint8, scales: [0.5], zeroPoints: [128] }
    const { images } = await loadModel(file(grey, y(1, 2, 2, 1), [], [{ code: quantize, inputs: [0], outputs: [1] }]))
    expect(images.preprocessing?.value).toEqual({ scale: [0.5], offset: [-64] })
  })
})

describe("operators that are not TensorFlow's own", () => {
  it('depthwise convolutions have the channels that are made of one side by side', async () => {
    const kernel = known('kernel', [1, 1, 1, 4], [1, 2, 3, 4])
    const bytes = file(
      x(1, 1, 1, 2),
      y(1, 1, 1, 4),
      [kernel],
      [{ code: depthwise, inputs: [0, 2], outputs: [1], options: [...window(), [4, 'int8', 1]] }],
    )
    close((await answer(bytes, [10, -1])).y, [10, 20, 0, 0])
  })

  it('a transposed convolution with a bias and a fused activation', async () => {
    const kernel = known('kernel', [1, 2, 2, 1], [1, 2, 3, 4])
    const size: LiteTensor = { name: 'size', shape: [4], type: int32, data: Int32Array.of(1, 2, 4, 1) }
    const bytes = file(
      x(1, 1, 2, 1),
      y(1, 2, 4, 1),
      [size, kernel, known('bias', [1], [1])],
      [{ code: transposeConv, inputs: [2, 3, 0, 4], outputs: [1], options: [...window(2), [3, 'int8', 1]] }],
    )
    close((await answer(bytes, [1, -1])).y, [2, 3, 0, 0, 4, 5, 0, 0])
  })

  it('softmax with a temperature, unit length, and the exact gelu', async () => {
    const soft = file(
      x(1, 2),
      y(1, 2),
      [],
      [{ code: softmax, inputs: [0], outputs: [1], options: [[0, 'float32', 2]] }],
    )
    close((await answer(soft, [0, 1])).y, [1 / (1 + Math.exp(2)), 1 / (1 + Math.exp(-2))])
    const unit = file(x(1, 2), y(1, 2), [], [{ code: l2, inputs: [0], outputs: [1] }])
    close((await answer(unit, [3, 4])).y, [0.6, 0.8])
    const exact = file(x(1, 2), y(1, 2), [], [{ code: gelu, inputs: [0], outputs: [1] }])
    close((await answer(exact, [1, -1])).y, [0.8413447, -0.1586553])
  })

  it('a dense layer takes all numbers as rows, or the last axis alone where axes are kept', async () => {
    const kernel = known('kernel', [1, 2], [1, 10])
    const dense2 = (output: number[], keeps: number) =>
      file(
        x(1, 2, 2),
        y(...output),
        [kernel],
        [{ code: dense, inputs: [0, 2], outputs: [1], options: [[2, 'int8', keeps]] }],
      )
    const { model, y: found } = await answer(dense2([1, 2, 1], 1), [1, 2, 3, 4])
    close(found, [21, 43])
    expect(model.outputShape).toEqual([2, 1])
    await expect(loadModel(dense2([2, 1], 0))).rejects.toThrow(/the output y of one sample is \[2,1\]/)
  })
})

describe('images that are cut into blocks', () => {
  const kernel = known('kernel', [1, 3, 3, 2], numbers(18, 1))
  const block: LiteTensor = { name: 'block', shape: [2], type: int32, data: Int32Array.of(2, 2) }
  const around: LiteTensor = { name: 'around', shape: [2, 2], type: int32, data: Int32Array.of(2, 3, 2, 2) }
  const off: LiteTensor = { name: 'off', shape: [2, 2], type: int32, data: Int32Array.of(0, 1, 0, 0) }
  const [blocks, made, after] = ['blocks', 'made', 'after'].map((name) => ({ name, shape: [4, 5, 5, 2] }))
  const image = numbers(2 * 5 * 6 * 2, 2)

  /** The same by an operation that knows dilation. */
  const input = new Input('x', [2, 5, 6, 2])
  const perChannel = ops.reshape(new Input('kernel', [18]), [3, 3, 2, 1])
  const dilated = ops.depthwiseConv2d(input, perChannel, {
    dilation: 2,
    padding: [
      [2, 2],
      [2, 2],
    ],
  })

  function cut(activation: boolean) {
    const [result, last] = activation ? [after, { code: relu, inputs: [6], outputs: [7] }] : [made, null]
    return file(
      x(1, 5, 6, 2),
      y(1, 5, 6, 2),
      [block, around, off, blocks, made, ...(activation ? [result] : []), kernel],
      [
        { code: spaceToBatch, inputs: [0, 2, 3], outputs: [5] },
        { code: depthwise, inputs: [5, activation ? 8 : 7], outputs: [6], options: [...window(1, 1)] },
        ...(last ? [last] : []),
        { code: batchToSpace, inputs: [activation ? 7 : 6, 2, 4], outputs: [1] },
      ],
    )
  }

  it('and convolved are convolved whole, with dilation: nothing is cut', async () => {
    const { y: expected } = await compute(
      device,
      { outputs: { y: dilated } },
      { x: Float32Array.from(image), kernel: Float32Array.from(numbers(18, 1)) },
    )
    const { model, y: found } = await answer(cut(false), image, 2)
    expect('isOneByOne' in model.network && model.network.isOneByOne).toBe(false)
    close(found, Array.from(expected))
    const weights = model.network.parameters.map(({ name, shape }) => new Resident(name, 0, shape))
    const [tensor] = model.network.apply([input], weights, inUse).outputs
    expect(operationsOf(tensor)).not.toContain('transpose')
    const { y: rectified } = await answer(cut(true), image, 2)
    close(
      rectified,
      Array.from(expected, (value) => Math.max(value, 0)),
    )
  })
})

/** The names of all operations that a tensor hangs on. */
function operationsOf(tensor: Tensor): Set<string> {
  return new Set([tensor.operation.name, ...tensor.inputs.flatMap((one) => [...operationsOf(one)])])
}

describe('a file that is made for one sample', () => {
  const shape: LiteTensor = { name: 'shape', shape: [2], type: int32, data: Int32Array.of(1, 4) }
  const axes: LiteTensor = { name: 'axes', shape: [2], type: int32, data: Int32Array.of(1, 0) }

  it('takes several together where its shapes are of one sample', async () => {
    const bytes = file(x(1, 2, 2), y(1, 4), [shape], [{ code: reshape, inputs: [0, 2], outputs: [1] }])
    const { model, y: found } = await answer(bytes, [1, 2, 3, 4, 5, 6, 7, 8], 2)
    close(found, [1, 2, 3, 4, 5, 6, 7, 8])
    expect('isOneByOne' in model.network && model.network.isOneByOne).toBe(false)
  })

  it('takes them one by one where they would mix', async () => {
    const twice = [
      { code: transpose, inputs: [0, 2], outputs: [4] },
      { code: softmax, inputs: [4], outputs: [5], options: [[0, 'float32', 1]] as const },
      { code: transpose, inputs: [5, 2], outputs: [1] },
    ]
    const [turned, soft] = ['turned', 'soft'].map((name) => ({ name, shape: [3, 1] }))
    const bytes = file(x(1, 3), y(1, 3), [axes, shape, turned, soft], twice)
    const { model, y: found } = await answer(bytes, [5, 6, 7, 8, 9, 10], 2)
    // Of one number alone.
    close(found, [1, 1, 1, 1, 1, 1])
    expect('isOneByOne' in model.network && model.network.isOneByOne).toBe(true)
  })
})

describe("a file's metadata", () => {
  function metadata(labels: string) {
    const builder = new Builder(256)
    const image = table(builder, [[0, 'int8', 1]])
    const content = table(builder, [
      [0, 'int8', 2],
      [1, 'table', image],
    ])
    const normalization = table(builder, [
      [0, 'floats', [127.5, 100, 0]],
      [1, 'floats', [127.5]],
    ])
    const unit = table(builder, [
      [0, 'int8', 1],
      [1, 'table', normalization],
    ])
    const associated = table(builder, [
      [0, 'text', labels],
      [2, 'int8', 2],
    ])
    const input = table(builder, [
      [3, 'table', content],
      [4, 'tables', [unit]],
    ])
    const output = table(builder, [[6, 'tables', [associated]]])
    const graph = table(builder, [
      [2, 'tables', [input]],
      [3, 'tables', [output]],
    ])
    builder.finish(table(builder, [[3, 'tables', [graph]]]), 'M001')
    return builder.asUint8Array().slice()
  }
  const model = file(x(1, 2), y(1, 2), [], [{ code: softmax, inputs: [0], outputs: [1] }], {
    metadata: { TFLITE_METADATA: metadata('labels.txt') },
  })
  const zip = zipOf([
    { name: 'labels.txt', bytes: new TextEncoder().encode('cat\r\ndog\n'), deflated: true },
    { name: 'notes.txt', bytes: new Uint8Array(9) },
  ])

  /** As Python appends it: places count from the model's beginning. */
  function appended(moves: boolean): Uint8Array {
    const bytes = Buffer.concat([model, zip])
    if (!moves) return bytes
    const end = bytes.length - 22
    const list = bytes.readUInt32LE(end + 16)
    for (let at = model.length + list; at < end; at += 46 + bytes.readUInt16LE(at + 28) + bytes.readUInt16LE(at + 30))
      bytes.writeUInt32LE(bytes.readUInt32LE(at + 42) + model.length, at + 42)
    bytes.writeUInt32LE(list + model.length, end + 16)
    return bytes
  }

  it.each([true, false])(
    'say how pixels are scaled, and the names in the zip behind it (places from its beginning: %s)',
    async (moves) => {
      const { images } = await loadModel(appended(moves))
      expect(images.classNames).toEqual({ value: ['cat', 'dog'], source: "labels.txt in the file's metadata" })
      expect(images.channels?.value).toBe('rgb')
      const { scale, offset } = images.preprocessing?.value ?? {}
      close([...(scale ?? [])], [1 / 127.5, 1 / 127.5, 1 / 127.5])
      close([...(offset ?? [])], [-1, -100 / 127.5, 0])
    },
  )

  it('that speak of files that are not there are refused', async () => {
    await expect(loadModel(model)).rejects.toThrow(FormatError)
  })
})

describe('what can not be read is refused', () => {
  const small = file(
    x(1, 2),
    y(1, 2),
    [known('w', [2, 2], [1, 2, 3, 4])],
    [{ code: dense, inputs: [0, 2], outputs: [1] }],
  )

  it('when cut off anywhere', async () => {
    for (let length = 0; length < small.length; length += 3) {
      const failure = await loadModel(small.slice(0, length)).then(
        () => null,
        (error: unknown) => error,
      )
      // What is cut off at the end may be nothing that anybody reads.
      if (failure) expect(failure, `${length} bytes`).toBeInstanceOf(FormatError)
      else expect(length).toBeGreaterThan(small.length - 8)
    }
  })

  it('all operators that can not be run at once, by name', async () => {
    const texts: LiteTensor = { name: 'words', shape: [1], type: text, data: Uint8Array.of(1, 2, 3, 4) }
    const bytes = file(
      x(1, 2),
      y(1, 2),
      [texts, { name: 'a', shape: [1, 2] }, { name: 'b', shape: [1, 2] }],
      [
        { code: 32, custom: 'MyOwn', inputs: [0], outputs: [3] },
        { code: 16, inputs: [0, 2], outputs: [4] },
        { code: add, inputs: [3, 4], outputs: [1] },
      ],
    )
    const failure = await loadModel(bytes).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(UnsupportedModelError)
    const operators = failure instanceof UnsupportedModelError ? failure.operators : []
    expect(operators.toSorted((one, other) => (one.node < other.node ? -1 : 1))).toEqual([
      { node: 'a', operator: 'MyOwn', why: 'is not known' },
      { node: 'b', operator: 'LSTM', why: 'is not known' },
      { node: 'words', operator: 'TENSOR', why: 'it holds values of type STRING' },
    ])
  })

  it('tensors that share one buffer by the thousands', async () => {
    const data = new Uint8Array(200_000)
    const tensors = Array.from({ length: 1000 }, (_, i) => ({
      name: `w${i}`,
      shape: [200_000],
      type: uint8,
      scales: [1],
    }))
    const bytes = file(
      x(1, 1),
      y(1, 1),
      [{ ...tensors[0], data }, ...tensors.slice(1).map((tensor) => ({ ...tensor, sharing: 2 }))],
      [{ code: 106, inputs: [0, ...tensors.map((_, i) => i + 2)], outputs: [1] }],
    )
    await expect(loadModel(bytes)).rejects.toThrow(/share the buffer/)
  })
})
