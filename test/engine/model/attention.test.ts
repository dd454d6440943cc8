import { describe, expect, it } from 'vitest'
import { compute } from '../../../src/engine/compute.ts'
import { CpuDevice } from '../../../src/engine/cpu/device.ts'
import { ArgumentError, ShapeError } from '../../../src/engine/errors.ts'
import { type Model, model } from '../../../src/engine/facade/model.ts'
import { modelFromBytes } from '../../../src/engine/facade/model-from-bytes.ts'
import { sequential } from '../../../src/engine/facade/sequential.ts'
import { modelToBytes } from '../../../src/engine/formats/write-model.ts'
import { CompiledModel } from '../../../src/engine/model/compiled.ts'
import { add, input, through } from '../../../src/engine/model/graph.ts'
import {
  dense,
  flatten,
  layerNormalization,
  type MultiHeadAttentionConfig,
  multiHeadAttention,
} from '../../../src/engine/model/layers/public.ts'
import { ReferenceDevice } from '../../../src/engine/reference/device.ts'
import { Input } from '../../../src/engine/tensor.ts'
import { adam } from '../../../src/engine/training/optimizers.ts'
import { largestError } from '../../reference-tensors.ts'
import { numbers } from '../device-suite.ts'
import { gradientErrors } from './layer-gradients.ts'

/** Weights that are not 0 anywhere, biases neither. */
function stirred(network: Model): Model {
  network.weights.forEach(({ data, shape }, i) => void data.set(numbers(shape, i + 2)))
  return network
}

type Sequence = readonly (readonly number[])[]

/** The formula, head by head and place by place, from weights by Keras's names. */
function attention(
  network: Model,
  { numHeads, keyDim, valueDim = keyDim, useBias = true }: MultiHeadAttentionConfig,
  [query, value, key = value]: readonly Sequence[],
): number[][] {
  const weight = (name: string) => {
    const found = network.weights.find((one) => one.name === `multi_head_attention/${name}`)
    if (!found) throw new Error(`there is no weight ${name}`)
    return found.data
  }
  const projected = (sequence: Sequence, name: string, head: number, size: number) => {
    const kernel = weight(`${name}/kernel`)
    const bias = useBias ? weight(`${name}/bias`) : null
    return sequence.map((features) =>
      Array.from({ length: size }, (_, d) =>
        features.reduce(
          (sum, feature, e) => sum + feature * kernel[(e * numHeads + head) * size + d],
          bias?.[head * size + d] ?? 0,
        ),
      ),
    )
  }
  const heads = Array.from({ length: numHeads }, (_, head) => {
    const [q, k] = [projected(query, 'query', head, keyDim), projected(key, 'key', head, keyDim)]
    const v = projected(value, 'value', head, valueDim)
    return q.map((asked) => {
      const scores = k.map((held) =>
        Math.exp(held.reduce((sum, number, d) => sum + number * asked[d], 0) / Math.sqrt(keyDim)),
      )
      const all = scores.reduce((sum, score) => sum + score, 0)
      return v[0].map((_, d) => v.reduce((sum, row, place) => sum + (scores[place] / all) * row[d], 0))
    })
  })
  const kernel = weight('attention_output/kernel')
  const bias = useBias ? weight('attention_output/bias') : null
  const units = kernel.length / (numHeads * valueDim)
  return query.map((_, place) =>
    Array.from({ length: units }, (_, unit) => {
      let sum = bias?.[unit] ?? 0
      for (let head = 0; head < numHeads; head++)
        for (let d = 0; d < valueDim; d++) sum += heads[head][place][d] * kernel[(head * valueDim + d) * units + unit]
      return sum
    }),
  )
}

const batch = 2
const samplesOf = (shape: readonly number[], seed: number) => ({
  data: numbers([batch, ...shape], seed),
  shape: [batch, ...shape],
})
/** A sample's places, whatever the shape in front of the features. */
function sequenceOf({ data, shape }: { data: Float32Array; shape: readonly number[] }, n: number): Sequence {
  const features = shape[shape.length - 1]
  const size = data.length / shape[0]
  return Array.from({ length: size / features }, (_, place) =>
    Array.from(data.subarray(n * size + place * features, n * size + (place + 1) * features)),
  )
}

describe('attention of several heads', () => {
  it.each<[string, MultiHeadAttentionConfig, Record<string, number[]>]>([
    ['a query and a value', { numHeads: 2, keyDim: 3 }, { query: [4, 5], value: [6, 5] }],
    ['a value of other features', { numHeads: 3, keyDim: 2, valueDim: 4 }, { query: [3, 4], value: [5, 2] }],
    ['a key, too', { numHeads: 2, keyDim: 2, valueDim: 1 }, { query: [2, 3], value: [4, 2], key: [4, 5] }],
    ['no biases', { numHeads: 2, keyDim: 3, useBias: false }, { query: [3, 4], value: [3, 4] }],
    ['another size of output', { numHeads: 1, keyDim: 3, outputShape: 7 }, { query: [3, 4], value: [2, 4] }],
    ['images', { numHeads: 2, keyDim: 2 }, { query: [2, 2, 3], value: [3, 1, 3] }],
  ])('of %s is the formula, in use, and its gradients are central differences', async (_what, config, shapes) => {
    const inputs = Object.entries(shapes).map(([name, shape]) => input({ name, shape }))
    const network = stirred(model({ inputs, outputs: through(inputs, multiHeadAttention(config)) }))
    const given = Object.fromEntries(Object.entries(shapes).map(([name, shape], i) => [name, samplesOf(shape, i + 1)]))
    await network.compile({ device: new ReferenceDevice() })
    const { data } = await network.predict(given)
    const expected = Array.from({ length: batch }, (_, n) =>
      attention(
        network,
        config,
        Object.values(given).map((samples) => sequenceOf(samples, n)),
      ),
    )
    expect(largestError(data, expected.flat(2))).toBeLessThan(1e-6)
    const values = Object.fromEntries(Object.entries(given).map(([name, samples]) => [name, samples.data]))
    const errors = await gradientErrors(network.network, values)
    expect(Object.keys(errors)).toHaveLength(inputs.length + network.weights.length)
    // A bias of keys shifts all scores of a query alike: softmax does not see it, and its gradient is 0.
    for (const [name, error] of Object.entries(errors))
      if (!name.endsWith('key/bias')) expect(error, name).toBeLessThanOrEqual(1e-6)
  })

  it('has the weights of Keras, in its order and shapes, and its row in the summary', () => {
    const [query, value] = [input({ name: 'query', shape: [4, 5] }), input({ name: 'value', shape: [6, 7] })]
    const layer = multiHeadAttention({ numHeads: 2, keyDim: 3, valueDim: 4 })
    const network = model({ inputs: [query, value], outputs: through([query, value], layer) })
    expect(network.weights.map(({ name, shape }) => `${name} ${shape}`)).toEqual([
      'multi_head_attention/query/kernel 5,2,3',
      'multi_head_attention/query/bias 2,3',
      'multi_head_attention/key/kernel 7,2,3',
      'multi_head_attention/key/bias 2,3',
      'multi_head_attention/value/kernel 7,2,4',
      'multi_head_attention/value/bias 2,4',
      'multi_head_attention/attention_output/kernel 2,4,5',
      'multi_head_attention/attention_output/bias 5',
    ])
    expect(network.summary()).toMatchInlineSnapshot(`
      "Model: "model"
      __________________________________________________________________________________________________
      Layer (type)                    Output Shape         Param #     Connected to                     
      ==================================================================================================
      query (InputLayer)              [(None, 4, 5)]       0                                            
      __________________________________________________________________________________________________
      value (InputLayer)              [(None, 6, 7)]       0                                            
      __________________________________________________________________________________________________
      multi_head_attention (MultiHead (None, 4, 5)         193         query[0][0]                      
                                                                       value[0][0]                      
      ==================================================================================================
      Total params: 193
      Trainable params: 193
      Non-trainable params: 0
      __________________________________________________________________________________________________"
    `)
  })

  it('of one tensor is attention of a sequence to itself, in graphs and in stacks', async () => {
    const layer = multiHeadAttention({ numHeads: 2, keyDim: 3 })
    const x = input({ shape: [4, 5] })
    const samples = samplesOf([4, 5], 3)
    const graph = stirred(model({ inputs: x, outputs: x.through(layer) }))
    const twice = stirred(model({ inputs: x, outputs: through([x, x, x], layer) }))
    const stack = stirred(sequential({ inputShape: [4, 5] }, [layer]))
    const device = new ReferenceDevice()
    const expected = [0, 1].flatMap((n) => attention(graph, layer, [sequenceOf(samples, n), sequenceOf(samples, n)]))
    for (const one of [graph, twice, stack]) {
      await one.compile({ device })
      expect(largestError((await one.predict(samples)).data, expected.flat())).toBeLessThan(1e-6)
    }
  })

  it('drops attention in training only, anew with each step, and leaves its mean as it is', async () => {
    const build = (dropout: number) =>
      stirred(sequential({ inputShape: [4, 5] }, [multiHeadAttention({ numHeads: 2, keyDim: 3, dropout })]))
    const device = new ReferenceDevice()
    const samples = samplesOf([4, 5], 3)
    const made = async (network: Model, step: number | null) => {
      const compiled = new CompiledModel(network.network, device)
      const position = new Input('position', [1], 'i32')
      const y = compiled.apply([new Input('x', samples.shape)], { training: step !== null, position }).outputs[0]
      const blocks = { parameters: compiled.parameterMemory }
      const given = { x: samples.data, position: Int32Array.of(step ?? 0) }
      return (await compute(device, { outputs: { y } }, given, blocks)).y
    }
    const [dropping, plain] = [build(0.5), build(0)]
    const inUse = await made(plain, null)
    expect(await made(dropping, null)).toEqual(inUse)
    const steps = 400
    const seen = await Promise.all(Array.from({ length: steps }, (_, step) => made(dropping, step)))
    expect(seen[1]).not.toEqual(seen[2])
    inUse.forEach((value, i) => {
      const own = seen.map((y) => y[i])
      const mean = own.reduce((sum, one) => sum + one, 0) / steps
      const deviation = Math.sqrt(own.reduce((sum, one) => sum + (one - mean) ** 2, 0) / steps)
      expect(deviation).toBeGreaterThan(0)
      expect(Math.abs(mean - value)).toBeLessThan((5 * deviation) / Math.sqrt(steps))
    })
    for (const [name, error] of Object.entries(await gradientErrors(dropping.network, { x: samples.data })))
      if (!name.endsWith('key/bias')) expect(error, name).toBeLessThanOrEqual(1e-6)
  })

  it('learns, the same on every device, and is saved and loaded', async () => {
    const image = input({ shape: [4, 4, 2], name: 'image' })
    const patches = image.through({ layer: 'reshape', targetShape: [8, 4] }, dense({ units: 6 }))
    const seen = patches.through(layerNormalization(), multiHeadAttention({ numHeads: 2, keyDim: 3, dropout: 0.1 }))
    const outputs = add([patches, seen]).through(flatten(), dense({ units: 2, activation: 'softmax' }))
    const data = numbers([12, 4, 4, 2], 5)
    const samples = { data, shape: [12, 4, 4, 2] }
    const labels = Array.from({ length: 12 }, (_, n) => (data[n * 32] > 0 ? 1 : 0))
    const [cpu, reference] = [new CpuDevice({ threads: 1 }), new ReferenceDevice()]
    const trained: Model[] = []
    for (const device of [cpu, reference]) {
      const network = model({ inputs: image, outputs, seed: 4 })
      await network.compile({ device, optimizer: adam({ learningRate: 0.01 }) })
      const { epochs } = await network.fit(samples, labels, { batchSize: 6, epochs: 12 })
      expect(epochs[11].loss).toBeLessThan(0.7 * epochs[0].loss)
      trained.push(network)
    }
    const [ours, oracle] = trained
    for (const [i, { name, data }] of ours.weights.entries())
      if (!name.endsWith('key/bias')) expect(largestError(data, oracle.weights[i].data), name).toBeLessThan(2e-3)
    const loaded = modelFromBytes(modelToBytes(ours))
    expect(loaded.weights).toEqual(ours.weights)
    await loaded.compile({ device: cpu })
    expect(await loaded.predict(samples)).toEqual(await ours.predict(samples))
    cpu.dispose()
  })

  it('refuses what is no sequence, keys of another length, and too many tensors', () => {
    const layer = multiHeadAttention({ numHeads: 2, keyDim: 3 })
    const [a, b, flat] = [input({ shape: [4, 5] }), input({ shape: [3, 5] }), input({ shape: [5] })]
    expect(() => flat.through(layer)).toThrow(
      new ShapeError(
        'multiHeadAttention: expected a query, a value and maybe a key, sequences [length, features], got [5], [5]',
      ),
    )
    expect(() => through([a, a, a, a], layer)).toThrow(ShapeError)
    expect(() => through([a, a, b], layer)).toThrow('the key [3,5] is of another length than the value [4,5]')
    expect(() => a.through(multiHeadAttention({ numHeads: 0, keyDim: 3 }))).toThrow(ArgumentError)
    expect(() => a.through(multiHeadAttention({ numHeads: 1, keyDim: 3, dropout: 1 }))).toThrow(ArgumentError)
    expect(() => a.through(multiHeadAttention({ numHeads: 1, keyDim: 3, outputShape: [2, 0] }))).toThrow(ArgumentError)
    expect(() => through([a, b], dense({ units: 2 }))).toThrow(new ShapeError('dense: expected one input, not 2'))
    expect(() => through([], layer)).toThrow(ArgumentError)
  })
})
