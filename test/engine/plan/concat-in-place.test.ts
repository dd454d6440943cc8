import { expect, it } from 'vitest'
import { compute } from '../../../src/engine/compute.ts'
import { CpuDevice } from '../../../src/engine/cpu/device.ts'
import { gradients } from '../../../src/engine/gradients.ts'
import { concat } from '../../../src/engine/ops/concat.ts'
import { exp, mul, neg, square, tanh } from '../../../src/engine/ops/elementwise.ts'
import { reshape } from '../../../src/engine/ops/reshape.ts'
import { slice } from '../../../src/engine/ops/slice-and-pad.ts'
import { sum } from '../../../src/engine/ops/sum-and-broadcast.ts'
import { makePlan } from '../../../src/engine/plan/plan.ts'
import { ReferenceDevice } from '../../../src/engine/reference/device.ts'
import { align, Constant, Input, Resident, type Tensor } from '../../../src/engine/tensor.ts'
import { sgdUpdate } from '../../../src/engine/updates/sgd.ts'
import { numbers } from '../device-suite.ts'
import { relativeError } from '../operation-cases.ts'

const [cpu, reference] = [new CpuDevice({ threads: 1 }), new ReferenceDevice()]
const [a, b, c] = ['a', 'b', 'c'].map((name) => new Input(name, [64, 2]))

/** The kernels of a plan, after its results have been compared with those of a plan that moves nothing. */
async function kernelsOf(outputs: Readonly<Record<string, Tensor>>): Promise<string[]> {
  const plan = makePlan({ outputs }, cpu.fusions)
  const given = [a, b, c].filter(({ name }) => name in plan.inputs)
  const inputs = Object.fromEntries(given.map(({ name, shape }, i) => [name, numbers(shape, i + 1)]))
  const [actual, expected] = [await compute(cpu, { outputs }, inputs), await compute(reference, { outputs }, inputs)]
  for (const name of Object.keys(outputs)) expect(relativeError(actual[name], expected[name]), name).toBeLessThan(1e-6)
  return plan.steps.map(({ kernel }) => kernel)
}

it('parts are written where they belong: no step, and no byte more than the result', async () => {
  const y = square(concat([tanh(a), exp(b), neg(c)], { axis: 0 }))
  expect((await kernelsOf({ y })).toSorted()).toEqual(['exp', 'neg', 'square', 'tanh'])
  const [moved, copied] = [cpu.fusions, new Set<never>()].map((fusions) => makePlan({ outputs: { y } }, fusions))
  expect(moved.spaces.arena).toBe(3 * 512)
  expect(copied.spaces.arena).toBe(6 * 512)
})

it('the result may be an output itself', async () => {
  const y = concat([tanh(a), exp(b)], { axis: 0 })
  expect((await kernelsOf({ y })).toSorted()).toEqual(['exp', 'tanh'])
  expect(makePlan({ outputs: { y } }, cpu.fusions).spaces.arena).toBe(0)
})

it('a part under another shape, or of a fused product, is moved as well', async () => {
  const flat = (x: Tensor) => reshape(x, [128])
  expect((await kernelsOf({ y: concat([flat(tanh(a)), flat(exp(b))]) })).toSorted()).toEqual(['exp', 'tanh'])
})

it('a concatenation in another one takes no step either', async () => {
  const inner = concat([tanh(a), exp(b)], { axis: 0 })
  const y = square(concat([neg(c), inner], { axis: 0 }))
  expect((await kernelsOf({ y })).toSorted()).toEqual(['exp', 'neg', 'square', 'tanh'])
})

it('what must stay where it is is copied', async () => {
  const constant = new Constant(numbers([64, 2]), [64, 2])
  const shared = exp(c)
  const parts: Readonly<Record<string, Tensor>> = {
    'an input': a,
    'a constant': constant,
    'what another step reads': shared,
    'part of what a step writes': slice(square(concat([b, b], { axis: 0 })), { begin: [64] }),
  }
  for (const [what, part] of Object.entries(parts)) {
    const y = concat([tanh(b), part], { axis: 0 })
    const kernels = await kernelsOf({ y: mul(y, sum(shared)) })
    expect(
      kernels.filter((kernel) => kernel === 'broadcast'),
      what,
    ).toHaveLength(1)
    expect(
      makePlan({ outputs: { y } }, cpu.fusions).steps.filter(
        ({ kernel, inputs }) => kernel === 'concat' && 'part1' in inputs,
      ),
      what,
    ).toHaveLength(what.startsWith('part') ? 1 : 0)
  }
  const output = exp(c)
  expect((await kernelsOf({ output, y: concat([tanh(b), output], { axis: 0 }) })).toSorted()).toEqual([
    'broadcast',
    'exp',
    'tanh',
  ])
  const twice = tanh(a)
  const kernels = await kernelsOf({ y: concat([twice, exp(b), twice], { axis: 0 }) })
  expect(kernels.toSorted()).toEqual(['broadcast', 'broadcast', 'exp', 'tanh'])
})

it('the step stays where no part can be moved, or parts are strips, or begin where no operand may', async () => {
  expect(await kernelsOf({ y: concat([a, b], { axis: 0 }) })).toEqual(['concat'])
  expect(await kernelsOf({ y: concat([tanh(a), exp(b)], { axis: 1 }) })).toContain('concat')
  const short = slice(tanh(a), { size: [63] })
  expect(await kernelsOf({ y: concat([exp(short), exp(b)], { axis: 0 }) })).toContain('concat')
  expect(await kernelsOf({ y: concat([exp(b), exp(short)], { axis: 0 }) })).not.toContain('concat')
})

it('a parameter’s gradient that is a concatenation goes through to the flat updates', async () => {
  const size = align(64 * 4)
  const parameters = [0, 1].map((i) => new Resident('p', i * 2 * size, [128]))
  const factors = [a, b].map((input) => reshape(input, [128]))
  const halves = parameters.map((p, i) => {
    const [first, second] = [0, 64].map((begin) => slice(mul(p, factors[i]), { begin: [begin], size: [64] }))
    return sum(concat([tanh(second), exp(first)]))
  })
  const slopes = halves.flatMap((loss, i) => gradients(loss, [parameters[i]]))
  // What a gradient is a concatenation of.
  const turned = slopes.map((slope) =>
    concat([neg(slice(slope, { size: [64] })), square(slice(slope, { begin: [64] }))]),
  )
  const stepSize = new Input('stepSize', [1])
  const updates = parameters.map((p, i) => sgdUpdate(p, new Resident('v', p.offset, [128]), turned[i], stepSize, 0.5))
  const plan = makePlan({ outputs: {}, updates }, cpu.fusions)
  expect(plan.steps.filter(({ kernel }) => kernel === 'sgd')).toHaveLength(1)
  const results = await Promise.all(
    [cpu, reference].map(async (device) => {
      const blocks = { p: device.allocate('f32', 256), v: device.allocate('f32', 256) }
      device.write(blocks.p, numbers([256]))
      const program = await device.lower(makePlan({ outputs: {}, updates }, device.fusions), blocks)
      const inputs = { a: numbers([128], 2), b: numbers([128], 3), stepSize: Float32Array.of(0.1) }
      for (let run = 0; run < 2; run++) await device.run(program, inputs)
      return device.read({ memory: blocks.p, operand: { shape: [256], dtype: 'f32', offset: 0 } })
    }),
  )
  expect(relativeError(results[0], results[1])).toBeLessThan(1e-6)
})
