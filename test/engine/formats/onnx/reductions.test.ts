import { describe, expect, it } from 'vitest'
import { LimelightError, UnsupportedModelError } from '../../../../src/engine/errors.ts'
import type { HostTensor } from '../../../../src/engine/formats/operators/host-tensor.ts'
import { floats, gradientOf, graphOf, integers, node, outputsOf } from './small-graphs.ts'

/** Beside ONNX's own cases (backend.test.ts): what lies in memory in another order than the file has it, equal numbers, slopes. */

const shape = [2, 3, 4, 5]
const size = 120
const image = Array.from({ length: size }, (_, i) => Math.sin(i * 7.3) * 3)

/** A convolution that changes nothing, but leaves its images as [N,H,W,C]. */
const turned = node('Conv: x, identity -> turned', { kernel_shape: [1, 1] })
const identity = floats([3, 3, 1, 1], [1, 0, 0, 0, 1, 0, 0, 0, 1])

describe("operators along axes of images that lie as NHWC give what they give of the file's order", () => {
  it.each([
    ['ReduceSum', [1], { keepdims: 0 }],
    ['ReduceMean', [2, 3], { keepdims: 0 }],
    ['ReduceMean', [1, 3], {}],
    ['ReduceMax', [-3], { keepdims: 0 }],
    ['ReduceMin', [3], {}],
    ['ReduceProd', [1, 2], { keepdims: 0 }],
    ['ReduceL1', [1], {}],
    ['ReduceL2', [1, 2, 3], { keepdims: 0 }],
    ['ReduceLogSumExp', [1], { keepdims: 0 }],
    ['ReduceSumSquare', [], { keepdims: 0 }],
    ['ArgMax', null, { axis: 1, keepdims: 0 }],
    ['ArgMin', null, { axis: 2, select_last_index: 1 }],
    ['CumSum', 1, { reverse: 1 }],
    ['TopK', [2], { axis: 1 }],
  ] as const)('%s %j %j', async (operator, second, attributes) => {
    const known = second === null ? '' : ', second'
    const two: Record<string, HostTensor> =
      second === null
        ? {}
        : { second: typeof second === 'number' ? { ...integers(second), shape: [] } : integers(...second) }
    const outputs = operator === 'TopK' ? 'y, indices' : 'y'
    const of = (input: string) => node(`${operator}: ${input}${known} -> ${outputs}`, attributes)
    const constants = { identity, ...two }
    const [direct] = await outputsOf(graphOf([of('x')], { constants }), shape, image)
    const [through] = await outputsOf(graphOf([turned, of('turned')], { constants }), shape, image)
    expect(through.shape).toEqual(direct.shape)
    expect(through.type).toBe(direct.type)
    expect(Math.max(...direct.data.map((value, i) => Math.abs(value - through.data[i])))).toBeLessThan(1e-12)
  })
})

it('axes are an attribute in old files and an input in new ones; none are all axes, unless the node says that it does nothing then', async () => {
  const constants = { axes: integers(0), none: { ...integers(), shape: [0] } }
  const shapeOf = async (text: string, attributes = {}, version = 18) =>
    (
      await outputsOf(
        graphOf([node(text, { keepdims: 0, ...attributes }, version)], { constants }),
        [2, 3],
        [1, 2, 3, 4, 5, 6],
      )
    )[0].shape
  expect(await shapeOf('ReduceMax: x -> y', { axes: [0] }, 13)).toEqual([3])
  expect(await shapeOf('ReduceMax: x, axes -> y')).toEqual([3])
  expect(await shapeOf('ReduceMax: x, none -> y')).toEqual([])
  expect(await shapeOf('ReduceMax: x, none -> y', { noop_with_empty_axes: 1 })).toEqual([2, 3])
})

it('a length over no axes is the number without its sign', async () => {
  const graph = graphOf([node('ReduceL2: x -> y', { noop_with_empty_axes: 1 })])
  expect(Array.from((await outputsOf(graph, [2], [-3, 4]))[0].data)).toEqual([3, 4])
})

it('of equal numbers the first is found, or the last where the node says so', async () => {
  const found = async (attributes: Record<string, number>) =>
    (await outputsOf(graphOf([node('ArgMax: x -> y', { axis: 0, keepdims: 0, ...attributes })]), [4], [1, 7, 7, 2]))[0]
  expect(await found({})).toEqual({ type: 'integer', shape: [], data: Float64Array.of(1) })
  expect((await found({ select_last_index: 1 })).data[0]).toBe(2)
})

describe('TopK', () => {
  const topK = (k: number, attributes = {}) =>
    graphOf([node('TopK: x, k -> values, indices', attributes)], {
      constants: { k: integers(k) },
      outputs: ['values', 'indices'],
    })

  it('takes equal numbers in their order, and may take all', async () => {
    const [values, indices] = await outputsOf(topK(4), [1, 4], [5, 9, 9, -1])
    expect(Array.from(values.data)).toEqual([9, 9, 5, -1])
    expect(Array.from(indices.data)).toEqual([1, 2, 0, 3])
    const [least] = await outputsOf(topK(2, { largest: 0 }), [1, 4], [5, 9, 9, -1])
    expect(Array.from(least.data)).toEqual([-1, 5])
  })

  it('hands the slope to the numbers that it takes', async () => {
    expect(await gradientOf(topK(2), [1, 4], [5, 9, 9, -1], (i) => i + 1)).toEqual([0, 1, 2, 0])
  })

  it('is told as not supported where each of very many would take a search', async () => {
    await expect(outputsOf(topK(500), [1, 1000], new Array(1000).fill(0))).rejects.toThrow(UnsupportedModelError)
    await expect(outputsOf(topK(500), [1, 1000], new Array(1000).fill(0))).rejects.toThrow(
      'its k is 500; expected at most 128',
    )
  })
})

it.each(['CumSum: x, one -> y', 'TopK: x, one -> y', 'ArgMax: x -> y'])(
  'a number has no axis to look along: %s',
  async (text) => {
    const constants = { one: { ...integers(text.startsWith('TopK') ? 1 : 0), shape: [] } }
    await expect(outputsOf(graphOf([node(text, { axis: 0 })], { constants }), [], [1])).rejects.toThrow(LimelightError)
  },
)

it('CumSum and LogSumExp hand on slopes', async () => {
  const constants = { axis: { ...integers(0), shape: [] } }
  expect(await gradientOf(graphOf([node('CumSum: x, axis -> y')], { constants }), [3], [1, 2, 3])).toEqual([3, 2, 1])
  const softmax = await gradientOf(graphOf([node('ReduceLogSumExp: x -> y')]), [3], [1000, 1000, 1000 + Math.log(2)])
  softmax.forEach((slope, i) => {
    expect(slope).toBeCloseTo([0.25, 0.25, 0.5][i], 12)
  })
})
