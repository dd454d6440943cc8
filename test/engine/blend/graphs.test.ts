import { afterAll, describe, expect, it } from 'vitest'
import type { BlendRequest } from '../../../src/engine/blend/blend-request.ts'
import { factoredBlend } from '../../../src/engine/blend/factored-images.ts'
import { cutAtEnding, factorOperations } from '../../../src/engine/blend/factored-operations.ts'
import { operationsBetween } from '../../../src/engine/blend/operations-between.ts'
import { predictBlended } from '../../../src/engine/blend/predict-blended.ts'
import { predictFactored } from '../../../src/engine/blend/predict-factored.ts'
import { rowsGraph } from '../../../src/engine/blend/rows-graph.ts'
import { SegmentPatterns } from '../../../src/engine/blend/segment-patterns.ts'
import { CpuDevice } from '../../../src/engine/cpu/device.ts'
import { type Model, model } from '../../../src/engine/facade/model.ts'
import { sequential } from '../../../src/engine/facade/sequential.ts'
import { CompiledModel } from '../../../src/engine/model/compiled.ts'
import { add, concatenate, input, type SymbolicTensor, subtract } from '../../../src/engine/model/graph.ts'
import {
  activation,
  averagePooling2d,
  batchNormalization,
  conv2d,
  cropping2d,
  dense,
  depthwiseConv2d,
  flatten,
  globalAveragePooling2d,
  groupNormalization,
  type LayerDescription,
  layerNormalization,
  maxPooling2d,
  permute,
  reshape,
  zeroPadding2d,
} from '../../../src/engine/model/layers/public.ts'
import type { Network } from '../../../src/engine/model/network.ts'
import { predict } from '../../../src/engine/model/predict.ts'
import { conv2d as convolve } from '../../../src/engine/ops/conv2d.ts'
import { mul, relu, sigmoid } from '../../../src/engine/ops/elementwise.ts'
import { matmul } from '../../../src/engine/ops/matmul.ts'
import { globalAveragePool } from '../../../src/engine/ops/pool.ts'
import { flatten as flat, reshape as reshapeTensor } from '../../../src/engine/ops/reshape.ts'
import { slice } from '../../../src/engine/ops/slice-and-pad.ts'
import { softmax } from '../../../src/engine/ops/softmax.ts'
import { makePlan } from '../../../src/engine/plan/plan.ts'
import { constant, Input } from '../../../src/engine/tensor.ts'
import { grid, LimeImageExplainer } from '../../../src/lime/index.ts'
import { RandomState } from '../../../src/lime/random/random-state.ts'
import { largestError } from '../../reference-tensors.ts'
import { numbers } from '../device-suite.ts'

/** Networks that are no stacks of windows: what explanations ask of them, beside plain predictions of images that exist. */

const device = new CpuDevice({ threads: 1 })
afterAll(() => device.dispose())

const inputShape = [12, 12, 3]
const image = input({ shape: inputShape })
const same = (filters: number) => conv2d({ filters, kernelSize: 3, padding: 'same' })
const head = () => [flatten(), dense({ units: 3, activation: 'softmax' })] as const

function residual(): Model {
  const stem = image.through(same(4), batchNormalization(), activation('relu'))
  const block = add([stem.through(same(4), batchNormalization(), activation('relu'), same(4)), stem])
  const joined = concatenate([block.through(activation('relu')), image])
  return model({ inputs: image, outputs: joined.through(...head()) })
}

const chain = (...layers: LayerDescription[]) => model({ inputs: image, outputs: image.through(...layers, ...head()) })

/** Moving averages and scales that a training may have left. */
function trained(network: Model): Model {
  network.weights.forEach(({ name, data, shape }, i) => {
    if (/gamma|beta|moving|bias/.test(name)) data.set(numbers(shape, i + 2))
    if (name.endsWith('moving_variance')) data.set(data.map((value) => 1.5 + value))
  })
  return network
}

const pixels = 144
const segmentCount = 9
const count = 300
const request: BlendRequest = {
  image: numbers(inputShape, 3),
  fudged: numbers(inputShape, 5),
  segments: Int32Array.from({ length: pixels }, (_, i) => Math.floor(i / 48) * 3 + Math.floor((i % 12) / 4)),
  masks: Uint8Array.from({ length: count * segmentCount }, (_, i) => (i * 7919 + (i >> 4)) % 2).fill(
    1,
    0,
    segmentCount,
  ),
  count,
  segmentCount,
}

/** The samples as images. */
function blended({ image, fudged, segments, masks, count, segmentCount }: BlendRequest) {
  const channels = inputShape[2]
  const data = new Float32Array(count * image.length)
  for (let n = 0; n < count; n++)
    for (let i = 0; i < image.length; i++) {
      const isShown = masks[n * segmentCount + segments[Math.floor(i / channels)]] === 1
      data[n * image.length + i] = (isShown ? image : fudged)[i]
    }
  return { data, shape: [count, ...inputShape] }
}

async function compared(network: Network) {
  const compiled = new CompiledModel(network, device)
  const plain = await predict(compiled, blended(request), {})
  const asked = await predictBlended(compiled, request, {})
  const shared = await predictFactored(compiled, request, {})
  compiled.dispose()
  expect(asked.shape).toEqual(plain.shape)
  const saved = shared ? plain.flops / shared.flops : 1
  return { error: largestError(asked.data, plain.data), isShared: shared !== null, saved, plain }
}

/** The blocks that today's networks are made of, and how many times less is computed for them at least. */
const blocks: Readonly<Record<string, readonly [saved: number, make: (x: SymbolicTensor) => SymbolicTensor]>> = {
  'a residual whose shortcut is a convolution with strides': [
    2.5,
    (x) => {
      const inner = x.through(
        conv2d({ filters: 8, kernelSize: 3, strides: 2, padding: 'same', activation: 'relu' }),
        same(8),
      )
      const shortcut = x.through(conv2d({ filters: 8, kernelSize: 1, strides: 2 }), batchNormalization())
      return add([inner, shortcut]).through(activation('relu'))
    },
  ],
  'a residual that sees less than its shortcut': [
    4,
    (x) => subtract([x.through(conv2d({ filters: 6, kernelSize: 1, activation: 'tanh' })), x.through(same(6))]),
  ],
  'an inverted residual: pointwise, depthwise, pointwise': [
    4,
    (x) => {
      const stem = x.through(conv2d({ filters: 4, kernelSize: 3, strides: 2, padding: 'same' }))
      const expanded = stem.through(conv2d({ filters: 24, kernelSize: 1 }), batchNormalization(), activation('relu6'))
      const deep = expanded.through(
        zeroPadding2d({ padding: 1 }),
        depthwiseConv2d({ kernelSize: 3 }),
        activation('relu6'),
      )
      return add([stem, deep.through(conv2d({ filters: 4, kernelSize: 1 }), batchNormalization())])
    },
  ],
  'branches of several windows side by side': [
    3,
    (x) => {
      const pooled = x.through(
        maxPooling2d({ poolSize: 3, strides: 1, padding: 'same' }),
        conv2d({ filters: 3, kernelSize: 1 }),
      )
      const wide = x.through(conv2d({ filters: 3, kernelSize: 5, padding: 'same', activation: 'relu' }))
      const mean = x.through(averagePooling2d({ poolSize: 2, strides: 1, padding: 'same' }))
      return concatenate([pooled, wide, mean, x])
    },
  ],
  'channels that change their places': [
    4,
    (x) => {
      const grouped = x.through(
        conv2d({ filters: 8, kernelSize: 1 }),
        reshape({ targetShape: [12, 12, 2, 4] }),
        permute({ dims: [1, 2, 4, 3] }),
      )
      return grouped.through(reshape({ targetShape: [12, 12, 8] }), conv2d({ filters: 8, kernelSize: 3, groups: 2 }))
    },
  ],
  'borders that are cut off': [
    4,
    (x) =>
      x.through(
        same(8),
        cropping2d({
          cropping: [
            [1, 2],
            [0, 3],
          ],
        }),
        same(4),
      ),
  ],
}

/** What follows blocks: a dense layer, the mean of each channel, and what is done image by image. */
const heads: Readonly<Record<string, (x: SymbolicTensor) => SymbolicTensor>> = {
  'a dense layer': (x) => x.through(...head()),
  'the mean of each channel': (x) => x.through(globalAveragePooling2d(), dense({ units: 3, activation: 'softmax' })),
  'the mean of each channel and two dense layers': (x) =>
    x.through(
      globalAveragePooling2d({ keepDims: true }),
      flatten(),
      dense({ units: 8, activation: 'relu' }),
      dense({ units: 2 }),
    ),
}

/** Layers between tensors that are drawn at random of those there are. */
function randomGraph(seed: number): Model {
  const random = new RandomState(seed)
  const oneOf = <T>(choices: readonly T[]): T => choices[random.randint(0, choices.length)]
  const tensors = [image.through(same(6), activation('relu'))]
  for (let i = 0; i < 5; i++) {
    const x = oneOf(tensors)
    const peers = tensors.filter(({ shape }) => shape[0] === x.shape[0])
    const equals = peers.filter(({ shape }) => shape[2] === x.shape[2])
    tensors.push(
      oneOf([
        () => x.through(same(6), activation(oneOf(['relu', 'tanh', 'silu']))),
        () =>
          x.through(
            batchNormalization(),
            conv2d({ filters: 6, kernelSize: 1, strides: oneOf([1, 2]), padding: 'same' }),
          ),
        () =>
          x.through(depthwiseConv2d({ kernelSize: 3, strides: oneOf([1, 2]), padding: 'same', activation: 'relu6' })),
        () => x.through(maxPooling2d({ poolSize: 3, strides: oneOf([1, 2]), padding: 'same' })),
        () => add([x, oneOf(equals)]),
        () => concatenate([oneOf(peers), x]),
      ])(),
    )
  }
  const ends = tensors.filter(({ shape }) => shape[0] === tensors[5].shape[0])
  const joined = ends.length > 1 ? concatenate(ends) : ends[0]
  return model({ inputs: image, outputs: oneOf(Object.values(heads))(joined), seed })
}

describe('predictions of blended images equal those of the images themselves', () => {
  it('of a residual network with batch norm and a concatenation', async () => {
    const { error, isShared, plain } = await compared(trained(residual()).network)
    expect(error).toBeLessThan(2e-6)
    expect(isShared).toBe(true)
    // They do differ from sample to sample.
    expect(largestError(plain.data.subarray(0, 3), plain.data.subarray(3, 6))).toBeGreaterThan(1e-3)
  })

  for (const [i, [what, [leastSaved, block]]] of Object.entries(blocks).entries()) {
    const [ending, end] = Object.entries(heads)[i % 3]
    it(`of ${what} and ${ending}, which takes ${leastSaved} times less`, async () => {
      const outputs = end(block(image.through(same(6), batchNormalization(), activation('relu'))))
      const { error, saved } = await compared(trained(model({ inputs: image, outputs, seed: 3 })).network)
      expect(error).toBeLessThan(5e-6)
      expect(saved).toBeGreaterThan(leastSaved)
    })
  }

  it('of a network that shares its front alone: several tensors are read behind the cut', async () => {
    const front = image.through(same(32), activation('relu'), conv2d({ filters: 8, kernelSize: 3, padding: 'same' }))
    const normalised = front.through(groupNormalization({ groups: 2 }), same(8))
    const outputs = add([normalised, front.through(activation('tanh'))]).through(...head())
    const { error, isShared, saved } = await compared(trained(model({ inputs: image, outputs, seed: 3 })).network)
    expect(error).toBeLessThan(5e-6)
    expect(isShared).toBe(true)
    expect(saved).toBeGreaterThan(2)
  })

  it('of a network whose channels are weighed by what the whole image shows', async () => {
    const shapes = { first: [3, 3, 3, 32], second: [3, 3, 32, 8], squeeze: [8, 4], excite: [4, 8], units: [8, 3] }
    const weights = Object.values(shapes).map((shape, i) => constant(numbers(shape, i + 2), shape))
    const squeezing: Network = {
      inputs: [{ name: 'x', shape: inputShape }],
      outputs: [{ name: 'y', shape: [3] }],
      parameters: [],
      apply([x]) {
        const [first, second, squeeze, excite, units] = weights
        const seen = relu(convolve(relu(convolve(x, first, { padding: 'same' })), second, { padding: 'same' }))
        const gates = sigmoid(matmul(relu(matmul(globalAveragePool(seen), squeeze)), excite))
        const weighed = mul(seen, reshapeTensor(gates, [x.shape[0], 1, 1, 8]))
        return { outputs: [softmax(matmul(globalAveragePool(weighed), units))], updates: [] }
      },
    }
    const { error, isShared, saved } = await compared(squeezing)
    expect(error).toBeLessThan(5e-6)
    expect(isShared).toBe(true)
    expect(saved).toBeGreaterThan(5)
  })

  it('of random graphs', async () => {
    let shared = 0
    for (let seed = 0; seed < 16; seed++) {
      const { error, isShared } = await compared(trained(randomGraph(seed)).network)
      expect(error, `seed ${seed}`).toBeLessThan(5e-6)
      if (isShared) shared++
    }
    expect(shared).toBeGreaterThan(10)
  })

  it.each<[string, boolean, LayerDescription[]]>([
    [
      'batch norms, which are local in use',
      true,
      [same(4), batchNormalization(), activation('relu'), same(3), batchNormalization()],
    ],
    ['a batch norm that comes first', true, [batchNormalization({ scale: false }), same(4), activation('tanh')]],
    ['a batch norm behind the pooling', true, [same(4), averagePooling2d(), batchNormalization({ center: false })]],
    ['a layer norm, which is of each pixel', true, [same(4), activation('relu'), layerNormalization()]],
    [
      'a dense layer over the channels of each pixel, which is a product of all rows at once',
      false,
      [same(4), dense({ units: 5, activation: 'relu' })],
    ],
    ['a group norm', false, [same(4), groupNormalization({ groups: 2 }), activation('relu')]],
  ])('of a chain with %s; shared: %s', async (_what, sharing, layers) => {
    const { error, isShared } = await compared(trained(chain(...layers)).network)
    expect(error).toBeLessThan(5e-6)
    expect(isShared).toBe(sharing)
  })

  it('of a chain with models in it, which share as their layers would', async () => {
    const eye = sequential({ inputShape }, [same(4), batchNormalization(), activation('relu')])
    const network = model({ inputs: image, outputs: image.through(eye, same(3), ...head()) })
    const { error, isShared } = await compared(trained(network).network)
    expect(error).toBeLessThan(5e-6)
    expect(isShared).toBe(true)
  })

  it('of a chain whose operations say how many images there are', async () => {
    const kernel = constant(numbers([3, 3, 3, 4], 8), [3, 3, 3, 4])
    const units = constant(numbers([8 * 8 * 4, 3], 9), [8 * 8 * 4, 3])
    const cropping: Network = {
      inputs: [{ name: 'x', shape: inputShape }],
      outputs: [{ name: 'y', shape: [3] }],
      parameters: [],
      apply([x]) {
        const middle = slice(convolve(x, kernel), { begin: [0, 1, 1], size: [x.shape[0], 8, 8, 4] })
        return { outputs: [softmax(matmul(flat(middle), units))], updates: [] }
      },
    }
    const { error, isShared } = await compared(cropping)
    expect(error).toBeLessThan(5e-6)
    expect(isShared).toBe(true)
  })
})

it('tables of a network that ends in the mean of each channel add up to the logits of every mixture', async () => {
  const small = { ...request, segments: request.segments.map((segment) => segment % 6), segmentCount: 6 }
  const stem = image.through(same(6), batchNormalization(), activation('relu'))
  const outputs = heads['the mean of each channel'](add([stem.through(same(6), activation('relu')), stem]))
  const network = trained(model({ inputs: image, outputs, seed: 4 }))
  await network.compile({ device })
  const tables = await network.tabulateBlended(small)
  if (!tables) throw new Error('there are no tables')
  const every = Uint8Array.from({ length: 64 * 6 }, (_, i) => (Math.floor(i / 6) >> (i % 6)) & 1)
  const { data } = await network.predictBlended({ ...small, masks: every, count: 64 }, { factored: false })
  for (let mask = 0; mask < 64; mask++) {
    const logits = new Float64Array(3)
    for (const { segments, values } of tables.tables) {
      const row = segments.reduce((bits, segment, j) => bits | (((mask >> segment) & 1) << j), 0)
      for (let c = 0; c < 3; c++) logits[c] += values[row * 3 + c]
    }
    const total = logits.reduce((sum, logit) => sum + Math.exp(logit), 0)
    const probabilities = logits.map((logit) => Math.exp(logit) / total)
    expect(largestError(probabilities, data.subarray(mask * 3, mask * 3 + 3))).toBeLessThan(5e-6)
  }
  network.dispose()
})

describe('rows that windows cover', () => {
  const [size, filters, samples] = [24, 128, 200]
  const widened = constant(numbers([1, 1, 3, filters], 2), [1, 1, 3, filters])
  const kernel = constant(numbers([5, 5, filters, 4], 3), [5, 5, filters, 4])
  const units = constant(numbers([size * size * 4, 3], 4), [size * size * 4, 3])
  const wide: Network = {
    inputs: [{ name: 'x', shape: [size, size, 3] }],
    outputs: [{ name: 'y', shape: [3] }],
    parameters: [],
    apply([x]) {
      const seen = relu(convolve(convolve(x, widened), kernel, { padding: 'same' }))
      return { outputs: [softmax(matmul(flat(seen), units))], updates: [] }
    },
  }
  const squares: BlendRequest = {
    image: numbers([size, size, 3], 3),
    fudged: numbers([size, size, 3], 5),
    segments: Int32Array.from(
      { length: size * size },
      (_, i) => Math.floor(i / size / 4) * 6 + Math.floor((i % size) / 4),
    ),
    masks: Uint8Array.from({ length: samples * 36 }, (_, i) => ((i * 7919) >> 3) % 2),
    count: samples,
    segmentCount: 36,
  }

  it('are gathered in parts where they are many, each in the place of the one before', () => {
    const compiled = new CompiledModel(wide, device)
    const source = new Input('x', [1, size, size, 3])
    const operations = operationsBetween(source, compiled.forward(source))
    const patterns = new SegmentPatterns(squares)
    const blend = factoredBlend(squares, source.shape.slice(1), patterns)
    const factored = factorOperations(operations, blend.images, patterns, () => Number.POSITIVE_INFINITY)
    const cut = cutAtEnding(operations, blend.images, factored)
    if (!cut) throw new Error('the network does not end in a dense layer')
    const { rows } = rowsGraph(cut, source, blend, patterns)
    const plan = makePlan(
      { outputs: Object.fromEntries([...rows].map(([at, made]) => [`rows${at}`, made])) },
      device.fusions,
    )
    const covered = cut.frontier[0].images.rows * 25 * filters * 4
    expect(covered).toBeGreaterThan(2 ** 26)
    expect(plan.largestOperandBytes).toBeLessThanOrEqual(2 ** 26)
    expect(plan.spaces.arena).toBeLessThan(1.2 * 2 ** 26)
    compiled.dispose()
  })

  it('give the same predictions then', async () => {
    const compiled = new CompiledModel(wide, device)
    const plain = await predictBlended(compiled, squares, { factored: false })
    const shared = await predictFactored(compiled, squares, {})
    if (!shared) throw new Error('nothing is shared')
    expect(largestError(shared.data, plain.data)).toBeLessThan(5e-6)
    compiled.dispose()
  })
})

const manyMasks = Uint8Array.from({ length: 200 * 12 }, (_, i) => ((i * 7919) >> 3) % 2)

it('programs of what is left for each sample are bounded, too', async () => {
  const front = image.through(same(32), activation('relu'), conv2d({ filters: 4, kernelSize: 3, padding: 'same' }))
  const outputs = front.through(groupNormalization({ groups: 2 }), ...head())
  const network = model({ inputs: image, outputs, seed: 3 })
  await network.compile({ device })
  const predict = async (rows: number, columns: number) => {
    const labels = Int32Array.from({ length: pixels }, (_, i) => {
      return Math.floor((Math.floor(i / 12) * rows) / 12) * columns + Math.floor(((i % 12) * columns) / 12)
    })
    const asked = { ...request, segments: labels, count: 200, masks: manyMasks.subarray(0, 200 * rows * columns) }
    await network.predictBlended({ ...asked, segmentCount: rows * columns })
  }
  const predictAll = async () => {
    for (const rows of [1, 2, 3, 4]) for (const columns of [1, 2, 3]) await predict(rows, columns)
  }
  await predictAll()
  const bytes = device.memoryBytes
  await predictAll()
  expect(device.memoryBytes).toBe(bytes)
  network.dispose()
})

it('a graph whose segments are noise is not shared', async () => {
  const noise = Int32Array.from({ length: pixels }, (_, i) => ((i * 7919) >> 3) % segmentCount)
  const compiled = new CompiledModel(trained(residual()).network, device)
  const few = { ...request, segments: noise, count: 20, masks: request.masks.subarray(0, 20 * segmentCount) }
  expect(await predictFactored(compiled, few, {})).toBeNull()
  compiled.dispose()
})

it('a residual network is explained as any function that predicts the same', async () => {
  const network = trained(residual())
  await network.compile({ device })
  const picture = { data: Float64Array.from(request.image, (value) => 0.5 + value / 2), shape: inputShape }
  const options = { segmentationFn: grid({ rows: 3, columns: 3 }), hideColor: 0, numSamples: 200 }
  const explain = (classifier: Parameters<LimeImageExplainer['explainInstance']>[1]) =>
    new LimeImageExplainer({ randomState: 5 }).explainInstance(picture, classifier, options)
  const own = await explain(network)
  const foreign = await explain(async ({ data, shape }) => network.predict({ data, shape }))
  const [label] = own.topLabels
  expect(foreign.topLabels).toEqual(own.topLabels)
  const sorted = (weights: readonly (readonly [number, number])[]) =>
    [...weights].sort(([a], [b]) => a - b).map(([, weight]) => weight)
  expect(largestError(sorted(own.weightsOf(label)), sorted(foreign.weightsOf(label)))).toBeLessThan(1e-5)
  network.dispose()
})
