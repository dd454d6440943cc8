import { afterAll, describe, expect, it } from 'vitest'
import type { BlendRequest } from '../../../src/engine/blend/blend-request.ts'
import { predictBlended } from '../../../src/engine/blend/predict-blended.ts'
import { predictFactored } from '../../../src/engine/blend/predict-factored.ts'
import { CpuDevice } from '../../../src/engine/cpu/device.ts'
import { type Model, model } from '../../../src/engine/facade/model.ts'
import { sequential } from '../../../src/engine/facade/sequential.ts'
import { CompiledModel } from '../../../src/engine/model/compiled.ts'
import { add, concatenate, input } from '../../../src/engine/model/graph.ts'
import {
  activation,
  averagePooling2d,
  batchNormalization,
  conv2d,
  dense,
  flatten,
  groupNormalization,
  type LayerDescription,
  layerNormalization,
} from '../../../src/engine/model/layers/public.ts'
import type { Network } from '../../../src/engine/model/network.ts'
import { predict } from '../../../src/engine/model/predict.ts'
import { conv2d as convolve } from '../../../src/engine/ops/conv2d.ts'
import { matmul } from '../../../src/engine/ops/matmul.ts'
import { flatten as flat } from '../../../src/engine/ops/reshape.ts'
import { slice } from '../../../src/engine/ops/slice-and-pad.ts'
import { softmax } from '../../../src/engine/ops/softmax.ts'
import { constant } from '../../../src/engine/tensor.ts'
import { grid, LimeImageExplainer } from '../../../src/lime/index.ts'
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
  return { error: largestError(asked.data, plain.data), isShared: shared !== null, plain }
}

describe('predictions of blended images equal those of the images themselves', () => {
  it('of a residual network with batch norm and a concatenation, densely', async () => {
    const { error, isShared, plain } = await compared(trained(residual()).network)
    expect(error).toBeLessThan(2e-6)
    expect(isShared).toBe(false)
    // They do differ from sample to sample.
    expect(largestError(plain.data.subarray(0, 3), plain.data.subarray(3, 6))).toBeGreaterThan(1e-3)
  })

  it.each<[string, boolean, LayerDescription[]]>([
    [
      'batch norms, which are local in use',
      true,
      [same(4), batchNormalization(), activation('relu'), same(3), batchNormalization()],
    ],
    ['a batch norm that comes first', true, [batchNormalization({ scale: false }), same(4), activation('tanh')]],
    ['a batch norm behind the pooling', true, [same(4), averagePooling2d(), batchNormalization({ center: false })]],
    ['a dense layer over the channels of each pixel', true, [same(4), dense({ units: 5, activation: 'relu' })]],
    ['a layer norm', false, [same(4), activation('relu'), layerNormalization()]],
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
