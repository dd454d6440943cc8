import { describe, expect, it } from 'vitest'
import { CpuDevice } from '../../../src/engine/cpu/device.ts'
import type { Device } from '../../../src/engine/device.ts'
import { ArgumentError, DeviceLostError } from '../../../src/engine/errors.ts'
import { type Model, model } from '../../../src/engine/facade/model.ts'
import { modelFromBytes } from '../../../src/engine/facade/model-from-bytes.ts'
import { sequential } from '../../../src/engine/facade/sequential.ts'
import { modelToBytes } from '../../../src/engine/formats/write-model.ts'
import { CompiledModel } from '../../../src/engine/model/compiled.ts'
import { add, concatenate, input, multiply } from '../../../src/engine/model/graph.ts'
import {
  activation,
  averagePooling2d,
  batchNormalization,
  conv2d,
  dense,
  dropout,
  flatten,
  maxPooling2d,
  randomFlip,
  randomTranslation,
  spatialDropout2d,
} from '../../../src/engine/model/layers/public.ts'
import { ReferenceDevice } from '../../../src/engine/reference/device.ts'
import type { Checkpoint } from '../../../src/engine/training/checkpoint.ts'
import { adam, sgd } from '../../../src/engine/training/optimizers.ts'
import { describeTrainingStep } from '../../../src/engine/training/step-plan.ts'
import { largestError } from '../../reference-tensors.ts'
import { numbers } from '../device-suite.ts'

const samplesOf = (shape: readonly number[], seed: number) => ({ data: numbers(shape, seed), shape })
const weightsOf = (network: Model) => new Map(network.weights.map(({ name, data }) => [name, data]))
const weight = (network: Model, name: string) => weightsOf(network).get(name) ?? new Float32Array(0)

/** A small residual network with batch norm, a shortcut with a convolution of its own, a gate and a concatenation. */
function residual(seed = 3, chance = false): Model {
  const convolve = (filters: number, kernelSize = 3, strides = 1) =>
    conv2d({ filters, kernelSize, strides, padding: 'same', useBias: false })
  const image = input({ shape: [8, 8, 2], name: 'image' })
  const seen = chance
    ? image.through(randomFlip({ mode: 'horizontal' }), randomTranslation({ heightFactor: 0.2, widthFactor: 0.1 }))
    : image
  const stem = seen.through(convolve(4), batchNormalization({ momentum: 0.8 }), activation('relu'))
  const inner = stem.through(
    convolve(6, 3, 2),
    batchNormalization({ momentum: 0.8 }),
    activation('relu'),
    convolve(6),
    batchNormalization({ momentum: 0.8, scale: false }),
  )
  const shortcut = stem.through(convolve(6, 1, 2), batchNormalization({ momentum: 0.8, center: false }))
  const block = add([inner, shortcut]).through(activation('relu'), ...(chance ? [spatialDropout2d({ rate: 0.2 })] : []))
  const gated = multiply([block, block.through(convolve(6, 1), activation('sigmoid'))])
  const joined = concatenate([gated, stem.through(maxPooling2d())])
  const pooled = joined.through(averagePooling2d({ poolSize: 4 }), flatten())
  const last = chance ? pooled.through(dropout({ rate: 0.2 })) : pooled
  return model({ inputs: image, outputs: last.through(dense({ units: 3, activation: 'softmax' })), seed })
}

const count = 24
// Not of mean 0, so that averages have somewhere to go.
const samples = { data: numbers([count, 8, 8, 2], 7).map((value) => value + 0.7), shape: [count, 8, 8, 2] }
const labels = Array.from({ length: count }, (_, i) => i % 3)

describe('batch normalisation', () => {
  const [rows, columns] = [10, 3]
  const given = samplesOf([rows, columns], 4)
  const build = () =>
    sequential({ inputShape: [columns], seed: 1 }, [
      batchNormalization({ momentum: 0.7, epsilon: 0.01 }),
      dense({ units: 2, activation: 'softmax' }),
    ])
  const column = (c: number) => Array.from({ length: rows }, (_, n) => given.data[n * columns + c])
  const meanOf = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

  it('follows the mean and the biased variance of the batch, as Keras 3 does', async () => {
    const network = build()
    await network.compile({ device: new ReferenceDevice(), optimizer: sgd({ learningRate: 0.01 }) })
    await network.fit(given, new Uint8Array(rows), { batchSize: rows, epochs: 2 })
    for (let c = 0; c < columns; c++) {
      const mean = meanOf(column(c))
      const squares = column(c).map((value) => (value - mean) ** 2)
      const follow = (first: number, latest: number) => 0.7 * (0.7 * first + 0.3 * latest) + 0.3 * latest
      expect(weight(network, 'batch_normalization/moving_mean')[c]).toBeCloseTo(follow(0, mean), 6)
      expect(weight(network, 'batch_normalization/moving_variance')[c]).toBeCloseTo(follow(1, meanOf(squares)), 6)
      // PyTorch's would be the unbiased one.
      const unbiased = (meanOf(squares) * rows) / (rows - 1)
      expect(weight(network, 'batch_normalization/moving_variance')[c]).not.toBeCloseTo(follow(1, unbiased), 3)
    }
  })

  it('normalises by the averages in use, whatever the batch, and leaves them as they are', async () => {
    const network = build()
    const set = (name: string, values: number[]) => weight(network, `batch_normalization/${name}`).set(values)
    set('gamma', [1.5, 0.5, -1])
    set('beta', [0.1, 0.2, 0.3])
    set('moving_mean', [0.3, -0.2, 0.1])
    set('moving_variance', [0.5, 2, 1])
    const before = weightsOf(modelFromBytes(modelToBytes(network)))
    const device = new CpuDevice({ threads: 1 })
    await network.compile({ device })
    const { data } = await network.predict(given)
    const [kernel, bias] = [weight(network, 'dense/kernel'), weight(network, 'dense/bias')]
    for (let n = 0; n < rows; n++) {
      const logits = [0, 1].map((unit) => {
        let sum = bias[unit]
        for (let c = 0; c < columns; c++) {
          const of = (name: string) => weight(network, `batch_normalization/${name}`)[c]
          const deviation = Math.sqrt(of('moving_variance') + 0.01)
          const y = ((given.data[n * columns + c] - of('moving_mean')) / deviation) * of('gamma') + of('beta')
          sum += y * kernel[c * 2 + unit]
        }
        return sum
      })
      expect(data[2 * n]).toBeCloseTo(1 / (1 + Math.exp(logits[1] - logits[0])), 6)
    }
    const alone = await network.predict({ data: given.data.subarray(0, columns), shape: [1, columns] })
    expect(largestError(alone.data, data.subarray(0, 2))).toBeLessThan(1e-6)
    await network.evaluate(given, new Uint8Array(rows))
    expect(weightsOf(network)).toEqual(before)
    device.dispose()
  })

  it('counts its averages as not trained, and its file keeps them', () => {
    const network = residual()
    expect(network.parameterCount).toBe(
      network.weights.reduce((sum, { data, trainable }) => sum + (trainable ? data.length : 0), 0),
    )
    expect(network.summary()).toContain('Total params: 781')
    expect(network.summary()).toContain('Trainable params: 737')
    expect(network.summary()).toContain('Non-trainable params: 44')
    weight(network, 'batch_normalization_1/moving_mean').set([1, 2, 3, 4, 5, 6])
    const copy = modelFromBytes(modelToBytes(network))
    expect(weightsOf(copy)).toEqual(weightsOf(network))
    expect(copy.weights.map(({ trainable }) => trainable)).toEqual(network.weights.map(({ trainable }) => trainable))
    expect(copy.summary()).toBe(network.summary())
  })

  it("stands in both of Keras's tables with all of its numbers", () => {
    const convolve = () => conv2d({ filters: 4, kernelSize: 3, padding: 'same', useBias: false })
    const stack = sequential({ inputShape: [4, 4, 2] }, [convolve(), batchNormalization(), activation('relu')])
    expect(stack.summary()).toMatchInlineSnapshot(`
      "Model: "sequential"
      _________________________________________________________________
      Layer (type)                 Output Shape              Param #   
      =================================================================
      conv2d (Conv2D)              (None, 4, 4, 4)           72        
      _________________________________________________________________
      batch_normalization (BatchNo (None, 4, 4, 4)           16        
      _________________________________________________________________
      activation (Activation)      (None, 4, 4, 4)           0         
      =================================================================
      Total params: 88
      Trainable params: 80
      Non-trainable params: 8
      _________________________________________________________________"
    `)
    const image = input({ shape: [4, 4, 2] })
    const stem = image.through(convolve(), batchNormalization({ scale: false }))
    const graph = model({ inputs: image, outputs: add([stem, stem.through(convolve(), batchNormalization())]) })
    expect(graph.summary()).toMatchInlineSnapshot(`
      "Model: "model"
      __________________________________________________________________________________________________
      Layer (type)                    Output Shape         Param #     Connected to                     
      ==================================================================================================
      input_1 (InputLayer)            [(None, 4, 4, 2)]    0                                            
      __________________________________________________________________________________________________
      conv2d (Conv2D)                 (None, 4, 4, 4)      72          input_1[0][0]                    
      __________________________________________________________________________________________________
      batch_normalization (BatchNorma (None, 4, 4, 4)      12          conv2d[0][0]                     
      __________________________________________________________________________________________________
      conv2d_1 (Conv2D)               (None, 4, 4, 4)      144         batch_normalization[0][0]        
      __________________________________________________________________________________________________
      batch_normalization_1 (BatchNor (None, 4, 4, 4)      16          conv2d_1[0][0]                   
      __________________________________________________________________________________________________
      add (Add)                       (None, 4, 4, 4)      0           batch_normalization[0][0]        
                                                                       batch_normalization_1[0][0]      
      ==================================================================================================
      Total params: 244
      Trainable params: 228
      Non-trainable params: 16
      __________________________________________________________________________________________________"
    `)
  })

  it('follows one call after the other where it is called twice, as Keras does', async () => {
    const shared = batchNormalization({ momentum: 0.7 })
    const x = input({ shape: [columns] })
    const outputs = add([x.through(shared), x.through(activation('relu'), shared)]).through(dense({ units: 2 }))
    const network = model({ inputs: x, outputs: outputs.through(activation('softmax')) })
    await network.compile({ device: new ReferenceDevice(), optimizer: sgd() })
    await network.fit(given, new Uint8Array(rows), { batchSize: rows })
    for (let c = 0; c < columns; c++) {
      const positive = column(c).map((value) => Math.max(value, 0))
      const [first, second] = [column(c), positive].map((values) => {
        const mean = meanOf(values)
        return { mean, variance: meanOf(values.map((value) => (value - mean) ** 2)) }
      })
      const average = (from: number, one: number, other: number) => 0.7 * (0.7 * from + 0.3 * one) + 0.3 * other
      expect(weight(network, 'batch_normalization/moving_mean')[c]).toBeCloseTo(average(0, first.mean, second.mean), 6)
      expect(weight(network, 'batch_normalization/moving_variance')[c]).toBeCloseTo(
        average(1, first.variance, second.variance),
        6,
      )
    }
  })

  it('is done by the convolution before it in use, together with the shortcut and the activation behind it', async () => {
    const image = input({ shape: [8, 8, 4] })
    const convolve = () => conv2d({ filters: 4, kernelSize: 3, padding: 'same', useBias: false })
    const inner = image.through(convolve(), batchNormalization(), activation('relu'), convolve(), batchNormalization())
    const network = model({ inputs: image, outputs: add([inner, image]).through(activation('relu')) })
    await network.compile({ device: new CpuDevice({ threads: 1 }) })
    const overImages = network.plan(2).steps.filter(({ outputs: [{ shape }] }) => shape.length === 4)
    expect(overImages.map(({ kernel }) => kernel)).toEqual(['conv2d', 'conv2d'])
    network.dispose()
  })

  it('refuses options that it does not have', () => {
    const build = (options: object) => () => sequential({ inputShape: [4] }, [batchNormalization(options)])
    expect(build({ momentum: 1.1 })).toThrow(ArgumentError)
    expect(build({ epsilon: 0 })).toThrow(ArgumentError)
    expect(build({ axis: 1 })).toThrow(/there is no option "axis"/)
  })
})

describe('a residual network with batch norm', () => {
  it('trains on the cpu as in float64', async () => {
    const [cpu, reference] = [new CpuDevice({ threads: 1 }), new ReferenceDevice()]
    const trained = async (device: Device) => {
      const network = residual()
      await network.compile({ device, optimizer: sgd({ learningRate: 0.05, momentum: 0.9 }) })
      const { epochs } = await network.fit(samples, labels, { batchSize: 8, epochs: 4 })
      const { loss } = await network.evaluate(samples, labels)
      return { network, losses: epochs.map((epoch) => epoch.loss), loss }
    }
    const [actual, expected] = [await trained(cpu), await trained(reference)]
    expect(expected.losses[3]).toBeLessThan(expected.losses[0])
    expect(largestError(actual.losses, expected.losses)).toBeLessThan(1e-5)
    expect(Math.abs(actual.loss - expected.loss)).toBeLessThan(1e-5)
    for (const [name, data] of weightsOf(expected.network)) {
      const scale = data.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
      expect(largestError(weight(actual.network, name), data), name).toBeLessThan(2e-5 * scale)
      if (name.includes('moving_mean')) expect(scale).toBeGreaterThan(0.01)
    }
    cpu.dispose()
  })

  /** Trains with all that is random, too. */
  const begin = async (device: Device) => {
    const network = residual(3, true)
    await network.compile({ device, optimizer: adam({ learningRate: 0.01 }) })
    return network
  }
  const options = { batchSize: 7, epochs: 3, validationData: [samples, labels] } as const

  it('goes on from a checkpoint as if nothing had come between, with averages and chance', async () => {
    const device = new CpuDevice({ threads: 1 })
    const whole = await begin(device)
    const log = await whole.fit(samples, labels, options)
    const stopped = await begin(device)
    const controller = new AbortController()
    const taken: Checkpoint[] = []
    const run = stopped.fit(samples, labels, {
      ...options,
      signal: controller.signal,
      beforeStep: ({ epoch, step, checkpoint }) =>
        epoch === 2 && step === 1
          ? checkpoint().then((made) => {
              taken.push(structuredClone(made))
              controller.abort()
            })
          : undefined,
    })
    await expect(run).rejects.toThrow(/abort/)
    const resumed = await begin(device)
    const rest = await resumed.fit(samples, labels, { ...options, from: taken[0] })
    expect(weightsOf(resumed)).toEqual(weightsOf(whole))
    const told = ({ epochs }: typeof log) => epochs.map(({ loss, valLoss }) => [loss, valLoss])
    expect(told(rest)).toEqual(told(log).slice(1))
    // What the averages are, and not what the batch was, decides a validation.
    expect(weight(whole, 'batch_normalization/moving_mean').some((value) => Math.abs(value) > 0.01)).toBe(true)
    device.dispose()
  })

  it('pauses, and is of use meanwhile as it is then', async () => {
    const device = new CpuDevice({ threads: 1 })
    const [whole, paused] = [await begin(device), await begin(device)]
    await whole.fit(samples, labels, options)
    const losses: number[] = []
    await paused.fit(samples, labels, {
      ...options,
      beforeStep: ({ step }) =>
        step === 2
          ? (async () => {
              for (let i = 0; i < 2; i++) losses.push((await paused.evaluate(samples, labels)).loss)
            })()
          : undefined,
    })
    expect(losses).toHaveLength(6)
    expect(losses[0]).toBe(losses[1])
    expect(weightsOf(paused)).toEqual(weightsOf(whole))
    device.dispose()
  })

  it('goes on elsewhere when its device is lost, to the same weights', async () => {
    const [device, mortal, other] = Array.from({ length: 3 }, () => new CpuDevice({ threads: 1 }))
    const whole = await begin(device)
    await whole.fit(samples, labels, options)
    const run = mortal.run.bind(mortal)
    let runs = 0
    mortal.run = async (program, inputs) => {
      if (++runs > 9) throw new DeviceLostError('the driver was reset')
      return run(program, inputs)
    }
    const moved = await begin(mortal)
    const { epochs } = await moved.fit(samples, labels, { ...options, onDeviceLost: () => other })
    expect(runs).toBeGreaterThan(9)
    expect(epochs).toHaveLength(3)
    expect(weightsOf(moved)).toEqual(weightsOf(whole))
    for (const one of [device, mortal, other]) one.dispose()
  })

  it('learns without a pass over images that stretches numbers or turns them round', () => {
    const compiled = new CompiledModel(residual().network, new CpuDevice({ threads: 1 }))
    const steps = describeTrainingStep(compiled, sgd({ learningRate: 0.1 }), samples, 8).split('\n')
    // Of each batch norm two would be stretched, the slopes of its mean and its variance, and one turned round.
    expect(steps.filter((line) => /^(broadcast|neg) .*-> \[8,/.test(line))).toEqual([])
    expect(steps.filter((line) => /^mul .*-> \[8,8,8,4\]/.test(line)).length).toBeGreaterThan(2)
    compiled.dispose()
  })

  it('changes all that is trained by one update, its averages among the steps before', () => {
    const compiled = new CompiledModel(residual().network, new CpuDevice({ threads: 1 }))
    const steps = describeTrainingStep(compiled, adam(), samples, 8).split('\n')
    expect(steps.filter((line) => /^adam\b/.test(line))).toHaveLength(1)
    compiled.dispose()
  })
})
