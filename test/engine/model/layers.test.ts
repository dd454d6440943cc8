import { describe, expect, it } from 'vitest'
import { ArgumentError, ShapeError } from '../../../src/engine/errors.ts'
import { model } from '../../../src/engine/facade/model.ts'
import { sequential } from '../../../src/engine/facade/sequential.ts'
import { concatenate, dot, input } from '../../../src/engine/model/graph.ts'
import {
  activation,
  batchNormalization,
  dense,
  gaussianDropout,
  gaussianNoise,
  groupNormalization,
  type LayerDescription,
  layerNormalization,
  normalization,
  prelu,
  randomCrop,
  rescaling,
  resizing,
  softmax,
} from '../../../src/engine/model/layers/public.ts'
import { ReferenceDevice } from '../../../src/engine/reference/device.ts'
import { largestError } from '../../reference-tensors.ts'
import { numbers } from '../device-suite.ts'
import { gradientErrors } from './layer-gradients.ts'

/** Layers by what they compute, beside plain arithmetic. */

async function outputOf(layer: LayerDescription, shape: readonly number[], data: Float32Array) {
  const network = sequential({ inputShape: shape.slice(1) }, [layer])
  network.weights.forEach(({ data, shape }, i) => void data.set(numbers(shape, i + 4)))
  await network.compile({ device: new ReferenceDevice() })
  return { y: (await network.predict({ data, shape })).data, weights: network.weights }
}

it('rescaling multiplies, then adds', async () => {
  const { y } = await outputOf(rescaling({ scale: 2 / 255, offset: -1 }), [1, 3], Float32Array.of(0, 127.5, 255))
  expect(largestError(y, [-1, 0, 1])).toBeLessThan(1e-7)
  expect(() => sequential({ inputShape: [3] }, [rescaling({} as { scale: number })])).toThrow(/scale is missing/)
})

describe('normalization', () => {
  const shape = [2, 3, 2]
  const x = numbers(shape, 3)

  it('centres and scales by what is given, for each channel or for all', async () => {
    const [mean, variance] = [
      [0.5, -1],
      [4, 0.25],
    ]
    const each = await outputOf(normalization({ mean, variance }), shape, x)
    expect(each.weights).toEqual([])
    const expected = Array.from(x, (value, i) => (value - mean[i % 2]) / Math.sqrt(variance[i % 2]))
    expect(largestError(each.y, expected)).toBeLessThan(1e-7)
    const all = await outputOf(normalization({ mean: 127.5, variance: [2] }), shape, x)
    expect(
      largestError(
        all.y,
        Array.from(x, (value) => (value - 127.5) / Math.sqrt(2)),
      ),
    ).toBeLessThan(1e-7)
    const back = await outputOf(normalization({ mean, variance, invert: true }), shape, Float32Array.from(each.y))
    expect(largestError(back.y, x)).toBeLessThan(1e-6)
  })

  it('divides by 1e-7 where there is no variance, as Keras does', async () => {
    const { y } = await outputOf(normalization({ mean: 1, variance: 0 }), [1, 2], Float32Array.of(1, 2))
    expect([...y]).toEqual([0, Math.fround(1e7)])
  })

  it('refuses numbers that are not as many as channels, and deviations that there can not be', () => {
    const build = (config: object) => () => sequential({ inputShape: [3, 2] }, [normalization(config as never)])
    expect(build({ mean: [1, 2, 3], variance: 1 })).toThrow(
      new ShapeError('normalization (layer 1): 3 numbers given as mean for samples [3,2]; expected 2, or one for all'),
    )
    expect(build({ mean: 0 })).toThrow('variance is missing')
    expect(build({ mean: 0, variance: [1, -1] })).toThrow(ArgumentError)
    expect(build({ mean: 'x', variance: 1 })).toThrow(ArgumentError)
  })
})

describe('resizing', () => {
  it('goes from centre to centre, or takes the nearest pixel, as TensorFlow does', async () => {
    const x = Float32Array.from({ length: 12 }, (_, i) => i * i)
    const at = (row: number, column: number) => x[row * 4 + column]
    const { y } = await outputOf(resizing({ height: 6, width: 2 }), [1, 3, 4, 1], x)
    const clamp = (value: number, extent: number) => Math.min(Math.max(value, 0), extent - 1)
    const expected = Array.from({ length: 12 }, (_, i) => {
      const [v, u] = [(Math.floor(i / 2) + 0.5) / 2 - 0.5, ((i % 2) + 0.5) * 2 - 0.5]
      const [top, left] = [Math.floor(v), Math.floor(u)]
      let sum = 0
      for (const [dy, dx] of [
        [0, 0],
        [0, 1],
        [1, 0],
        [1, 1],
      ])
        sum +=
          at(clamp(top + dy, 3), clamp(left + dx, 4)) * (dy ? v - top : 1 - v + top) * (dx ? u - left : 1 - u + left)
      return sum
    })
    expect(largestError(y, expected)).toBeLessThan(1e-6)
    const nearest = await outputOf(resizing({ height: 2, width: 3, interpolation: 'nearest' }), [1, 3, 4, 1], x)
    // floor((i + 0.5) · 3 / 2) and floor((i + 0.5) · 4 / 3).
    expect([...nearest.y]).toEqual([0, 2].flatMap((row) => [0, 2, 3].map((column) => at(row, column))))
  })

  it('takes images', () => {
    expect(() => sequential({ inputShape: [4] }, [resizing({ height: 2, width: 2 })])).toThrow(ShapeError)
    expect(() => sequential({ inputShape: [4, 4, 1] }, [resizing({ height: 0, width: 2 })])).toThrow(ArgumentError)
  })
})

describe('dot', () => {
  type Axes = Parameters<typeof dot>[1]['axes']
  it.each<[number[], number[], Axes, number[], boolean]>([
    [[4], [4], 1, [1], false],
    [[4], [4], -1, [1], true],
    [[3, 4], [5, 4], 2, [3, 5], false],
    [[3, 4], [5, 4], -1, [3, 5], true],
    [[4, 3], [5, 4], [1, 2], [3, 5], false],
    [[4, 3], [4], 1, [3], false],
    [[2, 3, 4], [3, 2], [2, 1], [2, 4, 2], true],
  ])('of %j and %j along %j sums products, %j; normalised: %s', async (first, second, axes, left, normalize) => {
    const inputs = [input({ shape: first, name: 'a' }), input({ shape: second, name: 'b' })]
    const network = model({ inputs, outputs: dot(inputs, { axes, normalize }) })
    expect(network.outputShape).toEqual(left)
    await network.compile({ device: new ReferenceDevice() })
    const [a, b] = [first, second].map((shape, i) => numbers([2, ...shape], i + 2))
    const { data } = await network.predict({
      a: { data: a, shape: [2, ...first] },
      b: { data: b, shape: [2, ...second] },
    })
    const given = typeof axes === 'number' ? [axes, axes] : axes
    /** Vectors along the axis, in the order of all others. */
    const vectors = (values: Float32Array, shape: number[], n: number, axis: number) => {
      const own = (axis < 0 ? axis + shape.length + 1 : axis) - 1
      const stride = shape.slice(own + 1).reduce((size, extent) => size * extent, 1)
      const size = shape.reduce((all, extent) => all * extent, 1)
      const found: number[][] = []
      for (let i = 0; i < size; i++) {
        if (Math.floor(i / stride) % shape[own] !== 0) continue
        const vector = Array.from({ length: shape[own] }, (_, k) => values[n * size + i + k * stride])
        const length = normalize ? Math.hypot(...vector) : 1
        found.push(vector.map((value) => value / length))
      }
      return found
    }
    const expected = [0, 1].flatMap((n) =>
      vectors(a, first, n, given[0]).flatMap((p) =>
        vectors(b, second, n, given[1]).map((q) => p.reduce((sum, value, k) => sum + value * q[k], 0)),
      ),
    )
    expect(largestError(data, expected)).toBeLessThan(1e-6)
    const errors = await gradientErrors(network.network, { a, b })
    for (const name of ['a', 'b']) expect(errors[name]).toBeLessThanOrEqual(1e-6)
  })

  it('refuses axes of different extents, those there are not, and other than two tensors', () => {
    const [a, b] = [input({ shape: [3, 4] }), input({ shape: [4, 5] })]
    expect(() => dot([a, b], { axes: 1 })).toThrow(
      new ShapeError('dot: expected inputs of one extent along axes 1 and 1, got [3,4], [4,5]'),
    )
    for (const axes of [0, 3, -3]) expect(() => dot([a, b], { axes })).toThrow(ShapeError)
    expect(() => dot([a, b, b], { axes: 1 })).toThrow(ShapeError)
    expect(() => dot([a, b], {} as never)).toThrow('axes is missing')
  })
})

describe('gradients of layers are central differences', () => {
  const images = [4, 5, 2]
  it.each<[string, LayerDescription, readonly number[]]>([
    ['dense of vectors', dense({ units: 3, activation: 'tanh' }), [4]],
    ['dense of images', dense({ units: 3, activation: 'softmax' }), images],
    ['softmax along rows', softmax({ axis: 1 }), [3, 4]],
    ['exponential', activation('exponential'), [5]],
    ['softsign', activation('softsign'), [5]],
    ['normalization', normalization({ mean: [1, 2], variance: [3, 4] }), images],
    ['normalization, undone', normalization({ mean: 1, variance: 3, invert: true }), images],
    ['resizing', resizing({ height: 3, width: 7 }), images],
    ['layerNormalization', layerNormalization(), [3, 4]],
    ['groupNormalization', groupNormalization({ groups: 2 }), [3, 4]],
    ['batchNormalization', batchNormalization(), [3, 4]],
    ['prelu', prelu({ sharedAxes: [1] }), [3, 4]],
    ['gaussianNoise', gaussianNoise({ stddev: 0.5 }), [3, 4]],
    ['gaussianDropout', gaussianDropout({ rate: 0.5 }), [3, 4]],
    ['randomCrop', randomCrop({ height: 3, width: 2 }), images],
  ])('%s', async (_name, layer, shape) => {
    const { network } = sequential({ inputShape: shape }, [layer])
    network.parameters.forEach(({ data, shape }, i) => void data.set(numbers(shape, i + 3)))
    const errors = await gradientErrors(network, { x: numbers([2, ...shape], 2) })
    expect(Object.keys(errors)).toHaveLength(1 + network.parameters.filter(({ trainable }) => trainable).length)
    for (const [name, error] of Object.entries(errors)) expect(error, name).toBeLessThanOrEqual(1e-6)
  })
})

it.each([[[3]], [[5, 3]], [[2, 4, 3]], [[2, 2, 2, 3]]])(
  'dense weighs the features, the last axis, of samples %j, each place by itself',
  async (sample) => {
    const shape = [2, ...sample]
    const x = numbers(shape, 2)
    const { y, weights } = await outputOf(dense({ units: 4, activation: 'softmax' }), shape, x)
    const [kernel, bias] = weights
    expect(weights.map(({ shape }) => shape)).toEqual([[3, 4], [4]])
    const expected = Array.from({ length: x.length / 3 }, (_, place) => {
      const sums = Array.from(bias.data, (start, unit) =>
        [0, 1, 2].reduce((sum, c) => sum + x[3 * place + c] * kernel.data[4 * c + unit], start),
      )
      const total = sums.reduce((sum, value) => sum + Math.exp(value), 0)
      return sums.map((value) => Math.exp(value) / total)
    })
    expect(largestError(y, expected.flat())).toBeLessThan(1e-7)
  },
)

describe('normalisations', () => {
  const shape = [2, 3, 2, 4]
  const x = numbers(shape, 2)

  /** By mean and variance of those numbers that are of one group. */
  const normalised = (
    groupOf: (i: number) => number,
    gamma: ArrayLike<number> | null,
    beta: ArrayLike<number> | null,
  ) =>
    Array.from(x, (value, i) => {
      const own = Array.from(x).filter((_, j) => groupOf(j) === groupOf(i))
      const mean = own.reduce((sum, other) => sum + other, 0) / own.length
      const variance = own.reduce((sum, other) => sum + (other - mean) ** 2, 0) / own.length
      return ((value - mean) / Math.sqrt(variance + 0.001)) * (gamma?.[i % 4] ?? 1) + (beta?.[i % 4] ?? 0)
    })

  it.each<[string, LayerDescription, (i: number) => number]>([
    ['of layers', layerNormalization(), (i) => Math.floor(i / 4)],
    ['of groups', groupNormalization({ groups: 2 }), (i) => Math.floor(i / 24) * 2 + Math.floor((i % 4) / 2)],
    ['of instances', groupNormalization({ groups: -1 }), (i) => Math.floor(i / 24) * 4 + (i % 4)],
  ])('%s learn to scale and to shift', async (_what, layer, groupOf) => {
    const { y, weights } = await outputOf(layer, shape, x)
    expect(weights.map(({ name }) => name.split('/')[1])).toEqual(['gamma', 'beta'])
    expect(largestError(y, normalised(groupOf, weights[0].data, weights[1].data))).toBeLessThan(1e-6)
  })

  it('may leave scale or shift out', async () => {
    const groupOf = (i: number) => Math.floor(i / 4)
    const centred = await outputOf(layerNormalization({ scale: false }), shape, x)
    expect(largestError(centred.y, normalised(groupOf, null, centred.weights[0].data))).toBeLessThan(1e-6)
    const scaled = await outputOf(layerNormalization({ center: false }), shape, x)
    expect(largestError(scaled.y, normalised(groupOf, scaled.weights[0].data, null))).toBeLessThan(1e-6)
    const plain = await outputOf(layerNormalization({ center: false, scale: false }), shape, x)
    expect(plain.weights).toHaveLength(0)
    expect(largestError(plain.y, normalised(groupOf, null, null))).toBeLessThan(1e-6)
  })

  it('begin with a scale of 1 and a shift of 0', () => {
    const { weights } = sequential({ inputShape: [4] }, [layerNormalization()])
    expect(weights.map(({ data }) => [...data])).toEqual([
      [1, 1, 1, 1],
      [0, 0, 0, 0],
    ])
  })

  it('of groups refuse channels that do not come out even', () => {
    expect(() => sequential({ inputShape: [4, 4, 6] }, [groupNormalization()])).toThrow(
      new ShapeError('groupNormalization (layer 1): 6 channels do not make 32 groups of as many; give it other groups'),
    )
    expect(() => sequential({ inputShape: [4] }, [groupNormalization({ groups: 0 })])).toThrow(ArgumentError)
  })
})

describe('concatenate', () => {
  const [a, b] = [input({ shape: [2, 1], name: 'a' }), input({ shape: [2, 2], name: 'b' })]

  it('puts tensors side by side, and its file keeps the axis', async () => {
    const [c, d] = [input({ shape: [1, 2], name: 'c' }), b]
    const network = model({
      inputs: [a, b, c],
      outputs: [concatenate([a, b]), concatenate([d, c], { axis: 1 }), concatenate([a, b], { axis: 2 })],
    })
    expect(network.network.outputs.map(({ shape }) => shape)).toEqual([
      [2, 3],
      [3, 2],
      [2, 3],
    ])
    await network.compile({ device: new ReferenceDevice() })
    const given = (...data: number[]) => Float32Array.from(data)
    const { data } = await network.predict({
      a: { data: given(1, 2), shape: [1, 2, 1] },
      b: { data: given(3, 4, 5, 6), shape: [1, 2, 2] },
      c: { data: given(7, 8), shape: [1, 1, 2] },
    })
    expect([...data]).toEqual([1, 3, 4, 2, 5, 6, 3, 4, 5, 6, 7, 8, 1, 3, 4, 2, 5, 6])
    expect(network.architecture).toMatchObject({
      layers: { concatenate: { layer: 'concatenate' }, concatenate_1: { layer: 'concatenate', axis: 1 } },
    })
  })

  it('refuses what differs along other axes, too, and the batch axis', () => {
    expect(() => concatenate([a, b], { axis: 1 })).toThrow(
      new ShapeError('concatenate: expected several inputs that differ along axis 1 only, got [2,1], [2,2]'),
    )
    for (const axis of [0, 3, -3]) expect(() => concatenate([a, a], { axis })).toThrow(ShapeError)
    expect(() => concatenate([a, a], { axis: 0.5 })).toThrow(ArgumentError)
  })
})
