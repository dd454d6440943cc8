import { readFileSync } from 'node:fs'
import { describe, expect, it, vi } from 'vitest'
import { CpuDevice } from '../../../src/engine/cpu/device.ts'
import { ArgumentError, FormatError, ShapeError } from '../../../src/engine/errors.ts'
import { Model, model } from '../../../src/engine/facade/model.ts'
import { modelFromBytes } from '../../../src/engine/facade/model-from-bytes.ts'
import { Sequential, sequential } from '../../../src/engine/facade/sequential.ts'
import { formatSafetensors, parseSafetensors } from '../../../src/engine/formats/safetensors.ts'
import { modelToBytes } from '../../../src/engine/formats/write-model.ts'
import { connectLayers } from '../../../src/engine/model/connections.ts'
import {
  add,
  average,
  type GraphArchitecture,
  input,
  maximum,
  minimum,
  multiply,
  type SymbolicTensor,
  subtract,
} from '../../../src/engine/model/graph.ts'
import {
  activation,
  averagePooling2d,
  conv2d,
  dense,
  dropout,
  flatten,
  type LayerDescription,
  maxPooling2d,
} from '../../../src/engine/model/layers/public.ts'
import { allLayers } from '../../../src/engine/model/layers/registry.ts'
import { ReferenceDevice } from '../../../src/engine/reference/device.ts'
import { adam } from '../../../src/engine/training/optimizers.ts'
import { LimeImageExplainer } from '../../../src/lime/index.ts'
import { largestError } from '../../reference-tensors.ts'
import { numbers } from '../device-suite.ts'

const samplesOf = (shape: readonly number[], seed: number) => ({ data: numbers(shape, seed), shape })

/** Two residual blocks, of which the second has a convolution in its shortcut. */
function residual(seed = 5): Model {
  const convolve = (filters: number, kernelSize = 3) =>
    conv2d({ filters, kernelSize, padding: 'same', activation: 'relu' })
  const image = input({ shape: [8, 8, 1], name: 'image' })
  const stem = image.through(convolve(4))
  const first = add([stem.through(convolve(4), convolve(4)), stem])
  const second = add([first.through(convolve(6)), first.through(convolve(6, 1))])
  const outputs = second.through(maxPooling2d(), flatten(), dense({ units: 3, activation: 'softmax' }))
  return model({ inputs: image, outputs, seed })
}

describe('a graph', () => {
  it("prints Keras's table, with what is connected to what", () => {
    // The toy residual network of Keras's guide to the functional API, which has 223,242 parameters there.
    const image = input({ shape: [32, 32, 3], name: 'img' })
    const relu = (padding: 'same' | 'valid', filters = 64) =>
      conv2d({ filters, kernelSize: 3, padding, activation: 'relu' })
    const first = image.through(relu('valid', 32), relu('valid'), maxPooling2d({ poolSize: 3 }))
    const second = add([first.through(relu('same'), relu('same')), first])
    const third = add([second.through(relu('same'), relu('same')), second])
    const pooled = third.through(relu('valid'), averagePooling2d({ poolSize: 7 }), flatten())
    const outputs = pooled.through(
      dense({ units: 256, activation: 'relu' }),
      dropout({ rate: 0.5 }),
      dense({ units: 10 }),
    )
    expect(model({ inputs: image, outputs }).summary()).toMatchInlineSnapshot(`
      "Model: "model"
      __________________________________________________________________________________________________
      Layer (type)                    Output Shape         Param #     Connected to                     
      ==================================================================================================
      img (InputLayer)                [(None, 32, 32, 3)]  0                                            
      __________________________________________________________________________________________________
      conv2d (Conv2D)                 (None, 30, 30, 32)   896         img[0][0]                        
      __________________________________________________________________________________________________
      conv2d_1 (Conv2D)               (None, 28, 28, 64)   18496       conv2d[0][0]                     
      __________________________________________________________________________________________________
      max_pooling2d (MaxPooling2D)    (None, 9, 9, 64)     0           conv2d_1[0][0]                   
      __________________________________________________________________________________________________
      conv2d_2 (Conv2D)               (None, 9, 9, 64)     36928       max_pooling2d[0][0]              
      __________________________________________________________________________________________________
      conv2d_3 (Conv2D)               (None, 9, 9, 64)     36928       conv2d_2[0][0]                   
      __________________________________________________________________________________________________
      add (Add)                       (None, 9, 9, 64)     0           conv2d_3[0][0]                   
                                                                       max_pooling2d[0][0]              
      __________________________________________________________________________________________________
      conv2d_4 (Conv2D)               (None, 9, 9, 64)     36928       add[0][0]                        
      __________________________________________________________________________________________________
      conv2d_5 (Conv2D)               (None, 9, 9, 64)     36928       conv2d_4[0][0]                   
      __________________________________________________________________________________________________
      add_1 (Add)                     (None, 9, 9, 64)     0           conv2d_5[0][0]                   
                                                                       add[0][0]                        
      __________________________________________________________________________________________________
      conv2d_6 (Conv2D)               (None, 7, 7, 64)     36928       add_1[0][0]                      
      __________________________________________________________________________________________________
      average_pooling2d (AveragePooli (None, 1, 1, 64)     0           conv2d_6[0][0]                   
      __________________________________________________________________________________________________
      flatten (Flatten)               (None, 64)           0           average_pooling2d[0][0]          
      __________________________________________________________________________________________________
      dense (Dense)                   (None, 256)          16640       flatten[0][0]                    
      __________________________________________________________________________________________________
      dropout (Dropout)               (None, 256)          0           dense[0][0]                      
      __________________________________________________________________________________________________
      dense_1 (Dense)                 (None, 10)           2570        dropout[0][0]                    
      ==================================================================================================
      Total params: 223,242
      Trainable params: 223,242
      Non-trainable params: 0
      __________________________________________________________________________________________________"
    `)
  })

  it('has a table without connections where it is a chain, but for its input', () => {
    const image = input({ shape: [4, 4, 1] })
    const chain = model({ inputs: image, outputs: image.through(flatten(), dense({ units: 2 })) })
    expect(chain.summary()).toMatchInlineSnapshot(`
      "Model: "model"
      _________________________________________________________________
      Layer (type)                 Output Shape              Param #   
      =================================================================
      input_1 (InputLayer)         [(None, 4, 4, 1)]         0         
      _________________________________________________________________
      flatten (Flatten)            (None, 16)                0         
      _________________________________________________________________
      dense (Dense)                (None, 2)                 34        
      =================================================================
      Total params: 34
      Trainable params: 34
      Non-trainable params: 0
      _________________________________________________________________"
    `)
  })

  it('predicts as a stack of the same layers with the same seed', async () => {
    const layers = () => [
      conv2d({ filters: 3, kernelSize: 3, activation: 'relu' }),
      flatten(),
      dense({ units: 4, activation: 'softmax' }),
    ]
    const image = input({ shape: [6, 6, 2] })
    const stack = sequential({ inputShape: [6, 6, 2], seed: 9 }, layers())
    const graph = model({ inputs: image, outputs: image.through(...layers()), seed: 9 })
    expect(graph.weights).toEqual(stack.weights)
    expect(graph.inputShape).toEqual([6, 6, 2])
    expect(graph.outputShape).toEqual([4])
    expect(graph.outputActivation).toBe('softmax')
    const device = new CpuDevice({ threads: 1 })
    await stack.compile({ device })
    await graph.compile({ device })
    const samples = samplesOf([5, 6, 6, 2], 1)
    expect(await graph.predict(samples)).toEqual(await stack.predict(samples))
    device.dispose()
  })

  it('merges tensors number by number', async () => {
    const [a, b] = [input({ shape: [3], name: 'a' }), input({ shape: [3], name: 'b' })]
    const merged = [
      add([a, b, a]),
      multiply([a, b]),
      average([a, b]),
      maximum([a, b]),
      minimum([a, b]),
      subtract([a, b]),
    ]
    const network = model({ inputs: [a, b], outputs: merged })
    await network.compile({ device: new ReferenceDevice() })
    const { data, shape } = await network.predict({
      a: { data: Float32Array.of(1, -2, 3), shape: [1, 3] },
      b: { data: Float32Array.of(4, 0.5, -6), shape: [1, 3] },
    })
    expect(shape).toEqual([1, 18])
    expect([...data]).toEqual([6, -3.5, 0, 4, -1, -18, 2.5, -0.75, -1.5, 4, 0.5, 3, 1, -2, -6, -3, -2.5, 9])
  })

  it('shares the weights of a layer that is used twice, and trains them by both uses', async () => {
    const shared = dense({ units: 2, activation: 'tanh' })
    const x = input({ shape: [2] })
    const twice = x.through(shared, shared)
    const network = model({ inputs: x, outputs: add([twice, x.through(shared)]).through(activation('softmax')) })
    expect(network.weights.map(({ name }) => name)).toEqual(['dense/kernel', 'dense/bias'])
    expect(network.summary()).toContain('dense[1][0]')
    const [kernel, bias] = network.weights
    kernel.data.set([0.5, -0.25, 1, 0.75])
    bias.data.set([0.1, -0.2])
    const device = new ReferenceDevice()
    await network.compile({ device, optimizer: adam() })
    const [p, q] = [0.3, -0.6]
    const layer = ([a, b]: number[]) => [
      Math.tanh(0.5 * a + b + Math.fround(0.1)),
      Math.tanh(-0.25 * a + 0.75 * b + Math.fround(-0.2)),
    ]
    const once = layer([Math.fround(p), Math.fround(q)])
    const [u, v] = layer(once).map((value, i) => value + once[i])
    const { data } = await network.predict({ data: Float32Array.of(p, q), shape: [1, 2] })
    expect(data[0]).toBeCloseTo(1 / (1 + Math.exp(v - u)), 6)
    const before = kernel.data.slice()
    await network.fit({ data: Float32Array.of(p, q), shape: [1, 2] }, [0])
    expect(kernel.data.every((value, i) => value !== before[i])).toBe(true)
  })

  it('learns, and its file brings it back with all that it has learned', async () => {
    const network = residual()
    const device = new CpuDevice({ threads: 1 })
    await network.compile({ device, optimizer: adam({ learningRate: 0.01 }) })
    const count = 30
    const samples = samplesOf([count, 8, 8, 1], 3)
    const labels = Array.from({ length: count }, (_, i) => {
      // Which row of the first three is the brightest.
      const rows = [0, 1, 2].map((row) => samples.data.subarray(i * 64 + row * 8, i * 64 + row * 8 + 8))
      const sums = rows.map((row) => row.reduce((sum, value) => sum + value, 0))
      return sums.indexOf(Math.max(...sums))
    })
    const before = await network.evaluate(samples, labels)
    await network.fit(samples, labels, { epochs: 15, batchSize: 10 })
    const after = await network.evaluate(samples, labels)
    expect(after.loss).toBeLessThan(0.5 * before.loss)
    network.metadata = { note: 'kept' }
    const copy = modelFromBytes(modelToBytes(network))
    expect(copy).toBeInstanceOf(Model)
    expect(copy).not.toBeInstanceOf(Sequential)
    expect(copy.architecture).toEqual(network.architecture)
    expect(copy.weights).toEqual(network.weights)
    expect(copy.summary()).toBe(network.summary())
    expect(copy.metadata).toEqual({ note: 'kept' })
    expect(modelToBytes(copy)).toEqual(modelToBytes(network))
    await copy.compile({ device })
    expect(await copy.predict(samples)).toEqual(await network.predict(samples))
    device.dispose()
  })

  it('goes on deeper than the stack of calls', () => {
    let x = input({ shape: [1] })
    const first = x
    for (let i = 0; i < 900; i++) x = x.through(activation('tanh'))
    const network = model({ inputs: first, outputs: x })
    expect(network.layers).toHaveLength(900)
    expect(network.layers[899].name).toBe('activation_899')
    for (let i = 0; i < 20_000; i++) x = x.through(activation('tanh'))
    expect(() => model({ inputs: first, outputs: x })).toThrow('model: 20900 layers; at most 1000 can be')
  })

  it('gives layers names that its inputs do not have', () => {
    const x = input({ shape: [2], name: 'dense' })
    const outputs = [x.through(dense({ units: 2 })), x.through(dense({ units: 2 })), x]
    const network = model({ inputs: x, outputs: [...outputs, outputs[0]] })
    expect(network.layers.map(({ name }) => name)).toEqual(['dense_1', 'dense_2'])
    expect(network.network.outputs.map(({ name }) => name)).toEqual(['dense_1', 'dense_2', 'dense', 'dense_1_1'])
  })
})

describe('several inputs', () => {
  const [left, right] = [input({ shape: [2, 2, 1], name: 'left' }), input({ shape: [3] })]
  const network = model({
    inputs: [left, right],
    outputs: add([left.through(flatten(), dense({ units: 2 })), right.through(dense({ units: 2 }))]),
  })
  const given = { left: samplesOf([4, 2, 2, 1], 1), input_2: samplesOf([4, 3], 2) }

  it('are predicted by their names, as the same on every device', async () => {
    const [cpu, reference] = [new CpuDevice({ threads: 1 }), new ReferenceDevice()]
    await network.compile({ device: cpu })
    const { data, shape } = await network.predict(given)
    expect(shape).toEqual([4, 2])
    await network.compile({ device: reference })
    expect(largestError(data, (await network.predict(given)).data)).toBeLessThan(1e-6)
    cpu.dispose()
  })

  it('are refused where one is missing, unknown, of another shape or number', async () => {
    await network.compile({ device: new ReferenceDevice() })
    const refused = (samples: object) => expect(network.predict(samples as typeof given)).rejects
    await refused(given.left).toThrow(
      new ArgumentError('predict: expected samples for each input, { left, input_2 }, not an object'),
    )
    await refused({ left: given.left }).toThrow(ShapeError)
    await refused({ ...given, middle: given.left }).toThrow(
      'predict: the model has no input "middle"; it has left, input_2',
    )
    await refused({ ...given, left: given.input_2 }).toThrow(
      'predict: left: shape [4,3] given, the model takes [N,2,2,1]',
    )
    await refused({ ...given, left: samplesOf([3, 2, 2, 1], 1) }).toThrow(
      'predict: 3, 4 samples given for left, input_2; expected as many for each',
    )
  })

  it('can not be explained, which is said', async () => {
    await network.compile({ device: new ReferenceDevice() })
    const one = /the model has several inputs \(left, input_2\): .* to explain a model it must have one, of images/
    const images = { image: new Float32Array(4), fudged: new Float32Array(4), segments: new Int32Array(4) }
    const request = { ...images, segmentCount: 1, masks: Uint8Array.of(1), count: 1 }
    await expect(network.predictBlended(request)).rejects.toThrow(one)
    await expect(network.tabulateBlended(request)).rejects.toThrow(one)
    const picture = { data: new Float64Array(12), shape: [2, 2, 3] }
    await expect(new LimeImageExplainer().explainInstance(picture, network)).rejects.toThrow(one)
  })
})

describe('what is no graph is refused', () => {
  const image = input({ shape: [4, 4, 1] })

  it('where a layer does not fit, at the line that says so', () => {
    expect(() => image.through(flatten(), maxPooling2d())).toThrow(
      new ShapeError('maxPooling2d: expected images [H,W,C], got [16]'),
    )
    expect(() => image.through({ layer: 'add' } as never)).toThrow(
      'add: add makes one tensor of several, as in add([a, b]); here is but one',
    )
    expect(() => image.through('relu' as never)).toThrow('through: "relu" is no layer')
    expect(() => add([image, image.through(flatten())])).toThrow(
      'add: expected several inputs of one shape, got [4,4,1], [16]',
    )
    expect(() => add([image])).toThrow('add: tensors must be a list of at least two symbolic tensors')
    expect(() => subtract([image, image, image])).toThrow(ShapeError)
    expect(() => sequential({ inputShape: [4] }, [{ layer: 'add' } as never])).toThrow(
      'add (layer 1): add makes one tensor of several, as in add([a, b]); here is but one',
    )
    expect(() => input({ shape: [0, 2] })).toThrow(ArgumentError)
  })

  it('where inputs and outputs do not belong together', () => {
    const other = input({ shape: [4, 4, 1], name: 'other' })
    const both = add([image, other])
    expect(() => model({ inputs: image, outputs: both })).toThrow(
      'an output needs the input other, which is not listed',
    )
    expect(() => model({ inputs: [image, other], outputs: image.through(flatten()) })).toThrow(
      'model: nothing takes what "other" gives',
    )
    expect(() => model({ inputs: both, outputs: both })).toThrow('inputs[0] is what a layer made')
    expect(() => model({ inputs: [], outputs: image })).toThrow(ArgumentError)
    const twin = input({ shape: [4, 4, 1], name: 'other' })
    expect(() => model({ inputs: [other, twin], outputs: add([other, twin]) })).toThrow('expected a name of its own')
  })

  it('where a layer is used again for another shape', () => {
    const shared = dense({ units: 2 })
    const [a, b] = [input({ shape: [3] }), input({ shape: [4] })]
    expect(() => model({ inputs: [a, b], outputs: add([a.through(shared), b.through(shared)]) })).toThrow(
      'dense is called again with inputs of another shape, for which it needs other weights',
    )
    // A convolution's weights do not depend on the images' size.
    const filter = conv2d({ filters: 2, kernelSize: 3, padding: 'same' })
    const small = image.through(maxPooling2d())
    const network = model({ inputs: image, outputs: [image.through(filter), small.through(filter)] })
    expect(network.weights).toHaveLength(2)
    expect(network.summary()).toContain('multiple')
  })
})

describe("a graph's file", () => {
  const { tensors, metadata } = parseSafetensors(modelToBytes(residual()))
  const architecture: GraphArchitecture = JSON.parse(metadata.architecture)
  const read = (changed: object) =>
    modelFromBytes(formatSafetensors(tensors, { architecture: JSON.stringify({ ...architecture, ...changed }) }))

  it('holds layers by name, and which tensors each call takes', () => {
    expect(architecture).toMatchInlineSnapshot(`
      {
        "calls": [
          {
            "inputs": [
              0,
            ],
            "layer": "conv2d",
          },
          {
            "inputs": [
              1,
            ],
            "layer": "conv2d_1",
          },
          {
            "inputs": [
              2,
            ],
            "layer": "conv2d_2",
          },
          {
            "inputs": [
              3,
              1,
            ],
            "layer": "add",
          },
          {
            "inputs": [
              4,
            ],
            "layer": "conv2d_3",
          },
          {
            "inputs": [
              4,
            ],
            "layer": "conv2d_4",
          },
          {
            "inputs": [
              5,
              6,
            ],
            "layer": "add_1",
          },
          {
            "inputs": [
              7,
            ],
            "layer": "max_pooling2d",
          },
          {
            "inputs": [
              8,
            ],
            "layer": "flatten",
          },
          {
            "inputs": [
              9,
            ],
            "layer": "dense",
          },
        ],
        "inputs": [
          {
            "name": "image",
            "shape": [
              8,
              8,
              1,
            ],
          },
        ],
        "layers": {
          "add": {
            "layer": "add",
          },
          "add_1": {
            "layer": "add",
          },
          "conv2d": {
            "activation": "relu",
            "filters": 4,
            "kernelSize": 3,
            "layer": "conv2d",
            "padding": "same",
          },
          "conv2d_1": {
            "activation": "relu",
            "filters": 4,
            "kernelSize": 3,
            "layer": "conv2d",
            "padding": "same",
          },
          "conv2d_2": {
            "activation": "relu",
            "filters": 4,
            "kernelSize": 3,
            "layer": "conv2d",
            "padding": "same",
          },
          "conv2d_3": {
            "activation": "relu",
            "filters": 6,
            "kernelSize": 3,
            "layer": "conv2d",
            "padding": "same",
          },
          "conv2d_4": {
            "activation": "relu",
            "filters": 6,
            "kernelSize": 1,
            "layer": "conv2d",
            "padding": "same",
          },
          "dense": {
            "activation": "softmax",
            "layer": "dense",
            "units": 3,
          },
          "flatten": {
            "layer": "flatten",
          },
          "max_pooling2d": {
            "layer": "maxPooling2d",
          },
        },
        "outputs": [
          10,
        ],
        "seed": 5,
      }
    `)
    expect(read({}).architecture).toEqual(architecture)
  })

  it('keeps the names of its layers, whatever the numbering would be', () => {
    const renamed = (name: string) => name.replace('conv2d', 'block')
    const layers = Object.fromEntries(
      Object.entries(architecture.layers).map(([name, layer]) => [renamed(name), layer]),
    )
    const calls = architecture.calls.map((call) => ({ ...call, layer: renamed(call.layer) }))
    const weights = new Map([...tensors].map(([name, tensor]) => [renamed(name), tensor]))
    const text = JSON.stringify({ ...architecture, layers, calls })
    const copy = modelFromBytes(formatSafetensors(weights, { architecture: text }))
    expect(copy.layers[1].name).toBe('block_1')
    expect(copy.weights.map(({ data }) => data)).toEqual(residual().weights.map(({ data }) => data))
  })

  const { calls } = architecture
  it.each<[string, object]>([
    ['inputs that are none', { inputs: 3 }],
    ['an input without a shape', { inputs: [{ name: 'image' }] }],
    ['an input of no size', { inputs: [{ name: 'image', shape: [8, 0, 1] }] }],
    ['an input that is huge', { inputs: [{ name: 'image', shape: [8, 8, 1e9] }] }],
    ['two inputs of one name', { inputs: [...architecture.inputs, ...architecture.inputs] }],
    ['an input of a strange name', { inputs: [{ name: 7, shape: [8, 8, 1] }] }],
    ['no inputs', { inputs: [] }],
    ['layers in a list', { layers: Object.values(architecture.layers) }],
    ['a layer that there is not', { layers: { ...architecture.layers, conv2d: { layer: 'lambda' } } }],
    ['a layer with a wrong option', { layers: { ...architecture.layers, add: { layer: 'add', axis: 1 } } }],
    ['a call of a layer that is not listed', { calls: calls.with(0, { layer: 'toString', inputs: [0] }) }],
    ['a call of itself', { calls: calls.with(0, { layer: 'conv2d', inputs: [1] }) }],
    ['a call of what does not exist', { calls: calls.with(0, { layer: 'conv2d', inputs: [-1] }) }],
    ['a call without inputs', { calls: calls.with(0, { layer: 'conv2d', inputs: [] }) }],
    ['a call with inputs that are no list', { calls: calls.with(0, { layer: 'conv2d', inputs: 0 as never }) }],
    ['too many calls', { calls: Array.from({ length: 100_000 }, () => calls[0]) }],
    ['no outputs', { outputs: [] }],
    ['an output that is not there', { outputs: [1000] }],
    ['an output in the middle', { outputs: [2] }],
    ['a seed that is none', { seed: '5' }],
  ])('is refused with %s', (_what, changed) => {
    expect(() => read(changed)).toThrow(FormatError)
  })
})

describe('files from before there were graphs', () => {
  it('are read as the stacks that they are, and written as they were', () => {
    const architecture =
      '{"inputShape":[4,4,1],"seed":3,"layers":[{"layer":"conv2d","filters":2,"kernelSize":3,"activation":"relu"},{"layer":"maxPooling2d"},{"layer":"flatten"},{"layer":"dropout","rate":0.5},{"layer":"dense","units":2},{"layer":"activation","activation":"softmax"}]}'
    const weight = (shape: number[], seed: number) => ({ shape, data: new Float32Array(numbers(shape, seed)) })
    const weights = new Map([
      ['conv2d/kernel', weight([3, 3, 1, 2], 1)],
      ['conv2d/bias', weight([2], 2)],
      ['dense/kernel', weight([2, 2], 3)],
      ['dense/bias', weight([2], 4)],
    ])
    const file = formatSafetensors(weights, { architecture })
    const stack = modelFromBytes(file)
    expect(stack).toBeInstanceOf(Sequential)
    expect(stack.weights.map(({ name, shape, data }) => [name, { shape, data }])).toEqual([...weights])
    expect(modelToBytes(stack)).toEqual(file)
  })

  it("as the tutorial's network", () => {
    const file = readFileSync(new URL('../../../models/fashion-cnn.safetensors', import.meta.url))
    const stack = modelFromBytes(file)
    expect(stack).toBeInstanceOf(Sequential)
    expect(stack.layers.map(({ name }) => name)).toEqual(['conv2d', 'conv2d_1', 'conv2d_2', 'flatten', 'dense'])
    expect(stack.parameterCount).toBe(144_410)
    expect(parseSafetensors(modelToBytes(stack))).toEqual(parseSafetensors(file))
  })
})

it('layers of one input and merging layers are told apart by their types', () => {
  const layers: LayerDescription[] = [flatten()]
  // @ts-expect-error: a stack can't merge.
  layers.push({ layer: 'add' })
  const through: (x: SymbolicTensor) => SymbolicTensor = (x) => x.through(flatten())
  expect(through(input({ shape: [2, 2] })).shape).toEqual([4])
})

it('names 100,000 outputs that one layer makes without looking at all names for each', () => {
  const many = 100_000
  const has = vi.spyOn(Set.prototype, 'has')
  const { outputs } = connectLayers(
    {
      inputs: [{ name: 'x', shape: [2] }],
      layers: { one: activation('relu') },
      calls: [{ layer: 'one', inputs: [0] }],
      outputs: new Array<number>(many).fill(1),
    },
    allLayers,
  )
  const asked = has.mock.calls.length
  has.mockRestore()
  expect(asked).toBeLessThan(10 * many)
  expect(outputs.slice(0, 3).map(({ name }) => name)).toEqual(['one', 'one_1', 'one_2'])
  expect(outputs.at(-1)?.name).toBe(`one_${many - 1}`)
})
