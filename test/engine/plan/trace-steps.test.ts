import { afterEach, describe, expect, it, vi } from 'vitest'
import { gradients } from '../../../src/engine/gradients.ts'
import { conv2d } from '../../../src/engine/ops/conv2d.ts'
import { add, relu } from '../../../src/engine/ops/elementwise.ts'
import { matmul } from '../../../src/engine/ops/matmul.ts'
import { sum } from '../../../src/engine/ops/sum-and-broadcast.ts'
import { fuse } from '../../../src/engine/plan/fuse.ts'
import { fusions } from '../../../src/engine/plan/fusions.ts'
import { trace, Value } from '../../../src/engine/plan/trace.ts'
import { sortSteps } from '../../../src/engine/plan/trace-steps.ts'
import { Input, type Tensor } from '../../../src/engine/tensor.ts'

afterEach(() => vi.restoreAllMocks())

/** A network so many layers deep, each with a bias and relu. */
function deep(layers: number): Tensor {
  let x: Tensor = new Input('x', [2, 3])
  for (let i = 0; i < layers; i++) x = relu(add(matmul(x, new Input(`k${i}`, [3, 3])), new Input(`b${i}`, [3])))
  return x
}

describe('steps of a deep graph', () => {
  it('are sorted and fused, whatever the stack holds', () => {
    const traced = trace({ outputs: { y: deep(20_000) } })
    const inOrder = [...traced.steps]
    expect(sortSteps([...traced.steps].reverse())).toEqual(inOrder)
    expect(fuse(traced, new Set(fusions)).steps).toHaveLength(20_000)
  })

  it('take twice the work to fuse where there are twice as many', () => {
    const work = (layers: number) => {
      const traced = trace({ outputs: { y: deep(layers) } })
      const roots = vi.spyOn(Value.prototype, 'root', 'get')
      fuse(traced, new Set(fusions))
      const count = roots.mock.calls.length
      roots.mockRestore()
      return count
    }
    expect(work(400) / work(200)).toBeLessThan(2.1)
  })

  it('that wait for one another are refused', () => {
    const { steps } = trace({ outputs: { y: deep(2) } })
    steps[0].inputs = { x: steps[5].outputs[0] }
    expect(() => sortSteps(steps)).toThrow('depends on its own result')
  })
})

describe('half precision', () => {
  const x = new Input('x', [1, 4, 4, 1])
  const kernel = new Input('kernel', [3, 3, 1, 2])
  const y = conv2d(x, kernel)
  const halved = (outputs: Record<string, Tensor>) =>
    fuse(trace({ outputs }), new Set(['half'])).steps.filter(({ attributes }) => attributes.half).length

  it('is for graphs without gradients only', () => {
    expect(halved({ y })).toBe(1)
    expect(halved({ y, slope: gradients(sum(y), [kernel])[0] })).toBe(0)
  })
})
