import { expect, it } from 'vitest'
import { add, mul, relu } from '../../../src/engine/ops/elementwise.ts'
import { matmul } from '../../../src/engine/ops/matmul.ts'
import { fuse } from '../../../src/engine/plan/fuse.ts'
import { changesSince, stepLabels, whatStaysAlone } from '../../../src/engine/plan/fusion-report.ts'
import { trace } from '../../../src/engine/plan/trace.ts'
import { Input, type Tensor } from '../../../src/engine/tensor.ts'

const [x, w, bias] = [new Input('x', [2, 3]), new Input('w', [3, 4]), new Input('bias', [4])]

/** What is told of a graph after the rewrites that add a bias and take what is positive. */
function toldOf(outputs: Readonly<Record<string, Tensor>>): { readonly changes: string; readonly alone: string } {
  const traced = trace({ outputs })
  const before = stepLabels(traced)
  const fused = fuse(traced, new Set(['bias', 'relu']))
  return { changes: changesSince(before, fused), alone: whatStaysAlone(fused) }
}

it('says what steps became', () => {
  const { changes, alone } = toldOf({ y: relu(add(matmul(x, w), bias)) })
  expect(changes).toBe('matmul -> [2,4], add -> [2,4], relu -> [2,4]  became  matmul+bias+relu -> [2,4]')
  expect(alone).toBe('no small step is left')
})

it('says why a small step stays: its producer has other readers, or is none, or there is none', () => {
  const product = matmul(x, w)
  expect(toldOf({ y: add(product, bias), z: product }).alone).toBe(
    'add -> [2,4] stays: others read what matmul makes, too',
  )
  expect(toldOf({ y: relu(mul(x, x)) }).alone).toBe(
    'mul -> [2,3] stays: it reads what no step makes\nrelu -> [2,3] stays: mul makes what it reads, which takes nothing more',
  )
})

it('says nothing to do where nothing was', () => {
  const traced = trace({ outputs: { y: matmul(x, w) } })
  expect(changesSince(stepLabels(traced), traced)).toBe('nothing to do')
})
