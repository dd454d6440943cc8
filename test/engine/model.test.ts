import { describe, expect, it } from 'vitest'
import { tutorialArchitecture } from '../../src/app/networks/tutorial.ts'
import { CpuDevice } from '../../src/engine/cpu/device.ts'
import { ArgumentError, FormatError, LimelightError, ShapeError } from '../../src/engine/errors.ts'
import { modelFromBytes } from '../../src/engine/facade/model-from-bytes.ts'
import { Sequential, sequential } from '../../src/engine/facade/sequential.ts'
import { formatSafetensors, parseSafetensors } from '../../src/engine/formats/safetensors.ts'
import { modelToBytes } from '../../src/engine/formats/write-model.ts'
import { CompiledModel } from '../../src/engine/model/compiled.ts'
import {
  activation,
  averagePooling2d,
  conv2d,
  dense,
  dropout,
  flatten,
  globalAveragePooling2d,
  globalMaxPooling2d,
  maxPooling2d,
  upSampling2d,
} from '../../src/engine/model/layers/public.ts'
import { fusions } from '../../src/engine/plan/fusions.ts'
import { ReferenceDevice } from '../../src/engine/reference/device.ts'
import type { Checkpoint } from '../../src/engine/training/checkpoint.ts'
import type { History } from '../../src/engine/training/fit-options.ts'
import { adam, type Optimizer, sgd } from '../../src/engine/training/optimizers.ts'
import { describeTrainingStep } from '../../src/engine/training/step-plan.ts'
import { readReference } from '../reference-files.ts'
import { largestError, tensorOf } from '../reference-tensors.ts'

const tutorial = () => sequential({ inputShape: [28, 28, 1], seed: 1 }, tutorialArchitecture(1).layers)

/** Images of 6x6 whose class is the quadrant that is bright: learnt in a few epochs. */
function quadrants(count: number) {
  const data = new Float32Array(count * 36)
  const labels = Int32Array.from({ length: count }, (_, n) => n % 4)
  labels.forEach((label, n) => {
    for (let y = 0; y < 6; y++)
      for (let x = 0; x < 6; x++) {
        const inside = y >= 3 === label >= 2 && x >= 3 === (label % 2 === 1)
        data[n * 36 + y * 6 + x] = (inside ? 0.8 : 0.1) + 0.1 * Math.sin(n * 7 + y * 3 + x)
      }
  })
  return { samples: { data, shape: [count, 6, 6, 1] }, labels }
}

const small = (seed = 3) =>
  sequential({ inputShape: [6, 6, 1], seed }, [
    conv2d({ filters: 4, kernelSize: 3, padding: 'same', activation: 'relu' }),
    maxPooling2d(),
    flatten(),
    dropout({ rate: 0.2 }),
    dense({ units: 4, activation: 'softmax' }),
  ])

describe('sequential', () => {
  it('makes its network itself: none is taken from outside, where nothing would check it', () => {
    const model = small()
    const other = { ...model.network, parameters: [] }
    const made: Sequential = Reflect.construct(Sequential, [
      { inputShape: [6, 6, 1], seed: 3 },
      model.descriptions,
      other,
    ])
    expect(made.weights).toEqual(model.weights)
    expect(() => Reflect.construct(Sequential, [{ network: other }])).toThrow(ArgumentError)
  })

  it("prints Keras's summary", () => {
    expect(tutorial().summary()).toMatchInlineSnapshot(`
      "Model: "sequential"
      _________________________________________________________________
      Layer (type)                 Output Shape              Param #   
      =================================================================
      conv2d (Conv2D)              (None, 28, 28, 48)        480       
      _________________________________________________________________
      conv2d_1 (Conv2D)            (None, 28, 28, 32)        13856     
      _________________________________________________________________
      conv2d_2 (Conv2D)            (None, 28, 28, 16)        4624      
      _________________________________________________________________
      flatten (Flatten)            (None, 12544)             0         
      _________________________________________________________________
      dense (Dense)                (None, 10)                125450    
      =================================================================
      Total params: 144,410
      Trainable params: 144,410
      Non-trainable params: 0
      _________________________________________________________________"
    `)
  })

  it("starts with Glorot's uniform kernels and zero biases, the same for the same seed", () => {
    const [model, same, other] = [
      tutorial(),
      tutorial(),
      sequential({ inputShape: [28, 28, 1], seed: 2 }, tutorialArchitecture(2).layers),
    ]
    const kernel = (of: typeof model) => of.weights[2].data
    expect(kernel(same)).toEqual(kernel(model))
    expect(kernel(other)).not.toEqual(kernel(model))
    const limit = Math.sqrt(6 / (9 * 48 + 9 * 32))
    const largest = kernel(model).reduce((most, value) => Math.max(most, Math.abs(value)), 0)
    expect(largest).toBeLessThanOrEqual(limit)
    expect(largest).toBeGreaterThan(0.99 * limit)
    const variance = kernel(model).reduce((sum, value) => sum + value * value, 0) / kernel(model).length
    expect(variance / (limit * limit)).toBeCloseTo(1 / 3, 1)
    expect(model.weights[3].data.every((value) => value === 0)).toBe(true)
  })

  it('refuses layers that do not fit, by name and shape', () => {
    const build = (...layers: Parameters<typeof sequential>[1]) => sequential({ inputShape: [8, 8, 1] }, layers)
    expect(() => build(flatten(), conv2d({ filters: 2, kernelSize: 3 }))).toThrow(
      new ShapeError('conv2d (layer 2): expected images [H,W,C], got [64]'),
    )
    expect(() => build(conv2d({ filters: 2, kernelSize: 9 }))).toThrow(ShapeError)
    expect(() => build(conv2d({ filters: 0, kernelSize: 3 }))).toThrow(ArgumentError)
    expect(() => build(dropout({ rate: 1 }))).toThrow(ArgumentError)
    expect(() => build(activation('swoosh' as 'relu'))).toThrow(
      /activation \(layer 1\): activation must be 'linear', 'relu', .* not "swoosh"/,
    )
    expect(() => sequential({ inputShape: [0, 8, 1] }, [])).toThrow(ShapeError)
  })

  it('pools and averages as its layers say', async () => {
    const model = sequential({ inputShape: [4, 4, 1] }, [averagePooling2d(), maxPooling2d(), flatten()])
    const device = new ReferenceDevice()
    await model.compile({ device })
    const data = Float32Array.from({ length: 16 }, (_, i) => i)
    expect([...(await model.predict({ data, shape: [1, 4, 4, 1] })).data]).toEqual([12.5])
  })
})

describe('pooling of whole images, and larger images', () => {
  const build = (...layers: Parameters<typeof sequential>[1]) => sequential({ inputShape: [2, 3, 2] }, layers)
  const predicted = async (...layers: Parameters<typeof sequential>[1]) => {
    const model = build(...layers)
    await model.compile({ device: new ReferenceDevice() })
    const { data, shape } = await model.predict({
      data: Float32Array.from({ length: 12 }, (_, i) => i),
      shape: [1, 2, 3, 2],
    })
    return { data: [...data], shape }
  }

  it('globalAveragePooling2d and globalMaxPooling2d leave a number a channel', async () => {
    expect(await predicted(globalAveragePooling2d())).toEqual({ data: [5, 6], shape: [1, 2] })
    expect(await predicted(globalMaxPooling2d())).toEqual({ data: [10, 11], shape: [1, 2] })
    expect(await predicted(globalMaxPooling2d({ keepDims: true }), flatten())).toEqual({
      data: [10, 11],
      shape: [1, 2],
    })
    const kept = build(globalAveragePooling2d({ keepDims: true }))
    expect(kept.summary()).toContain('global_average_pooling2d (Gl ')
    expect(kept.outputShape).toEqual([1, 1, 2])
    expect(() => build(flatten(), globalMaxPooling2d())).toThrow(
      new ShapeError('globalMaxPooling2d (layer 2): expected images [H,W,C], got [12]'),
    )
  })

  it('upSampling2d repeats pixels, or goes from one to the next', async () => {
    const first = [0, 1, 0, 1, 2, 3, 2, 3, 4, 5, 4, 5]
    const second = [6, 7, 6, 7, 8, 9, 8, 9, 10, 11, 10, 11]
    expect(await predicted(upSampling2d(), flatten())).toEqual({
      data: [...first, ...first, ...second, ...second],
      shape: [1, 48],
    })
    // Columns at -1/4, 1/4, 3/4, …: half-pixel centres, as Keras has them.
    const { data } = await predicted(upSampling2d({ size: [1, 2], interpolation: 'bilinear' }), flatten())
    expect(data.slice(0, 12)).toEqual([0, 1, 0.5, 1.5, 1.5, 2.5, 2.5, 3.5, 3.5, 4.5, 4, 5])
    expect(() => build(upSampling2d({ size: 0 }))).toThrow(ArgumentError)
    expect(() => build(upSampling2d({ interpolation: 'cubic' as 'nearest' }))).toThrow(
      /interpolation must be 'nearest' or 'bilinear', not "cubic"/,
    )
  })
})

describe('fit', () => {
  it.each([
    ['adam', adam({ learningRate: 0.02 })],
    ['sgd with momentum', sgd({ learningRate: 0.1, momentum: 0.9 })],
  ])('learns with %s, and evaluate agrees with predict', async (_name, optimizer) => {
    const device = new CpuDevice()
    const model = small()
    await model.compile({ device, optimizer, loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] })
    const { samples, labels } = quadrants(100)
    const history = await model.fit(samples, labels, { batchSize: 16, epochs: 12, validationData: [samples, labels] })
    expect(history.epochs).toHaveLength(12)
    expect(history.epochs[11].loss).toBeLessThan(history.epochs[0].loss / 2)
    const { loss, accuracy } = await model.evaluate(samples, labels)
    expect(accuracy).toBe(1)
    expect(history.epochs[11]).toMatchObject({ valAccuracy: accuracy, valLoss: loss })
    const { data } = await model.predict(samples)
    const expected = labels.reduce((sum, label, n) => sum - Math.log(data[n * 4 + label]), 0) / 100
    expect(loss).toBeCloseTo(expected, 5)
    device.dispose()
  })

  it('gives the same weights for the same seed, and others for another', async () => {
    const { samples, labels } = quadrants(40)
    const train = async (seed: number) => {
      const model = small(seed)
      await model.compile({ device: new CpuDevice(), optimizer: adam(), metrics: ['accuracy'] })
      await model.fit(samples, labels, { batchSize: 16, epochs: 2 })
      return model.weights.map(({ data }) => data)
    }
    const first = await train(7)
    expect(await train(7)).toEqual(first)
    expect(await train(8)).not.toEqual(first)
  })

  it.each([
    ['adam', () => adam({ learningRate: 0.02 })],
    ['sgd with momentum', () => sgd({ learningRate: 0.1, momentum: 0.9 })],
  ])(
    'goes on from a checkpoint with %s as if nothing had come between, in the middle of an epoch too',
    async (_name, optimizer) => {
      const { samples, labels } = quadrants(40)
      const begin = async () => {
        const model = small(7)
        await model.compile({ device: new CpuDevice(), optimizer: optimizer(), metrics: ['accuracy'] })
        return model
      }
      const options = { batchSize: 16, epochs: 3, validationData: [samples, labels] } as const
      const whole = await begin()
      const log = await whole.fit(samples, labels, options)

      for (const at of [
        { epoch: 1, step: 0 },
        { epoch: 2, step: 1 },
        { epoch: 3, step: 2 },
      ]) {
        const stopped = await begin()
        const controller = new AbortController()
        const taken: Checkpoint[] = []
        const run = stopped.fit(samples, labels, {
          ...options,
          signal: controller.signal,
          beforeStep: ({ epoch, step, checkpoint }) =>
            epoch === at.epoch && step === at.step
              ? checkpoint().then((made) => {
                  taken.push(structuredClone(made))
                  controller.abort()
                })
              : undefined,
        })
        await expect(run).rejects.toThrow(/abort/)
        expect(taken).toMatchObject([at])
        // Its own last weights do not matter, nor does what it learned since: everything is in the checkpoint.
        const resumed = await begin()
        await resumed.fit(samples, labels, { batchSize: 16 })
        const rest = await resumed.fit(samples, labels, { ...options, from: taken[0] })
        expect(resumed.weights.map(({ data }) => data)).toEqual(whole.weights.map(({ data }) => data))
        const numbers = ({ epochs }: History) =>
          epochs.map(({ epoch, loss, accuracy, valLoss, valAccuracy }) => [epoch, loss, accuracy, valLoss, valAccuracy])
        expect(numbers(rest)).toEqual(numbers(log).slice(at.epoch - 1))
      }
    },
  )

  it('pauses before a step for as long as it is told to, having told all it knows', async () => {
    const { samples, labels } = quadrants(40)
    const model = small()
    await model.compile({ device: new CpuDevice(), optimizer: adam(), metrics: ['accuracy'] })
    const told: number[] = []
    let goOn = () => {}
    let atPause: (() => void) | null = null
    const paused = new Promise<void>((resolve) => {
      atPause = resolve
    })
    const run = model.fit(samples, labels, {
      batchSize: 16,
      onBatchEnd: ({ step }) => told.push(step),
      beforeStep: ({ step }) => {
        if (step !== 2) return undefined
        return new Promise((resolve) => {
          goOn = resolve
          setTimeout(() => atPause?.(), 50)
        })
      },
    })
    await paused
    expect(told).toEqual([1, 2])
    // The model is of use meanwhile, as it is after these steps.
    const { data } = await model.predict(samples)
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect((await model.predict(samples)).data).toEqual(data)
    expect(told).toEqual([1, 2])
    goOn()
    const { epochs } = await run
    expect(told).toEqual([1, 2, 3])
    expect((await model.predict(samples)).data).not.toEqual(data)
    // The pause is not a step's time.
    expect(epochs[0].msPerStep * 3).toBeLessThan(epochs[0].seconds * 1000 + 1)
  })

  it('refuses a checkpoint of another network or optimizer', async () => {
    const { samples, labels } = quadrants(40)
    const checkpointOf = async (model: Sequential, optimizer: Optimizer) => {
      const taken: Checkpoint[] = []
      await model.compile({ device: new CpuDevice(), optimizer, metrics: ['accuracy'] })
      await model.fit(samples, labels, {
        batchSize: 40,
        beforeStep: ({ checkpoint }) => checkpoint().then((made) => void taken.push(made)),
      })
      return taken[0]
    }
    const model = small()
    await model.compile({ device: new CpuDevice(), optimizer: adam(), metrics: ['accuracy'] })
    const before = model.weights.map(({ data }) => data.slice())
    const other = sequential({ inputShape: [6, 6, 1] }, [flatten(), dense({ units: 4, activation: 'softmax' })])
    const from = await checkpointOf(other, adam())
    await expect(model.fit(samples, labels, { from })).rejects.toThrow(ShapeError)
    const bySgd = await checkpointOf(small(), sgd())
    await expect(model.fit(samples, labels, { from: bySgd })).rejects.toThrow(
      /made with the optimizer {"optimizer":"sgd".* compiled with {"optimizer":"adam"/,
    )
    const { optimizer: _, ...unnamed } = bySgd
    await expect(model.fit(samples, labels, { from: unnamed })).rejects.toThrow(/optimizer arrays/)
    expect(model.weights.map(({ data }) => data)).toEqual(before)
  })

  it('reports batches whose means are those of the epoch', async () => {
    const { samples, labels } = quadrants(40)
    const model = small()
    await model.compile({ device: new CpuDevice(), optimizer: adam(), metrics: ['accuracy'] })
    const sizes = [16, 16, 8]
    const losses: number[] = []
    const { epochs } = await model.fit(samples, labels, {
      batchSize: 16,
      onBatchEnd: ({ batchLoss, step, steps }) => {
        losses.push(batchLoss)
        expect(step).toBe(losses.length)
        expect(steps).toBe(3)
      },
    })
    expect(losses).toHaveLength(3)
    expect(epochs[0].loss).toBeCloseTo(
      losses.reduce((sum, loss, i) => sum + (loss * sizes[i]) / 40, 0),
      6,
    )
  })

  it('stops at an abort, keeps what it learnt, and goes on at the next call', async () => {
    const { samples, labels } = quadrants(64)
    const model = small()
    const before = model.weights[0].data.slice()
    await model.compile({ device: new CpuDevice(), optimizer: adam(), metrics: ['accuracy'] })
    const controller = new AbortController()
    const reason = new Error('enough')
    let steps = 0
    const run = model.fit(samples, labels, {
      batchSize: 4,
      epochs: 100,
      signal: controller.signal,
      onBatchEnd: () => {
        if (++steps === 5) controller.abort(reason)
      },
    })
    await expect(run).rejects.toBe(reason)
    expect(steps).toBeLessThan(64)
    expect(model.weights[0].data).not.toEqual(before)
    const { epochs } = await model.fit(samples, labels, { batchSize: 16 })
    expect(epochs).toHaveLength(1)
  })

  it('streams batches when the data set is larger than the device takes, with the same result', async () => {
    const { samples, labels } = quadrants(40)
    const train = async (limit: number) => {
      const device = Object.defineProperty(new CpuDevice(), 'maxBlockBytes', { value: limit })
      const model = small()
      await model.compile({ device, optimizer: adam(), metrics: ['accuracy'] })
      await model.fit(samples, labels, { batchSize: 16, epochs: 2 })
      return model.weights.map(({ data }) => data)
    }
    expect(await train(1000)).toEqual(await train(2 ** 31))
  })

  it('takes no more memory for a thousand steps than for ten', async () => {
    const { samples, labels } = quadrants(16)
    const device = new CpuDevice()
    const model = small()
    await model.compile({ device, optimizer: adam(), metrics: ['accuracy'] })
    await model.fit(samples, labels, { batchSize: 4, epochs: 3 })
    const bytes = device.memoryBytes
    await model.fit(samples, labels, { batchSize: 4, epochs: 250 })
    expect(device.memoryBytes).toBe(bytes)
  })

  it('refuses data and options that do not fit', async () => {
    const { samples, labels } = quadrants(8)
    const model = small()
    await expect(model.fit(samples, labels)).rejects.toThrow(/call `await model.compile/)
    await model.compile({ device: new ReferenceDevice() })
    await expect(model.fit(samples, labels)).rejects.toThrow(LimelightError)
    await model.compile({ device: new ReferenceDevice(), optimizer: adam(), metrics: ['accuracy'] })
    await expect(model.fit({ data: samples.data, shape: [8, 36] }, labels)).rejects.toThrow(ShapeError)
    await expect(model.fit(samples, labels.subarray(1))).rejects.toThrow(ShapeError)
    await expect(
      model.fit(
        samples,
        labels.map(() => 4),
      ),
    ).rejects.toThrow(new ArgumentError('fit: label 4 of sample 0 is not one of 0..3'))
    await expect(model.fit(samples, labels, { batchSize: 0 })).rejects.toThrow(ArgumentError)
    expect(() => adam({ learningRate: -1 })).toThrow(ArgumentError)
    const open = sequential({ inputShape: [6, 6, 1] }, [flatten(), dense({ units: 4 })])
    await open.compile({ device: new ReferenceDevice(), optimizer: adam(), metrics: ['accuracy'] })
    await expect(open.fit(samples, labels)).rejects.toThrow(/must have the activation softmax/)
  })
})

describe('plans', () => {
  it('a training step of the tutorial: relu, bias and masks fused, one Adam, the loss with its gradient', () => {
    const device = new CpuDevice()
    const compiled = new CompiledModel(tutorial().network, device)
    const samples = { data: new Uint8Array(60_000 * 784), shape: [60_000, 28, 28, 1], scale: 1 / 255 }
    expect(describeTrainingStep(compiled, adam(), samples, 256, { metrics: ['accuracy'] })).toMatchSnapshot()
  })

  it('the same with every fusion there is: no sum or mean is a step of its own', () => {
    const device = new Proxy(new CpuDevice(), {
      get: (target, name) => (name === 'fusions' ? new Set(fusions) : Reflect.get(target, name, target)),
    })
    const compiled = new CompiledModel(tutorial().network, device)
    const samples = { data: new Uint8Array(60_000 * 784), shape: [60_000, 28, 28, 1], scale: 1 / 255 }
    expect(describeTrainingStep(compiled, adam(), samples, 256, { metrics: ['accuracy'] })).toMatchSnapshot()
  })

  it('a forward pass of the tutorial: five steps, one a layer and the softmax', () => {
    const compiled = new CompiledModel(tutorial().network, new CpuDevice())
    expect(compiled.describe(32)).toMatchSnapshot()
  })
})

describe('model files', () => {
  it('take weights that other programs wrote, given the architecture', () => {
    const { tensors } = readReference('model.safetensors')
    const model = modelFromBytes(formatSafetensors(tensors), tutorialArchitecture(0))
    expect(model.weights).toHaveLength(tensors.size)
    for (const { name, data } of model.weights) expect(data).toEqual(tensors.get(name)?.data)
  })

  const bytes = () => modelToBytes(small())

  it('bring back layers, weights and metadata', () => {
    const model = small()
    model.metadata = { note: 'kept' }
    const copy = modelFromBytes(modelToBytes(model))
    expect(copy.architecture).toEqual(model.architecture)
    expect(copy.weights).toEqual(model.weights)
    expect(copy.metadata).toEqual({ note: 'kept' })
    expect(modelToBytes(copy)).toEqual(modelToBytes(model))
  })

  it('are refused when truncated at any place', () => {
    const whole = bytes()
    for (let length = 0; length < whole.length; length += 97)
      expect(() => modelFromBytes(whole.subarray(0, length)), `${length} bytes`).toThrow(FormatError)
  })

  it('are refused when the architecture is missing, hostile, or does not fit the weights', () => {
    const { tensors } = parseSafetensors(bytes())
    const withArchitecture = (text: string) => () => modelFromBytes(formatSafetensors(tensors, { architecture: text }))
    const layers = small().descriptions
    expect(() => modelFromBytes(formatSafetensors(tensors))).toThrow(/weights alone .* without the network/)
    expect(withArchitecture('{')).toThrow(/is not JSON/)
    expect(withArchitecture('{"layers": 3}')).toThrow(FormatError)
    expect(withArchitecture(JSON.stringify({ inputShape: [6, 6, 1], layers: [{ layer: 'lambda' }] }))).toThrow(
      FormatError,
    )
    expect(withArchitecture(JSON.stringify({ inputShape: [8, 6, 1], layers }))).toThrow(FormatError)
    expect(withArchitecture(JSON.stringify({ inputShape: [6, 6, 1e9], layers }))).toThrow(FormatError)
    const huge = [conv2d({ filters: 1e9, kernelSize: 1e4 })]
    expect(withArchitecture(JSON.stringify({ inputShape: [6, 6, 1], layers: huge }))).toThrow(FormatError)
    const wide = [conv2d({ filters: 4, kernelSize: 2e5, padding: 'same' })]
    expect(withArchitecture(JSON.stringify({ inputShape: [6, 6, 1], layers: wide }))).toThrow(FormatError)
  })

  it.each([
    { kernelSize: null },
    { kernelSize: true },
    { kernelSize: {} },
    { kernelSize: undefined },
    { kernelSize: [3, 3, 3] },
    { kernelSize: 'x' },
    { strides: true },
    { strides: {} },
    { strides: 0 },
    { padding: 'x' },
    { padding: 1e9 },
    { filters: '4' },
    { activation: 'toString' },
    { activation: 3 },
  ])('are refused when a layer is nonsense: %o', (nonsense) => {
    const { tensors } = parseSafetensors(bytes())
    const [first, ...rest] = small().descriptions
    const architecture = { inputShape: [6, 6, 1], layers: [{ ...first, ...nonsense }, ...rest] }
    const file = formatSafetensors(tensors, { architecture: JSON.stringify(architecture) })
    expect(() => modelFromBytes(file)).toThrow(FormatError)
  })

  it('are refused when the dropout rate, a pool or the seed is nonsense', () => {
    const { tensors } = parseSafetensors(bytes())
    const refuse = (change: (architecture: { seed: unknown; layers: Record<string, unknown>[] }) => void) => {
      const architecture = {
        inputShape: [6, 6, 1],
        seed: 3 as unknown,
        layers: small().descriptions.map((layer) => ({ ...layer })),
      }
      change(architecture)
      const file = formatSafetensors(tensors, { architecture: JSON.stringify(architecture) })
      expect(() => modelFromBytes(file)).toThrow(FormatError)
    }
    refuse(({ layers }) => Object.assign(layers[1], { poolSize: true }))
    refuse(({ layers }) => Object.assign(layers[1], { poolSize: {} }))
    refuse(({ layers }) => Object.assign(layers[3], { rate: null }))
    refuse(({ layers }) => Object.assign(layers[3], { rate: [] }))
    refuse((architecture) => {
      architecture.seed = 'abc'
    })
  })

  it('are refused when a weight is missing or not finite', () => {
    const { tensors, metadata } = parseSafetensors(bytes())
    const [[name, stored]] = tensors
    const spoilt = Float32Array.from(stored.data).fill(Number.NaN, 1)
    expect(() =>
      modelFromBytes(formatSafetensors(new Map(tensors).set(name, { ...stored, data: spoilt }), metadata)),
    ).toThrow(/not finite/)
    const fewer = new Map([...tensors].slice(1))
    expect(() => modelFromBytes(formatSafetensors(fewer, metadata))).toThrow(/is missing/)
  })
})

describe('evaluation of the recorded network', () => {
  it('gives the recorded probabilities for the first test images', { timeout: 300_000 }, async () => {
    const recorded = readReference('model-eval.safetensors')
    const { loadFashionMnist } = await import('../../src/app/tasks/fashion-mnist/store.ts')
    const test = await loadFashionMnist('test')
    const model = modelFromBytes(formatSafetensors(readReference('model.safetensors').tensors), tutorialArchitecture(0))
    await model.compile({ device: new CpuDevice() })
    const samples = { data: test.images, shape: [10_000, 28, 28, 1], scale: 1 / 255 }
    const { data } = await model.predict(samples)
    const expected = tensorOf(recorded, 'probs_first256').data
    expect(largestError(data.subarray(0, 2560), expected)).toBeLessThan(2e-6)
    const predicted = Uint8Array.from({ length: 10_000 }, (_, n) => {
      const row = data.subarray(n * 10, n * 10 + 10)
      return row.indexOf(row.reduce((a, b) => Math.max(a, b)))
    })
    expect(predicted).toEqual(tensorOf(recorded, 'predicted').data)
  })
})
