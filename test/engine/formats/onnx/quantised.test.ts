import { describe, expect, it } from 'vitest'
import { onnxOperators } from '../../../../src/engine/formats/onnx/operators.ts'
import { operatorNetwork } from '../../../../src/engine/formats/operators/operator-network.ts'
import { bytes, floats, gradientOf, graphOf, integers, node, outputsOf } from './small-graphs.ts'

/** Beside ONNX's own cases (backend.test.ts), which round: what comes of quantised networks as real numbers. */

const scalar = (value: number) => floats([], [value])
const zero = (value: number, arrays: typeof Int8Array | typeof Uint8Array) => bytes([], [value], arrays)

describe('numbers that are quantised and taken back', () => {
  const there = (zeroPoint: ReturnType<typeof zero>) =>
    graphOf([node('QuantizeLinear: x, scale, zero -> q'), node('DequantizeLinear: q, scale, zero -> y')], {
      constants: { scale: scalar(0.5), zero: zeroPoint },
    })

  it('are what they were between the limits of their type, and cut off there', async () => {
    const [{ data, type }] = await outputsOf(there(zero(0, Uint8Array)), [5], [-3, 0.1, 1.23, 127.5, 200])
    expect(type).toBe('float')
    expect(Array.from(data)).toEqual([0, 0.1, 1.23, 127.5, 127.5])
    const [signed] = await outputsOf(there(zero(-28, Int8Array)), [4], [-60, -50, 77.5, 90])
    expect(Array.from(signed.data)).toEqual([-50, -50, 77.5, 77.5])
  })

  it('have their slope between the limits, and none outside', async () => {
    expect(await gradientOf(there(zero(0, Uint8Array)), [4], [-3, 0.1, 1.23, 200])).toEqual([0, 1, 1, 0])
  })
})

it('integers that leave the graph are rounded, behind other operators too', async () => {
  const constants = { scale: scalar(0.5), zero: zero(3, Uint8Array), shape: integers(4, 1) }
  const graph = graphOf([node('QuantizeLinear: x, scale, zero -> q'), node('Reshape: q, shape -> y')], {
    constants,
    outputs: ['q', 'y'],
  })
  const [q, y] = await outputsOf(graph, [4], [0.2, 0.3, 0.75, -9])
  expect(Array.from(q.data)).toEqual([3, 4, 5, 0])
  expect(y.type).toBe('integer')
  expect(y.data[1]).toBe(4)
})

it('weights that the file quantises are rounded: known numbers are what it means to the last bit', async () => {
  const constants = {
    w: floats([3], [0.26, -0.24, 9]),
    scale: scalar(0.5),
    zero: zero(-3, Int8Array),
    big: scalar(0.01),
  }
  const graph = graphOf(
    [
      node('QuantizeLinear: w, scale, zero -> q'),
      node('DequantizeLinear: q, scale, zero -> real'),
      node('Add: x, real -> y'),
    ],
    { constants },
  )
  const [{ data }] = await outputsOf(graph, [3], [0, 0, 0])
  expect(Array.from(data)).toEqual([0.5, 0, 9])
})

it('each place of an axis, or block of places, may have its scale and zero point', async () => {
  const constants = {
    w: bytes([2, 4], [1, 2, 3, 4, 5, 6, 7, 8], Int8Array),
    scale: floats([2], [0.5, 2]),
    zero: bytes([2], [1, 5], Int8Array),
    blockScale: floats([2, 2], [1, 10, 100, 1000]),
  }
  const of = async (text: string, attributes: Record<string, number>) => {
    const graph = graphOf([node(`DequantizeLinear: w, ${text} -> real`, attributes), node('Add: x, real -> y')], {
      constants,
    })
    return Array.from((await outputsOf(graph, [2, 4], new Array(8).fill(0)))[0].data)
  }
  expect(await of('scale, zero', { axis: 0 })).toEqual([0, 0.5, 1, 1.5, 0, 2, 4, 6])
  expect(await of('blockScale', { axis: -1, block_size: 2 })).toEqual([1, 2, 30, 40, 500, 600, 7000, 8000])
})

describe('QLinearConv', () => {
  const constants = {
    xs: scalar(0.1),
    xz: zero(0, Uint8Array),
    w: bytes([2, 1, 1, 1], [3, -4], Int8Array),
    ws: floats([2], [0.5, 0.25]),
    wz: bytes([2], [1, 0], Int8Array),
    ys: scalar(1),
    yz: zero(0, Uint8Array),
    b: { type: 'integer' as const, shape: [2], data: Int32Array.of(20, 400) },
  }
  const nodes = [
    node('QuantizeLinear: x, xs, xz -> q'),
    node('QLinearConv: q, xs, xz, w, ws, wz, ys, yz, b -> r', { kernel_shape: [1, 1] }),
    node('DequantizeLinear: r, ys, yz -> y'),
  ]

  it('is a convolution of the real numbers with the real weights, cut off at its limits', async () => {
    const [{ data, shape }] = await outputsOf(graphOf(nodes, { constants }), [1, 1, 1, 3], [0.33, 2, 25])
    expect(shape).toEqual([1, 2, 1, 3])
    // y = 1 x + 20 (0.1 0.5) and y = -1 x + 400 (0.1 0.25), not below 0.
    const expected = [1.33, 3, 26, 9.67, 8, 0]
    expected.forEach((value, i) => {
      expect(data[i]).toBeCloseTo(value, 12)
    })
  })

  it('has its weights as parameters, in real numbers', () => {
    const graph = {
      ...graphOf(nodes, { constants }),
      inputs: [{ name: 'x', type: 'float' as const, shape: [null, 1, 1, 3] }],
    }
    const { parameters, isOneByOne } = operatorNetwork(graph, onnxOperators)
    expect(parameters.map(({ data }) => Array.from(data, (value) => Number(value.toFixed(6))))).toEqual([
      [1, -1],
      [1, 10],
    ])
    expect(isOneByOne).toBe(false)
  })
})

it('rows and columns of MatMulInteger may have zero points of their own', async () => {
  const constants = {
    b: bytes([2, 2], [1, 2, 3, 4], Int8Array),
    az: bytes([2], [1, 2], Uint8Array),
    bz: bytes([2], [1, 0], Int8Array),
  }
  const graph = graphOf([node('Cast: x -> a', { to: 2 }), node('MatMulInteger: a, b, az, bz -> y')], { constants })
  const [{ data, type }] = await outputsOf(graph, [2, 2], [2, 3, 4, 5])
  expect(type).toBe('integer')
  // [[1,2],[2,3]] times [[0,2],[2,4]].
  expect(Array.from(data)).toEqual([4, 10, 6, 16])
})

describe('a product that is quantised as it runs', () => {
  const graph = graphOf(
    [
      node('DynamicQuantizeLinear: x -> q, qs, qz'),
      node('MatMulInteger: q, w, qz, wz -> n'),
      node('Cast: n -> f', { to: 1 }),
      node('Mul: f, qs -> g'),
      node('Mul: g, ws -> y'),
    ],
    { constants: { w: bytes([2, 1], [7, -2], Int8Array), wz: zero(1, Int8Array), ws: scalar(0.5) } },
  )

  it('is the product of the real numbers', async () => {
    const [{ data }] = await outputsOf(graph, [2, 2], [0.3, -1.7, 2.9, 0.01])
    expect(data[0]).toBeCloseTo(0.3 * 3 + 1.7 * 1.5, 12)
    expect(data[1]).toBeCloseTo(2.9 * 3 - 0.01 * 1.5, 12)
  })

  it('has its slope, and none of the scale that cancels out', async () => {
    const slopes = await gradientOf(graph, [2, 2], [0.3, -1.7, 2.9, 0.01])
    slopes.forEach((slope, i) => {
      expect(slope).toBeCloseTo([3, -1.5, 3, -1.5][i], 12)
    })
  })

  it('is 0 of zeros', async () => {
    expect(Array.from((await outputsOf(graph, [1, 2], [0, 0]))[0].data, Math.abs)).toEqual([0])
  })
})

describe("operators that ONNX Runtime's quantiser writes", () => {
  const [scale, off, out] = [scalar(0.1), zero(10, Uint8Array), scalar(0.2)]
  const constants = {
    scale,
    off,
    out,
    none: zero(0, Uint8Array),
    signed: zero(0, Int8Array),
    w: bytes([2, 1], [2, -3], Int8Array),
    b: { type: 'integer' as const, shape: [1], data: Int32Array.of(100) },
    pair: bytes([1, 2], [30, 40], Uint8Array),
  }
  const quantise = node('QuantizeLinear: x, scale, off -> q')

  it("are the standard's on real numbers, cut off at their limits", async () => {
    const of = async (text: string, attributes = {}) => {
      const [operator, rest] = text.split(':')
      const named = node(`op:${rest} -> r`, attributes, 1)
      const nodes = [
        quantise,
        { ...named, operator: `com.microsoft.${operator}` },
        node('DequantizeLinear: r, out, none -> y'),
      ]
      const [{ data }] = await outputsOf(graphOf(nodes, { constants }), [1, 2], [1.5, -0.7])
      return Array.from(data, (value) => Number(value.toFixed(9)))
    }
    expect(await of('QLinearAdd: q, scale, off, pair, scale, off, out, none')).toEqual([3.5, 2.3])
    expect(await of('QLinearMul: q, scale, off, pair, scale, off, out, none')).toEqual([3, 0])
    expect(await of('QLinearLeakyRelu: q, scale, off, out, none', { alpha: 0.5 })).toEqual([1.5, 0])
    expect(await of('QLinearConcat: out, none, q, scale, off, pair, scale, off', { axis: 1 })).toEqual([1.5, 0, 2, 3])
    // 1.5 x 0.2 + 0.7 x 0.3 + 100 x 0.01
    expect(await of('QGemm: q, scale, off, w, scale, signed, b, out, none')).toEqual([1.51])
  })
})
