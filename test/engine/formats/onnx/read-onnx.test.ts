import { describe, expect, it } from 'vitest'
import { ArgumentError, FormatError, UnsupportedModelError } from '../../../../src/engine/errors.ts'
import { loadModel } from '../../../../src/engine/facade/load-model.ts'
import { readTensorProto } from '../../../../src/engine/formats/onnx/onnx-proto.ts'
import { tensorData } from '../../../../src/engine/formats/onnx/tensor-data.ts'
import { type Model, openDevice } from '../../../../src/engine/index.ts'
import { onnxFile, type TestGraph, type TestModel, type TestNode, type TestTensor, tensorFile } from './onnx-writer.ts'

/** Bytes of numbers as a file has them. */
const bytesOf = (numbers: ArrayBufferView) => new Uint8Array(numbers.buffer)

const read = (tensor: TestTensor) => tensorData(readTensorProto(tensorFile(tensor)), new Map())

describe('tensors of an ONNX file', () => {
  it.each<[string, TestTensor, readonly number[]]>([
    ['float, typed', { dims: [2], floats: [1.5, -2] }, [1.5, -2]],
    ['float, raw', { dims: [2, 1], raw: bytesOf(Float32Array.of(1.5, -2)) }, [1.5, -2]],
    ['double, raw', { dims: [1], type: 11, raw: bytesOf(Float64Array.of(0.1)) }, [0.1]],
    [
      'float16, raw',
      { dims: [4], type: 10, raw: bytesOf(Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x7bff)) },
      [1, -2, 2 ** -24, 65504],
    ],
    ['float16, typed: its bits', { dims: [2], type: 10, integers: [0x3555, 0xfc00] }, [0.333251953125, -Infinity]],
    ['bfloat16, raw', { dims: [2], type: 16, raw: bytesOf(Uint16Array.of(0x3f80, 0xc040)) }, [1, -3]],
    ['int64, raw', { dims: [2], type: 7, raw: bytesOf(BigInt64Array.of(-1n, 2n ** 40n)) }, [-1, 2 ** 40]],
    ['int64, typed', { dims: [2], type: 7, integers: [-1, 2 ** 40] }, [-1, 2 ** 40]],
    ['int32, typed', { dims: [2], type: 6, integers: [-7, 7] }, [-7, 7]],
    ['uint8, raw', { dims: [2], type: 2, raw: Uint8Array.of(0, 255) }, [0, 255]],
    ['int8, raw', { dims: [2], type: 3, raw: Uint8Array.of(1, 255) }, [1, -1]],
    ['bool, typed', { dims: [2], type: 9, integers: [1, 0] }, [1, 0]],
    ['a number without axes', { dims: [], floats: [3] }, [3]],
    ['nothing', { dims: [0, 4] }, []],
  ])('%s', (_name, tensor, expected) => {
    const { shape, data } = read(tensor)
    expect(Array.from(data)).toEqual(expected)
    expect(shape).toEqual(tensor.dims)
  })

  it.each<[string, TestTensor, RegExp]>([
    ['too few typed numbers', { name: 'w', dims: [3], floats: [1, 2] }, /"w": 2 numbers for shape \[3\]/],
    ['too few bytes', { name: 'w', dims: [3], raw: new Uint8Array(8) }, /"w" has 8 bytes; expected 3 numbers of 4/],
    ['2^60 numbers', { name: 'w', dims: [2 ** 30, 2 ** 30], raw: new Uint8Array(4) }, /"w": its shape is/],
    ['an extent below 0', { name: 'w', dims: [-2, -2], raw: new Uint8Array(16) }, /"w": its shape is \[-2, -2\]/],
    ['texts', { name: 'w', dims: [1], type: 8 }, /"w" is of string/],
  ])('refused: %s', (_name, tensor, why) => {
    expect(() => read(tensor)).toThrow(FormatError)
    expect(() => read(tensor)).toThrow(why)
  })
})

/** What a model answers about samples, on the reference device. */
async function answer(
  source: Uint8Array | ReadonlyMap<string, Uint8Array>,
  shape: readonly number[],
  data: readonly number[],
) {
  const model = await loadModel(source)
  await model.compile({ device: await openDevice('reference') })
  const made = await model.predict({ shape, data: Float32Array.from(data) })
  model.dispose()
  return { shape: made.shape, data: Array.from(made.data) }
}

const node = (operator: string, inputs: string[], output: string, more: Partial<TestNode> = {}): TestNode => ({
  operator,
  inputs,
  outputs: [output],
  ...more,
})
const integers = (name: string, ...values: number[]): TestTensor => ({
  name,
  dims: [values.length],
  type: 7,
  integers: values,
})

/** x [?,2] -> y by these nodes. */
const small = (nodes: readonly TestNode[], more: Partial<TestModel> = {}): Uint8Array =>
  onnxFile({ nodes, inputs: [{ name: 'x', shape: ['N', 2] }], outputs: ['y'], ...more })

describe('graphs of an ONNX file', () => {
  it('weights may be inputs, too, as before IR version 4', async () => {
    const weights: TestTensor = { name: 'w', dims: [2], floats: [10, 20] }
    const inputs = [
      { name: 'x', shape: ['N', 2] },
      { name: 'w', shape: [2] },
    ]
    const file = small([node('Mul', ['x', 'w'], 'y')], { initializers: [weights], inputs, irVersion: 3 })
    expect(await answer(file, [1, 2], [1, 2])).toEqual({ shape: [1, 2], data: [10, 40] })
  })

  it('outputs that are named by numbers stand side by side in the order of the file', async () => {
    const nodes = [node('Neg', ['x'], '10'), node('Abs', ['x'], '9'), node('Relu', ['x'], 'y')]
    const file = small(nodes, { outputs: ['10', 'y', '9'] })
    expect(await answer(file, [2, 2], [1, -2, 3, -4])).toEqual({
      shape: [2, 6],
      data: [-1, 2, 1, 0, 1, 2, -3, 4, 3, 0, 3, 4],
    })
  })

  it('a triangle of a matrix that has one sample for a row is taken sample by sample, each as the first row', async () => {
    const file = small([node('Trilu', ['x'], 'y')], { inputs: [{ name: 'x', shape: [1, 3] }] })
    const { network } = await loadModel(file)
    expect('isOneByOne' in network && network.isOneByOne).toBe(true)
    expect((await answer(file, [2, 3], [1, 2, 3, 4, 5, 6])).data).toEqual([1, 2, 3, 4, 5, 6])
  })

  it('blocks are written anew by as many numbers as they have: fewer are refused', async () => {
    const scattered = (updates: TestTensor) =>
      small([node('ScatterND', ['data', 'at', updates.name ?? ''], 'w'), node('Mul', ['x', 'w'], 'y')], {
        initializers: [
          { name: 'data', dims: [2], floats: [1, 2] },
          { name: 'at', dims: [1, 1], type: 7, integers: [1] },
          updates,
        ],
      })
    expect((await answer(scattered({ name: 'u', dims: [1], floats: [5] }), [1, 2], [1, 1])).data).toEqual([1, 5])
    await expect(loadModel(scattered({ name: 'u', dims: [0] }))).rejects.toThrow(
      /its updates are \[0\]; expected \[1\]/,
    )
  })

  it("a batch norm's mean and variance are not trained, but where something else takes them for weights", async () => {
    const initializers = ['gamma', 'beta', 'mean', 'variance'].map((name) => ({ name, dims: [2], floats: [1, 2] }))
    const load = (...nodes: TestNode[]) => loadModel(small(nodes, { initializers }))
    const trained = ({ weights }: Model) => weights.flatMap(({ name, trainable }) => (trainable ? [name] : []))
    const one = await load(node('BatchNormalization', ['x', 'gamma', 'beta', 'mean', 'variance'], 'y'))
    expect(trained(one)).toEqual(['gamma', 'beta'])
    expect(one.summary()).toMatch(/Total params: 8\nTrainable params: 4\nNon-trainable params: 4$/)
    const two = await load(
      node('BatchNormalization', ['x', 'gamma', 'beta', 'mean', 'variance'], 'norm'),
      node('BatchNormalization', ['norm', 'variance', 'beta', 'gamma', 'mean'], 'y'),
    )
    expect(trained(two)).toEqual(['gamma', 'beta', 'variance'])
  })

  it('extents that it leaves open are asked for, and given with inputShape', async () => {
    const file = onnxFile({
      nodes: [node('Relu', ['x'], 'y')],
      inputs: [{ name: 'x', shape: ['N', 3, 'height'] }],
      outputs: ['y'],
    })
    await expect(loadModel(file)).rejects.toThrow(ArgumentError)
    await expect(loadModel(file)).rejects.toThrow(/how large its input x is: \[3,\?\]; say it with inputShape/)
    expect((await loadModel(file, { inputShape: [3, 5] })).outputShape).toEqual([3, 5])
  })

  it('an input without a shape is one of as many axes as inputShape has', async () => {
    const file = onnxFile({ nodes: [node('Relu', ['x'], 'y')], inputs: [{ name: 'x' }], outputs: ['y'] })
    await expect(loadModel(file)).rejects.toThrow(/how many axes its input x has; say it with inputShape/)
    expect((await loadModel(file, { inputShape: [3, 5] })).outputShape).toEqual([3, 5])
  })

  it('numbers in a file beside it', async () => {
    const external = { location: 'data/weights.bin', offset: '4', length: '8' }
    const file = small([node('Mul', ['x', 'w'], 'y')], { initializers: [{ name: 'w', dims: [2], external }] })
    const weights = bytesOf(Float32Array.of(99, 10, 20))
    const files = new Map([
      ['here/model.onnx', file],
      ['here/data/weights.bin', weights],
    ])
    expect((await answer(files, [1, 2], [1, 2])).data).toEqual([10, 40])
    await expect(loadModel(file)).rejects.toThrow(/its file "data\/weights.bin" is missing/)
    const shorter = new Map([...files, ['here/data/weights.bin', weights.subarray(0, 8)]])
    await expect(loadModel(shorter)).rejects.toThrow(/"w" is to be bytes 4 to 12 of "data\/weights.bin", which has 8/)
  })

  it.each(['../secret', '/etc/passwd', 'a/../../secret', 'C:\\secret', ''])(
    'no file outside its folder: %j',
    async (location) => {
      const file = small([node('Mul', ['x', 'w'], 'y')], {
        initializers: [{ name: 'w', dims: [2], external: { location } }],
      })
      await expect(loadModel(new Map([['model.onnx', file]]))).rejects.toThrow(
        /names the file .*; expected one in its own folder/,
      )
    },
  )

  /** if c: x · w with w inside, else x + x; w has the same name in both. */
  const branch = (factor: number): TestGraph => ({
    nodes: [node('Mul', ['x', 'w'], 'made')],
    initializers: [{ name: 'w', dims: [2], floats: [factor, 1] }],
    outputs: ['made'],
  })
  const choice = (output: string) =>
    node('If', ['c'], output, { attributes: { then_branch: { graph: branch(3) }, else_branch: { graph: branch(5) } } })

  it.each([
    [1, [3, 2]],
    [0, [5, 2]],
  ])('If of a constant takes one branch, which sees what is around it: %j', async (value, expected) => {
    const condition: TestTensor = { name: 'c', dims: [], type: 9, integers: [value] }
    expect((await answer(small([choice('y')], { initializers: [condition] }), [1, 2], [1, 2])).data).toEqual(expected)
  })

  it('two branches of one name do not meet', async () => {
    const [yes, no]: TestTensor[] = [1, 0].map((value) => ({ name: `c${value}`, dims: [], type: 9, integers: [value] }))
    const nodes = [{ ...choice('a'), inputs: ['c1'] }, { ...choice('b'), inputs: ['c0'] }, node('Add', ['a', 'b'], 'y')]
    expect((await answer(small(nodes, { initializers: [yes, no] }), [1, 2], [1, 2])).data).toEqual([8, 4])
  })

  it('functions that it brings along stand in the place of their calls', async () => {
    const scale = {
      name: 'Scale',
      domain: 'own',
      inputs: ['a'],
      outputs: ['b'],
      nodes: [node('Constant', [], 'factor', { references: { value_float: 'by' } }), node('Mul', ['a', 'factor'], 'b')],
    }
    const twice = {
      name: 'Twice',
      domain: 'own',
      inputs: ['a'],
      outputs: ['c', 'a'],
      nodes: [
        node('Scale', ['a'], 'b', { domain: 'own', attributes: { by: 2.5 } }),
        node('Scale', ['b'], 'c', { domain: 'own', attributes: { by: 0.5 } }),
      ],
    }
    const nodes = [
      { operator: 'Twice', domain: 'own', inputs: ['x'], outputs: ['z', 'same'] },
      node('Add', ['z', 'same'], 'y'),
    ]
    expect((await answer(small(nodes, { functions: [scale, twice] }), [1, 2], [1, 2])).data).toEqual([2.25, 4.5])
  })

  it('functions that call themselves are refused', async () => {
    const endless = {
      name: 'Endless',
      domain: 'own',
      inputs: ['a'],
      outputs: ['b'],
      nodes: [node('Endless', ['a'], 'b', { domain: 'own' }), node('Endless', ['a'], 'c', { domain: 'own' })],
    }
    const file = small([node('Endless', ['x'], 'y', { domain: 'own' })], { functions: [endless] })
    await expect(loadModel(file)).rejects.toThrow(/functions call one another more than 16 deep/)
  })

  it('graphs in graphs without end are refused', async () => {
    let graph: TestGraph = { nodes: [node('Relu', ['x'], 'made')], outputs: ['made'] }
    for (let depth = 0; depth < 20; depth++)
      graph = { nodes: [node('If', ['c'], 'made', { attributes: { then_branch: { graph } } })], outputs: ['made'] }
    await expect(loadModel(small(graph.nodes ?? [], { outputs: ['made'] }))).rejects.toThrow(
      /graphs lie in graphs more than 16 deep/,
    )
  })

  it('what feeds no output may be anything', async () => {
    const nodes = [
      node('Relu', ['x'], 'y'),
      node('Unheard', ['x'], 'z'),
      node('Constant', [], 'text', { attributes: { value_string: 'a' } }),
    ]
    expect((await answer(small(nodes), [1, 2], [1, -2])).data).toEqual([1, 0])
  })

  it('all that can not be run is told at once, by node and operator', async () => {
    const nodes = [
      node('Unheard', ['x'], 'a', { name: 'first' }),
      node('FusedConv', ['x'], 'b', { name: 'second', domain: 'com.microsoft' }),
      node('Conv', ['x', 'half'], 'c', { name: 'third' }),
      node('If', ['x'], 'd', { name: 'fourth' }),
      node('Sum', ['a', 'b', 'c', 'd'], 'e'),
      // What comes after those, too.
      node('Unheard', ['e'], 'y', { name: 'last' }),
    ]
    const half: TestTensor = { name: 'half', dims: [1], type: 17 }
    const error = await loadModel(small(nodes, { initializers: [half] })).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(UnsupportedModelError)
    expect(
      error instanceof UnsupportedModelError && error.operators.map((told) => Object.values(told).join(' ')),
    ).toEqual([
      'first Unheard is not known',
      'second com.microsoft.FusedConv is not known',
      'half tensor of the file is of float8e4m3fn',
      "fourth If its input 1 is computed from the network's input; expected a constant",
      'last Unheard is not known',
    ])
  })

  it.each([
    [4, /opset 4 "the whole file": Limelight knows/],
    [1000, /opset 1000 "the whole file": Limelight knows/],
  ])('opset %i', async (opset, why) => {
    await expect(loadModel(small([node('Relu', ['x'], 'y')], { opset }))).rejects.toThrow(why)
  })

  it('an input of texts', async () => {
    const file = small([node('Relu', ['x'], 'y')], { inputs: [{ name: 'x', shape: ['N'], type: 8 }] })
    await expect(loadModel(file)).rejects.toThrow(/the input "x": is of string/)
  })
})

describe('a file that is made for one image', () => {
  /** x [1,2,2]. */
  const made = (nodes: readonly TestNode[], initializers: readonly TestTensor[]) =>
    onnxFile({ nodes, initializers, inputs: [{ name: 'x', shape: [1, 2, 2] }], outputs: ['y'] })
  const three = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]

  async function batches(file: Uint8Array) {
    const { network } = await loadModel(file)
    const together = await answer(file, [3, 2, 2], three)
    const alone = await Promise.all([0, 4, 8].map((at) => answer(file, [1, 2, 2], three.slice(at, at + 4))))
    expect(together.data).toEqual(alone.flatMap(({ data }) => data))
    return 'isOneByOne' in network && network.isOneByOne
  }

  it.each<[string, readonly TestNode[], readonly TestTensor[]]>([
    ['a shape of one row', [node('Reshape', ['x', 's'], 'y')], [integers('s', 1, 4)]],
    ['a shape of one row, its length left open', [node('Reshape', ['x', 's'], 'y')], [integers('s', 1, -1)]],
    [
      'rows of all images, and back',
      [node('Reshape', ['x', 'r'], 'a'), node('Relu', ['a'], 'b'), node('Reshape', ['b', 's'], 'y')],
      [integers('r', 2, 2), integers('s', 1, 2, 2)],
    ],
    [
      'a token before each image',
      [node('Concat', ['t', 'x'], 'y', { attributes: { axis: 1 } })],
      [{ name: 't', dims: [1, 1, 2], floats: [7, 8] }],
    ],
    ['numbers for all', [node('Add', ['x', 'w'], 'y')], [{ name: 'w', dims: [1, 2, 2], floats: [1, 2, 3, 4] }]],
    ['a product of each', [node('MatMul', ['x', 'w'], 'y')], [{ name: 'w', dims: [2, 2], floats: [1, 2, 3, 4] }]],
  ])('takes several together: %s', async (_name, nodes, initializers) => {
    expect(await batches(made(nodes, initializers))).toBe(false)
  })

  it.each<[string, readonly TestNode[], readonly TestTensor[]]>([
    [
      'the batch is moved',
      [
        node('Transpose', ['x'], 'a', { attributes: { perm: [1, 0, 2] } }),
        node('Softmax', ['a'], 'b', { attributes: { axis: 0 } }),
        node('Transpose', ['b'], 'y', { attributes: { perm: [1, 0, 2] } }),
      ],
      [],
    ],
    [
      'the batch is left out',
      [
        node('Reshape', ['x', 'r'], 'a'),
        node('Softmax', ['a'], 'b', { attributes: { axis: 0 } }),
        node('Reshape', ['b', 's'], 'y'),
      ],
      [integers('r', 2, 2), integers('s', 1, 2, 2)],
    ],
    [
      'the batch is left out, and columns left open',
      [
        node('Reshape', ['x', 'r'], 'a'),
        node('Softmax', ['a'], 'b'),
        node('Softmax', ['b'], 'c', { attributes: { axis: 0 } }),
        node('Reshape', ['c', 's'], 'y'),
      ],
      [integers('r', 2, -1), integers('s', 1, 2, 2)],
    ],
    [
      'the only image is picked',
      [node('Gather', ['x', 'i'], 'a'), node('MatMul', ['a', 'a'], 'b'), node('Unsqueeze', ['b', 'z'], 'y')],
      [{ name: 'i', dims: [], type: 7, integers: [0] }, integers('z', 0)],
    ],
    [
      'a mean of the batch',
      [
        node('ReduceMean', ['x'], 'a', { attributes: { axes: [0], keepdims: 1 } }),
        node('Sub', ['x', 'a'], 'b'),
        node('Add', ['b', 'x'], 'y'),
      ],
      [],
    ],
  ])('takes them one by one: %s', async (_name, nodes, initializers) => {
    expect(await batches(made(nodes, initializers))).toBe(true)
  })
})

describe('what an ONNX file says of itself', () => {
  const image = (nodes: readonly TestNode[], shape = ['N', 3, 8, 8], more: Partial<TestModel> = {}) =>
    onnxFile({ nodes, inputs: [{ name: 'x', shape }], outputs: ['y'], ...more })

  it('its producer, opset and how weights are stored', async () => {
    const half: TestTensor = { name: 'w', dims: [2], type: 10, integers: [0x3c00, 0x4000] }
    const file = small([node('Mul', ['x', 'w'], 'y')], {
      initializers: [half],
      producer: ['pytorch', '2.9.0'],
      opset: 18,
    })
    const { origin } = await loadModel(file)
    expect(origin).toEqual({ format: 'ONNX', producer: 'pytorch 2.9.0', version: 'opset 18', storage: 'float16' })
  })

  it('the metadata of images that the standard has, and its denotations', async () => {
    const { images } = await loadModel(
      onnxFile({
        nodes: [node('Relu', ['x'], 'y')],
        inputs: [
          {
            name: 'x',
            shape: ['N', 8, 8, 3],
            denotations: ['DATA_BATCH', 'DATA_FEATURE', 'DATA_FEATURE', 'DATA_CHANNEL'],
          },
        ],
        outputs: ['y'],
        metadata: { 'Image.BitmapPixelFormat': 'Bgr8', 'Image.NominalPixelRange': 'Normalized_1_1' },
      }),
    )
    expect(images).toEqual({
      layout: { value: 'NHWC', source: "the input's denotations" },
      channels: { value: 'bgr', source: "the file's Image.BitmapPixelFormat" },
      preprocessing: { value: { scale: [2 / 255], offset: [-1] }, source: "the file's Image.NominalPixelRange" },
    })
  })

  it('the names that Ultralytics writes', async () => {
    const names = `{0: 'tench', 1: "crow's nest", 2: 'it\\'s'}`
    const { images } = await loadModel(image([node('Relu', ['x'], 'y')], undefined, { metadata: { names } }))
    expect(images.classNames).toEqual({ value: ['tench', "crow's nest", "it's"], source: "the file's names" })
  })

  it.each(['{1: "a"}', '{0: "a", 2: "b"}', '{0: "a"', 'tench', '{', "{0: 'a' 1: 'b'}"])(
    'no names: %s',
    async (names) => {
      const { images } = await loadModel(image([node('Relu', ['x'], 'y')], undefined, { metadata: { names } }))
      expect(images).toEqual({})
    },
  )

  it('its layout and its answers follow from its operators', async () => {
    const pool = node('GlobalAveragePool', ['p'], 'g')
    const tail = [pool, node('Softmax', ['g'], 's', { attributes: { axis: 1 } }), node('Flatten', ['s'], 'y')]
    const pooled = { attributes: { kernel_shape: [2, 2] } }
    const first = await loadModel(image([node('Shape', ['x'], 'n'), node('MaxPool', ['x'], 'p', pooled), ...tail]))
    expect(first.images).toEqual({
      layout: { value: 'NCHW', source: 'MaxPool takes it' },
      output: { value: 'probabilities', source: 'its last operator is Softmax' },
    })
    const turned = [
      node('Transpose', ['x'], 't', { attributes: { perm: [0, 3, 1, 2] } }),
      node('MaxPool', ['t'], 'p', pooled),
      ...tail,
    ]
    expect((await loadModel(image(turned, ['N', 8, 8, 3]))).images.layout).toEqual({
      value: 'NHWC',
      source: 'MaxPool takes it',
    })
  })
})

describe('a few bytes that ask for more than there is are refused, before any of it is made', () => {
  const absurd = integers('absurd', 2 ** 20, 2 ** 20)
  const number = (name: string, value: number): TestTensor => ({ name, dims: [], floats: [value] })
  const cases: Record<string, [nodes: readonly TestNode[], initializers: readonly TestTensor[], shape?: number[]]> = {
    ConstantOfShape: [[node('ConstantOfShape', ['absurd'], 'a')], [absurd]],
    'ConstantOfShape, nine of them': [
      [
        ...Array.from({ length: 9 }, (_, i) => node('ConstantOfShape', ['large'], `a${i}`)),
        node(
          'Concat',
          Array.from({ length: 9 }, (_, i) => `a${i}`),
          'a',
          { attributes: { axis: 0 } },
        ),
      ],
      [integers('large', 2 ** 25)],
    ],
    Range: [
      [node('Range', ['zero', 'many', 'one'], 'a')],
      [number('zero', 0), number('many', 2 ** 40), number('one', 1)],
    ],
    'Range, of half a billion': [
      [node('Range', ['zero', 'many', 'one'], 'a')],
      [number('zero', 0), number('many', 2 ** 29), number('one', 1)],
    ],
    'Range, without an end': [
      [node('Range', ['zero', 'many', 'none'], 'a')],
      [number('zero', 0), number('many', 1), number('none', 0)],
    ],
    EyeLike: [[node('EyeLike', ['x'], 'a')], [], [2 ** 40]],
    'OneHot, of depth': [
      [node('OneHot', ['x', 'depth', 'values'], 'a')],
      [number('depth', 2 ** 40), { name: 'values', dims: [2], floats: [0, 1] }],
    ],
    'OneHot, of half a billion': [
      [node('OneHot', ['x', 'depth', 'values'], 'a')],
      [number('depth', 2 ** 28), { name: 'values', dims: [2], floats: [0, 1] }],
    ],
    NonZero: [
      [
        node('ConstantOfShape', ['large'], 'b', { attributes: { value: { tensor: { dims: [1], floats: [1] } } } }),
        node('NonZero', ['b'], 'a'),
      ],
      [integers('large', 2 ** 13, 2 ** 12)],
    ],
    'a list of axes': [
      [node('ConstantOfShape', ['large'], 'b'), node('Squeeze', ['x', 'b'], 'a')],
      [integers('large', 2 ** 20)],
    ],
  }
  it.each(Object.entries(cases))('%s', async (_, [nodes, initializers, shape = [2]]) => {
    const file = onnxFile({
      nodes: [...nodes, node('Add', ['x', 'a'], 'y')],
      inputs: [{ name: 'x', shape: ['N', ...shape] }],
      initializers,
      outputs: ['y'],
    })
    const before = process.resourceUsage().maxRSS
    const refused = await loadModel(file).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(FormatError)
    expect(String(refused)).toMatch(/is more than nodes may make beforehand|its shape is|expected a short list/)
    expect(process.resourceUsage().maxRSS - before).toBeLessThan(300 * 1024)
  })
})

it('a file cut off anywhere is told to be damaged, or is whole without its end', async () => {
  const file = small([node('Mul', ['x', 'w'], 'a'), node('Relu', ['a'], 'y')], {
    initializers: [{ name: 'w', dims: [2], floats: [1, 2] }],
  })
  let refused = 0
  for (let length = 0; length < file.length; length++)
    await loadModel(file.subarray(0, length)).catch((error: unknown) => {
      expect(error).toBeInstanceOf(FormatError)
      refused++
    })
  expect(refused).toBeGreaterThan(file.length - 5)
})
