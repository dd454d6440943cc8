import { describe, expect, it } from 'vitest'
import { compute } from '../../../src/engine/compute.ts'
import { CpuDevice } from '../../../src/engine/cpu/device.ts'
import type { HostArray } from '../../../src/engine/device.ts'
import { gradients } from '../../../src/engine/gradients.ts'
import { conv2d } from '../../../src/engine/ops/conv2d.ts'
import { conv2dTranspose } from '../../../src/engine/ops/conv2d-transpose.ts'
import { depthwiseConv2d } from '../../../src/engine/ops/depthwise-conv2d.ts'
import {
  add,
  elementwise,
  hardSigmoid,
  hardSwish,
  mul,
  relu6,
  sigmoid,
  silu,
  unaryRows,
} from '../../../src/engine/ops/elementwise.ts'
import { dense, matmul } from '../../../src/engine/ops/matmul.ts'
import { globalAveragePool } from '../../../src/engine/ops/pool.ts'
import { sum } from '../../../src/engine/ops/sum-and-broadcast.ts'
import { describeStep, makePlan } from '../../../src/engine/plan/plan.ts'
import { ReferenceDevice } from '../../../src/engine/reference/device.ts'
import { Input, type Tensor } from '../../../src/engine/tensor.ts'
import { numbers } from '../device-suite.ts'
import { relativeError } from '../operation-cases.ts'

/** Activations while sums are stored: on cpu by the bits of the step that they would be. */

const cpu = new CpuDevice({ threads: 1 })
const reference = new ReferenceDevice()
const unfused = new Set([...cpu.fusions].filter((name) => name !== 'activation' && name !== 'gates'))

const shapes: Readonly<Record<string, readonly number[]>> = {
  x: [2, 7, 6, 4],
  bias: [8],
  k: [3, 3, 4, 8],
  odd: [2, 3, 4, 5],
  d: [3, 3, 4, 2],
  t: [3, 3, 8, 4],
  w: [4, 8],
  s: [8],
  shift: [8],
  expand: [1, 1, 4, 8],
  deep: [3, 3, 8, 1],
  project: [1, 1, 8, 4],
  down: [1, 1, 8, 2],
  up: [1, 1, 2, 8],
}
const given = (name: string) => new Input(name, shapes[name])
const [x, bias, k, odd, d, t, w] = Object.keys(shapes).map(given)
// Up to some 8 in a sum: where hardSwish and clip bend, too.
const inputs: Readonly<Record<string, HostArray>> = Object.fromEntries(
  Object.entries(shapes).map(([name, shape], i) => [name, numbers(shape, i + 1).map((value) => 2 * value)]),
)

/** Sums, each made by another kernel. */
const producers: readonly (readonly [string, (x: Tensor) => Tensor])[] = [
  ['by Winograd', (x) => conv2d(x, k, { padding: 'same', bias })],
  ['directly, in incomplete vectors', (x) => conv2d(x, odd, { strides: 2 })],
  ['of each channel', (x) => depthwiseConv2d(x, d, { bias })],
  ['of a transposed convolution', (x) => conv2dTranspose(x, t, { strides: 2, bias })],
  ['of a dense layer', (x) => dense(x, w, bias)],
]

function stepsOf(outputs: Record<string, Tensor>, fusions = cpu.fusions): string[] {
  return makePlan({ outputs }, fusions).steps.map((step) => describeStep(step).split(' ')[0])
}

async function run(outputs: Record<string, Tensor>, fusions = cpu.fusions) {
  const program = await cpu.lower(makePlan({ outputs }, fusions), {})
  await cpu.run(program, inputs)
  const results: Record<string, HostArray> = {}
  for (const [name, place] of Object.entries(program.outputs)) results[name] = (await cpu.read(place)).slice()
  program.dispose()
  return results
}

async function expectLikeReference(outputs: Record<string, Tensor>, tolerance = 1e-6): Promise<void> {
  const [actual, expected] = [await run(outputs), await compute(reference, { outputs }, inputs)]
  for (const name of Object.keys(outputs))
    expect(relativeError(actual[name], expected[name]), name).toBeLessThan(tolerance)
}

it.each(producers)('each row of the elementwise table is done while sums are stored, those %s', async (_, product) => {
  const names = Object.keys(unaryRows) as (keyof typeof unaryRows)[]
  const outputs = Object.fromEntries(
    names.map((name, i) => {
      const parameters = Object.keys(unaryRows[name].parameters ?? {})
      const others = Object.fromEntries(parameters.map((parameter, j) => [parameter, 0.3 + 0.5 * j]))
      // Each has sums of its own.
      return [name, elementwise(name, [product(mul(x, 1 + i / 10))], others)]
    }),
  )
  const steps = stepsOf(outputs).filter((step) => step !== 'mul')
  expect(steps).toHaveLength(names.length)
  for (const name of names)
    expect(
      steps.some((step) => step.split('+').includes(name)),
      name,
    ).toBe(true)
  expect(await run(outputs)).toEqual(await run(outputs, unfused))
})

describe('an activation', () => {
  it('comes last: of a block of a mobile network each convolution is one step', async () => {
    const [s, shift] = [given('s'), given('shift')]
    const norm = (y: Tensor) => add(mul(y, s), shift)
    const wide = relu6(norm(conv2d(x, given('expand'))))
    const deep = relu6(norm(depthwiseConv2d(wide, given('deep'), { padding: 'same' })))
    const y = add(x, conv2d(deep, given('project')))
    expect(stepsOf({ y })).toEqual(['conv2d+bias+clip+gain', 'depthwiseConv2d+bias+clip+gain', 'conv2d+residual'])
    await expectLikeReference({ y })
  })

  it('and what squeeze-and-excite multiplies by is a step of few numbers, the product one elementwise step', async () => {
    const y = silu(conv2d(x, k, { padding: 'same', bias }))
    const squeezed = globalAveragePool(y, { keepDims: true })
    const excited = silu(conv2d(squeezed, given('down')))
    const outputs = { z: mul(y, sigmoid(conv2d(excited, given('up')))) }
    const steps = stepsOf(outputs).filter((step) => !/^(sum|avgPool)/.test(step))
    expect(steps.filter((step) => step !== 'mul')).toEqual(['conv2d+bias+silu', 'conv2d+silu', 'conv2d+sigmoid'])
    await expectLikeReference(outputs)
  })

  it('stays a step where something else reads the sums: its own gradient, say', async () => {
    const y = silu(dense(x, w, bias))
    const z = sigmoid(dense(x, w))
    const [dw] = gradients(sum(add(y, z)), [w])
    expect(stepsOf({ y, z, dw })).toEqual(expect.arrayContaining(['matmul+bias', 'silu', 'matmul+sigmoid']))
    await expectLikeReference({ y, z, dw })
  })

  it('does not follow a mask, another activation, or a sum that is an output', async () => {
    const product = matmul(x, w)
    const outputs = { twice: silu(sigmoid(matmul(mul(x, 2), w))), product, after: hardSwish(product) }
    expect(stepsOf(outputs)).toEqual(expect.arrayContaining(['matmul+sigmoid', 'silu', 'matmul', 'hardSwish']))
    await expectLikeReference(outputs)
  })
})

describe('what files write out', () => {
  it('is silu and hardSwish, then part of the convolution before', async () => {
    const gated = (gate: (y: Tensor) => Tensor) => (y: Tensor) => mul(gate(y), y)
    const outputs = {
      silu: gated(sigmoid)(conv2d(x, k)),
      hardSwish: gated((y) => hardSigmoid(y))(conv2d(mul(x, 2), k)),
    }
    expect(
      stepsOf(outputs)
        .filter((step) => step !== 'mul')
        .toSorted(),
    ).toEqual(['conv2d+hardSwish', 'conv2d+silu'])
    await expectLikeReference(outputs)
  })

  it('is what it was where the line has another slope, the gate is read twice, or is of something else', async () => {
    const y = dense(x, w)
    const gate = sigmoid(y)
    const outputs = {
      steep: mul(y, hardSigmoid(y, { alpha: 0.2 })),
      twice: add(mul(y, gate), gate),
      other: mul(y, sigmoid(mul(y, 2))),
      wide: mul(sum(y, { axes: 3, keepDims: true }), sigmoid(y)),
    }
    expect(stepsOf(outputs).filter((step) => /silu|hardSwish/.test(step))).toEqual([])
    await expectLikeReference(outputs)
  })
})
