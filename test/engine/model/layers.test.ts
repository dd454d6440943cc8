import { describe, expect, it } from 'vitest'
import { ArgumentError, ShapeError } from '../../../src/engine/errors.ts'
import { model } from '../../../src/engine/facade/model.ts'
import { sequential } from '../../../src/engine/facade/sequential.ts'
import { concatenate, input } from '../../../src/engine/model/graph.ts'
import {
  dense,
  groupNormalization,
  type LayerDescription,
  layerNormalization,
  rescaling,
} from '../../../src/engine/model/layers/public.ts'
import { ReferenceDevice } from '../../../src/engine/reference/device.ts'
import { largestError } from '../../reference-tensors.ts'
import { numbers } from '../device-suite.ts'

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
    expect(network.network.architecture).toMatchObject({
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
