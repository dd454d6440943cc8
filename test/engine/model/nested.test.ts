import { describe, expect, it } from 'vitest'
import { compute } from '../../../src/engine/compute.ts'
import { CpuDevice } from '../../../src/engine/cpu/device.ts'
import { ArgumentError, FormatError, ShapeError } from '../../../src/engine/errors.ts'
import { type Model, model } from '../../../src/engine/facade/model.ts'
import { modelFromBytes } from '../../../src/engine/facade/model-from-bytes.ts'
import { Sequential, sequential } from '../../../src/engine/facade/sequential.ts'
import { formatSafetensors } from '../../../src/engine/formats/safetensors.ts'
import { modelToBytes } from '../../../src/engine/formats/write-model.ts'
import { concatenate, input, multiply, through } from '../../../src/engine/model/graph.ts'
import {
  activation,
  batchNormalization,
  conv2d,
  dense,
  dropout,
  flatten,
  type LayerDescription,
} from '../../../src/engine/model/layers/public.ts'
import { ReferenceDevice } from '../../../src/engine/reference/device.ts'
import { Input } from '../../../src/engine/tensor.ts'
import { adam } from '../../../src/engine/training/optimizers.ts'
import { numbers } from '../device-suite.ts'
import { gradientErrors } from './layer-gradients.ts'

/** Models that are layers of others. */

const shape = [6, 6, 2]
const samplesOf = (sample: readonly number[], count: number, seed: number) => ({
  data: numbers([count, ...sample], seed),
  shape: [count, ...sample],
})

const eyeLayers = () => [
  conv2d({ filters: 3, kernelSize: 3, strides: 2, useBias: false }),
  batchNormalization({ momentum: 0.5 }),
  activation('relu'),
  flatten(),
  dense({ units: 4 }),
]
const eyeOf = (layers: readonly LayerDescription[], seed = 1) => {
  const image = input({ shape, name: 'image' })
  return model({ inputs: image, outputs: image.through(...layers), seed })
}

/** Both images of a pair are seen by the same eye, and their product is judged. */
function pairs(eye: Model | null, layers: readonly LayerDescription[], seed = 2): Model {
  const both = input({ shape: [6, 6, 4], name: 'both' })
  const image = (first: number) => {
    const filter = conv2d({ filters: 2, kernelSize: 1, useBias: false })
    return { filter, seen: first === 0 ? both.through(filter) : both.through(filter, activation('tanh')) }
  }
  const [left, right] = [image(0).seen, image(1).seen]
  const look = (x: typeof both) => (eye ? x.through(eye) : x.through(...layers))
  const outputs = multiply([look(left), look(right)]).through(dense({ units: 3, activation: 'softmax' }))
  return model({ inputs: both, outputs, seed })
}

describe('a model that is a layer', () => {
  const count = 12
  const samples = samplesOf([6, 6, 4], count, 3)
  const labels = Array.from({ length: count }, (_, i) => i % 3)

  it('is trained as its layers are: it is called twice, and its batch norm follows both calls', async () => {
    const nested = pairs(eyeOf(eyeLayers()), [])
    const plain = pairs(null, eyeLayers())
    // In the order in which they are first needed, which is the same.
    expect(nested.weights.map(({ shape }) => shape)).toEqual(plain.weights.map(({ shape }) => shape))
    plain.weights.forEach(({ data }, i) => void data.set(nested.weights[i].data))
    for (const device of [new ReferenceDevice(), new CpuDevice({ threads: 1 })]) {
      const logs = []
      for (const network of [nested, plain]) {
        await network.compile({ device, optimizer: adam({ learningRate: 0.01 }), metrics: ['accuracy'] })
        const { epochs } = await network.fit(samples, labels, { batchSize: 5, epochs: 3, shuffle: false })
        logs.push(epochs.map(({ loss, accuracy }) => ({ loss, accuracy })))
      }
      expect(logs[0]).toEqual(logs[1])
      expect(nested.weights.map(({ data }) => data)).toEqual(plain.weights.map(({ data }) => data))
      expect(await nested.predict(samples)).toEqual(await plain.predict(samples))
      device.dispose()
    }
  })

  it('shares its weights with the model that it is a layer of', async () => {
    const eye = eyeOf(eyeLayers())
    const network = pairs(eye, [])
    const device = new ReferenceDevice()
    const before = eye.weights.map(({ data }) => data.slice())
    await network.compile({ device, optimizer: adam() })
    await network.fit(samples, labels, { batchSize: 6 })
    for (const [i, { name, data }] of eye.weights.entries()) {
      expect(data, name).not.toEqual(before[i])
      expect(network.weights.find((weight) => weight.name === `model/${name}`)?.data).toBe(data)
    }
  })

  it('has a row and weights under its name', () => {
    const network = pairs(eyeOf(eyeLayers()), [])
    expect(network.weights.map(({ name }) => name)).toEqual([
      'conv2d/kernel',
      'model/conv2d/kernel',
      'model/batch_normalization/gamma',
      'model/batch_normalization/beta',
      'model/batch_normalization/moving_mean',
      'model/batch_normalization/moving_variance',
      'model/dense/kernel',
      'model/dense/bias',
      'conv2d_1/kernel',
      'dense/kernel',
      'dense/bias',
    ])
    expect(network.summary()).toMatchInlineSnapshot(`
      "Model: "model"
      __________________________________________________________________________________________________
      Layer (type)                    Output Shape         Param #     Connected to                     
      ==================================================================================================
      both (InputLayer)               [(None, 6, 6, 4)]    0                                            
      __________________________________________________________________________________________________
      conv2d (Conv2D)                 (None, 6, 6, 2)      8           both[0][0]                       
      __________________________________________________________________________________________________
      model (Functional)              (None, 4)            118         conv2d[0][0]                     
                                                                       activation[0][0]                 
      __________________________________________________________________________________________________
      conv2d_1 (Conv2D)               (None, 6, 6, 2)      8           both[0][0]                       
      __________________________________________________________________________________________________
      activation (Activation)         (None, 6, 6, 2)      0           conv2d_1[0][0]                   
      __________________________________________________________________________________________________
      multiply (Multiply)             (None, 4)            0           model[0][0]                      
                                                                       model[1][0]                      
      __________________________________________________________________________________________________
      dense (Dense)                   (None, 3)            15          multiply[0][0]                   
      ==================================================================================================
      Total params: 149
      Trainable params: 143
      Non-trainable params: 6
      __________________________________________________________________________________________________"
    `)
  })

  it('is written into files with the model around it, and read', async () => {
    const image = input({ shape })
    const inner = sequential({ inputShape: shape }, [eyeOf(eyeLayers()), activation('tanh')])
    const other = sequential({ inputShape: shape }, [conv2d({ filters: 1, kernelSize: 2 }), flatten()])
    const joined = concatenate([image.through(inner), image.through(other)])
    const network = model({
      inputs: image,
      outputs: joined.through(dense({ units: 2, activation: 'softmax' })),
      seed: 6,
    })
    const stack = sequential({ inputShape: shape }, [network])
    const device = new ReferenceDevice()
    const pictures = samplesOf(shape, 4, 2)
    for (const written of [network, stack]) {
      const read = modelFromBytes(modelToBytes(written))
      expect(read instanceof Sequential).toBe(written instanceof Sequential)
      expect(read.architecture).toEqual(written.architecture)
      expect(read.weights).toEqual(written.weights)
      expect(read.summary()).toBe(written.summary())
      expect(modelToBytes(read)).toEqual(modelToBytes(written))
      await written.compile({ device })
      await read.compile({ device })
      expect(await read.predict(pictures)).toEqual(await written.predict(pictures))
    }
    expect(network.architecture).toMatchObject({
      layers: { sequential: { layer: 'sequential', layers: [{ layer: 'model' }, { layer: 'activation' }] } },
    })
    expect(stack.weights.map(({ name }) => name)).toContain('model/sequential/model/conv2d/kernel')
  })

  it('may take several tensors', async () => {
    const [a, b] = [input({ shape: [3], name: 'a' }), input({ shape: [3], name: 'b' })]
    const gate = model({ inputs: [a, b], outputs: multiply([a, b.through(activation('sigmoid'))]) })
    const x = input({ shape: [3] })
    const network = model({ inputs: x, outputs: through([x, through([x, x], gate)], gate) })
    expect(network.summary()).toContain('model[0][0]')
    await network.compile({ device: new ReferenceDevice() })
    const values = [0.5, -1, 2]
    const { data } = await network.predict({ data: Float32Array.from(values), shape: [1, 3] })
    const gated = (value: number, by: number) => value / (1 + Math.exp(-by))
    values.forEach((value, i) => void expect(data[i]).toBeCloseTo(gated(value, gated(value, value)), 6))
  })

  it('has gradients that are central differences, with a state and chance in it', async () => {
    const image = input({ shape, name: 'image' })
    const eye = eyeOf([
      ...eyeLayers().map((layer) => (layer.layer === 'activation' ? activation('tanh') : layer)),
      dropout({ rate: 0.3 }),
    ])
    const network = model({ inputs: image, outputs: image.through(eye, activation('tanh'), dropout({ rate: 0.3 })) })
    const errors = await gradientErrors(network.network, { image: numbers([4, ...shape], 2) }, { batch: 4 })
    expect(Object.keys(errors)).toHaveLength(6)
    for (const [name, error] of Object.entries(errors)) expect(error, name).toBeLessThanOrEqual(1e-6)
  })

  it('has chance of its own, another one each time that it is called', async () => {
    const dropping = sequential({ inputShape: [200] }, [dropout({ rate: 0.5 }), dropout({ rate: 0 })])
    const x = input({ shape: [200], name: 'x' })
    const outputs = [x.through(dropping), x.through(dropping), x.through(dropout({ rate: 0.5 }))]
    const { network } = model({ inputs: x, outputs: [...outputs, x.through(dropout({ rate: 0.5 }))] })
    const context = { training: true, position: new Input('position', [1], 'i32') }
    const made = network.apply([new Input('x', [1, 200])], [], context).outputs
    const graph = { outputs: Object.fromEntries(made.map((y, i) => [`y${i}`, y])) }
    const given = { x: new Float32Array(200).fill(1), position: Int32Array.of(4) }
    const drawn = Object.values(await compute(new ReferenceDevice(), graph, given)).map((values) => values.join())
    expect(new Set(drawn).size).toBe(4)
  })

  it('must take what is given, give one tensor, and stand once in a stack', () => {
    const eye = eyeOf(eyeLayers())
    const small = input({ shape: [3, 3, 2] })
    expect(() => small.through(eye)).toThrow(new ShapeError('model: the model takes image [6,6,2], got [3,3,2]'))
    expect(() => through([small, small], eye)).toThrow('the model takes image [6,6,2], got [3,3,2], [3,3,2]')
    const x = input({ shape: [2] })
    const twofold = model({ inputs: x, outputs: [x.through(activation('tanh')), x.through(activation('relu'))] })
    expect(() => x.through(twofold)).toThrow(
      new ArgumentError('model: the model has 2 outputs; as a layer it must have one'),
    )
    const same = sequential({ inputShape: [2] }, [dense({ units: 2 })])
    expect(() => sequential({ inputShape: [2] }, [same, same])).toThrow(
      new ArgumentError(
        'model: the weight sequential_1/dense/kernel is sequential/dense/kernel, too; expected each model at one place, where a graph may call it more than once',
      ),
    )
    const around = model({ inputs: x, outputs: x.through(same) })
    expect(() => model({ inputs: x, outputs: [x.through(same), x.through(around)] })).toThrow(ArgumentError)
    for (const none of [{ network: null }, { network: 3 }, { network: {} }])
      expect(() => x.through(none as never)).toThrow('through: an object is no layer')
  })
})

describe("a file's model inside a model", () => {
  const stack = (layers: readonly object[]) => ({ layer: 'sequential', inputShape: [2], layers })
  const read = (architecture: object, weights: Record<string, number[]> = {}) =>
    modelFromBytes(
      formatSafetensors(
        new Map(
          Object.entries(weights).map(([name, shape]) => [
            name,
            { shape, data: new Float32Array(shape.reduce((size, extent) => size * extent, 1)) },
          ]),
        ),
        { architecture: JSON.stringify(architecture) },
      ),
    )

  it('may not stand deeper than calls can follow', () => {
    let nested: object = activation('relu')
    for (let i = 0; i < 20; i++) nested = stack([nested])
    expect(read({ inputShape: [2], layers: [nested] }).outputShape).toEqual([2])
    expect(() => read({ inputShape: [2], layers: [stack([nested])] })).toThrow(FormatError)
    for (let i = 0; i < 1000; i++) nested = stack([nested])
    expect(() => read({ inputShape: [2], layers: [nested] })).toThrow(/models stand inside models 20 deep/)
  })

  it('may not hold more layers than can be, however few are written', () => {
    const graph = (layer: object) => ({
      layer: 'model',
      inputs: [{ name: 'x', shape: [2] }],
      layers: { one: layer },
      calls: Array.from({ length: 900 }, (_, i) => ({ layer: 'one', inputs: [i] })),
      outputs: [900],
    })
    const { layer, ...architecture } = graph(graph(graph(activation('relu'))))
    expect(layer).toBe('model')
    expect(() => read(architecture)).toThrow(/more than 10000 layers, those inside models counted/)
    const nothing = { layer: 'model', inputs: [{ name: 'x', shape: [2] }], layers: {}, calls: [], outputs: [0] }
    const { layer: _model, ...empty } = graph(graph(graph(nothing)))
    expect(() => read(empty)).toThrow(/more than 10000 layers, those inside models counted/)
  })

  it('may have no layers: it gives what it takes', async () => {
    const x = input({ shape: [3], name: 'x' })
    const network = model({
      inputs: x,
      outputs: x.through(model({ inputs: x, outputs: x }), sequential({ inputShape: [3] }, [])),
    })
    expect(network.summary()).toMatch(/^model \(Functional\) +\(None, 3\) +0 *$/m)
    expect(network.summary()).toMatch(/^Total params: 0$/m)
    const device = new ReferenceDevice()
    await network.compile({ device })
    expect((await network.predict({ data: Float32Array.of(1, 2, 3), shape: [1, 3] })).data).toEqual(
      Float32Array.of(1, 2, 3),
    )
    device.dispose()
  })

  it('may not name two weights alike', () => {
    const layers = { a: stack([dense({ units: 2 })]), 'a/dense': dense({ units: 2 }) }
    const calls = ['a', 'a/dense'].map((layer, i) => ({ layer, inputs: [i] }))
    const architecture = { inputs: [{ name: 'x', shape: [2] }], layers, calls, outputs: [2] }
    const weights = { 'a/dense/kernel': [2, 2], 'a/dense/bias': [2] }
    expect(() => read(architecture, weights)).toThrow('two weights are named "a/dense/kernel"')
  })

  it.each<[string, object]>([
    ['without layers', { layer: 'sequential', inputShape: [2] }],
    ['of a strange shape', { layer: 'sequential', inputShape: ['2'], layers: [] }],
    ['with a layer that there is not', stack([{ layer: 'lambda' }])],
    ['without outputs', { layer: 'model', inputs: [{ name: 'x', shape: [2] }], layers: {}, calls: [], outputs: [] }],
    [
      'with calls of nothing',
      { layer: 'model', inputs: [{ name: 'x', shape: [2] }], layers: {}, calls: [null], outputs: [1] },
    ],
    ['with an option that there is not', { ...stack([]), units: 3 }],
  ])('is refused %s', (_what, layer) => {
    expect(() => read({ inputShape: [2], layers: [layer] })).toThrow(FormatError)
  })
})
