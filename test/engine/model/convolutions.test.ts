import { describe, expect, it } from 'vitest'
import { CpuDevice } from '../../../src/engine/cpu/device.ts'
import { ArgumentError, ShapeError } from '../../../src/engine/errors.ts'
import { modelFromBytes } from '../../../src/engine/facade/model-from-bytes.ts'
import { Sequential, sequential } from '../../../src/engine/facade/sequential.ts'
import { modelToBytes } from '../../../src/engine/formats/write-model.ts'
import {
  conv2d,
  conv2dTranspose,
  dense,
  depthwiseConv2d,
  flatten,
  type LayerDescription,
  separableConv2d,
} from '../../../src/engine/model/layers/public.ts'
import { ReferenceDevice } from '../../../src/engine/reference/device.ts'
import { sgd } from '../../../src/engine/training/optimizers.ts'
import { largestError } from '../../reference-tensors.ts'

const inputShape = [8, 8, 4]
const layers = [
  conv2d({ filters: 8, kernelSize: 3, groups: 2, padding: 'same', dilationRate: 2, activation: 'relu' }),
  depthwiseConv2d({ kernelSize: 3, depthMultiplier: 2, strides: 2, padding: 1 }),
  separableConv2d({ filters: 6, kernelSize: 3, padding: 'same', activation: 'relu' }),
  conv2dTranspose({ filters: 4, kernelSize: 3, strides: 2, padding: 'same', activation: 'relu' }),
  depthwiseConv2d({ kernelSize: 2, useBias: false }),
  flatten(),
  dense({ units: 3, activation: 'softmax' }),
]
const network = (seed = 5) => sequential({ inputShape, seed }, layers)

describe('layers that convolve', () => {
  it("have Keras's summary: names, output shapes and parameters", () => {
    // 3·3·(4/2)·8 + 8; 3·3·8·2 + 16; 3·3·16 + 16·6 + 6; 3·3·4·6 + 4; 2·2·4; (7·7·4)·3 + 3.
    expect(network().summary()).toMatchInlineSnapshot(`
      "Model: "sequential"
      _________________________________________________________________
      Layer (type)                 Output Shape              Param #   
      =================================================================
      conv2d (Conv2D)              (None, 8, 8, 8)           152       
      _________________________________________________________________
      depthwise_conv2d (DepthwiseC (None, 4, 4, 16)          160       
      _________________________________________________________________
      separable_conv2d (SeparableC (None, 4, 4, 6)           246       
      _________________________________________________________________
      conv2d_transpose (Conv2DTran (None, 8, 8, 4)           220       
      _________________________________________________________________
      depthwise_conv2d_1 (Depthwis (None, 7, 7, 4)           16        
      _________________________________________________________________
      flatten (Flatten)            (None, 196)               0         
      _________________________________________________________________
      dense (Dense)                (None, 3)                 591       
      =================================================================
      Total params: 1,385
      Trainable params: 1,385
      Non-trainable params: 0
      _________________________________________________________________"
    `)
  })

  it("name their weights as Keras does, in Keras's order", () => {
    expect(network().weights.map(({ name, shape }) => `${name} ${shape}`)).toEqual([
      'conv2d/kernel 3,3,2,8',
      'conv2d/bias 8',
      'depthwise_conv2d/depthwise_kernel 3,3,8,2',
      'depthwise_conv2d/bias 16',
      'separable_conv2d/depthwise_kernel 3,3,16,1',
      'separable_conv2d/pointwise_kernel 1,1,16,6',
      'separable_conv2d/bias 6',
      'conv2d_transpose/kernel 3,3,4,6',
      'conv2d_transpose/bias 4',
      'depthwise_conv2d_1/depthwise_kernel 2,2,4,1',
      'dense/kernel 196,3',
      'dense/bias 3',
    ])
  })

  it("begin within Keras's glorotUniform: its fans are the last two axes, times the window", () => {
    for (const { name, shape, data } of network().weights.filter(({ shape }) => shape.length === 4)) {
      const [height, width, inputs, outputs] = shape
      const limit = Math.sqrt(6 / (height * width * (inputs + outputs)))
      const largest = Math.max(...data.map(Math.abs))
      expect(largest, name).toBeLessThanOrEqual(limit)
      expect(largest, name).toBeGreaterThan(0.7 * limit)
    }
  })

  it('are saved and loaded with what they were told', async () => {
    const model = network()
    const loaded = modelFromBytes(modelToBytes(model))
    if (!(loaded instanceof Sequential)) throw new Error('expected a stack')
    expect(loaded.descriptions).toEqual(layers)
    expect(loaded.weights).toEqual(model.weights)
  })

  it('predict and learn on the cpu as in float64', async () => {
    const count = 12
    const samples = {
      data: Float32Array.from({ length: count * 256 }, (_, i) => Math.sin(i * 0.7)),
      shape: [count, ...inputShape],
    }
    const labels = Int32Array.from({ length: count }, (_, i) => i % 3)
    const results = await Promise.all(
      [new CpuDevice({ threads: 1 }), new ReferenceDevice()].map(async (device) => {
        const model = network()
        await model.compile({
          device,
          optimizer: sgd({ learningRate: 0.1 }),
          loss: 'sparseCategoricalCrossentropy',
          metrics: [],
        })
        const before = await model.predict(samples)
        await model.fit(samples, labels, { batchSize: 4, epochs: 2 })
        const after = await model.predict(samples)
        model.dispose()
        device.dispose()
        return { before: before.data, after: after.data }
      }),
    )
    const [cpu, reference] = results
    expect(largestError(cpu.before, reference.before)).toBeLessThan(1e-6)
    expect(largestError(cpu.after, reference.after)).toBeLessThan(1e-5)
    expect(largestError(cpu.after, cpu.before)).toBeGreaterThan(1e-3)
  })

  it('refuse what they can not do, in the words of their options', () => {
    const refused = (layer: LayerDescription) => () => sequential({ inputShape }, [layer])
    expect(refused(conv2d({ filters: 4, kernelSize: 3, groups: 3 }))).toThrow(
      new ShapeError(
        'conv2d (layer 1): 3 groups given for 4 channels and 4 filters; expected a number that divides both',
      ),
    )
    expect(refused(conv2d({ filters: 4, kernelSize: 3, padding: -1 }))).toThrow(ArgumentError)
    expect(refused(depthwiseConv2d({ kernelSize: 5, dilationRate: 2 }))).toThrow(
      /kernelSize 5, dilated to 9, does not fit into 8/,
    )
    expect(refused(conv2dTranspose({ filters: 1, kernelSize: 2, outputPadding: 1 }))).toThrow(
      /conv2dTranspose \(layer 1\): outputPadding 1; expected/,
    )
    expect(refused(separableConv2d({ filters: 0, kernelSize: 3 }))).toThrow(/filters must be a positive integer/)
    expect(() => sequential({ inputShape: [4] }, [conv2dTranspose({ filters: 1, kernelSize: 2 })])).toThrow(
      /expected images \[H,W,C\], got \[4\]/,
    )
  })
})
