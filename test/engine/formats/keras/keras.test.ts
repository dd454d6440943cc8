import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { kerasModel } from '../../../../src/engine/formats/keras/read-keras.ts'
import {
  adam,
  FormatError,
  loadModel,
  type Model,
  modelFromBytes,
  modelToBytes,
  openDevice,
  UnsupportedModelError,
} from '../../../../src/engine/index.ts'
import { ReferenceDevice } from '../../../../src/engine/reference/device.ts'
import { relativeError } from '../../operation-cases.ts'
import { zipOf } from '../zip-of.ts'
import { kerasAnswers, kerasFile } from './keras-files.ts'

const load = async (name: string) => loadModel(await kerasFile(name))

describe('models of Keras 3 answer as in Keras', async () => {
  const { input, output } = await kerasAnswers()
  it.each([
    'sequential.keras',
    'sequential.h5',
    'nested.keras',
    'nested.h5',
    'attention.keras',
    'shapes.h5',
    'adapted.keras',
    'adapted.h5',
  ])('%s', async (file) => {
    const model = await load(file)
    await model.compile({ device: new ReferenceDevice() })
    const { data } = await model.predict({ shape: input.shape, data: Float32Array.from(input.data) })
    expect(relativeError(data, output[file.replace(/\.\w+$/, '')].data)).toBeLessThan(1e-5)
    expect(model.origin).toMatchObject({ format: 'Keras', producer: expect.stringContaining('Keras 3.15.1') })
  })

  it('says of pictures and answers what its layers say, and no more', async () => {
    expect((await load('sequential.keras')).images).toEqual({
      layout: { value: 'NHWC', source: "Keras's channels_last" },
      preprocessing: { value: { scale: [1], offset: [0] }, source: 'its layer rescaling' },
      output: { value: 'probabilities', source: 'its last activation, softmax' },
    })
    expect((await load('nested.keras')).images.preprocessing?.source).toBe('its layer rescaling_1')
    expect((await load('shapes.h5')).images).toMatchObject({
      preprocessing: { value: { scale: [1], offset: [0] }, source: 'its layer normalization' },
      output: { value: 'sigmoid' },
    })
    // Its last layer has no activation: logits, or anything else.
    expect((await load('attention.keras')).images.output).toBe(undefined)
    expect((await load('small.h5')).images.preprocessing).toBe(undefined)
  })

  it('prints its layers under their own names', async () => {
    const summary = (await load('nested.h5')).summary()
    for (const row of [
      'augmentation (Functional)',
      'backbone (Functional)',
      'head (Functional)',
      'rescaling_1 (Rescaling)',
    ])
      expect(summary).toContain(row)
    expect((await load('nested.h5')).weights.map(({ name }) => name)).toContain('backbone/base_conv3/kernel')
  })
})

const valuesOf = (model: Model) => model.weights.map(({ name, data }) => [name, Array.from(data)])

describe('Keras files of all kinds', () => {
  it('hold the same weights, whatever their HDF5 version, and the signs in their paths', async () => {
    const first = await load('small.h5')
    expect(first.origin).toEqual({ format: 'Keras', version: 'HDF5', producer: 'Keras 2.8.0 with tensorflow' })
    for (const other of ['small-v108.h5', 'small-2.13.keras', 'small-2.13-windows.keras'])
      expect(valuesOf(await load(other))).toEqual(valuesOf(first))
  })

  it('are trained on, saved as safetensors, and read again equal', async () => {
    const model = await load('small.h5')
    const before = valuesOf(model)
    const device = await openDevice('reference')
    await model.compile({ device, optimizer: adam(), loss: 'sparseCategoricalCrossentropy' })
    const images = { shape: [4, 6, 6, 1], data: Float32Array.from({ length: 144 }, (_, i) => Math.sin(i)) }
    await model.fit(images, Int32Array.of(0, 1, 2, 0), { batchSize: 4, epochs: 1 })
    // Kernels, biases and the batch norm's averages alike.
    const moved = valuesOf(model).filter(([, data], i) => JSON.stringify(data) !== JSON.stringify(before[i][1]))
    expect(moved.length).toBe(before.length)
    const again = modelFromBytes(modelToBytes(model))
    expect(again.architecture).toEqual(model.architecture)
    expect(valuesOf(again)).toEqual(valuesOf(model))
  })

  it('open from a zip, from a folder, and from files that were dropped together', async () => {
    const [h5, expected] = [await kerasFile('small.h5'), valuesOf(await load('small.h5'))]
    const folder = mkdtempSync(join(tmpdir(), 'limelight-keras-'))
    try {
      writeFileSync(join(folder, 'model.h5'), h5)
      writeFileSync(join(folder, 'notes.txt'), 'notes')
      expect(valuesOf(await loadModel(folder))).toEqual(expected)
      writeFileSync(join(folder, 'other.h5'), h5)
      await expect(loadModel(folder)).rejects.toThrow(/a folder of several models: model.h5, other.h5/)
    } finally {
      rmSync(folder, { recursive: true })
    }
    expect(
      valuesOf(
        await loadModel(
          new Map([
            ['notes.txt', new Uint8Array(9)],
            ['m.h5', h5],
          ]),
        ),
      ),
    ).toEqual(expected)
    await expect(loadModel(zipOf([{ name: 'notes.txt', bytes: new Uint8Array(3) }]))).rejects.toThrow(
      /none of the files in this zip/,
    )
    expect(
      valuesOf(
        await loadModel(
          zipOf([
            { name: 'a/m.h5', bytes: h5, deflated: true },
            { name: 'a/notes.txt', bytes: new Uint8Array(9) },
          ]),
        ),
      ),
    ).toEqual(expected)
  })
})

const sequential = (layers: object[], name = 'model') => ({ class_name: 'Sequential', config: { name, layers } })
const layer = (class_name: string, name: string, config: object = {}) => ({ class_name, config: { name, ...config } })
const image = layer('InputLayer', 'image', { batch_input_shape: [null, 8, 8, 3] })
const open = (model: object, options = {}, version = '2.8.0') => kerasModel(model, version, options, () => new Map())

describe('what a Keras model asks for', () => {
  it('is told all at once where it can not be done, by layer and class, inside models too', async () => {
    const model = sequential([
      image,
      layer('Lambda', 'scale'),
      layer('Conv2D', 'turned', { filters: 2, kernel_size: 3, data_format: 'channels_first' }),
      sequential([layer('LSTM', 'memory')], 'inner'),
      layer('Dense', 'last', { units: 2, activation: 'sparsemax' }),
    ])
    const error = await open(model).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(UnsupportedModelError)
    expect(error instanceof UnsupportedModelError && error.operators).toEqual([
      { node: 'scale', operator: 'Lambda', why: 'is not known' },
      {
        node: 'turned',
        operator: 'Conv2D',
        why: 'takes images with their channels first; only channels_last is known',
      },
      { node: 'memory', operator: 'LSTM', why: 'is not known' },
      { node: 'last', operator: 'Dense', why: 'has the activation "sparsemax", which is not known' },
    ])
  })

  it('is refused where its layers need each other, are not there, or fit no image', async () => {
    const call = (name: string) => [[[name, 0, 0, {}]]]
    const graph = (...layers: object[]) => ({
      class_name: 'Functional',
      config: { layers: [image, ...layers], input_layers: [['image', 0, 0]], output_layers: [['a', 0, 0]] },
    })
    const circle = graph(
      { ...layer('ReLU', 'a'), inbound_nodes: call('b') },
      { ...layer('ReLU', 'b'), inbound_nodes: call('a') },
    )
    await expect(open(circle)).rejects.toThrow(/its layer "a" needs what it makes itself/)
    await expect(open(graph({ ...layer('ReLU', 'a'), inbound_nodes: call('c') }))).rejects.toThrow(/a layer "c"/)
    await expect(open(sequential([image, layer('Dense', 'd', { units: 'many' })]))).rejects.toThrow(
      /its layer "d" has "many" as units; expected a whole number/,
    )
    await expect(open(sequential([image, layer('Conv2D', 'c', { filters: 1, kernel_size: 9 })]))).rejects.toThrow(
      FormatError,
    )
    await expect(open(sequential([image, layer('Dense', 'd', { units: 2 })]))).rejects.toThrow(
      /"d\/kernel" \[3,2\] is missing; "d\/bias" \[2\] is missing/,
    )
  })

  it('takes images of the size that is given where any will do', async () => {
    const any = layer('InputLayer', 'image', { batch_shape: [null, null, null, 3] })
    const model = sequential([any, layer('GlobalAveragePooling2D', 'mean')])
    await expect(open(model)).rejects.toThrow(/images of any size, \[any, any, 3\]; give an inputShape/)
    const { network } = await open(model, { inputShape: [9, 7, 3] })
    expect(network.inputs).toEqual([{ name: 'image', shape: [9, 7, 3] }])
    await expect(open(model, { inputShape: [9, 7, 1] })).rejects.toThrow(FormatError)
  })

  it('may rescale each channel by itself', async () => {
    const scaled = layer('Rescaling', 'scaled', { scale: [0.5, 0.25, 2], offset: [1, -1, 0] })
    const { network } = await open(sequential([image, scaled]))
    expect('architecture' in network && network.architecture.layers).toEqual({
      scaled: { layer: 'normalization', mean: [-2, 4, -0], variance: [4, 16, 0.25] },
    })
  })

  it('has other names in Keras 1, and another hard sigmoid before Keras 3', async () => {
    const old = {
      class_name: 'Sequential',
      config: [
        layer('ZeroPadding2D', 'pad', { padding: [1, 1], batch_input_shape: [null, 8, 8, 3], dim_ordering: 'tf' }),
        layer('MaxPooling2D', 'pool', { border_mode: 'valid', pool_size: [2, 2], strides: [2, 2] }),
        layer('Dropout', 'drop', { p: 0.5 }),
        layer('Activation', 'gate', { activation: 'hard_sigmoid' }),
      ],
    }
    const { network } = await open(old, {}, '1.2.2')
    expect('architecture' in network && network.architecture).toMatchObject({
      layers: {
        pad: { layer: 'zeroPadding2d', padding: [1, 1] },
        drop: { layer: 'dropout', rate: 0.5 },
        gate: { layer: 'rescaling', scale: 0.2, offset: 0.5 },
        gate_activation: { layer: 'reLU', maxValue: 1 },
      },
    })
    const turned = layer('MaxPooling2D', 'turned', { dim_ordering: 'th' })
    await expect(open({ ...old, config: [...old.config, turned] }, {}, '1.2.2')).rejects.toThrow(/channels first/)
  })
})
