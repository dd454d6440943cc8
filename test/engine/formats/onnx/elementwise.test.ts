import { describe, expect, it } from 'vitest'
import type { AttributeValue } from '../../../../src/engine/formats/operators/operator-graph.ts'
import { gradientOf, graphOf, node, outputsOf } from './small-graphs.ts'

/** Beside ONNX's own cases (backend.test.ts): digits, and slopes, of operators that are made of several operations. */

interface Row {
  readonly operator: string
  readonly apply: (x: number) => number
  readonly points: readonly number[]
  readonly attributes?: Readonly<Record<string, AttributeValue>>
}

const line = [-40, -3, -1, -0.3, -1e-3, 0, 1e-3, 0.2, 1, 2.5, 70]
const rows: readonly Row[] = [
  { operator: 'Atan', apply: Math.atan, points: line },
  { operator: 'Asin', apply: Math.asin, points: [-0.99, -0.5, 0, 0.1, 0.8] },
  { operator: 'Acos', apply: Math.acos, points: [-0.99, -0.5, 0, 0.1, 0.8] },
  { operator: 'Asinh', apply: Math.asinh, points: line },
  { operator: 'Acosh', apply: Math.acosh, points: [1.01, 2, 50] },
  { operator: 'Atanh', apply: Math.atanh, points: [-0.9, 0, 0.3, 0.99] },
  { operator: 'Sinh', apply: Math.sinh, points: [-3, 0, 0.4, 2] },
  { operator: 'Cosh', apply: Math.cosh, points: [-3, 0, 0.4, 2] },
  { operator: 'Tan', apply: Math.tan, points: [-1.2, 0, 0.4, 1.5] },
  { operator: 'Softsign', apply: (x) => x / (1 + Math.abs(x)), points: [-2, -0.5, 0.5, 3] },
  {
    operator: 'Celu',
    apply: (x) => Math.max(0, x) + Math.min(0, 2 * Math.expm1(x / 2)),
    points: [-5, -1, 0, 1],
    attributes: { alpha: 2 },
  },
  {
    operator: 'Swish',
    apply: (x) => x / (1 + Math.exp(-1.7 * x)),
    points: [-4, 0, 1],
    attributes: { alpha: 1.7 },
  },
  {
    operator: 'Shrink',
    apply: (x) => (x < -1 ? x + 0.5 : x > 1 ? x - 0.5 : 0),
    points: [-3, -0.5, 0.5, 2],
    attributes: { lambd: 1, bias: 0.5 },
  },
]

describe('operators of several operations', () => {
  it.each(rows)(
    '$operator has the digits and the slope of its function',
    async ({ operator, apply, points, attributes }) => {
      const graph = graphOf([node(`${operator}: x -> y`, attributes)])
      const [{ data }] = await outputsOf(graph, [points.length], points)
      const slopes = await gradientOf(graph, [points.length], points)
      points.forEach((x, i) => {
        const h = 1e-6
        const slope = (apply(x + h) - apply(x - h)) / (2 * h)
        expect(Math.abs(data[i] - apply(x)), `of ${x}`).toBeLessThanOrEqual(2e-14 * Math.max(1, Math.abs(apply(x))))
        expect(Math.abs(slopes[i] - slope), `slope at ${x}`).toBeLessThanOrEqual(1e-6 * Math.max(1, Math.abs(slope)))
      })
    },
  )

  it('the inverse functions are right at the ends of their domains', async () => {
    const [asin] = await outputsOf(graphOf([node('Asin: x -> y')]), [2], [-1, 1])
    const [acos] = await outputsOf(graphOf([node('Acos: x -> y')]), [2], [-1, 1])
    expect([...asin.data, ...acos.data]).toEqual([-Math.PI / 2, Math.PI / 2, Math.PI, 0])
  })
})

describe('whole numbers', () => {
  const ofIntegers = async (operator: string, a: readonly number[], b: readonly number[], attributes = {}) => {
    const graph = graphOf([node('Cast: x -> a', { to: 7 }), node(`${operator}: a, b -> y`, attributes)], {
      constants: { b: { type: 'integer', shape: [b.length], data: Float64Array.from(b) } },
    })
    const [{ data, type }] = await outputsOf(graph, [a.length], a)
    expect(type).toBe('integer')
    return Array.from(data, (value) => value + 0)
  }

  it('are divided as the standard has it: towards 0', async () => {
    expect(await ofIntegers('Div', [7, -7, 7, -7, 6, -6], [2, 2, -2, -2, 3, 3])).toEqual([3, -3, -3, 3, 2, -2])
  })

  it("leave rests with the divisor's sign, or with fmod the dividend's", async () => {
    const [a, b] = [
      [7, -7, 7, -7, 6],
      [3, 3, -3, -3, 3],
    ]
    expect(await ofIntegers('Mod', a, b)).toEqual([1, 2, -2, -1, 0])
    expect(await ofIntegers('Mod', a, b, { fmod: 1 })).toEqual([1, -1, 1, -1, 0])
  })

  it('have whole powers', async () => {
    expect(await ofIntegers('Pow', [2, -3, 5], [10, 3, 0])).toEqual([1024, -27, 1])
  })
})

describe('what older opsets mean', () => {
  it("a second operand's axes may begin at any axis of the first before opset 7", async () => {
    const constants = { b: { type: 'float' as const, shape: [2], data: Float64Array.of(10, 20) } }
    const old = graphOf([node('Add: x, b -> y', { broadcast: 1, axis: 0 }, 6)], { constants })
    const [{ data }] = await outputsOf(old, [2, 3], [1, 2, 3, 4, 5, 6])
    expect(Array.from(data)).toEqual([11, 12, 13, 24, 25, 26])
  })

  it('PRelu has a slope for each channel before opset 7, and broadcasts from the last axis since', async () => {
    const constants = { slope: { type: 'float' as const, shape: [2], data: Float64Array.of(0.5, 0.25) } }
    const slopes = async (version: number) => {
      const [{ data }] = await outputsOf(
        graphOf([node('PRelu: x, slope -> y', {}, version)], { constants }),
        [1, 2, 2],
        [-1, -1, -1, -1],
      )
      return Array.from(data)
    }
    expect(await slopes(6)).toEqual([-0.5, -0.5, -0.25, -0.25])
    expect(await slopes(7)).toEqual([-0.5, -0.25, -0.5, -0.25])
  })

  it('Clip has its bounds as attributes before opset 11, as inputs since, some of which may be infinite', async () => {
    const [{ data }] = await outputsOf(graphOf([node('Clip: x -> y', { min: -1, max: 2 }, 6)]), [3], [-5, 0, 5])
    expect(Array.from(data)).toEqual([-1, 0, 2])
    const constants = {
      min: { type: 'float' as const, shape: [], data: Float64Array.of(Number.NEGATIVE_INFINITY) },
      max: { type: 'float' as const, shape: [], data: Float64Array.of(2) },
    }
    const [open] = await outputsOf(graphOf([node('Clip: x, min, max -> y')], { constants }), [3], [-5e30, 0, 5])
    expect(Array.from(open.data)).toEqual([-5e30, 0, 2])
  })
})
