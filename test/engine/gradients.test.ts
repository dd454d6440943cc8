import { describe, expect, it } from 'vitest'
import { compute } from '../../src/engine/compute.ts'
import { GradientError, ShapeError } from '../../src/engine/errors.ts'
import { gradients } from '../../src/engine/gradients.ts'
import { exp, log, mul, square } from '../../src/engine/ops/elementwise.ts'
import { maxPool } from '../../src/engine/ops/pool.ts'
import { sum } from '../../src/engine/ops/sum-and-broadcast.ts'
import { ReferenceDevice } from '../../src/engine/reference/device.ts'
import { Input } from '../../src/engine/tensor.ts'
import { caseGraph, operationCases, relativeError } from './operation-cases.ts'

const device = new ReferenceDevice()

describe('gradients equal central differences in float64', () => {
  const h = 1e-5
  for (const problem of operationCases.filter(({ differentiable }) => differentiable.length > 0))
    it(problem.name, async () => {
      const { graph, inputs } = caseGraph(problem)
      const results = await compute(device, graph, inputs)
      const total = { outputs: { total: graph.outputs.total } }
      for (const name of problem.differentiable) {
        const values = Float64Array.from(inputs[name])
        // A sample of the elements is enough for the large inputs: every one of them takes two runs.
        const stride = Math.max(1, Math.floor(values.length / 40))
        const analytic: number[] = []
        const numeric: number[] = []
        for (let i = 0; i < values.length; i += stride) {
          const at = async (delta: number) => {
            const moved = values.slice()
            moved[i] += delta
            return (await compute(device, total, { ...inputs, [name]: moved })).total[0]
          }
          numeric.push(((await at(h)) - (await at(-h))) / (2 * h))
          analytic.push(results[`d.${name}`][i])
        }
        expect(relativeError(analytic, numeric), `gradient of ${name}`).toBeLessThanOrEqual(1e-6)
      }
    })
})

describe('gradients', () => {
  it('can be differentiated again', async () => {
    const x = new Input('x', [3])
    const [slope] = gradients(sum(exp(square(x))), [x])
    const [curvature] = gradients(sum(slope), [x])
    const values = Float64Array.of(0.3, -0.7, 1.1)
    const result = await compute(device, { outputs: { curvature } }, { x: values })
    const expected = values.map((v) => (2 + 4 * v * v) * Math.exp(v * v))
    expect(relativeError(result.curvature, expected)).toBeLessThan(1e-14)
  })

  it('adds up when a tensor is used more than once', async () => {
    const x = new Input('x', [2])
    const [slope] = gradients(sum(mul(x, log(x))), [x])
    const result = await compute(device, { outputs: { slope } }, { x: Float64Array.of(2, 5) })
    expect(relativeError(result.slope, [Math.log(2) + 1, Math.log(5) + 1])).toBeLessThan(1e-14)
  })

  it('are zero for a tensor the loss does not depend on', async () => {
    const unused = new Input('unused', [2])
    const [slope] = gradients(sum(new Input('x', [3])), [unused])
    const result = await compute(device, { outputs: { slope } })
    expect([...result.slope]).toEqual([0, 0])
  })

  it('refuse a loss of more than one number', () => {
    const x = new Input('x', [3])
    expect(() => gradients(x, [x])).toThrow(ShapeError)
  })

  it('name the operation that has none', () => {
    const x = new Input('x', [1, 4, 4, 1])
    const [slope] = gradients(sum(square(maxPool(x))), [x])
    expect(() => gradients(sum(slope), [x])).toThrow(
      new GradientError('gradients: maxPoolGradient has no gradient, and the result depends on it'),
    )
  })
})
